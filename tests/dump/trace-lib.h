/* SPDX-License-Identifier: ISC */
/* What the tests of the tracer have in common. */
#ifndef TRACE_LIB_H
#define TRACE_LIB_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "trace-fake.h"
#include "trace-talk.h"
#include "trace.h"

/* Each test leaves no process and no descriptor behind. */
#define T(f) cmocka_unit_test_setup_teardown(f, t_count, t_counted)
int t_count(void **state);
int t_counted(void **state);

/* The traced program: trace-talk. */
const char *t_talker(void);
/* Runs it, or that, under trace; the wait status. */
int t_run(const char *mode, const char *arg);
int t_run_argv(char *const argv[]);
/* The same between fake_begin() and a check that all went well. */
void t_talk(const char *mode, const char *arg, int wants_recv);
/* Where in fake.heard the nth bytes are; n from 0, in rising order only. */
size_t t_nth(size_t n);

/*
 * A talker that nobody traces yet; it ends when *input is closed.
 */
pid_t t_start(const char *mode, const char *arg, int *input);
/* Its wait status; fails if it does not end within a minute. */
int t_reap(pid_t pid);
/* That one in the status of a process, "" if it is gone. */
void t_status(pid_t pid, const char *name, char *, size_t);
int t_is_traced(pid_t pid);
/* Until it has ended, and another is to reap it; within a minute. */
void t_wait_zombie(pid_t pid);

/* Standard error in between goes into text. */
void t_capture_begin(void);
void t_capture_end(char *text, size_t);
int t_occurs(const char *text, const char *word);

#endif
