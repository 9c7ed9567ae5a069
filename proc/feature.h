/* SPDX-License-Identifier: ISC */
/*
 * Which interfaces the sources of libimsg-proc ask the system for.  Included
 * before any system header, and by nothing that a program sees.
 */
#ifndef IMSGPROC_FEATURE_H
#define IMSGPROC_FEATURE_H

#if defined(__linux__)
/* setresuid(), chroot(), getgrouplist(), syscall(): outside POSIX.1-2008. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE 1
#endif
#if defined(__GLIBC__) && !defined(__USE_GNU)
#error "a system header comes first and hides what is needed: _GNU_SOURCE"
#endif
#elif defined(__APPLE__)
#ifndef _DARWIN_C_SOURCE
#define _DARWIN_C_SOURCE 1
#endif
#elif defined(__OpenBSD__)
#ifndef _BSD_SOURCE
#define _BSD_SOURCE 1
#endif
#elif defined(__FreeBSD__) || defined(__DragonFly__)
/* No macro asks for more; to be asked for less hides all of it. */
#undef _POSIX_C_SOURCE
#undef _XOPEN_SOURCE
#elif defined(__NetBSD__)
#ifndef _NETBSD_SOURCE
#define _NETBSD_SOURCE 1
#endif
#endif

#endif
