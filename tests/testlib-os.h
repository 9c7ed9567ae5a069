/* SPDX-License-Identifier: ISC */
/* Between the files of the test library. */
#ifndef TESTLIB_OS_H
#define TESTLIB_OS_H

/* Wraps the table if it is not yet; no faults, all counts zero. */
void t_os_begin(void);

#endif
