/* SPDX-License-Identifier: ISC */
/* See notify.c. */
#ifndef IMSGPROC_NOTIFY_H
#define IMSGPROC_NOTIFY_H

#include "os.h"

/* The socket that $NOTIFY_SOCKET names; -1 if there is none. */
IMSGPI_HIDDEN int imsgpi_notify_open(void);
/* Tells it, if there is one; whether that works is not important enough. */
IMSGPI_HIDDEN void imsgpi_notify(int, const char *);

#endif
