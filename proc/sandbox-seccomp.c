/* SPDX-License-Identifier: ISC */
/*
 * seccomp, the half of the sandbox for Linux that knows system calls.
 *
 * There are two filters, and a call has to pass both.  The outer one kills for
 * what no program does by accident; the inner one lets fail what libc tries by
 * itself and what is allowed with other arguments.  Both list what is allowed:
 * what has been forgotten is denied.  (One filter cannot say "with these
 * arguments, else EACCES, and kill for all the rest".)
 *
 * The filters hold for this machine's own calls; those of another architecture
 * that the kernel offers as well (i386, x32) kill.
 */
#include "feature.h"

#include <sys/types.h>

#include <errno.h>
#include <seccomp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sandbox-linux.h"

#define NAME_SIZE 32
/* Calls that a kernel may have and this libseccomp does not know. */
#define NEW_FIRST 400
#define NEW_LAST  511

/* The call at the front of the list, or -1 there is none here; moves on. */
static int
next_call(const char **names)
{
	char name[NAME_SIZE];
	size_t len;

	*names += strspn(*names, " ");
	len = strcspn(*names, " ");
	if (len == 0 || len >= sizeof(name)) {
		*names += len;
		return __NR_SCMP_ERROR;
	}
	memcpy(name, *names, len);
	name[len] = '\0';
	*names += len;
	return seccomp_syscall_resolve_name(name);
}

static int
add_rule(scmp_filter_ctx ctx, uint32_t action, int nr, unsigned int n,
    const struct scmp_arg_cmp *cmp)
{
	int r;

	if (nr == __NR_SCMP_ERROR)
		return 0;
	r = seccomp_rule_add_array(ctx, action, nr, n, cmp);
	/* Said already. */
	return r == -EEXIST ? 0 : r;
}

static int
add_calls(scmp_filter_ctx ctx, uint32_t action, const char *names)
{
	int r = 0;

	while (r == 0 && *names != '\0')
		r = add_rule(ctx, action, next_call(&names), 0, NULL);
	return r;
}

static int
add_allowed(scmp_filter_ctx ctx, uint32_t promises)
{
	const struct calls *c;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < imsgpi_nallowed; i++) {
		c = &imsgpi_allowed[i];
		if (c->promises == 0 || promises & c->promises)
			r = add_calls(ctx, SCMP_ACT_ALLOW, c->names);
	}
	return r;
}

static int
add_call_if(scmp_filter_ctx ctx, const struct call *c)
{
	struct scmp_arg_cmp cmp[CALL_ARGS];
	const char *names = c->names;
	unsigned int n;
	int r = 0;

	for (n = 0; n < CALL_ARGS && c->arg[n].mask != 0; n++) {
		cmp[n].arg = c->arg[n].n;
		cmp[n].op = SCMP_CMP_MASKED_EQ;
		cmp[n].datum_a = c->arg[n].mask;
		cmp[n].datum_b = c->arg[n].value == OUR_PID ?
		    (scmp_datum_t)getpid() :
		    c->arg[n].value;
	}
	while (r == 0 && *names != '\0')
		r = add_rule(ctx, SCMP_ACT_ALLOW, next_call(&names), n, cmp);
	return r;
}

static int
add_calls_if(scmp_filter_ctx ctx, uint32_t promises, bool outer)
{
	const struct call *c;
	size_t i;
	int r = 0;

	for (i = 0; r == 0 && i < imsgpi_nif; i++) {
		c = &imsgpi_if[i];
		if ((promises & c->promises) != c->promises ||
		    (promises & c->unless) != 0 ||
		    c->otherwise == (outer ? REFUSED : ONLY_FAILS))
			continue;
		r = add_call_if(ctx, c);
	}
	return r;
}

/* Calls for which libc has to find another way. */
static int
add_unknown(scmp_filter_ctx ctx, uint32_t promises, uint32_t action)
{
	char *name;
	int nr, r;

	r = add_calls(ctx, action, imsgpi_unknown);
	if (r == 0 && (promises & P_OPENAT2) == 0)
		r = add_calls(ctx, action, "openat2");
	for (nr = NEW_FIRST; r == 0 && nr <= NEW_LAST; nr++) {
		name = seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, nr);
		if (name == NULL)
			r = add_rule(ctx, action, nr, 0, NULL);
		free(name);
	}
	return r;
}

static int
fill_outer(scmp_filter_ctx ctx, uint32_t promises)
{
	int r;

	if ((r = add_allowed(ctx, promises)) < 0 ||
	    (r = add_calls_if(ctx, promises, true)) < 0 || promises == 0)
		return r;
	if ((r = add_calls(ctx, SCMP_ACT_ALLOW, imsgpi_refused)) < 0 ||
	    (r = add_unknown(ctx, 0, SCMP_ACT_ALLOW)) < 0)
		return r;
	return 0;
}

static int
fill_inner(scmp_filter_ctx ctx, uint32_t promises)
{
	int r;

	if ((r = add_allowed(ctx, promises)) < 0 ||
	    (r = add_calls_if(ctx, promises, false)) < 0 ||
	    (r = add_unknown(ctx, promises, SCMP_ACT_ERRNO(ENOSYS))) < 0)
		return r;
	if ((promises & P_ANY_FILE) == 0 && promises & P_STDIO &&
	    imsgpi_sigsys_handle())
		r = add_calls(ctx, SCMP_ACT_TRAP, "newfstatat");
	return r;
}

static int
load(uint32_t promises, bool outer)
{
	scmp_filter_ctx ctx;
	int r;

	ctx = seccomp_init(
	    outer ? SCMP_ACT_KILL_PROCESS : SCMP_ACT_ERRNO(EACCES));
	if (ctx == NULL) {
		errno = ENOMEM;
		return -1;
	}
	if ((r = seccomp_attr_set(
		 ctx, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS)) == 0)
		r = outer ? fill_outer(ctx, promises) :
			    fill_inner(ctx, promises);
	if (r == 0)
		r = seccomp_load(ctx);
	seccomp_release(ctx);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	return 0;
}

/* What the tables need to know besides. */
static uint32_t
add_facts(const struct sandbox *sb, int level)
{
	const uint32_t change = P_RPATH | P_WPATH | P_CPATH;
	uint32_t p = sb->promises;

	if (p & P_FILES)
		p |= P_ANY_FILE;
	if (level > 0)
		p |= P_LANDLOCK;
	/*
	 * Its flags are in memory, where no filter sees them.  From level 3 on
	 * Landlock knows all that they can do.
	 */
	if (p & P_RPATH &&
	    (level >= 3 || ((p & change) == change && sb->paths == NULL)))
		p |= P_OPENAT2;
	return p;
}

static void
say_skipped(struct sandbox *sb)
{
	if (seccomp_syscall_resolve_name("socketcall") >= 0)
		imsgpi_sandbox_missing(sb, "kinds and options of sockets",
		    "socketcall(2) of this machine hides them");
#if defined(__s390__)
	imsgpi_sandbox_missing(sb, "new code in memory",
	    "mmap(2) of this machine hides its arguments");
#endif
}

int
imsgpi_seccomp_enter(struct sandbox *sb, int level)
{
	uint32_t promises = add_facts(sb, level);

	say_skipped(sb);
	/* In this order: the inner one may well refuse to load another. */
	if ((promises & P_ERROR) == 0 && load(promises, true) == -1)
		return imsgpi_sandbox_fail(sb, "seccomp");
	if (promises != 0 && load(promises, false) == -1)
		return imsgpi_sandbox_fail(sb, "seccomp");
	return 0;
}
