/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Who waits for which copy-up. One job an inode with the list of those who want its result; a second request for the inode joins. When
 * the last one leaves, the job is cancelled and nobody joins it any more, so that whoever asks next gets a fresh one; both may run for a
 * moment, and whoever publishes second finds the object in the upper. There are no more jobs than callers that are held up, so one is
 * found by looking through all.
 *
 * A request for the whole file joins a job that copies no data as well: somebody is truncating the file, and the truncation then came first.
 *
 * Every job starts on the pool for small ones, where one look at the layer tells if it is big and moves on. All lists are under one leaf
 * lock; inodes are referenced and put outside of it, as that takes T.
 */
#include "copyup_internal.h"

#include <errno.h>
#include <stdlib.h>

#include "internal.h"

/* --- the life of a job ------------------------------------------------------------------------------------------------------ */

static void job_link_locked(struct copyup_queue *queue, struct copyup_job *job)
{
	job->next = queue->jobs;
	if (job->next)
		job->next->prev = job;
	queue->jobs = job;
}

static void job_unlink_locked(struct copyup_queue *queue, struct copyup_job *job)
{
	if (job->prev)
		job->prev->next = job->next;
	else
		queue->jobs = job->next;
	if (job->next)
		job->next->prev = job->prev;
}

static void job_cancel_locked(struct copyup_job *job)
{
	atomic_store_explicit(&job->cancelled, true, memory_order_relaxed);
}

static void waiters_answer(struct copyup_waiter *waiter, int err)
{
	while (waiter) {
		/* done() may free it. */
		struct copyup_waiter *next = waiter->next;

		waiter->done(waiter, err);
		waiter = next;
	}
}

static void job_finish(struct copyup_job *job, int err)
{
	struct copyup_queue *queue = job->queue;
	struct copyup_waiter *waiters;

	lock_take(&queue->lock);
	job_unlink_locked(queue, job);
	waiters = job->first;
	lock_drop(&queue->lock);

	waiters_answer(waiters, err);
	inode_put(queue->writer->tree, job->inode);
	free(job);
}

static void job_run(struct pool_task *task)
{
	struct copyup_job *job = container_of(task, struct copyup_job, task);

	job_finish(job, copyup_run(job->queue->writer, job->inode, job->how, job));
}

static void job_start(struct pool_task *task)
{
	struct copyup_job *job = container_of(task, struct copyup_job, task);
	struct writer *writer = job->queue->writer;

	if (!copyup_job_cancelled(job) && !copyup_is_below(writer, job->inode, job->how, COPYUP_LARGE)) {
		job->task.run = job_run;
		pool_submit(writer->copy_large, &job->task);
		return;
	}
	job_run(task);
}

/* --- requests ---------------------------------------------------------------------------------------------------------------- */

static void queue_fail(struct pool_task *task)
{
	struct copyup_queue *queue = container_of(task, struct copyup_queue, failing);
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
	waiter->next = queue->failed;
	queue->failed = waiter;
	lock_drop(&queue->lock);
	/* The task takes the list whole, and is not in the pool while the list is empty. */
	if (submit)
		pool_submit(queue->writer->copy_small, &queue->failing);
}

static struct copyup_job *job_new(struct copyup_queue *queue, struct inode *inode, enum copyup_how how)
{
	struct copyup_job *job = calloc(1, sizeof(*job));

	if (!job)
		return NULL;
	job->task.run = job_start;
	job->queue = queue;
	job->inode = inode;
	job->how = how;
	job->last = &job->first;
	return job;
}

/* Whether a request can share what the job copies. A job for a change of flags lets more pass than the others. */
static bool job_serves(const struct copyup_job *job, enum copyup_how how)
{
	return (job->how == COPYUP_FLAGS) == (how == COPYUP_FLAGS);
}

static bool is_job_of(struct copyup_job *job, const struct inode *inode)
{
	return job->inode == inode && !copyup_job_cancelled(job);
}

/* Adds the waiter to the inode's job, `fresh` if there is none to join. Returns the job that it joined. */
static struct copyup_job *queue_join(struct copyup_queue *queue, struct inode *inode, enum copyup_how how,
				     struct copyup_job *fresh, struct copyup_waiter *waiter)
{
	struct copyup_job *job;

	LOCK_SCOPE(&queue->lock);
	job = queue->jobs;
	while (job && !(is_job_of(job, inode) && job_serves(job, how)))
		job = job->next;
	if (!job) {
		job = fresh;
		if (!job)
			return NULL;
		job_link_locked(queue, job);
		atomic_store_explicit(&job->cancelled, queue->stopping, memory_order_relaxed);
	}
	*job->last = waiter;
	job->last = &waiter->next;
	return job;
}

/* A copy-up that blocks nobody for longer than a read of the same file would. */
static bool is_quick(struct writer *writer, struct inode *inode, enum copyup_how how)
{
	return writer->syncs_at_once && copyup_is_below(writer, inode, how, COPYUP_QUICK);
}

static void request(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_waiter *waiter, bool here)
{
	struct copyup_queue *queue = writer->queue;
	struct copyup_job *fresh, *job;

	waiter->next = NULL;
	waiter->inode = inode;
	fresh = job_new(queue, inode_get(writer->tree, inode), how);
	job = queue_join(queue, inode, how, fresh, waiter);
	if (!job) {
		inode_put(writer->tree, inode);
		queue_refuse(queue, waiter);
		return;
	}
	if (job == fresh) {
		if (here && is_quick(writer, inode, how))
			job_run(&fresh->task);
		else
			pool_submit(writer->copy_small, &fresh->task);
		return;
	}
	/* The job that it joined holds a reference of its own. */
	inode_put(writer->tree, inode);
	free(fresh);
}

void copyup_request(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_waiter *waiter)
{
	request(writer, inode, how, waiter, false);
}

void copyup_request_here(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_waiter *waiter)
{
	request(writer, inode, how, waiter, true);
}

bool copyup_is_running(struct writer *writer, const struct inode *inode)
{
	LOCK_SCOPE(&writer->queue->lock);
	for (struct copyup_job *job = writer->queue->jobs; job; job = job->next)
		if (is_job_of(job, inode))
			return true;
	return false;
}

static bool waiters_remove(struct copyup_waiter **at, const struct copyup_waiter *waiter, struct copyup_waiter ***last)
{
	for (; *at; at = &(*at)->next) {
		if (*at != waiter)
			continue;
		*at = waiter->next;
		if (last && !*at)
			*last = at;
		return true;
	}
	return false;
}

bool copyup_cancel(struct writer *writer, struct copyup_waiter *waiter)
{
	struct copyup_queue *queue = writer->queue;

	/* The waiter's inode is not looked at: once done() ran it may be gone. */
	LOCK_SCOPE(&queue->lock);
	for (struct copyup_job *job = queue->jobs; job; job = job->next) {
		/* A committed job is about to answer, and all the changes that it makes are made. */
		if (job->committed || !waiters_remove(&job->first, waiter, &job->last))
			continue;
		if (!job->first)
			job_cancel_locked(job);
		return true;
	}
	return waiters_remove(&queue->failed, waiter, NULL);
}

/* --- the queue ---------------------------------------------------------------------------------------------------------------- */

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
	LOCK_SCOPE(&queue->lock);
	queue->stopping = true;
	for (struct copyup_job *job = queue->jobs; job; job = job->next)
		job_cancel_locked(job);
}

void copyup_queue_free(struct copyup_queue *queue)
{
	if (!queue)
		return;
	(void)CHECK(!queue->jobs && !queue->failed);
	lock_finish(&queue->lock);
	free(queue);
}
