/* SPDX-License-Identifier: ISC */
/*
 * Which interfaces the sources ask the system for.  Included before any
 * system header, and by nothing that a program sees.
 */
#ifndef IMSG_FEATURE_H
#define IMSG_FEATURE_H

#if defined(__linux__)
/* struct ucred and MSG_CMSG_CLOEXEC are outside POSIX.1-2008. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if defined(__GLIBC__) && !defined(__USE_GNU)
#error "a system header comes first and hides what is needed: _GNU_SOURCE"
#endif
#elif defined(__APPLE__)
/* getpeereid(), SO_NOSIGPIPE, beside a program's _POSIX_C_SOURCE. */
#ifndef _DARWIN_C_SOURCE
#define _DARWIN_C_SOURCE 1
#endif
#elif defined(__OpenBSD__)
/* struct sockpeercred, beside a program's _POSIX_C_SOURCE (sys/cdefs.h) */
#ifndef _BSD_SOURCE
#define _BSD_SOURCE 1
#endif
#elif defined(__FreeBSD__) || defined(__DragonFly__)
/* No macro asks for more; to be asked for less hides CMSG_SPACE. */
#undef _POSIX_C_SOURCE
#undef _XOPEN_SOURCE
#elif defined(__NetBSD__)
/* With -std=c99 there is nothing but ISO C otherwise (sys/featuretest.h). */
#ifndef _NETBSD_SOURCE
#define _NETBSD_SOURCE 1
#endif
#endif

#endif
