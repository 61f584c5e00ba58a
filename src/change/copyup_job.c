/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running copy-up asks about itself.
 */
#include "copyup_internal.h"

#include "internal.h"

bool copyup_job_cancelled(struct copyup_job *job)
{
	return job && atomic_load_explicit(&job->cancelled, memory_order_relaxed);
}

bool copyup_job_commit(struct copyup_job *job)
{
	if (!job)
		return true;
	LOCK_SCOPE(&job->queue->lock);
	if (!atomic_load_explicit(&job->cancelled, memory_order_relaxed))
		job->committed = true;
	return job->committed;
}
