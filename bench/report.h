/* SPDX-License-Identifier: ISC */
/* What is printed, what is written as JSON, and the verdicts. */
#ifndef REPORT_H
#define REPORT_H

#include "measure.h"

enum verdict { VERDICT_OK, VERDICT_STRETCH, VERDICT_UNDECIDED, VERDICT_SHORT };

/* A value against what it must be at least and what would be better still. */
struct bar {
	double must;
	double stretch;
};

enum verdict judge(double, const struct bar *);
enum verdict worse(enum verdict, enum verdict);
/* Prints "ok", "falls short" and so on, and counts. */
void verdict(enum verdict);
/* A line for one cell, without its end; and the cell's JSON object. */
void report_cell(
    const struct pairing *, int count, int ours, const struct result *);
/* A figure that is not the result of a cell. */
void report_figure(const char *name, double value);
/* Where the ends ran, of all that follows. */
void report_placement(const char *);
void report_start(void);
/* Writes the JSON file if path is not NULL; the exit status. */
int report_end(const char *path);

#endif
