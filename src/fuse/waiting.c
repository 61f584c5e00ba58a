/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting jobs and their interrupts.
 *
 * FUSE tells of any signal to a waiting process, but a write to a regular file must not return EINTR for a mere SIGALRM
 * or SIGCHLD. Only a process that is being killed gets its answer at once; the kernel sends one interrupt a request, so
 * one that came for a harmless signal is watched until the job leaves. One thread does that, and sleeps when there is
 * nothing to watch.
 *
 * The same thread has those go on that must wait for a lease: 5 ms after the first time, each time twice as long, and
 * 80 ms at the most. Times are multiples of 5 ms, so that one look at the list finds many. While changes are frozen
 * none goes on, and after the thaw all do at once.
 */
#include "waiting.h"
#include "job.h"
#include "ring.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>
#include <utlist.h>

#include "base/check.h"
#include "base/thread.h"
#include "os/task.h"

#define WATCH_INTERVAL_MS 100
#define DEFER_MS 5
#define DEFER_DOUBLED 4
#define AFTER_RELEASE UINT64_MAX

struct waiting {
	struct host *host;
	struct lock lock; /* leaf */
	pthread_cond_t cond;
	struct job *first;    /* lock */
	unsigned interrupted; /* lock: jobs in the list with the flag */
	unsigned deferred;    /* lock: jobs in the list with the flag */
	uint64_t next_round;  /* lock: when interrupted jobs are looked at next; os_now_ms() */
	bool watches;	      /* lock: the thread has jobs of its own, outside of the list */
	bool stop;	      /* lock */
	bool started;	      /* lock */
	pthread_t thread;
};

/* The invariants of waiting jobs: see job.h. */
static bool waiting_check_locked(const struct waiting *p)
{
	unsigned interrupted = 0, deferred = 0;
	bool good = CHECK(lock_held(&p->lock));
	const struct job *job;

	DL_FOREACH2(p->first, job, waiting_next) {
		good &= CHECK(job->is_waiting && job->fs->host == p->host); /* W1 */
		good &= CHECK(atomic_load(&job->refs) > 0);		    /* W2 */
		good &= CHECK(job->is_deferred == (job->due > 0));	    /* W3 */
		good &= CHECK(job->is_deferred || job->waiter.done);	    /* W4 */
		interrupted += job->interrupted;
		deferred += job->is_deferred;
	}
	good &= CHECK(interrupted == p->interrupted && deferred == p->deferred); /* W5 */
	return good;
}

static void list_remove_locked(struct waiting *p, struct job *job)
{
	(void)CHECK(lock_held(&p->lock) && job->is_waiting);
	(void)CHECK(p->interrupted >= job->interrupted && p->deferred >= job->is_deferred);
	DL_DELETE2(p->first, job, waiting_prev, waiting_next);
	job->waiting_next = job->waiting_prev = NULL;
	job->is_waiting = false;
	p->interrupted -= job->interrupted;
	p->deferred -= job->is_deferred;
	job->interrupted = job->is_deferred = false;
	job->due = 0;
	CHECK_DEBUG(waiting_check_locked(p));
}

static void note_interrupt_locked(struct waiting *p, struct job *job)
{
	(void)CHECK(lock_held(&p->lock) && job->is_waiting);
	if (job->interrupted)
		return;
	job->interrupted = true;
	p->interrupted++;
	p->next_round = 0;
	pthread_cond_signal(&p->cond);
}

/* libfuse calls this on a request thread; `arg` may be freed already, so it is only compared. */
static void on_interrupt(fuse_req_t req, void *arg)
{
	struct waiting *p = host_of(req)->waiting;
	struct job *job;

	lock_take(&p->lock);
	DL_FOREACH2(p->first, job, waiting_next) {
		if (job != arg || job->req != req)
			continue;
		note_interrupt_locked(p, job);
		break;
	}
	lock_drop(&p->lock);
}

static bool leave_deferred(struct job *job)
{
	struct waiting *p = job->fs->host->waiting;
	bool was;

	lock_take(&p->lock);
	was = job->is_deferred;
	if (was)
		list_remove_locked(p, job);
	lock_drop(&p->lock);
	return was;
}

/* A copy-up task that is cancelled never calls back; the job's answer is then ours. So is that of a job that waits for
 * none. False: done() runs or will run, and answers. */
static bool cancel_job(struct job *job, int err)
{
	struct fs *fs = job->fs;
	bool deferred = leave_deferred(job);

	if (!deferred && !copyup_cancel(fs->writer, &job->waiter))
		return false;
	if (deferred || waiting_leave(job)) {
		scope_enter(fs->scope);
		counter_add(COUNTER_INTERRUPTED, 1);
		latency_resume(job->span);
		job_reply(job, err);
		ring_answered(fs->host);
	}
	job_put(job);
	return true;
}

/* All interrupted jobs, referenced. */
static struct job *interrupted_locked(struct waiting *p)
{
	struct job *job, *found = NULL;

	(void)CHECK(lock_held(&p->lock));
	DL_FOREACH2(p->first, job, waiting_next) {
		if (!job->interrupted)
			continue;
		atomic_fetch_add(&job->refs, 1);
		job->watch_next = found;
		found = job;
	}
	return found;
}

static void end_killed(struct job *jobs)
{
	while (jobs) {
		struct job *job = jobs;

		jobs = job->watch_next;
		if (job->pid > 0 && os_task_killed(job->pid))
			(void)cancel_job(job, -EINTR);
		job_put(job);
	}
}

/* Takes all deferred jobs out of the list whose time has come, and tells when that of the next one comes. */
static struct job *take_due_locked(struct waiting *p, uint64_t now, uint64_t *ret_next)
{
	struct job *job, *next, *due = NULL;

	(void)CHECK(lock_held(&p->lock));
	*ret_next = AFTER_RELEASE;
	if (!p->deferred)
		return NULL;
	DL_FOREACH_SAFE2(p->first, job, next, waiting_next)
	{
		if (!job->is_deferred)
			continue;
		if (job->due > now) {
			*ret_next = MIN(*ret_next, job->due);
			continue;
		}
		list_remove_locked(p, job);
		job->watch_next = due;
		due = job;
	}
	return due;
}

static void go_on(struct waiting *p, struct job *jobs)
{
	while (jobs) {
		struct job *job = jobs;

		jobs = job->watch_next;
		scope_enter(job->fs->scope);
		pool_submit(p->host->sync, &job->task);
	}
}

/* Until then, or until something is new. */
static void wait_until_locked(struct waiting *p, uint64_t until)
{
	struct timespec at = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000L};

	(void)CHECK(lock_held(&p->lock) && !p->stop);
	if (until == UINT64_MAX)
		pthread_cond_wait(&p->cond, &p->lock.mutex);
	else
		pthread_cond_timedwait(&p->cond, &p->lock.mutex, &at);
}

static void watch_locked(struct waiting *p)
{
	uint64_t now = os_now_ms(), next;
	struct job *due = take_due_locked(p, now, &next), *interrupted = NULL;

	(void)CHECK(lock_held(&p->lock) && !p->stop);
	if (p->interrupted && p->next_round <= now) {
		p->next_round = now + WATCH_INTERVAL_MS;
		interrupted = interrupted_locked(p);
	}
	if (!due && !interrupted) {
		wait_until_locked(p, MIN(next, p->interrupted ? p->next_round : UINT64_MAX));
		return;
	}
	p->watches = true;
	lock_drop(&p->lock);
	go_on(p, due);
	end_killed(interrupted);
	lock_take(&p->lock);
	p->watches = false;
}

static void *watch_main(void *arg)
{
	struct waiting *p = arg;

	thread_name("plyfs-watch");
	lock_take(&p->lock);
	while (!p->stop)
		watch_locked(p);
	lock_drop(&p->lock);
	return NULL;
}

int waiting_new(struct host *host, struct waiting **ret_waiting)
{
	struct waiting *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return -ENOMEM;
	p->host = host;
	lock_init(&p->lock, LOCK_LEAF);
	/* As os_now_ms(). */
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&p->cond, &attr);
	pthread_condattr_destroy(&attr);
	*ret_waiting = p;
	return 0;
}

void waiting_free(struct waiting *p)
{
	if (!p)
		return;
	lock_take(&p->lock);
	(void)CHECK(!p->first && !p->interrupted && !p->deferred);
	p->stop = true;
	pthread_cond_signal(&p->cond);
	lock_drop(&p->lock);
	if (p->started)
		pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->cond);
	lock_finish(&p->lock);
	free(p);
}

static void start_watcher_locked(struct waiting *p)
{
	(void)CHECK(lock_held(&p->lock) && !p->stop);
	/* Without a watcher killed writers wait for their copy-up: slower, not wrong. */
	if (!p->started)
		p->started = thread_start(&p->thread, watch_main, p) == 0;
}

static void list_add_locked(struct waiting *p, struct job *job)
{
	(void)CHECK(lock_held(&p->lock) && !job->is_waiting && !job->is_deferred);
	job->is_waiting = true;
	job->interrupted = false;
	DL_PREPEND2(p->first, job, waiting_prev, waiting_next);
}

void waiting_enter(struct job *job)
{
	struct waiting *p = job->fs->host->waiting;

	(void)CHECK(job->waiter.done && atomic_load(&job->refs) > 0);
	lock_take(&p->lock);
	start_watcher_locked(p);
	list_add_locked(p, job);
	lock_drop(&p->lock);
	/* Calls back at once when the interrupt was there before. */
	fuse_req_interrupt_func(job->req, on_interrupt, job);
}

void waiting_defer(struct job *job)
{
	struct waiting *p = job->fs->host->waiting;
	unsigned ms = DEFER_MS << MIN(job->deferrals, DEFER_DOUBLED);
	uint64_t due = (os_now_ms() + ms + DEFER_MS - 1) / DEFER_MS * DEFER_MS;
	bool watched;

	/* Before the job is in the list, which the watcher may take it out of at once. */
	fuse_req_interrupt_func(job->req, on_interrupt, job);
	job->deferrals++;
	lock_take(&p->lock);
	start_watcher_locked(p);
	watched = p->started;
	if (watched) {
		list_add_locked(p, job);
		job->due = job->fs->holds_deferred ? AFTER_RELEASE : due;
		job->is_deferred = true;
		p->deferred++;
		if (fuse_req_interrupted(job->req))
			note_interrupt_locked(p, job);
		CHECK_DEBUG(waiting_check_locked(p));
		pthread_cond_signal(&p->cond);
	}
	lock_drop(&p->lock);
	if (watched)
		return;
	os_sleep_us(ms * 1000);
	pool_submit(p->host->sync, &job->task);
}

void waiting_hold(struct fs *fs)
{
	LOCK_SCOPE(&fs->host->waiting->lock);
	(void)CHECK(!fs->holds_deferred);
	fs->holds_deferred = true;
}

void waiting_release(struct fs *fs)
{
	struct waiting *p = fs->host->waiting;
	struct job *job;

	LOCK_SCOPE(&p->lock);
	(void)CHECK(fs->holds_deferred);
	fs->holds_deferred = false;
	DL_FOREACH2(p->first, job, waiting_next)
		if (job->fs == fs && job->due == AFTER_RELEASE)
			job->due = 1;
	pthread_cond_signal(&p->cond);
}

bool waiting_leave(struct job *job)
{
	struct waiting *p = job->fs->host->waiting;
	bool was;

	(void)CHECK(atomic_load(&job->refs) > 0);
	lock_take(&p->lock);
	was = job->is_waiting;
	if (was)
		list_remove_locked(p, job);
	lock_drop(&p->lock);
	return was;
}

unsigned waiting_count(struct fs *fs)
{
	struct waiting *p = fs->host->waiting;
	unsigned count = 0;
	struct job *job;

	LOCK_SCOPE(&p->lock);
	DL_FOREACH2(p->first, job, waiting_next)
		count += job->fs == fs;
	return count;
}

static struct job *first_of_locked(struct waiting *p, const struct fs *fs)
{
	struct job *job;

	(void)CHECK(lock_held(&p->lock));
	DL_FOREACH2(p->first, job, waiting_next)
		if (job->fs == fs)
			return job;
	return NULL;
}

void waiting_cancel_all(struct fs *fs, int err)
{
	struct waiting *p = fs->host->waiting;

	for (;;) {
		struct job *job;
		bool watches;

		lock_take(&p->lock);
		job = first_of_locked(p, fs);
		if (job)
			atomic_fetch_add(&job->refs, 1);
		watches = p->watches;
		lock_drop(&p->lock);
		if (!job && !watches)
			return;
		/* One whose copy-up just ends leaves by itself, and what the watcher has it hands on or gives back. */
		if (!job || !cancel_job(job, err))
			os_sleep_us(1000);
		if (job)
			job_put(job);
	}
}
