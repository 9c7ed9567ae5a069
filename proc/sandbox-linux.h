/* SPDX-License-Identifier: ISC */
/*
 * What the two halves of the sandbox for Linux, Landlock and seccomp, have to
 * know of each other.
 */
#ifndef IMSGPROC_SANDBOX_LINUX_H
#define IMSGPROC_SANDBOX_LINUX_H

#include "sandbox-int.h"

/* Promises that are about files other than those already open. */
#define P_FILES                                                               \
	(P_RPATH | P_WPATH | P_CPATH | P_DPATH | P_FATTR | P_CHOWN | P_UNIX | \
	    P_GETPW | P_DNS | P_EXEC | P_PS | P_VMINFO | P_TTY)

/* No promises, but true: added to them for the tables of calls. */
#define P_ANY_FILE 0x10000000U /* one of P_FILES */
#define P_LANDLOCK 0x20000000U /* Landlock decides which files are opened */
#define P_OPENAT2  0x40000000U /* what it can do is decided elsewhere */

/* Highest level of Landlock that is used here. */
#define LANDLOCK_LEVEL 7

/* Tests pretend another kernel: at most that level (0: none). */
#ifdef IMSGPROC_SANDBOX_TEST
extern int imsgpi_test_level;
#define LANDLOCK_AT_MOST imsgpi_test_level
#else
#define LANDLOCK_AT_MOST LANDLOCK_LEVEL
#endif

/* The kernel's level; 0: has none. */
IMSGPI_HIDDEN int imsgpi_landlock_level(void);
/* 0 or -1. */
IMSGPI_HIDDEN int imsgpi_landlock_enter(struct sandbox *, int level);
IMSGPI_HIDDEN int imsgpi_seccomp_enter(struct sandbox *, int level);
/* Makes fstat(3) work where the filter refuses newfstatat: 1, 0 it cannot. */
IMSGPI_HIDDEN int imsgpi_sigsys_handle(void);

/* sandbox-seccomp-calls.c: the calls without a look at their arguments. */
struct calls {
	uint32_t promises; /* any of these; 0: always */
	const char *names; /* separated by spaces */
};
IMSGPI_HIDDEN extern const struct calls imsgpi_allowed[];
IMSGPI_HIDDEN extern const size_t imsgpi_nallowed;
IMSGPI_HIDDEN extern const char imsgpi_refused[];
IMSGPI_HIDDEN extern const char imsgpi_unknown[];

/* sandbox-seccomp-args.c: those with one. */
#define CALL_ARGS 3
#define OUR_PID	  UINT64_MAX /* as a value */
struct arg {
	unsigned int n; /* counted from 0 */
	uint64_t mask;
	uint64_t value;
};
/* What happens if none of a call's entries fits. */
enum otherwise {
	REFUSED, /* fails: the call is in imsgpi_refused */
	KILLED,
	ONLY_FAILS /* no permission: with these it fails and does not kill */
};
struct call {
	uint32_t promises; /* all of these */
	uint32_t unless;   /* none of these */
	enum otherwise otherwise;
	const char *names;
	struct arg arg[CALL_ARGS]; /* all of these; mask 0: no more */
};
IMSGPI_HIDDEN extern const struct call imsgpi_if[];
IMSGPI_HIDDEN extern const size_t imsgpi_nif;

#endif
