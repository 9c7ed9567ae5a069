/* SPDX-License-Identifier: ISC */
/* Kinds of measurement that are not cells of contenders. */
#ifndef KINDS_H
#define KINDS_H

/* Cost of composing, sending and of channels as their number grows. */
void growth(void);
/* Floor C: what memory costs, beside composing. */
void copies(void);

#endif
