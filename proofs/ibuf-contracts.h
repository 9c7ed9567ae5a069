/* SPDX-License-Identifier: ISC */
/*
 * What WP proves of the ibuf room: the contract of each of its functions, and
 * of the few below it that it calls.
 *
 * Written against the declarations, so that src/ needs no annotations.  Only
 * Frama-C reads this, in front of the sources; see ibuf-wp.c.
 */
/* Macros for annotations are no C. */
/* clang-format off */
#ifndef IBUF_CONTRACTS_H
#define IBUF_CONTRACTS_H

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/*
 * Allocation.  WP knows no fresh memory, so it has a name here before it
 * exists: proof_next is the block that the next successful allocation gives.
 * Blocks have birthdays; what is known was born before proof_next.
 */
extern unsigned char *proof_next;
extern size_t proof_today;

/*@ axiomatic Birthdays {
      logic integer born(char *block);
    }

    predicate heap_ok{L} =
      born(\base_addr((char *)proof_next)) > proof_today;

    predicate known{L}(void *p) =
      p == \null || born(\base_addr((char *)p)) <= proof_today;
*/

/* What allocation changes. */
#define HEAP \
	proof_next, proof_today, proof_next[0 .. SIZE_MAX], __fc_errno

/*@ requires heap: heap_ok;
    requires size: n > 0;
    assigns HEAP;
    ensures heap: heap_ok && proof_today >= \old(proof_today);
    ensures failed: \result == \null ==> proof_next == \old(proof_next) &&
      proof_today == \old(proof_today);
    ensures given: \result != \null ==> \result == \old(proof_next) &&
      n < SIZE_MAX && \valid((unsigned char *)\result + (0 .. n - 1)) &&
      \old(proof_today) < born(\base_addr((char *)\result)) <= proof_today;
*/
void *proof_alloc(size_t n);

/*@ requires heap: heap_ok;
    requires size: one == 1 && n > 0;
    assigns HEAP;
    ensures heap: heap_ok && proof_today >= \old(proof_today);
    ensures failed: \result == \null ==> proof_next == \old(proof_next) &&
      proof_today == \old(proof_today);
    ensures given: \result != \null ==> \result == \old(proof_next) &&
      n < SIZE_MAX && \valid((unsigned char *)\result + (0 .. n - 1)) &&
      \old(proof_today) < born(\base_addr((char *)\result)) <= proof_today;
*/
void *proof_calloc(size_t one, size_t n);

/* Its inline functions call what is above. */
#include "ibuf-int.h"

/* The os room. */

/*@ assigns \nothing; */
void imsgi_close(int fd);

/*@ assigns \nothing; */
void imsgi_free(void *p);

/*@ requires storage: n == 0 || \valid((unsigned char *)p + (0 .. n - 1));
    assigns ((unsigned char *)p)[0 .. n - 1];
*/
void imsgi_wipe(void *p, size_t n);

/* As in POSIX: the libc contract of Frama-C forgets that it is at most n. */
/*@ predicate text{L}(char *s, integer n) =
      \valid_read(s + (0 .. n - 1)) ||
      \exists integer k; 0 <= k < n && s[k] == 0 && \valid_read(s + (0 .. k));
*/

/*@ requires text: text(s, n);
    assigns \result \from s[0 .. n - 1], n;
    ensures bounded: \result <= n;
    ensures readable: \valid_read(s + (0 .. \result - 1));
*/
size_t proof_strnlen(const char *s, size_t n);
#define strnlen proof_strnlen

/* The invariant of the room.  No object has SIZE_MAX bytes. */

/*@ predicate ibuf_ok{L}(struct ibuf *b) =
      \valid(b) && b->rpos <= b->wpos <= b->size < SIZE_MAX &&
      (b->fd == -2 || b->size <= b->max) &&
      (b->buf == \null ==> b->size == 0) &&
      (b->size > 0 ==> \valid(b->buf + (0 .. b->size - 1))) &&
      \separated(b, b->buf + (0 .. b->size - 1));

    predicate ibuf_known{L}(struct ibuf *b) =
      heap_ok && known(b) && known(b->buf);

    predicate kept{L1, L2}(struct ibuf *b) =
      \at(b->buf, L1) == \at(b->buf, L2) &&
      \at(b->size, L1) == \at(b->size, L2) &&
      \at(b->wpos, L1) == \at(b->wpos, L2);

    predicate moved{L1, L2}(struct ibuf *b) =
      \at(b->buf, L2) == \at(b->buf, L1) &&
      \at(b->size, L2) == \at(b->size, L1) ||
      \at(b->buf, L2) == \at(proof_next, L1);
*/

/* What appending changes. */
#define STORAGE(b) (b)->buf, (b)->size, (b)->state, (b)->buf[0 .. (b)->size - 1]
#define APPENDS(b) STORAGE(b), (b)->wpos, HEAP

/* ibuf.c */

/*@ requires valid: \valid(b) && len <= max && len < SIZE_MAX;
    requires storage:
      len > 0 ==> \valid((unsigned char *)(b + 1) + (0 .. len - 1));
    assigns *b;
    ensures ok: ibuf_ok(b) && b->fd != -2;
    ensures made: b->size == len && b->max == max;
    ensures empty: b->wpos == 0 && b->rpos == 0;
    ensures where: b->buf == \null || b->buf == (unsigned char *)(b + 1);
*/
static inline void imsgi_ibuf_init(struct ibuf *b, size_t len, size_t max);

/*@ requires heap: heap_ok && len <= max;
    assigns HEAP, *(struct ibuf *)proof_next;
    ensures made: \result == \null || ibuf_ok(\result) &&
      \result->fd != -2 && ibuf_known(\result);
    ensures heap: heap_ok;
*/
static inline struct ibuf *imsgi_ibuf_new(size_t len, size_t max);

/*@ requires heap: heap_ok && len <= max;
    assigns HEAP, *(struct ibuf *)proof_next;
    ensures made: \result == \null || ibuf_ok(\result) &&
      \result->fd != -2 && ibuf_known(\result);
    ensures heap: heap_ok;
*/
static struct ibuf *new_zeroed(size_t len, size_t max);

/*@ requires heap: heap_ok;
    assigns HEAP, *(struct ibuf *)proof_next;
    ensures made: \result == \null || ibuf_ok(\result) &&
      \result->fd != -2 && ibuf_known(\result);
    ensures heap: heap_ok;
*/
struct ibuf *ibuf_open(size_t len);

/*@ requires heap: heap_ok;
    assigns HEAP, *(struct ibuf *)proof_next;
    ensures made: \result == \null || ibuf_ok(\result) &&
      \result->fd != -2 && ibuf_known(\result);
    ensures heap: heap_ok;
*/
struct ibuf *ibuf_dynamic(size_t len, size_t max);

/*@ requires valid: \valid(b);
    requires object: len < SIZE_MAX;
    requires shown: len > 0 ==>
      \valid((unsigned char *)data + (0 .. len - 1)) &&
      \separated(b, (unsigned char *)data + (0 .. len - 1));
    assigns *b;
    ensures ok: ibuf_ok(b) && b->fd == -2;
    ensures shown: b->buf == data && b->size == len;
    ensures all: b->wpos == len && b->rpos == 0;
*/
void ibuf_from_buffer(struct ibuf *b, void *data, size_t len);

/*@ requires ok: ibuf_ok(from);
    requires apart: \valid(b) && \separated(b, from) &&
      \separated(b, from->buf + (0 .. from->size - 1));
    assigns *b;
    ensures ok: ibuf_ok(b) && ibuf_ok(from) && b->fd == -2;
*/
void ibuf_from_ibuf(struct ibuf *b, const struct ibuf *from);

/*@ requires valid: \valid_read(b);
    assigns \nothing;
    ensures owned: b->fd != -2;
*/
void imsgi_ibuf_owned(const struct ibuf *b);

/*@ requires ok: ibuf_ok(b) && b->buf != \null;
    assigns b->buf[0 .. b->size - 1];
*/
static void release_storage(struct ibuf *b);

/*@ requires ok: b == \null || ibuf_ok(b);
    assigns b->buf[0 .. b->size - 1];
*/
void ibuf_free(struct ibuf *b);

/*@ requires valid: \valid_read(b) && b->size < want <= b->max;
    assigns \nothing;
    ensures enough: want <= \result <= b->max;
*/
static size_t next_size(const struct ibuf *b, size_t want);

/*@ requires ok: ibuf_ok(b) && ibuf_known(b) && b->fd != -2;
    requires bound: want <= b->max;
    assigns STORAGE(b), HEAP;
    ensures ok: ibuf_ok(b) && ibuf_known(b);
    ensures time: proof_today >= \old(proof_today);
    ensures moved: moved{Pre, Post}(b);
    ensures failed: \result == -1 ==> kept{Pre, Post}(b);
    ensures done: \result == -1 || \result == 0 && b->size >= want;
*/
int imsgi_ibuf_grow(struct ibuf *b, size_t want);

/*@ requires ok: ibuf_ok(b) && pos <= b->size;
    assigns \nothing;
    ensures address: b->buf != \null ==> \result == b->buf + pos;
    ensures some: \result != \null;
*/
unsigned char *imsgi_ibuf_at(const struct ibuf *b, size_t pos);

/*@ requires ok: ibuf_ok(b);
    assigns b->max, b->size, b->buf[b->wpos .. b->size - 1], __fc_errno;
    ensures ok: ibuf_ok(b);
    ensures done: \result == -1 || \result == 0 && b->max == max;
*/
int ibuf_set_maxsize(struct ibuf *b, size_t max);

/*@ requires ok: ibuf_ok(b) && ibuf_known(b);
    assigns APPENDS(b);
    ensures ok: ibuf_ok(b) && ibuf_known(b);
    ensures done: \result == -1 ||
      \result == 0 && b->wpos - b->rpos == len;
    ensures failed: \result == -1 ==> kept{Pre, Post}(b);
*/
int ibuf_truncate(struct ibuf *b, size_t len);

/*@ requires ok: ibuf_ok(b);
    assigns \nothing;
    ensures none: b->buf == \null ==> \result == \null;
    ensures address: b->buf != \null ==> \result == b->buf + b->rpos;
*/
void *ibuf_data(const struct ibuf *b);

/*@ requires ok: \valid_read(b) && b->rpos <= b->wpos;
    assigns \nothing;
    ensures unread: \result == b->wpos - b->rpos;
*/
size_t ibuf_size(const struct ibuf *b);

/*@ requires ok: ibuf_ok(b);
    assigns \nothing;
    ensures room: \result == (b->fd == -2 ? 0 : b->max - b->wpos);
*/
size_t ibuf_left(const struct ibuf *b);

/*@ requires ok: ibuf_ok(b);
    assigns \nothing;
    ensures known: \result != 0 <==> b->fd >= 0;
*/
int ibuf_fd_avail(struct ibuf *b);

/*@ requires ok: ibuf_ok(b);
    assigns b->fd;
    ensures ok: ibuf_ok(b) && b->fd < 0;
    ensures owner: \result == (\old(b->fd) < 0 ? -1 : \old(b->fd));
*/
int ibuf_fd_get(struct ibuf *b);

/*@ requires ok: ibuf_ok(b);
    assigns b->fd;
    ensures ok: ibuf_ok(b);
    ensures owner: b->fd == (fd < 0 ? -1 : fd);
*/
void ibuf_fd_set(struct ibuf *b, int fd);

#include "ibuf-contracts-add.h"
#include "ibuf-contracts-get.h"

#endif
