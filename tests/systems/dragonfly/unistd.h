/* SPDX-License-Identifier: ISC */
#include_next <unistd.h>

int getpeereid(int, uid_t *, gid_t *);
