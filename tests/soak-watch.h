/* SPDX-License-Identifier: ISC */
/*
 * Memory and descriptors of the parent: once a second, and exactly at rests,
 * when all children have come to a regular end.
 *
 * At a rest nothing may be left.  First all channels are still open, with
 * nothing queued: each has its socket and what a channel keeps, no more.
 * Then they are cleared:
 *	descriptors		as before the first channel
 *	allocated memory	at most 256 bytes more than then (glibc)
 *	resident memory		free memory is given back to the system first.
 *				Of these the medians of the second and the
 *				last quarter of the run are compared: growth
 *				of at most 5 % and 512 KiB
 * In between both depend on what is queued; a last quarter that is more than
 * half as much again as the second one, and 2 MiB or 64 descriptors, is none
 * of that.
 */
#ifndef SOAK_WATCH_H
#define SOAK_WATCH_H

#include <stdint.h>

/* csv: a file to write to, or NULL.  Before the first channel. */
void soak_watch_start(long seconds, const char *csv);
/* Takes a sample if the last one is a second old. */
void soak_watch(void);
/* At a rest, with so many channels open, and then with none. */
void soak_watch_idle(int channels);
void soak_watch_rest(void);
/* Prints; 0 flat, -1 not.  judge: 0 prints only. */
int soak_watch_end(int judge);

#endif
