/* SPDX-License-Identifier: ISC */
/*
 * What is used of FreeBSD's header, from its manual pages; the rights are bits
 * here, for a test to look at.
 */
#ifndef STUB_CAPSICUM_H
#define STUB_CAPSICUM_H

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>

#define ENOTCAPABLE 93

typedef struct {
	uint64_t bits;
} cap_rights_t;

#define CAP_READ  UINT64_C(0x01)
#define CAP_WRITE UINT64_C(0x02)
#define CAP_SEEK  UINT64_C(0x04)
#define CAP_FSTAT UINT64_C(0x08)
#define CAP_FCNTL UINT64_C(0x10)
#define CAP_EVENT UINT64_C(0x20)
#define CAP_IOCTL UINT64_C(0x40)
#define CAP_FLOCK UINT64_C(0x80)

#define cap_rights_init(rights, ...) \
	stub_rights((rights), 1, __VA_ARGS__, UINT64_C(0))
#define cap_rights_set(rights, ...) \
	stub_rights((rights), 0, __VA_ARGS__, UINT64_C(0))

cap_rights_t *stub_rights(cap_rights_t *, int, ...);
int cap_rights_limit(int, const cap_rights_t *);
int cap_enter(void);

#endif
