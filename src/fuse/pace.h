/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The decisions of the request loop at each tick, from the values that it sees; no I/O (loop.c, follow.c).
 */
#ifndef FUSE_PACE_H
#define FUSE_PACE_H

#include <stdbool.h>

#include "base/macros.h"

/* --- how many threads take requests ------------------------------------------------------------------------------- */

/* Ticks, more or less in a row, at which requests waited while every thread that takes some worked; and ticks without
 * need of the last of them. A single caller has one request at a time, and what FORGETs come with it. */
#define PACE_CROWD 3U
#define PACE_CALM 64U

struct pace {
	unsigned wanted; /* threads that take requests, at least 1 */
	unsigned most;
	unsigned crowd, calm;
};

/* `works` of them work on a request, `waits`: others wait to be taken. */
static inline void pace_tick(struct pace *p, unsigned works, bool waits)
{
	bool full = works >= p->wanted;

	if (full && waits)
		p->crowd++;
	else if (p->crowd > 0)
		p->crowd--;
	if (p->wanted == 1 || full)
		p->calm = 0;
	else
		p->calm++;
	if (p->crowd >= PACE_CROWD) {
		p->wanted = MIN(p->wanted + 1, p->most);
		p->crowd = p->calm = 0;
	} else if (p->calm >= PACE_CALM) {
		p->wanted--;
		p->calm = 0;
	}
}

/* --- on which processor ------------------------------------------------------------------------------------------- */

/* Looks at which the caller was elsewhere, in a row, after which following it is given up for a time; that time in
 * looks, doubled each time. */
#define FOLLOW_MISSES 3U
#define FOLLOW_REST 8U
#define FOLLOW_REST_MAX 128U

enum follow_do { FOLLOW_STAY, FOLLOW_BIND, FOLLOW_FREE };

struct follow_state {
	int cpu; /* to which the thread that takes requests is bound; -1: none */
	unsigned misses, rest, next_rest;
};

/* The caller was last seen on `cpu`. */
static inline enum follow_do follow_look(struct follow_state *f, int cpu)
{
	if (f->rest > 0) {
		f->rest--;
		return FOLLOW_STAY;
	}
	if (f->cpu == cpu) {
		f->misses = 0;
		f->next_rest = FOLLOW_REST;
		return FOLLOW_STAY;
	}
	if (f->cpu >= 0 && ++f->misses >= FOLLOW_MISSES) {
		f->cpu = -1;
		f->misses = 0;
		f->rest = MAX(f->next_rest, FOLLOW_REST);
		f->next_rest = MIN(2 * f->rest, FOLLOW_REST_MAX);
		return FOLLOW_FREE;
	}
	f->cpu = cpu;
	return FOLLOW_BIND;
}

#endif
