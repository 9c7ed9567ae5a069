/* SPDX-License-Identifier: ISC */
/*
 * What OpenBSD's <unistd.h> has besides.  From pledge(2) and unveil(2).
 */
#ifndef STUB_PLEDGE_H
#define STUB_PLEDGE_H

int pledge(const char *, const char *);
int unveil(const char *, const char *);

#endif
