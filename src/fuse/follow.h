/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The thread that takes requests is kept on its caller's processor, where that pays.
 *
 * A caller that waits for its answer leaves its processor to who answers, and the other way round: on one processor
 * neither has to be woken by an interrupt of another one, nor to push somebody aside there. The kernel's scheduler
 * knows nothing of that and looks for an idle processor, or leaves everybody where he is. So, while one caller sends
 * request after request, it is looked at from time to time where it runs, and the thread is bound there. The kernel may
 * then move the caller away, as it does where idle processors wait without being halted. Then that is given up for a
 * time, each time longer.
 *
 * The whole state belongs to one thread, which is none of those that take requests.
 */
#ifndef FUSE_FOLLOW_H
#define FUSE_FOLLOW_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

#include "pace.h"

struct follow {
	bool possible;
	cpu_set_t own; /* where this process may run */
	pid_t bound;   /* the thread that is bound, or 0 */
	int bound_to;
	struct follow_state state;
};

void follow_init(struct follow *f);
/* `leader` alone takes requests, and `caller` sends them densely. To be called at regular times. */
void follow_caller(struct follow *f, pid_t leader, pid_t caller);
/* It has been given up for a time: callers are moved away. */
bool follow_rests(const struct follow *f);
/* The thread may run where it likes. */
void follow_end(struct follow *f);

#endif
