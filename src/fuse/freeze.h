/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezing: all changes wait, and reads go on.
 *
 * A request that changes something is a job with needs (job.h). It enters before it runs or asks for a copy-up. While
 * changes are frozen it can't enter, so it is deferred until the thaw: no thread waits for it. A copy-up that is under
 * way already ends its copying and waits at the change tier's gate, on a thread of its pool. If its data goes into an
 * object that is in the upper already, it waits there with the next piece of the data.
 *
 * fs_freeze(), fs_thaw() and their kin are declared in fuse/fs.h.
 */
#ifndef FUSE_FREEZE_H
#define FUSE_FREEZE_H

#include <stdatomic.h>
#include <stdbool.h>

struct fs;

struct freeze {
	_Atomic bool frozen;	  /* a nobody enters */
	_Atomic bool ends;	  /* a set once: nothing is frozen any more */
	_Atomic unsigned running; /* a jobs that have entered */
};

/* False while changes are frozen; else freeze_leave() must follow. May be nested. */
bool freeze_enter(struct fs *fs);
void freeze_leave(struct fs *fs);

#endif
