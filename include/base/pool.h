/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded pool of worker threads with an intrusive queue, first in first out. Work that may block for long (copy-up,
 * sync) runs here and never on a request thread. Threads start on demand up to the bound. They run at a lower priority
 * than request threads if the kernel permits this.
 *
 * A task runs in the scope of who submitted it.
 *
 * Ownership: a task belongs to the pool from pool_submit() until the call of its run function, which may free it.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

struct pool;
struct scope; /* base/scope.h */

struct pool_task {
	struct pool_task *prev, *next; /* the pool's */
	struct scope *scope;	       /* the pool's: of who submitted it */
	void (*run)(struct pool_task *task);
};

/* `name` (a string that stays alive, at most 12 characters) is shown by ps. `nice` is added to the nice value of the
 * threads. 0, -ENOMEM, or -EINVAL for no thread. */
int pool_new(const char *name, unsigned max_threads, int nice, struct pool **ret_pool);
/* Never fails. If no thread can be started the task runs in the next free one, or in the caller if there is none. */
void pool_submit(struct pool *pool, struct pool_task *task);
/* Waits until the queue is empty and all threads are idle. */
void pool_drain(struct pool *pool);
/* Drains, ends the threads and frees. */
void pool_free(struct pool *pool);

#endif
