/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl top: samples (verb_top.c), and the full screen (top_screen.c).
 */
#ifndef PLYCTL_TOP_H
#define PLYCTL_TOP_H

#include <unistd.h>

#include "status.h"

struct top_mount {
	char *mountpoint;	      /* owned, as is all here */
	struct view_control *control; /* NULL: not connected */
	struct status *before, *now;  /* the last two answers; NULL: none */
	char *error;		      /* why there is none now */
};

struct top {
	struct top_mount *mounts;
	size_t n;
	bool all;		  /* mounts that come are added */
	unsigned long long count; /* 0: without end */
	double delay;		  /* seconds */
};

/* Since the last answer but one, or since the mount. */
struct top_figures {
	uint64_t ms;
	uint64_t requests, lookups, cached, read, written, copy_ups;
	struct latency_histogram latencies;
};

/* Asks all mounts again. */
void top_refresh(struct top *top);
/* Of a mount that has answered. */
void top_figures(const struct top_mount *m, struct top_figures *ret);
/* A number of the interval, for one second. */
uint64_t top_rate(const struct top_figures *f, uint64_t n);
int top_screen(struct top *top);

#endif
