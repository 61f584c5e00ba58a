/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing the changes of a live union by the control socket of its daemon (control/protocol.h).
 */
#ifndef PLYCTL_FREEZE_H
#define PLYCTL_FREEZE_H

#include <stdbool.h>

#include "plyctl.h"

struct freeze {
	int fd; /* of the socket while it is frozen */
	bool frozen, done;
	unsigned long long since, ms; /* how long changes waited */
	char cause[256];	      /* why it wasn't frozen, or what failed */
};

/* Makes changes wait. A union that can't be frozen is none of the failures: `cause` says why. */
int freeze_start(struct freeze *f, const struct view_stack *stack);
/* Lets them go on. -ETIMEDOUT: they went on before. */
int freeze_end(struct freeze *f);

#endif
