/* SPDX-License-Identifier: ISC */
/*
 * Which interfaces the sources of libimsg-loop ask the system for.  Included
 * before any system header, and by nothing that a program sees.
 */
#ifndef IMSGLOOP_FEATURE_H
#define IMSGLOOP_FEATURE_H

#if defined(__NetBSD__)
/* With -std=c99 there is nothing but ISO C otherwise (sys/featuretest.h). */
#ifndef _NETBSD_SOURCE
#define _NETBSD_SOURCE 1
#endif
#elif defined(__linux__)
/* clock_gettime(), poll(2), beside -std=c99. */
#ifndef _POSIX_C_SOURCE
#define _POSIX_C_SOURCE 200809L
#endif
#endif

#endif
