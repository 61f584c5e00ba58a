/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One queue, one leaf lock, two conditions: `work` wakes a thread, `quiet` wakes who waits for the pool to run dry. A
 * thread is started when a task is queued that no idle thread is there to take, and then lives until the pool is freed.
 */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <utlist.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/scope.h"
#include "base/thread.h"

#define NAME_LEN 12 /* of the threads: see the header */

struct pool {
	struct lock lock; /* leaf; guards all below but what says otherwise */
	pthread_cond_t work, quiet;
	struct pool_task *tasks; /* the first one first */
	unsigned queued, idle, n_threads;
	bool ending;
	const char *name;     /* constant */
	int nice;	      /* constant */
	unsigned max_threads; /* constant */
	pthread_t threads[];
};

int pool_new(const char *name, unsigned max_threads, int nice, struct pool **ret_pool)
{
	if (!max_threads || !CHECK(strlen(name) <= NAME_LEN))
		return -EINVAL;
	struct pool *pool = calloc(1, sizeof(*pool) + max_threads * sizeof(pool->threads[0]));

	if (!pool)
		return -ENOMEM;
	lock_init(&pool->lock, LOCK_LEAF);
	pthread_cond_init(&pool->work, NULL);
	pthread_cond_init(&pool->quiet, NULL);
	pool->name = name;
	pool->nice = nice;
	pool->max_threads = max_threads;
	*ret_pool = pool;
	return 0;
}

static void push_locked(struct pool *pool, struct pool_task *task)
{
	(void)CHECK(lock_held(&pool->lock) && !pool->ending);
	DL_APPEND(pool->tasks, task);
	pool->queued++;
}

/* The first of the queue, which isn't empty. */
static struct pool_task *take_locked(struct pool *pool)
{
	struct pool_task *task = pool->tasks;

	(void)CHECK(lock_held(&pool->lock) && task && pool->queued > 0);
	DL_DELETE(pool->tasks, task);
	pool->queued--;
	return task;
}

static bool is_quiet_locked(const struct pool *pool)
{
	(void)CHECK(lock_held(&pool->lock) && pool->idle <= pool->n_threads);
	return !pool->queued && pool->idle == pool->n_threads;
}

static struct pool_task *wait_for_task_locked(struct pool *pool)
{
	(void)CHECK(lock_held(&pool->lock) && pool->idle < pool->n_threads);
	pool->idle++;
	if (is_quiet_locked(pool))
		pthread_cond_broadcast(&pool->quiet);
	while (!pool->tasks && !pool->ending)
		pthread_cond_wait(&pool->work, &pool->lock.mutex);
	pool->idle--;
	return pool->tasks ? take_locked(pool) : NULL;
}

/* Both are best effort: a thread at full priority, or without a name, works as well. */
static void thread_prepare(const struct pool *pool)
{
	id_t tid = (id_t)syscall(SYS_gettid);
	int nice;

	thread_name(pool->name);
	errno = 0;
	nice = getpriority(PRIO_PROCESS, tid);
	if (pool->nice && !errno)
		setpriority(PRIO_PROCESS, tid, nice + pool->nice);
}

static void *thread_main(void *arg)
{
	struct pool *pool = arg;
	struct pool_task *task;

	thread_prepare(pool);
	lock_take(&pool->lock);
	while ((task = wait_for_task_locked(pool))) {
		lock_drop(&pool->lock);
		scope_enter(task->scope);
		task->run(task);
		lock_take(&pool->lock);
	}
	lock_drop(&pool->lock);
	return NULL;
}

void pool_submit(struct pool *pool, struct pool_task *task)
{
	struct pool_task *run_here = NULL;

	task->scope = scope_current();
	lock_take(&pool->lock);
	push_locked(pool, task);
	if (pool->queued > pool->idle && pool->n_threads < pool->max_threads)
		pool->n_threads += thread_start(&pool->threads[pool->n_threads], thread_main, pool) == 0;
	if (!pool->n_threads)
		run_here = take_locked(pool);
	pthread_cond_signal(&pool->work);
	lock_drop(&pool->lock);
	if (run_here)
		run_here->run(run_here);
}

static void drain_locked(struct pool *pool)
{
	(void)CHECK(lock_held(&pool->lock));
	while (!is_quiet_locked(pool))
		pthread_cond_wait(&pool->quiet, &pool->lock.mutex);
}

void pool_drain(struct pool *pool)
{
	LOCK_SCOPE(&pool->lock);
	drain_locked(pool);
}

void pool_free(struct pool *pool)
{
	if (!pool)
		return;
	lock_take(&pool->lock);
	drain_locked(pool);
	pool->ending = true;
	pthread_cond_broadcast(&pool->work);
	lock_drop(&pool->lock);
	(void)CHECK(!pool->tasks && !pool->queued);
	for (unsigned i = 0; i < pool->n_threads; i++)
		pthread_join(pool->threads[i], NULL);
	pthread_cond_destroy(&pool->quiet);
	pthread_cond_destroy(&pool->work);
	lock_finish(&pool->lock);
	free(pool);
}
