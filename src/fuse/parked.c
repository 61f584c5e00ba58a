/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Parked jobs and their interrupts.
 *
 * FUSE tells of any signal to a waiting process, but a write to a regular file must not return EINTR for a mere SIGALRM or SIGCHLD. Only
 * a process that is being killed gets its answer at once; the kernel sends one interrupt a request, so one that came for a harmless
 * signal is watched until the job leaves. One thread does that, and sleeps when there is nothing to watch.
 */
#include "internal.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <time.h>

#include "base/thread.h"
#include "os/task.h"

#define WATCH_INTERVAL_MS 100

struct parked {
	struct fs *fs;
	pthread_mutex_t mutex; /* leaf; a plain mutex because the watcher waits with it */
	pthread_cond_t cond;
	struct job *first;    /* mutex */
	unsigned interrupted; /* mutex: jobs in the list with the flag */
	bool stop;            /* mutex */
	bool started;         /* mutex */
	pthread_t thread;
};

static void list_remove(struct parked *p, struct job *job)
{
	if (job->parked_prev)
		job->parked_prev->parked_next = job->parked_next;
	else
		p->first = job->parked_next;
	if (job->parked_next)
		job->parked_next->parked_prev = job->parked_prev;
	job->parked_next = job->parked_prev = NULL;
	job->is_parked = false;
	if (job->interrupted)
		p->interrupted--;
	job->interrupted = false;
}

/* libfuse calls this on a request thread; `arg` may be freed already, so it is only compared. */
static void on_interrupt(fuse_req_t req, void *arg)
{
	struct parked *p = fs_of(req)->parked;

	pthread_mutex_lock(&p->mutex);
	for (struct job *job = p->first; job; job = job->parked_next) {
		if (job != arg || job->req != req)
			continue;
		if (!job->interrupted) {
			job->interrupted = true;
			p->interrupted++;
			pthread_cond_signal(&p->cond);
		}
		break;
	}
	pthread_mutex_unlock(&p->mutex);
}

/* A copy-up task that is cancelled never calls back; the job's answer is then ours. */
static void cancel_job(struct job *job, int err)
{
	struct fs *fs = job->fs;

	if (!copyup_cancel(fs->change, &job->waiter))
		return; /* done() runs or will run, and answers */
	if (parked_leave(job)) {
		counter_add(COUNTER_INTERRUPTED, 1);
		job_reply(job, err);
	}
	job_put(job);
}

/* The first interrupted job from number `skip` on, referenced. */
static struct job *next_interrupted(struct parked *p, unsigned skip)
{
	for (struct job *job = p->first; job; job = job->parked_next) {
		if (!job->interrupted || skip-- > 0)
			continue;
		atomic_fetch_add(&job->refs, 1);
		return job;
	}
	return NULL;
}

static void watch_round(struct parked *p)
{
	for (unsigned skip = 0;; skip++) {
		struct job *job;

		pthread_mutex_lock(&p->mutex);
		job = next_interrupted(p, skip);
		pthread_mutex_unlock(&p->mutex);
		if (!job)
			return;
		if (job->pid > 0 && sys_task_killed(job->pid))
			cancel_job(job, -EINTR);
		job_put(job);
	}
}

static void *watch_main(void *arg)
{
	struct parked *p = arg;

	prctl(PR_SET_NAME, "plyfs-watch");
	pthread_mutex_lock(&p->mutex);
	while (!p->stop) {
		struct timespec until;

		if (p->interrupted == 0) {
			pthread_cond_wait(&p->cond, &p->mutex);
			continue;
		}
		pthread_mutex_unlock(&p->mutex);
		watch_round(p);
		clock_gettime(CLOCK_REALTIME, &until);
		until.tv_nsec += WATCH_INTERVAL_MS * 1000000L;
		until.tv_sec += until.tv_nsec / 1000000000L;
		until.tv_nsec %= 1000000000L;
		pthread_mutex_lock(&p->mutex);
		if (!p->stop)
			pthread_cond_timedwait(&p->cond, &p->mutex, &until);
	}
	pthread_mutex_unlock(&p->mutex);
	return NULL;
}

int parked_new(struct fs *fs, struct parked **ret_parked)
{
	struct parked *p = calloc(1, sizeof(*p));

	if (!p)
		return -ENOMEM;
	p->fs = fs;
	pthread_mutex_init(&p->mutex, NULL);
	pthread_cond_init(&p->cond, NULL);
	*ret_parked = p;
	return 0;
}

void parked_free(struct parked *p)
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

static void start_watcher(struct parked *p)
{
	/* Without a watcher killed writers wait for their copy-up: slower, not wrong. */
	if (!p->started)
		p->started = thread_start(&p->thread, watch_main, p) == 0;
}

void parked_enter(struct job *job)
{
	struct parked *p = job->fs->parked;

	pthread_mutex_lock(&p->mutex);
	start_watcher(p);
	job->is_parked = true;
	job->interrupted = false;
	job->parked_prev = NULL;
	job->parked_next = p->first;
	if (p->first)
		p->first->parked_prev = job;
	p->first = job;
	pthread_mutex_unlock(&p->mutex);
	/* Calls back at once when the interrupt was there before. */
	fuse_req_interrupt_func(job->req, on_interrupt, job);
}

bool parked_leave(struct job *job)
{
	struct parked *p = job->fs->parked;
	bool was;

	pthread_mutex_lock(&p->mutex);
	was = job->is_parked;
	if (was)
		list_remove(p, job);
	pthread_mutex_unlock(&p->mutex);
	return was;
}

void parked_cancel_all(struct fs *fs, int err)
{
	struct parked *p = fs->parked;

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
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
	}
}
