/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for which copy-up. One task an inode with the list of those who want its result; a second request for the
 * inode joins. When the last one leaves, the task is cancelled and nobody joins it any more, so that whoever asks next
 * gets a fresh one; both may run for a moment, and whoever publishes second finds the object in the upper. There are no
 * more tasks than callers that are held up, so one is found by looking through all.
 *
 * A request for the whole file joins a task that copies no data as well: somebody is truncating the file, and the
 * truncation then came first.
 *
 * Every task starts on the pool for small ones, where one look at the layer tells if it is big and moves on. All lists
 * are under one leaf lock; inodes are referenced and put outside of it, as that takes T.
 */
#include "copyup_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <utlist.h>

#include "internal.h"

/* --- the life of a task ------------------------------------------------------------------------------------------- */

/* The invariants of tasks: see copyup_internal.h. */
static bool queue_check_locked(const struct copyup_queue *queue)
{
	bool good = CHECK(lock_held(&queue->lock));
	const struct copyup_task *task;

	DL_FOREACH(queue->tasks, task) {
		bool cancelled = atomic_load_explicit(&task->cancelled, memory_order_relaxed);
		const struct copyup_waiter *waiter;

		good &= CHECK(task->queue == queue && task->inode); /* C1 */
		good &= CHECK(task->waiters || cancelled);	    /* C2 */
		good &= CHECK(task->waiters || !task->committed);   /* C3 */
		good &= CHECK(cancelled || !queue->stopping);	    /* C4 */
		DL_FOREACH(task->waiters, waiter)
			good &= CHECK(waiter->inode == task->inode && waiter->done); /* C5 */
	}
	return good;
}

static void task_link_locked(struct copyup_queue *queue, struct copyup_task *task)
{
	(void)CHECK(lock_held(&queue->lock) && !task->committed);
	DL_PREPEND(queue->tasks, task);
}

static void task_unlink_locked(struct copyup_queue *queue, struct copyup_task *task)
{
	CHECK_DEBUG(queue_check_locked(queue));
	DL_DELETE(queue->tasks, task);
}

static void task_cancel_locked(struct copyup_task *task)
{
	(void)CHECK(lock_held(&task->queue->lock));
	atomic_store_explicit(&task->cancelled, true, memory_order_relaxed);
}

static void waiters_answer(struct copyup_waiter *waiters, int err)
{
	struct copyup_waiter *waiter, *next;

	(void)CHECK(err <= 0 && err != -LOOK_AGAIN);
	/* done() may free it. */
	DL_FOREACH_SAFE(waiters, waiter, next)
		waiter->done(waiter, err);
}

static void task_finish(struct copyup_task *task, int err)
{
	struct copyup_queue *queue = task->queue;
	struct copyup_waiter *waiters;

	lock_take(&queue->lock);
	task_unlink_locked(queue, task);
	waiters = task->waiters;
	lock_drop(&queue->lock);

	waiters_answer(waiters, err);
	inode_put(queue->writer->tree, task->inode);
	free(task);
}

static void task_run(struct pool_task *pool_task)
{
	struct copyup_task *task = container_of(pool_task, struct copyup_task, pool_task);

	task_finish(task, copyup_run(task->queue->writer, task->inode, task->how, task));
}

static void task_start(struct pool_task *pool_task)
{
	struct copyup_task *task = container_of(pool_task, struct copyup_task, pool_task);
	struct writer *writer = task->queue->writer;

	if (!copyup_task_cancelled(task) && !copyup_is_below(writer, task->inode, task->how, COPYUP_LARGE)) {
		task->pool_task.run = task_run;
		pool_submit(writer->copy_large, &task->pool_task);
		return;
	}
	task_run(pool_task);
}

/* --- requests ----------------------------------------------------------------------------------------------------- */

static void queue_fail(struct pool_task *pool_task)
{
	struct copyup_queue *queue = container_of(pool_task, struct copyup_queue, failing);
	struct copyup_waiter *waiters;

	lock_take(&queue->lock);
	waiters = queue->failed;
	queue->failed = NULL;
	lock_drop(&queue->lock);
	waiters_answer(waiters, -ENOMEM);
}

static void queue_refuse(struct copyup_queue *queue, struct copyup_waiter *waiter)
{
	bool submit;

	lock_take(&queue->lock);
	submit = !queue->failed;
	DL_PREPEND(queue->failed, waiter);
	lock_drop(&queue->lock);
	/* The task takes the list whole, and is not in the pool while the list is empty. */
	if (submit)
		pool_submit(queue->writer->copy_small, &queue->failing);
}

static struct copyup_task *task_new(struct copyup_queue *queue, struct inode *inode, enum copyup_how how)
{
	struct copyup_task *task = calloc(1, sizeof(*task));

	if (!task)
		return NULL;
	task->pool_task.run = task_start;
	task->queue = queue;
	task->inode = inode;
	task->how = how;
	return task;
}

/* Whether a request can share what the task copies. A task for a change of flags lets more pass than the others. */
static bool task_serves(const struct copyup_task *task, enum copyup_how how)
{
	return (task->how == COPYUP_FLAGS) == (how == COPYUP_FLAGS);
}

static bool is_task_of(struct copyup_task *task, const struct inode *inode)
{
	return task->inode == inode && !copyup_task_cancelled(task);
}

/* Adds the waiter to the inode's task, `fresh` if there is none to join. Returns the task that it joined. */
static struct copyup_task *queue_join(struct copyup_queue *queue, struct inode *inode, enum copyup_how how,
				      struct copyup_task *fresh, struct copyup_waiter *waiter)
{
	struct copyup_task *task;

	LOCK_SCOPE(&queue->lock);
	DL_FOREACH(queue->tasks, task)
		if (is_task_of(task, inode) && task_serves(task, how))
			break;
	if (!task) {
		task = fresh;
		if (!task)
			return NULL;
		task_link_locked(queue, task);
		atomic_store_explicit(&task->cancelled, queue->stopping, memory_order_relaxed);
	}
	DL_APPEND(task->waiters, waiter);
	CHECK_DEBUG(queue_check_locked(queue));
	return task;
}

/* A copy-up that blocks nobody for longer than a read of the same file would. */
static bool is_quick(struct writer *writer, struct inode *inode, enum copyup_how how)
{
	return writer->syncs_at_once && copyup_is_below(writer, inode, how, COPYUP_QUICK);
}

void copyup_request(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_waiter *waiter)
{
	struct copyup_queue *queue = writer->queue;
	struct copyup_task *fresh, *task;

	(void)CHECK(waiter->done);
	waiter->inode = inode;
	fresh = task_new(queue, inode_get(writer->tree, inode), how);
	task = queue_join(queue, inode, how, fresh, waiter);
	if (!task) {
		inode_put(writer->tree, inode);
		queue_refuse(queue, waiter);
		return;
	}
	if (task == fresh) {
		if (is_quick(writer, inode, how))
			task_run(&fresh->pool_task);
		else
			pool_submit(writer->copy_small, &fresh->pool_task);
		return;
	}
	/* The task that it joined holds a reference of its own. */
	inode_put(writer->tree, inode);
	free(fresh);
}

bool copyup_is_running(struct writer *writer, const struct inode *inode)
{
	struct copyup_task *task;

	LOCK_SCOPE(&writer->queue->lock);
	DL_FOREACH(writer->queue->tasks, task)
		if (is_task_of(task, inode))
			return true;
	return false;
}

static bool waiters_remove(struct copyup_waiter **waiters, struct copyup_waiter *waiter)
{
	struct copyup_waiter *at;

	DL_FOREACH(*waiters, at)
		if (at == waiter) {
			DL_DELETE(*waiters, waiter);
			return true;
		}
	return false;
}

bool copyup_cancel(struct writer *writer, struct copyup_waiter *waiter)
{
	struct copyup_queue *queue = writer->queue;
	struct copyup_task *task;

	/* The waiter's inode is not looked at: once done() ran it may be gone. */
	LOCK_SCOPE(&queue->lock);
	CHECK_DEBUG(queue_check_locked(queue));
	DL_FOREACH(queue->tasks, task) {
		/* A committed task is about to answer, and all the changes that it makes are made. */
		if (task->committed || !waiters_remove(&task->waiters, waiter))
			continue;
		if (!task->waiters)
			task_cancel_locked(task);
		return true;
	}
	return waiters_remove(&queue->failed, waiter);
}

/* --- the queue ---------------------------------------------------------------------------------------------------- */

int copyup_queue_new(struct writer *writer, struct copyup_queue **ret_queue)
{
	struct copyup_queue *queue = calloc(1, sizeof(*queue));

	if (!queue)
		return -ENOMEM;
	queue->writer = writer;
	queue->failing.run = queue_fail;
	lock_init(&queue->lock, LOCK_LEAF);
	*ret_queue = queue;
	return 0;
}

void copyup_queue_stop(struct copyup_queue *queue)
{
	struct copyup_task *task;

	LOCK_SCOPE(&queue->lock);
	queue->stopping = true;
	DL_FOREACH(queue->tasks, task)
		task_cancel_locked(task);
}

void copyup_queue_free(struct copyup_queue *queue)
{
	if (!queue)
		return;
	(void)CHECK(!queue->tasks && !queue->failed);
	lock_finish(&queue->lock);
	free(queue);
}
