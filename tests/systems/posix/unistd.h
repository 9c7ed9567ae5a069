/* SPDX-License-Identifier: ISC */
#ifndef STUB_UNISTD_H
#define STUB_UNISTD_H

#include <sys/types.h>

int close(int);
pid_t getpid(void);
ssize_t read(int, void *, size_t);

#endif
