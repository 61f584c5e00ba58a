/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state machine of a waiting job is job_step(): the next inode that isn't in the upper is asked for,
 * and its completion comes back here; when none is left the job runs. A job whose run function finds the world changed
 * (-LOOK_AGAIN) goes round again, a bounded number of times. One that must wait for somebody else to give up a lease is
 * waiting too, without a copy-up, and asks again after a while, as often as it takes: no thread waits for it.
 */
#include "job.h"
#include "freeze.h"
#include "names.h"
#include "ring.h"
#include "waiting.h"
#include "base/check.h"

#include <stdlib.h>

#define JOB_ATTEMPTS 16

static void job_step(struct job *job);

static void job_run_task(struct pool_task *task)
{
	job_step(container_of(task, struct job, task));
}

/* `job` is on the heap and ours: it must wait. */
static void job_defer(struct job *job)
{
	job->task.run = job_run_task;
	/* The job has its span. Here it has ended, however this thread's operation does. */
	(void)latency_take();
	waiting_defer(job);
}

/* The next inode to be copied up, or NULL. */
static struct inode *job_missing(struct job *job)
{
	for (; job->next < JOB_NEEDS; job->next++) {
		struct inode *inode = job->needs[job->next];

		if (inode && !copyup_is_done(inode, job->how))
			return inode;
	}
	return NULL;
}

static void job_answer(struct job *job, int err)
{
	(void)CHECK(!job->is_waiting);
	latency_resume(job->span);
	job_keep_lost(job, err);
	job_reply(job, err);
	ring_answered(job->fs->host);
	job_put(job);
}

/*
 * A copy that leaves its other links behind has a number and a link count of its own. The kernel learns that from the
 * answer to a change that succeeds, but not from an error, and never that its cached listing of the parent, whose times
 * stay, has the old number.
 *
 * No pages of `inode` are dropped (-1): whoever waits for us may hold them locked. Of a directory nobody does.
 */
static void tell_broken_link(struct fs *fs, struct inode *inode)
{
	struct inode_location location;

	if (!fs->host->session || inode_is_dir(inode) || !inode_in_upper(inode))
		return;
	if (!(atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_NO_ORIGIN))
		return;
	attributes_doubt(fs, inode);
	inode_locate(fs->tree, inode, &location);
	if (location.parent)
		(void)fuse_lowlevel_notify_inval_inode(fs->host->session, location.parent->id, 0, 0);
	inode_location_finish(fs->tree, &location);
}

static void job_copied_up(struct copyup_waiter *waiter, int err)
{
	struct job *job = container_of(waiter, struct job, waiter);

	if (!waiting_leave(job)) {
		/* Its interrupt came first and answers it. */
		job_put(job);
		return;
	}
	(void)CHECK(job->next < JOB_NEEDS && job->needs[job->next]);
	job->copied_up = true;
	/* Another one's copy-up that lost a race is no answer to this request: look again. */
	if (err == -ESTALE && job->attempts++ < JOB_ATTEMPTS)
		err = 0;
	if (err == -MUST_WAIT) {
		job_defer(job);
		return;
	}
	if (err < 0) {
		job_answer(job, err);
		return;
	}
	tell_broken_link(job->fs, job->needs[job->next]);
	job_step(job);
}

static void job_wait(struct job *job, struct inode *inode)
{
	(void)CHECK(atomic_load(&job->refs) > 0 && job->next < JOB_NEEDS);
	counter_add(COUNTER_WAITING, 1);
	job->waiter.done = job_copied_up;
	(void)latency_take();
	waiting_enter(job);
	copyup_request(job->fs->writer, inode, job->how, &job->waiter);
}

/* `job` is on the heap and ours. */
static void job_go(struct job *job)
{
	(void)CHECK(job->run && atomic_load(&job->refs) > 0);
	scope_enter(job->fs->scope);
	latency_resume(job->span);
	for (;;) {
		struct inode *inode = job_missing(job);
		int r;

		if (inode) {
			job_wait(job, inode);
			return;
		}
		r = job->run(job);
		if (r == -MUST_WAIT) {
			job_defer(job);
			return;
		}
		if (r != -LOOK_AGAIN) {
			ring_answered(job->fs->host);
			job_put(job);
			return;
		}
		if (job->attempts++ >= JOB_ATTEMPTS) {
			job_answer(job, -EIO);
			return;
		}
		job->next = 0;
	}
}

/* Whether it is a change: it has what it needs in the upper. */
static bool job_changes(const struct job *job)
{
	return job->needs[0] != NULL;
}

static void job_step(struct job *job)
{
	bool changes = job_changes(job);
	struct fs *fs = job->fs;

	if (changes && !freeze_enter(fs)) {
		job_defer(job);
		return;
	}
	job_go(job);
	if (changes)
		freeze_leave(fs);
}

static void job_start_later(struct job *job)
{
	struct job *own = job_clone(job);

	if (own)
		job_defer(own);
}

static void job_start_now(struct job *job)
{
	int r = job_missing(job) ? -LOOK_AGAIN : job->run(job);
	struct job *own;

	(void)CHECK(!job->own_name && !job->own_buf && !atomic_load_explicit(&job->refs, memory_order_relaxed));
	job->next = 0;
	if (r == -MUST_WAIT) {
		job_start_later(job);
	} else if (r == -LOOK_AGAIN) {
		own = job_clone(job);
		if (own)
			job_step(own);
	}
}

void job_start(struct job *job)
{
	bool changes = job_changes(job);
	struct fs *fs = job->fs;

	if (changes && !freeze_enter(fs)) {
		job_start_later(job);
		return;
	}
	job_start_now(job);
	if (changes)
		freeze_leave(fs);
}

void job_start_opening(struct job *job)
{
	if (data_is_crowded(job->fs->data))
		job_start_blocking(job);
	else
		job_start_naming(job);
}

void job_start_naming(struct job *job)
{
	if (job->fs->opt.dirsync && !job->fs->writer->syncs_at_once)
		job_start_blocking(job);
	else
		job_start(job);
}

void job_start_blocking(struct job *job)
{
	struct job *own = job_clone(job);

	if (!own)
		return;
	own->task.run = job_run_task;
	pool_submit(own->fs->host->sync, &own->task);
}
