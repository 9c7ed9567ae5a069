/* SPDX-License-Identifier: ISC */
/* Entries of the table in os.h that are in os-exec.c; for os.c alone. */
#ifndef IMSGPROC_OS_EXEC_H
#define IMSGPROC_OS_EXEC_H

#include "os.h"

IMSGPI_HIDDEN int imsgpi_os_openself(void);
IMSGPI_HIDDEN int imsgpi_os_execfd(int, char *const[], char *const[]);
IMSGPI_HIDDEN int imsgpi_os_pidfd(pid_t);

#endif
