/* SPDX-License-Identifier: ISC */
/* Between testlib-fault.c and testlib-fault-io.c. */
#ifndef TESTLIB_FAULT_INT_H
#define TESTLIB_FAULT_INT_H

#include "testlib-fault.h"

extern struct imsgi_os f_under; /* the table without faults */
extern struct f_plan f_plan;
extern int f_cannot; /* the fault cannot happen in this call */

struct f_counts {
	long dropped; /* descriptors */
	long hidden;  /* errors that sendmmsg(2) does not tell */
};
extern struct f_counts f_counts;

/* Is the planned fault due in the call of that class that was counted last? */
int f_due(enum f_class);
/* It has happened. */
void f_fire(void);
/* What a send or receive may move: -1 with errno, 0, or bytes. */
ssize_t f_permit(enum f_class, int *trunc);
/* n were moved of so many at most; n. */
ssize_t f_moved(enum f_class, ssize_t n, ssize_t max);
/* Puts sends and receives into the table. */
void f_io(void);

#endif
