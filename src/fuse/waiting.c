/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting jobs and their interrupts.
 *
 * FUSE tells of any signal to a waiting process, but a write to a regular file must not return EINTR for a mere SIGALRM or SIGCHLD. Only
 * a process that is being killed gets its answer at once; the kernel sends one interrupt a request, so one that came for a harmless
 * signal is watched until the job leaves. One thread does that, and sleeps when there is nothing to watch.
 *
 * The same thread has those go on that must wait for a lease: 5 ms after the first time, each time twice as long, and 80 ms at the most.
 */
#include "internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <time.h>

#include "base/thread.h"
#include "os/task.h"

#define WATCH_INTERVAL_MS 100
#define DEFER_MS 5
#define DEFER_DOUBLED 4

struct waiting {
	struct fs *fs;
	pthread_mutex_t mutex; /* leaf; a plain mutex because the watcher waits with it */
	pthread_cond_t cond;
	struct job *first;    /* mutex */
	unsigned interrupted; /* mutex: jobs in the list with the flag */
	unsigned deferred;    /* mutex: jobs in the list with the flag */
	uint64_t next_round;  /* mutex: when interrupted jobs are looked at next; os_now_ms() */
	bool stop;            /* mutex */
	bool started;         /* mutex */
	pthread_t thread;
};

static void list_remove(struct waiting *p, struct job *job)
{
	if (job->waiting_prev)
		job->waiting_prev->waiting_next = job->waiting_next;
	else
		p->first = job->waiting_next;
	if (job->waiting_next)
		job->waiting_next->waiting_prev = job->waiting_prev;
	job->waiting_next = job->waiting_prev = NULL;
	job->is_waiting = false;
	p->interrupted -= job->interrupted;
	p->deferred -= job->is_deferred;
	job->interrupted = job->is_deferred = false;
}

static void note_interrupt(struct waiting *p, struct job *job)
{
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
	struct waiting *p = fs_of(req)->waiting;

	pthread_mutex_lock(&p->mutex);
	for (struct job *job = p->first; job; job = job->waiting_next) {
		if (job != arg || job->req != req)
			continue;
		note_interrupt(p, job);
		break;
	}
	pthread_mutex_unlock(&p->mutex);
}

static bool leave_deferred(struct job *job)
{
	struct waiting *p = job->fs->waiting;
	bool was;

	pthread_mutex_lock(&p->mutex);
	was = job->is_deferred;
	if (was)
		list_remove(p, job);
	pthread_mutex_unlock(&p->mutex);
	return was;
}

/* A copy-up task that is cancelled never calls back; the job's answer is then ours. So is that of a job that waits for none. */
static void cancel_job(struct job *job, int err)
{
	struct fs *fs = job->fs;
	bool deferred = leave_deferred(job);

	if (!deferred && !copyup_cancel(fs->writer, &job->waiter))
		return; /* done() runs or will run, and answers */
	if (deferred || waiting_leave(job)) {
		counter_add(COUNTER_INTERRUPTED, 1);
		job_reply(job, err);
	}
	job_put(job);
}

/* The first interrupted job from number `skip` on, referenced. */
static struct job *next_interrupted(struct waiting *p, unsigned skip)
{
	for (struct job *job = p->first; job; job = job->waiting_next) {
		if (!job->interrupted || skip-- > 0)
			continue;
		atomic_fetch_add(&job->refs, 1);
		return job;
	}
	return NULL;
}

static void watch_round(struct waiting *p)
{
	for (unsigned skip = 0;; skip++) {
		struct job *job;

		pthread_mutex_lock(&p->mutex);
		job = next_interrupted(p, skip);
		pthread_mutex_unlock(&p->mutex);
		if (!job)
			return;
		if (job->pid > 0 && os_task_killed(job->pid))
			cancel_job(job, -EINTR);
		job_put(job);
	}
}

/* The deferred job that is due first, or NULL. */
static struct job *first_due(struct waiting *p)
{
	struct job *first = NULL;

	for (struct job *job = p->deferred ? p->first : NULL; job; job = job->waiting_next)
		if (job->is_deferred && (!first || job->due < first->due))
			first = job;
	return first;
}

/* Until then, or until something is new. */
static void wait_until(struct waiting *p, uint64_t until)
{
	struct timespec at = {.tv_sec = (time_t)(until / 1000), .tv_nsec = (long)(until % 1000) * 1000000L};

	if (until == UINT64_MAX)
		pthread_cond_wait(&p->cond, &p->mutex);
	else
		pthread_cond_timedwait(&p->cond, &p->mutex, &at);
}

static void *watch_main(void *arg)
{
	struct waiting *p = arg;

	thread_name("plyfs-watch");
	pthread_mutex_lock(&p->mutex);
	while (!p->stop) {
		struct job *first = first_due(p);
		uint64_t now = os_now_ms();

		if (first && first->due <= now) {
			list_remove(p, first);
			pthread_mutex_unlock(&p->mutex);
			pool_submit(p->fs->sync, &first->task);
			pthread_mutex_lock(&p->mutex);
		} else if (p->interrupted && p->next_round <= now) {
			p->next_round = now + WATCH_INTERVAL_MS;
			pthread_mutex_unlock(&p->mutex);
			watch_round(p);
			pthread_mutex_lock(&p->mutex);
		} else {
			wait_until(p, MIN(first ? first->due : UINT64_MAX, p->interrupted ? p->next_round : UINT64_MAX));
		}
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

int waiting_new(struct fs *fs, struct waiting **ret_waiting)
{
	struct waiting *p = calloc(1, sizeof(*p));
	pthread_condattr_t attr;

	if (!p)
		return -ENOMEM;
	p->fs = fs;
	pthread_mutex_init(&p->mutex, NULL);
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
	pthread_mutex_lock(&p->mutex);
	p->stop = true;
	pthread_cond_signal(&p->cond);
	pthread_mutex_unlock(&p->mutex);
	if (p->started)
		pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->cond);
	pthread_mutex_destroy(&p->mutex);
	free(p);
}

static void start_watcher(struct waiting *p)
{
	/* Without a watcher killed writers wait for their copy-up: slower, not wrong. */
	if (!p->started)
		p->started = thread_start(&p->thread, watch_main, p) == 0;
}

static void list_add(struct waiting *p, struct job *job)
{
	job->is_waiting = true;
	job->interrupted = false;
	job->waiting_prev = NULL;
	job->waiting_next = p->first;
	if (p->first)
		p->first->waiting_prev = job;
	p->first = job;
}

void waiting_enter(struct job *job)
{
	struct waiting *p = job->fs->waiting;

	pthread_mutex_lock(&p->mutex);
	start_watcher(p);
	list_add(p, job);
	pthread_mutex_unlock(&p->mutex);
	/* Calls back at once when the interrupt was there before. */
	fuse_req_interrupt_func(job->req, on_interrupt, job);
}

void waiting_defer(struct job *job)
{
	struct waiting *p = job->fs->waiting;
	unsigned ms = DEFER_MS << MIN(job->deferrals, DEFER_DOUBLED);
	bool watched;

	/* Before the job is in the list, which the watcher may take it out of at once. */
	fuse_req_interrupt_func(job->req, on_interrupt, job);
	job->deferrals++;
	job->due = os_now_ms() + ms;
	pthread_mutex_lock(&p->mutex);
	start_watcher(p);
	watched = p->started;
	if (watched) {
		list_add(p, job);
		job->is_deferred = true;
		p->deferred++;
		if (fuse_req_interrupted(job->req))
			note_interrupt(p, job);
		pthread_cond_signal(&p->cond);
	}
	pthread_mutex_unlock(&p->mutex);
	if (watched)
		return;
	os_sleep_us(ms * 1000);
	pool_submit(p->fs->sync, &job->task);
}

bool waiting_leave(struct job *job)
{
	struct waiting *p = job->fs->waiting;
	bool was;

	pthread_mutex_lock(&p->mutex);
	was = job->is_waiting;
	if (was)
		list_remove(p, job);
	pthread_mutex_unlock(&p->mutex);
	return was;
}

void waiting_cancel_all(struct fs *fs, int err)
{
	struct waiting *p = fs->waiting;

	for (;;) {
		struct job *job;

		pthread_mutex_lock(&p->mutex);
		job = p->first;
		if (job)
			atomic_fetch_add(&job->refs, 1);
		pthread_mutex_unlock(&p->mutex);
		if (!job)
			return;
		cancel_job(job, err);
		job_put(job);
		/* One whose copy-up just ends leaves by itself. */
		os_sleep_us(1000);
	}
}
