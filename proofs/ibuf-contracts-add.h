/* SPDX-License-Identifier: ISC */
/*
 * What WP proves of src/ibuf-add.c.  See ibuf-contracts.h.
 */
/* Macros for annotations are no C. */
/* clang-format off */
#ifndef IBUF_CONTRACTS_ADD_H
#define IBUF_CONTRACTS_ADD_H

/*@ predicate source{L}(struct ibuf *b, unsigned char *p, integer n) =
      n > 0 ==> \valid_read(p + (0 .. n - 1)) && known(p) &&
        \separated(p + (0 .. n - 1), b) &&
        \separated(p + (0 .. n - 1), b->buf + (0 .. b->size - 1));
*/

/*@ requires ok: ibuf_ok(b);
    assigns __fc_errno;
    ensures done: \result == -1 ||
      \result == 0 && b->fd != -2 && b->wpos + len <= b->max;
*/
static int check_room(const struct ibuf *b, size_t len);

/*@ requires ok: ibuf_ok(b) && ibuf_known(b);
    assigns APPENDS(b);
    ensures ok: ibuf_ok(b) && ibuf_known(b);
    ensures time: proof_today >= \old(proof_today);
    ensures moved: moved{Pre, Post}(b);
    ensures failed: \result == \null ==> kept{Pre, Post}(b);
    ensures done: \result != \null ==>
      b->fd != -2 && b->wpos == \old(b->wpos) + len &&
      (len > 0 ==> \result == b->buf + \old(b->wpos));
*/
void *ibuf_reserve(struct ibuf *b, size_t len);

/*@ requires ok: ibuf_ok(b) && ibuf_known(b);
    requires source: source(b, (unsigned char *)data, len);
    assigns APPENDS(b);
    ensures ok: ibuf_ok(b) && ibuf_known(b);
    ensures failed: \result == -1 ==> kept{Pre, Post}(b);
    ensures done: \result == -1 ||
      \result == 0 && b->wpos == \old(b->wpos) + len;
*/
int ibuf_add(struct ibuf *b, const void *data, size_t len);

/*@ requires ok: ibuf_ok(b) && ibuf_known(b) && ibuf_ok(from);
    requires apart: from == b || \separated(b, from) && known(from) &&
      \separated(from, b->buf + (0 .. b->size - 1)) &&
      source(b, from->buf + from->rpos, from->wpos - from->rpos);
    assigns APPENDS(b);
    ensures ok: ibuf_ok(b) && ibuf_known(b);
    ensures failed: \result == -1 ==> kept{Pre, Post}(b);
    ensures done: \result == -1 || \result == 0 && b->wpos ==
      \old(b->wpos) + (\old(from->wpos) - \old(from->rpos));
*/
int ibuf_add_ibuf(struct ibuf *b, const struct ibuf *from);

/*@ requires ok: ibuf_ok(b) && ibuf_known(b);
    assigns APPENDS(b);
    ensures ok: ibuf_ok(b) && ibuf_known(b);
    ensures failed: \result == -1 ==> kept{Pre, Post}(b);
    ensures done: \result == -1 ||
      \result == 0 && b->wpos == \old(b->wpos) + len;
*/
int ibuf_add_zero(struct ibuf *b, size_t len);

/*@ requires ok: ibuf_ok(b) && ibuf_known(b);
    requires text: text(s, len);
    requires source: len > 0 ==> known(s) && \separated(s + (0 .. len - 1), b) &&
      \separated(s + (0 .. len - 1), b->buf + (0 .. b->size - 1));
    assigns APPENDS(b);
    ensures ok: ibuf_ok(b) && ibuf_known(b);
    ensures failed: \result == -1 ==> kept{Pre, Post}(b);
    ensures done: \result == -1 ||
      \result == 0 && b->wpos == \old(b->wpos) + len;
*/
int ibuf_add_strbuf(struct ibuf *b, const char *s, size_t len);

/*@ requires width: 1 <= width <= 8;
    assigns __fc_errno;
    ensures done: \result == -1 || \result == 0;
*/
static int check_value(uint64_t v, size_t width);

/*@ requires storage: width <= 8 && \valid(p + (0 .. width - 1));
    assigns p[0 .. width - 1];
*/
static void store_be(unsigned char *p, uint64_t v, size_t width);

/*@ requires width: width == 2 || width == 4 || width == 8;
    requires storage: \valid(p + (0 .. width - 1));
    assigns p[0 .. width - 1];
*/
static void store_host(unsigned char *p, uint64_t v, size_t width);

/* What all that append a number promise. */
#define ADDS_NUMBER(WIDTH) \
    requires ok: ibuf_ok(b) && ibuf_known(b); \
    assigns APPENDS(b); \
    ensures ok: ibuf_ok(b) && ibuf_known(b); \
    ensures failed: \result == -1 ==> kept{Pre, Post}(b); \
    ensures done: \result == -1 || \
      \result == 0 && b->wpos == \old(b->wpos) + WIDTH;

/*@ requires width: 1 <= width <= 8;
    ADDS_NUMBER(width) */
static int add_be(struct ibuf *b, uint64_t v, size_t width);

/*@ requires width: width == 2 || width == 4 || width == 8;
    ADDS_NUMBER(width) */
static int add_host(struct ibuf *b, uint64_t v, size_t width);

/*@ ADDS_NUMBER(1) */
int ibuf_add_n8(struct ibuf *b, uint64_t v);
/*@ ADDS_NUMBER(2) */
int ibuf_add_n16(struct ibuf *b, uint64_t v);
/*@ ADDS_NUMBER(4) */
int ibuf_add_n32(struct ibuf *b, uint64_t v);
/*@ ADDS_NUMBER(8) */
int ibuf_add_n64(struct ibuf *b, uint64_t v);
/*@ ADDS_NUMBER(2) */
int ibuf_add_h16(struct ibuf *b, uint64_t v);
/*@ ADDS_NUMBER(4) */
int ibuf_add_h32(struct ibuf *b, uint64_t v);
/*@ ADDS_NUMBER(8) */
int ibuf_add_h64(struct ibuf *b, uint64_t v);

/*@ requires ok: ibuf_ok(b);
    assigns __fc_errno;
    ensures found: \result != \null ==>
      pos + len <= b->wpos - b->rpos &&
      (len > 0 ==> \result == b->buf + b->rpos + pos);
*/
void *ibuf_seek(struct ibuf *b, size_t pos, size_t len);

/*@ requires ok: ibuf_ok(b);
    requires source: len > 0 ==>
      \valid_read((unsigned char *)data + (0 .. len - 1)) &&
      \separated((unsigned char *)data + (0 .. len - 1),
        b->buf + (0 .. b->size - 1));
    assigns b->buf[b->rpos .. b->wpos - 1], __fc_errno;
    ensures ok: ibuf_ok(b);
    ensures done: \result == -1 || \result == 0;
*/
int ibuf_set(struct ibuf *b, size_t pos, const void *data, size_t len);

/* What all that overwrite a number promise. */
#define SETS_NUMBER \
    requires ok: ibuf_ok(b); \
    assigns b->buf[b->rpos .. b->wpos - 1], __fc_errno; \
    ensures ok: ibuf_ok(b); \
    ensures done: \result == -1 || \result == 0;

/*@ requires width: 1 <= width <= 8;
    SETS_NUMBER */
static int set_be(struct ibuf *b, size_t pos, uint64_t v, size_t width);

/*@ requires width: width == 2 || width == 4 || width == 8;
    SETS_NUMBER */
static int set_host(struct ibuf *b, size_t pos, uint64_t v, size_t width);

/*@ SETS_NUMBER */
int ibuf_set_n8(struct ibuf *b, size_t pos, uint64_t v);
/*@ SETS_NUMBER */
int ibuf_set_n16(struct ibuf *b, size_t pos, uint64_t v);
/*@ SETS_NUMBER */
int ibuf_set_n32(struct ibuf *b, size_t pos, uint64_t v);
/*@ SETS_NUMBER */
int ibuf_set_n64(struct ibuf *b, size_t pos, uint64_t v);
/*@ SETS_NUMBER */
int ibuf_set_h16(struct ibuf *b, size_t pos, uint64_t v);
/*@ SETS_NUMBER */
int ibuf_set_h32(struct ibuf *b, size_t pos, uint64_t v);
/*@ SETS_NUMBER */
int ibuf_set_h64(struct ibuf *b, size_t pos, uint64_t v);

#endif
