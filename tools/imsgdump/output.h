/* SPDX-License-Identifier: ISC */
/* Output that does not wait for its reader: see output.c. */
#ifndef OUTPUT_H
#define OUTPUT_H

#include <signal.h>
#include <stdio.h>

/*
 * Takes the descriptor; NULL with errno.  fclose() waits until all is written,
 * and fails if it was not.
 */
FILE *output_open(int fd);

/* Not 0: what finds no room any more fails with EINTR. */
extern volatile sig_atomic_t output_stop;

#endif
