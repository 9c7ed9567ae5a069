/* SPDX-License-Identifier: ISC */
/*
 * Names of message types, from C headers of the program looked at.
 *
 * A C parser reads them, in another program (imsgdump-names), before anything
 * is traced: what it makes of a strange file can do imsgdump no harm.
 */
#ifndef NAMES_H
#define NAMES_H

#include <stddef.h>
#include <stdint.h>

struct names;

/* NULL ENOMEM. */
struct names *names_new(void);
void names_free(struct names *);
/*
 * Adds those of FILE, FILE:ENUM or FILE:PREFIX*.  -1: it has said on standard
 * error why, and added none.  Of two names for a number the one that was there
 * first counts.
 */
int names_load(struct names *, const char *spec);
/* The same with this program, which names_load() looks for. */
int names_load_by(struct names *, const char *helper, const char *spec);
/* -1 ENOMEM. */
int names_add(struct names *, uint32_t type, const char *name);
/* Adds all of more. */
int names_merge(struct names *, const struct names *more);
/* NULL: it has none. */
const char *names_get(const struct names *, uint32_t type);
/* 0 and the number of the type that is called so; -1: there is none. */
int names_find(const struct names *, const char *name, uint32_t *type);
/* Calls for each until one says something else than 0, and returns that. */
typedef int names_cb(void *arg, uint32_t type, const char *name);
int names_each(const struct names *, names_cb *, void *arg);
size_t names_count(const struct names *);

#endif
