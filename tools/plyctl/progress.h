/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far a long work is: a line on standard error that is written anew, if that is a terminal; nothing otherwise.
 */
#ifndef PLYCTL_PROGRESS_H
#define PLYCTL_PROGRESS_H

#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

struct progress {
	_Atomic int64_t done; /* bytes; whoever works adds to it */
	int64_t total;	      /* 0: not known */
	const char *what;
	unsigned long long since; /* ms */
	_Atomic bool ending;
	bool shown; /* there is a thread */
	pthread_t thread;
};

void progress_start(struct progress *p, const char *what, int64_t total);
void progress_end(struct progress *p);

#endif
