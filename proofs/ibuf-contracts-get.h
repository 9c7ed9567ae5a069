/* SPDX-License-Identifier: ISC */
/*
 * What WP proves of src/ibuf-get.c.  See ibuf-contracts.h.
 */
/* Macros for annotations are no C. */
/* clang-format off */
#ifndef IBUF_CONTRACTS_GET_H
#define IBUF_CONTRACTS_GET_H

/*@ predicate target{L}(struct ibuf *b, unsigned char *p, integer n) =
      n > 0 ==> \valid(p + (0 .. n - 1)) &&
        \separated(p + (0 .. n - 1), b) &&
        \separated(p + (0 .. n - 1), b->buf + (0 .. b->size - 1));
*/

/*@ requires ok: ibuf_ok(b);
    assigns b->rpos, __fc_errno;
    ensures ok: ibuf_ok(b);
    ensures failed: \result == \null ==> b->rpos == \old(b->rpos);
    ensures taken: \result != \null ==> b->rpos == \old(b->rpos) + len &&
      (len > 0 ==> \result == b->buf + \old(b->rpos));
*/
static unsigned char *take(struct ibuf *b, size_t len);

/* What all that consume len bytes promise. */
#define CONSUMES(LEN) \
    ensures ok: ibuf_ok(b); \
    ensures failed: \result == -1 ==> b->rpos == \old(b->rpos); \
    ensures taken: \result == -1 || \
      \result == 0 && b->rpos == \old(b->rpos) + LEN;

/*@ requires ok: ibuf_ok(b);
    requires target: target(b, (unsigned char *)out, len);
    assigns b->rpos, __fc_errno, ((unsigned char *)out)[0 .. len - 1];
    CONSUMES(len) */
int ibuf_get(struct ibuf *b, void *out, size_t len);

/*@ requires ok: ibuf_ok(b);
    requires apart: \valid(view) && \separated(view, b) &&
      \separated(view, b->buf + (0 .. b->size - 1));
    assigns b->rpos, __fc_errno, *view;
    ensures view: \result == 0 ==> ibuf_ok(view) && view->fd == -2;
    CONSUMES(len) */
int ibuf_get_ibuf(struct ibuf *b, size_t len, struct ibuf *view);

/*@ requires ok: ibuf_ok(b) && width <= 8;
    requires apart: \valid(v) && \separated(v, b);
    assigns b->rpos, __fc_errno, *v;
    CONSUMES(width) */
static int get_be(struct ibuf *b, uint64_t *v, size_t width);

/* Numbers, which WP sees whole or as bytes, but not as both. */
#define GETS_NUMBER(WIDTH) \
    requires ok: ibuf_ok(b); \
    requires apart: \valid(v) && \separated(v, b); \
    assigns b->rpos, __fc_errno, *v; \
    CONSUMES(WIDTH)
#define GETS_BYTES(WIDTH) \
    requires ok: ibuf_ok(b); \
    requires target: target(b, (unsigned char *)v, WIDTH); \
    assigns b->rpos, __fc_errno, ((unsigned char *)v)[0 .. WIDTH - 1]; \
    CONSUMES(WIDTH)

/*@ GETS_BYTES(1) */
int ibuf_get_n8(struct ibuf *b, uint8_t *v);
/*@ GETS_NUMBER(2) */
int ibuf_get_n16(struct ibuf *b, uint16_t *v);
/*@ GETS_NUMBER(4) */
int ibuf_get_n32(struct ibuf *b, uint32_t *v);
/*@ GETS_NUMBER(8) */
int ibuf_get_n64(struct ibuf *b, uint64_t *v);
/*@ GETS_BYTES(2) */
int ibuf_get_h16(struct ibuf *b, uint16_t *v);
/*@ GETS_BYTES(4) */
int ibuf_get_h32(struct ibuf *b, uint32_t *v);
/*@ GETS_BYTES(8) */
int ibuf_get_h64(struct ibuf *b, uint64_t *v);

/*@ requires ok: ibuf_ok(b) && ibuf_known(b);
    assigns b->rpos, HEAP;
    ensures ok: ibuf_ok(b) && ibuf_known(b);
    ensures failed: \result == \null ==> b->rpos == \old(b->rpos);
    ensures taken: \result != \null ==> b->rpos == \old(b->rpos) + len;
    ensures text: \result == \null || \valid(\result);
*/
char *ibuf_get_string(struct ibuf *b, size_t len);

/*@ requires ok: ibuf_ok(b);
    requires target: target(b, (unsigned char *)out, len);
    assigns b->rpos, __fc_errno, out[0 .. len - 1];
    ensures ok: ibuf_ok(b);
    ensures taken: b->rpos == \old(b->rpos) || b->rpos == \old(b->rpos) + len;
    ensures done: \result == -1 ||
      \result == 0 && b->rpos == \old(b->rpos) + len;
*/
int ibuf_get_strbuf(struct ibuf *b, char *out, size_t len);

/*@ requires ok: ibuf_ok(b);
    assigns b->rpos, __fc_errno;
    CONSUMES(len) */
int ibuf_skip(struct ibuf *b, size_t len);

/*@ requires ok: ibuf_ok(b);
    assigns b->rpos;
    ensures ok: ibuf_ok(b);
    ensures all: b->rpos == 0;
*/
void ibuf_rewind(struct ibuf *b);

#endif
