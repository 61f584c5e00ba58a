/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting jobs and their interrupts.
 *
 * Owns struct waiting, host->waiting: the list of jobs that wait, the members of struct job that say so, and the thread
 * that watches them. The life of a job and the invariants W1 to W5 of the list are in job.h.
 */
#ifndef FUSE_WAITING_H
#define FUSE_WAITING_H

#include "job.h"

int waiting_new(struct host *host, struct waiting **ret_waiting);
void waiting_free(struct waiting *waiting);
/* Enters the job and watches for its interrupt. */
void waiting_enter(struct job *job);
/* Enters a job on the heap that must wait; after a while, and not before waiting_release(), its task goes to the sync
 * pool. */
void waiting_defer(struct job *job);
/* Jobs of a union that are deferred from now on stay until waiting_release(), and nobody asks for them meanwhile. */
void waiting_hold(struct fs *fs);
void waiting_release(struct fs *fs);
/* Takes it out; false when somebody else did. */
bool waiting_leave(struct job *job);
/* How many jobs of the fs there are. */
unsigned waiting_count(struct fs *fs);
/* Cancels all jobs of the fs with `err`. The watcher then has none either. */
void waiting_cancel_all(struct fs *fs, int err);

#endif
