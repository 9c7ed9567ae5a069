/* SPDX-License-Identifier: ISC */
/*
 * Signals that come at any moment: a timer in every process, whose handler in
 * the parent also stops, continues, disturbs and kills children, whatever the
 * parent is doing just then.
 */
#ifndef SOAK_STORM_H
#define SOAK_STORM_H

#include <sys/types.h>

#include "soak-plan.h"

void soak_storm_parent(uint64_t seed);
void soak_storm_child(struct soak_rng *);
/* No more signals from the timer; children are left alone. */
void soak_storm_end(void);

/* The handler works on this child from now on; kill_ms: 0 never. */
void soak_storm_add(int slot, pid_t, uint32_t kill_ms);
/* The same with none, before its pid is reaped: continued if stopped. */
void soak_storm_remove(int slot);
/* No more than stops and signals for it. */
void soak_storm_spare(int slot);

/* Around fork(2): keeps the timer's signal away. */
void soak_storm_hold(int on);
/* The parent is alive; without it the handler ends everything. */
void soak_storm_tick(void);
/* kill -9 to all children that were added. */
void soak_storm_kill_all(void);

int soak_storm_kills(void);
int soak_storm_stops(void);

#endif
