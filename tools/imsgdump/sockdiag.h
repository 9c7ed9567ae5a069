/* SPDX-License-Identifier: ISC */
/*
 * One question to sock_diag(7): what is the UNIX socket with this inode?
 */
#ifndef SOCKDIAG_H
#define SOCKDIAG_H

#include "endpoint.h"

/* A netlink socket in our network namespace; -1 with errno. */
int sockdiag_open(void);
/* In that of ns, a descriptor of /proc/PID/ns/net. */
int sockdiag_open_in(int ns);
/*
 * 1: *e (but foreign) and its type, a SOCK_*; 0: that namespace has no such
 * socket; -1 errno: not known.
 */
int sockdiag_ask(int nl, uint64_t ino, struct endpoint *e, int *type);

/* Puts the name of a UNIX socket, as the kernel has it, in its printed form. */
void sockdiag_path(char *out, size_t size, const char *name, size_t len);

#endif
