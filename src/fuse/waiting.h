/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting jobs and their interrupts.
 *
 * Owns struct waiting, fs->waiting: the list of jobs that wait, the members of struct job that say so, and the thread
 * that watches them.
 *
 * Invariants, under its lock (waiting_check_locked()):
 *  W1  A job in the list says that it is waiting, and is of this mount.
 *  W2  It is referenced.
 *  W3  It has a time when it is due if, and only if, it is deferred.
 *  W4  One that isn't deferred waits for a copy-up, which calls it back.
 *  W5  The counts of interrupted and of deferred jobs are those of the list.
 */
#ifndef FUSE_WAITING_H
#define FUSE_WAITING_H

#include "job.h"

int waiting_new(struct fs *fs, struct waiting **ret_waiting);
void waiting_free(struct waiting *waiting);
/* Enters the job and watches for its interrupt. */
void waiting_enter(struct job *job);
/* Enters a job on the heap that must wait; after a while its task goes to the sync pool. */
void waiting_defer(struct job *job);
/* Takes it out; false when somebody else did. */
bool waiting_leave(struct job *job);
/* Cancels all of them with `err`. */
void waiting_cancel_all(struct fs *fs, int err);

#endif
