/* SPDX-License-Identifier: ISC */
/* Kinds of measurement that are not cells of contenders. */
#ifndef KINDS_H
#define KINDS_H

struct pairing;

/* Cost of composing, sending and of channels as their number grows. */
void growth(void);
/* Floor C: what memory costs, beside composing. */
void copies(void);
/* The add-on libimsg-loop, if it is built; a pairing of it by name. */
void loops(void);
const struct pairing *loops_find(const char *);

#endif
