/* SPDX-License-Identifier: ISC */
/* Entries of the table in os.h that are in os-process.c; for os.c alone. */
#ifndef IMSGPROC_OS_PROCESS_H
#define IMSGPROC_OS_PROCESS_H

#include "os.h"

IMSGPI_HIDDEN int imsgpi_os_grouplist(const char *, gid_t, gid_t *, int *);
IMSGPI_HIDDEN int imsgpi_os_setgroups(size_t, const gid_t *);
IMSGPI_HIDDEN int imsgpi_os_setgid(gid_t);
IMSGPI_HIDDEN int imsgpi_os_setuid(uid_t);
IMSGPI_HIDDEN int imsgpi_os_getgids(gid_t[3]);
IMSGPI_HIDDEN int imsgpi_os_getuids(uid_t[3]);
IMSGPI_HIDDEN int imsgpi_os_getrlimit(int, struct rlimit *);
IMSGPI_HIDDEN int imsgpi_os_setrlimit(int, const struct rlimit *);
IMSGPI_HIDDEN int imsgpi_os_nonewprivs(void);
IMSGPI_HIDDEN int imsgpi_os_nodump(void);
IMSGPI_HIDDEN int imsgpi_os_nocaps(void);
IMSGPI_HIDDEN int imsgpi_os_secure(void);
IMSGPI_HIDDEN int imsgpi_os_comm(const char *);
IMSGPI_HIDDEN int imsgpi_os_closefrom(int);

#endif
