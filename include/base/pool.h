/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A bounded pool of worker threads with an intrusive first-in first-out queue: what may block for long (copy-up, sync)
 * runs here and never on a request thread. Threads start on demand up to the bound and run at a lower priority than
 * request threads where the kernel permits.
 *
 * Ownership: a task belongs to the pool from pool_submit() until its run function is called, which may free it.
 */
#ifndef BASE_POOL_H
#define BASE_POOL_H

struct pool;

struct pool_task {
	struct pool_task *next; /* the pool's */
	void (*run)(struct pool_task *task);
};

/* `name` (a string that stays alive, at most 12 characters) is shown by ps; `nice` is added to the threads' nice value.
 * 0, -ENOMEM, or -EINVAL without a thread. */
int pool_new(const char *name, unsigned max_threads, int nice, struct pool **ret_pool);
/* Never fails: where no thread can be started the task runs in the next free one, or in the caller if there is none. */
void pool_submit(struct pool *pool, struct pool_task *task);
/* Waits until the queue is empty and all threads are idle. */
void pool_drain(struct pool *pool);
/* Drains, ends the threads and frees. */
void pool_free(struct pool *pool);

#endif
