/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The worker pool: nothing is lost, nothing runs twice, and threads are as few as needed.
 */
#include "base/pool.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/macros.h"
#include "unit.h"

struct job {
	struct pool_task task;
	int number;
	int *order;	  /* where the number goes */
	_Atomic int *ran; /* how many ran before */
	sem_t *wait;	  /* for leave to end */
	sem_t *tell;	  /* that it runs */
};

static void run_job(struct pool_task *task)
{
	struct job *job = container_of(task, struct job, task);

	if (job->tell)
		sem_post(job->tell);
	if (job->wait)
		sem_wait(job->wait);
	int at = atomic_fetch_add(job->ran, 1);

	if (job->order)
		job->order[at] = job->number;
}

TEST("every task runs once, also when many threads submit")
{
	enum { JOBS = 2000 };
	static struct job jobs[JOBS];
	static _Atomic int ran;
	struct pool *pool;

	ASSERT_INT(pool_new("t", 3, 0, &pool), 0);
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct job){.task.run = run_job, .ran = &ran};
		pool_submit(pool, &jobs[i].task);
	}
	pool_drain(pool);
	EXPECT_INT(ran, JOBS);
	pool_free(pool);
	EXPECT_INT(ran, JOBS);
}

TEST("one thread runs the tasks first in, first out")
{
	enum { JOBS = 50 };
	struct job jobs[JOBS];
	int order[JOBS];
	_Atomic int ran = 0;
	struct pool *pool;

	ASSERT_INT(pool_new("t", 1, 0, &pool), 0);
	for (int i = 0; i < JOBS; i++) {
		jobs[i] = (struct job){.task.run = run_job, .number = i, .order = order, .ran = &ran};
		pool_submit(pool, &jobs[i].task);
	}
	pool_drain(pool);
	for (int i = 0; i < JOBS; i++)
		EXPECT_INT(order[i], i);
	pool_free(pool);
}

TEST("a blocked task doesn't stop the others while threads are left")
{
	sem_t leave, running;
	_Atomic int ran = 0;
	struct job blocked = {.task.run = run_job, .ran = &ran, .wait = &leave, .tell = &running};
	struct job quick = {.task.run = run_job, .ran = &ran, .tell = &running};
	struct pool *pool;

	sem_init(&leave, 0, 0);
	sem_init(&running, 0, 0);
	ASSERT_INT(pool_new("t", 2, 0, &pool), 0);
	pool_submit(pool, &blocked.task);
	sem_wait(&running);
	pool_submit(pool, &quick.task);
	sem_wait(&running); /* hangs if one task stops the other */
	sem_post(&leave);
	pool_drain(pool);
	EXPECT_INT(ran, 2);
	pool_free(pool);
}

static char worker_name[16];
static int worker_nice;
static sigset_t worker_mask;

static void look_at_worker(struct pool_task *task)
{
	prctl(PR_GET_NAME, worker_name);
	worker_nice = getpriority(PRIO_PROCESS, (id_t)syscall(SYS_gettid));
	pthread_sigmask(SIG_SETMASK, NULL, &worker_mask);
}

TEST("workers bear the pool's name, run at lower priority and take no signals")
{
	struct pool_task task = {.run = look_at_worker};
	int nice = getpriority(PRIO_PROCESS, 0);
	struct pool *pool;
	sigset_t mask;

	ASSERT_INT(pool_new("plyfs-slow", 1, 3, &pool), 0);
	pool_submit(pool, &task);
	pool_drain(pool);
	pool_free(pool);
	EXPECT_STR(worker_name, "plyfs-slow");
	EXPECT_INT(worker_nice, MIN(nice + 3, 19));
	EXPECT(sigismember(&worker_mask, SIGTERM) && sigismember(&worker_mask, SIGUSR1));
	pthread_sigmask(SIG_SETMASK, NULL, &mask);
	EXPECT(!sigismember(&mask, SIGTERM));
	EXPECT_INT(getpriority(PRIO_PROCESS, 0), nice);
}

static _Thread_local bool is_this_thread;
static bool ran_here;

static void note_thread(struct pool_task *task)
{
	ran_here = is_this_thread;
}

TEST("where no thread can be started the task runs in the caller")
{
	struct pool_task task = {.run = note_thread};
	pthread_attr_t before, huge;
	struct pool *pool;

	is_this_thread = true;
	ASSERT_INT(pool_new("t", 1, 0, &pool), 0);
	pthread_getattr_default_np(&before);
	pthread_getattr_default_np(&huge);
	pthread_attr_setstacksize(&huge, (size_t)1 << 60); /* no address space has room for that */
	pthread_setattr_default_np(&huge);
	pool_submit(pool, &task);
	pthread_setattr_default_np(&before);
	EXPECT(ran_here);
	pool_submit(pool, &task);
	pool_drain(pool);
	EXPECT(!ran_here);
	pool_free(pool);
}

TEST("draining and freeing an unused pool return at once")
{
	struct pool *pool;

	EXPECT_INT(pool_new("t", 0, 0, &pool), -EINVAL);
	ASSERT_INT(pool_new("t", 4, 0, &pool), 0);
	pool_drain(pool);
	pool_free(pool);
	pool_free(NULL);
}
