/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job as an object: its references, the copy that outlives the request's call-back, and its answer.
 */
#include "job.h"
#include "names.h"
#include "reply.h"
#include "base/check.h"

#include <stdlib.h>

static void job_free(struct job *job)
{
	(void)CHECK(!job->is_waiting && !job->is_deferred && !job->interrupted);
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
	unsigned refs = atomic_fetch_sub(&job->refs, 1);

	(void)CHECK(refs > 0);
	if (refs == 1)
		job_free(job);
}

/* An error of a write-back reaches whoever has the file open now, once. It is kept for those who come later. */
void job_keep_lost(const struct job *job, int err)
{
	(void)CHECK(!job->fi.writepage || job->inode);
	if (err < 0 && job->fi.writepage)
		data_write_back_failed(job->fs->data, job->inode, err);
}

/* An object that came into the upper has other times and another size, which the kernel learns from the answer to a
 * change that succeeds. One that got no data after all may have other times as well. */
static void doubt_needs(const struct job *job)
{
	for (unsigned i = 0; i < JOB_NEEDS; i++)
		if (job->needs[i])
			attributes_doubt(job->fs, job->needs[i]);
}

void job_reply(struct job *job, int err)
{
	(void)CHECK(err <= 0);
	if (err < 0 && job->copied_up)
		doubt_needs(job);
	/* What a file system says of a directory that was removed differs from one to the other. */
	if ((err == -EPERM || err == -ENOENT) && layer_upper_is_gone(job->fs->layers))
		err = -ESTALE;
	reply_result(job->req, err);
}

int job_result(struct job *job, int r)
{
	(void)CHECK(r <= 0);
	if (r == -LOOK_AGAIN || r == -MUST_WAIT)
		return r;
	job_keep_lost(job, r);
	job_reply(job, r);
	return 0;
}

int job_failed(struct job *job, int r)
{
	(void)CHECK(r < 0);
	if (r != -LOOK_AGAIN && r != -MUST_WAIT)
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
struct job *job_clone(const struct job *from)
{
	struct job *job = malloc(sizeof(*job));

	if (!job) {
		job_keep_lost(from, -ENOMEM);
		reply_result(from->req, -ENOMEM);
		return NULL;
	}
	/* A copy of a copy would share its list and its references. */
	(void)CHECK(!from->is_waiting && !from->own_name && !from->own_name2 && !from->own_buf);
	*job = *from;
	job->own_name = job->own_name2 = NULL;
	job->own_buf = NULL;
	atomic_init(&job->refs, 1);
	job->pid = fuse_req_ctx(from->req)->pid;
	job->span = latency_take();
	for (unsigned i = 0; i < JOB_NEEDS; i++)
		if (job->needs[i])
			inode_get(job->fs->tree, job->needs[i]);
	if (job->inode)
		inode_get(job->fs->tree, job->inode);
	if (job->inode2)
		inode_get(job->fs->tree, job->inode2);
	if (job_copy_args(job, from) < 0) {
		job_free(job);
		job_keep_lost(from, -ENOMEM);
		reply_result(from->req, -ENOMEM);
		return NULL;
	}
	return job;
}
