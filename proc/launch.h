/* SPDX-License-Identifier: ISC */
/* See launch.c. */
#ifndef IMSGPROC_LAUNCH_H
#define IMSGPROC_LAUNCH_H

#include "proc-int.h"

/* This program's own file: open if that can be, and by its name. */
struct program {
	int fd; /* -1: path alone */
	char path[1024];
};

IMSGPI_HIDDEN int imsgpi_program_open(struct program *);
IMSGPI_HIDDEN void imsgpi_program_close(struct program *);
/*
 * Starts an instance: its process ID and in *fd our end of its channel, or -1
 * and there is nothing.  What fails later comes as IMSGPROC_FAILED.
 */
IMSGPI_HIDDEN pid_t imsgpi_launch(const struct program *,
    const struct imsgproc_daemon *, const struct imsgproc_spec *,
    unsigned int instance, int *fd);
/* Kills it and waits until it has ended. */
IMSGPI_HIDDEN void imsgpi_kill(pid_t, int *status);

#endif
