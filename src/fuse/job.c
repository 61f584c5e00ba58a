/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Jobs: see internal.h. The state machine of a parked job is job_step(): the next inode that isn't in the upper is asked for, and
 * its completion comes back here; when none is left the job runs. A job whose run function finds the world changed (-LOOK_AGAIN) goes
 * round again, a bounded number of times.
 */
#include "internal.h"

#include <stdlib.h>

#define JOB_ATTEMPTS 16

static void job_step(struct job *job);

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

static void job_free(struct job *job)
{
	for (unsigned i = 0; i < JOB_NEEDS; i++)
		if (job->needs[i])
			inode_put(job->fs->tree, job->needs[i]);
	if (job->inode)
		inode_put(job->fs->tree, job->inode);
	if (job->inode2)
		inode_put(job->fs->tree, job->inode2);
	free(job->own_name);
	free(job->own_name2);
	free(job->own_buf);
	free(job);
}

void job_put(struct job *job)
{
	if (atomic_fetch_sub(&job->refs, 1) == 1)
		job_free(job);
}

/* An error of a write-back reaches whoever has the file open now, once. It is kept for those who come later. */
static void keep_lost(const struct job *job, int err)
{
	if (err < 0 && job->fi.writepage)
		data_write_back_failed(job->fs->data, job->inode, err);
}

/* An object that came into the upper has other times and another size, which the kernel learns from the answer to a change that succeeds. */
static void doubt_needs(const struct job *job)
{
	for (unsigned i = 0; i < JOB_NEEDS; i++)
		if (job->needs[i])
			attributes_doubt(job->fs, job->needs[i]);
}

void job_reply(struct job *job, int err)
{
	if (err < 0 && job->copied_up)
		doubt_needs(job);
	/* What a file system says of a directory that was removed differs from one to the other. */
	if ((err == -EPERM || err == -ENOENT) && layer_upper_is_gone(job->fs->layers))
		err = -ESTALE;
	reply_result(job->req, err);
}

int job_result(struct job *job, int r)
{
	if (r == -LOOK_AGAIN)
		return r;
	keep_lost(job, r);
	job_reply(job, r);
	return 0;
}

int job_failed(struct job *job, int r)
{
	if (r != -LOOK_AGAIN)
		attributes_doubt(job->fs, job->inode);
	return job_result(job, r);
}

static int job_copy_args(struct job *to, const struct job *from)
{
	if (from->name && !(to->own_name = strdup(from->name)))
		return -ENOMEM;
	if (from->name2 && !(to->own_name2 = strdup(from->name2)))
		return -ENOMEM;
	if (from->buf) {
		to->own_buf = malloc(from->size ? from->size : 1);
		if (!to->own_buf)
			return -ENOMEM;
		memcpy(to->own_buf, from->buf, from->size);
	}
	to->name = to->own_name;
	to->name2 = to->own_name2;
	to->buf = to->own_buf;
	return 0;
}

/* A copy on the heap that owns all it points to; NULL after having answered ENOMEM. */
static struct job *job_clone(const struct job *from)
{
	struct job *job = malloc(sizeof(*job));

	if (!job) {
		keep_lost(from, -ENOMEM);
		reply_result(from->req, -ENOMEM);
		return NULL;
	}
	*job = *from;
	job->own_name = job->own_name2 = NULL;
	job->own_buf = NULL;
	atomic_init(&job->refs, 1);
	job->pid = fuse_req_ctx(from->req)->pid;
	for (unsigned i = 0; i < JOB_NEEDS; i++)
		if (job->needs[i])
			inode_get(job->fs->tree, job->needs[i]);
	if (job->inode)
		inode_get(job->fs->tree, job->inode);
	if (job->inode2)
		inode_get(job->fs->tree, job->inode2);
	if (job_copy_args(job, from) < 0) {
		job_free(job);
		keep_lost(from, -ENOMEM);
		reply_result(from->req, -ENOMEM);
		return NULL;
	}
	return job;
}

static void job_answer(struct job *job, int err)
{
	keep_lost(job, err);
	job_reply(job, err);
	job_put(job);
}

/*
 * A copy that leaves its other links behind has a number and a link count of its own. The kernel learns that from the answer to a change
 * that succeeds, but not from an error, and never that its cached listing of the parent, whose times stay, has the old number.
 *
 * No pages of `inode` are dropped (-1): whoever waits for us may hold them locked. Of a directory nobody does.
 */
static void tell_broken_link(struct fs *fs, struct inode *inode)
{
	struct inode_place place;

	if (!fs->session || inode_is_dir(inode) || !inode_in_upper(inode))
		return;
	if (!(atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_NO_ORIGIN))
		return;
	attributes_doubt(fs, inode);
	inode_locate(fs->tree, inode, &place);
	if (place.parent)
		(void)fuse_lowlevel_notify_inval_inode(fs->session, place.parent->id, 0, 0);
	inode_place_finish(fs->tree, &place);
}

static void job_copied_up(struct copyup_waiter *waiter, int err)
{
	struct job *job = container_of(waiter, struct job, waiter);

	if (!parked_leave(job)) {
		/* Its interrupt came first and answers it. */
		job_put(job);
		return;
	}
	/* Another one's copy-up that lost a race is no answer to this request: look again. */
	if (err == -ESTALE && job->attempts++ < JOB_ATTEMPTS)
		err = 0;
	if (err < 0) {
		job_answer(job, err);
		return;
	}
	job->copied_up = true;
	tell_broken_link(job->fs, job->needs[job->next]);
	job_step(job);
}

static void job_park(struct job *job, struct inode *inode)
{
	counter_add(COUNTER_PARKED, 1);
	job->waiter.done = job_copied_up;
	parked_enter(job);
	copyup_request_here(job->fs->change, inode, job->how, &job->waiter);
}

/* `job` is on the heap and ours. */
static void job_step(struct job *job)
{
	for (;;) {
		struct inode *inode = job_missing(job);
		int r;

		if (inode) {
			job_park(job, inode);
			return;
		}
		r = job->run(job);
		if (r != -LOOK_AGAIN) {
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

void job_start(struct job *job)
{
	struct job *own;

	if (!job_missing(job) && job->run(job) != -LOOK_AGAIN)
		return;
	job->next = 0;
	own = job_clone(job);
	if (own)
		job_step(own);
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
	if (job->fs->opt.dirsync && !job->fs->change->syncs_at_once)
		job_start_blocking(job);
	else
		job_start(job);
}

static void job_run_task(struct pool_task *task)
{
	job_step(container_of(task, struct job, task));
}

void job_start_blocking(struct job *job)
{
	struct job *own = job_clone(job);

	if (!own)
		return;
	own->task.run = job_run_task;
	pool_submit(own->fs->sync, &own->task);
}
