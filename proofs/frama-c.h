/* SPDX-License-Identifier: ISC */
/*
 * What Frama-C's libc lacks or has too strict; included before every source
 * that Frama-C reads.
 */
#ifndef PROOFS_FRAMA_C_H
#define PROOFS_FRAMA_C_H

#include <sys/types.h>
#include <sys/socket.h>
#include <stddef.h>
#include <string.h>

/* A function there, but os.h needs a constant; the value of Linux. */
#undef CMSG_SPACE
#define CMSG_SPACE(n) (16 + (((n) + 7) & ~(size_t)7))

#ifndef PROOFS_WP
/*
 * A copy of no bytes may start one past the end of an object (C11, 7.24.1
 * with 7.1.4 and 6.5.6); the contracts of that libc want a byte to be there.
 */
static inline void *
proof_memcpy(void *d, const void *s, size_t n)
{
	if (n == 0) {
		/*@ assert dest: \object_pointer((char *)d); */
		/*@ assert src: \object_pointer((char *)s); */
		return d;
	}
	return memcpy(d, s, n);
}

static inline void *
proof_memset(void *p, int c, size_t n)
{
	if (n == 0) {
		/*@ assert dest: \object_pointer((char *)p); */
		return p;
	}
	return memset(p, c, n);
}

#define memcpy proof_memcpy
#define memset proof_memset
#endif

#endif
