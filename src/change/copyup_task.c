/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a running copy-up asks about itself.
 */
#include "copyup_internal.h"

#include "internal.h"

#include <utlist.h>

bool copyup_task_cancelled(struct copyup_task *task)
{
	return task && atomic_load_explicit(&task->cancelled, memory_order_relaxed);
}

bool copyup_task_commit(struct copyup_task *task)
{
	if (!task)
		return true;
	LOCK_SCOPE(&task->queue->lock);
	(void)CHECK(task->waiters || atomic_load_explicit(&task->cancelled, memory_order_relaxed));
	if (!atomic_load_explicit(&task->cancelled, memory_order_relaxed))
		task->committed = true;
	return task->committed;
}

bool copyup_task_begin_late(struct copyup_task *task)
{
	struct copyup_task *other;

	/* Without a task nobody else copies. */
	if (!task)
		return true;
	LOCK_SCOPE(&task->queue->lock);
	DL_FOREACH(task->queue->tasks, other)
		if (other != task && other->inode == task->inode && other->late)
			return false;
	task->late = true;
	return true;
}
