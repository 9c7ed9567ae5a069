/* SPDX-License-Identifier: ISC */
/*
 * What the sandboxes share: promises as a set of bits, and what a system's own
 * file has to offer.  sandbox.c is the same everywhere; one of sandbox-KIND.c
 * is linked.
 */
#ifndef IMSGPROC_SANDBOX_INT_H
#define IMSGPROC_SANDBOX_INT_H

#include <stddef.h>
#include <stdint.h>

#include <imsg_proc.h>

#include "os.h"

#define P_STDIO	  0x000001U
#define P_RPATH	  0x000002U
#define P_WPATH	  0x000004U
#define P_CPATH	  0x000008U
#define P_DPATH	  0x000010U
#define P_FATTR	  0x000020U
#define P_CHOWN	  0x000040U
#define P_FLOCK	  0x000080U
#define P_UNIX	  0x000100U
#define P_INET	  0x000200U
#define P_MCAST	  0x000400U
#define P_DNS	  0x000800U
#define P_GETPW	  0x001000U
#define P_RECVFD  0x002000U
#define P_SENDFD  0x004000U
#define P_TTY	  0x008000U
#define P_PROC	  0x010000U
#define P_EXEC	  0x020000U
#define P_ID	  0x040000U
#define P_PS	  0x080000U
#define P_VMINFO  0x100000U
#define P_SETTIME 0x200000U
#define P_ERROR	  0x400000U

/* Of struct imsgproc_path. */
#define MAY_READ   0x1U
#define MAY_WRITE  0x2U
#define MAY_EXEC   0x4U
#define MAY_CREATE 0x8U

/* One call of imsgproc_sandbox(). */
struct sandbox {
	uint32_t promises;
	const struct imsgproc_path *paths; /* NULL: no limit by path */
	unsigned int flags;
	char *why;
	size_t size;
	size_t len;
	unsigned int
	    missing; /* how often imsgpi_sandbox_missing() was called */
};

/*
 * sandbox.c: as imsgproc_sandbox(), with one flag more: proc is also for signals
 * to what was started before, which is outside of what is made here.
 */
#define SANDBOX_ENDS_OTHERS 0x80000000U
IMSGPI_HIDDEN int imsgpi_lock_in(const char *, const struct imsgproc_path *,
    unsigned int flags, char *, size_t);

/* The bits of such a list: 0, or -1 EINVAL. */
IMSGPI_HIDDEN int imsgpi_promises(const char *, uint32_t *);
/* The other way round: the name of the lowest bit, which is taken out. */
IMSGPI_HIDDEN const char *imsgpi_promise(uint32_t *);
/* The bits of a path's letters: 0, or -1 EINVAL. */
IMSGPI_HIDDEN int imsgpi_may(const char *, unsigned int *);
/* Adds to why: this is not enforced. */
IMSGPI_HIDDEN void imsgpi_sandbox_missing(
    struct sandbox *, const char *what, const char *because);
/* Puts "what: strerror(errno)" into why; returns -1 and keeps errno. */
IMSGPI_HIDDEN int imsgpi_sandbox_fail(struct sandbox *, const char *what);

/* Of the system: 0 or -1. */
IMSGPI_HIDDEN int imsgpi_sandbox_enter(struct sandbox *);
IMSGPI_HIDDEN extern const char imsgpi_sandbox_kind[];

#endif
