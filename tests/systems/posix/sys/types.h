/* SPDX-License-Identifier: ISC */
#ifndef STUB_SYS_TYPES_H
#define STUB_SYS_TYPES_H

#include <stddef.h>
#include <stdint.h>

typedef long ssize_t;
typedef int32_t pid_t;
typedef uint32_t uid_t;
typedef uint32_t gid_t;
typedef int64_t time_t;
typedef int clockid_t;
typedef uint32_t socklen_t;
typedef uint8_t sa_family_t;

#endif
