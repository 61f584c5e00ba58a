/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Request threads count, one thread looks at the count. While nothing is held it sleeps until a batch is full, then
 * takes the time that the batch took: the first batch after a pause says nothing, the second that requests are dense.
 * While processors are held awake it looks at intervals, and the count starts beyond a batch, so that no request wakes
 * it.
 *
 * The kernel takes the request back when the daemon dies. One that is stopped or frozen while it holds processors goes
 * on holding them.
 */
#include "cpu_latency.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/thread.h"
#include "os/fs.h"
#include "os/idle.h"
#include "os/task.h"

struct cpu_latency {
	_Atomic unsigned count; /* a requests since the last look, from `start` on */
	struct lock lock;	/* leaf */
	pthread_cond_t cond;
	bool batch_full;  /* lock */
	bool ending;	  /* lock */
	int fd;		  /* c the request to the kernel */
	pthread_t thread; /* c */
	/* the thread's own */
	bool held;
	unsigned start;
	unsigned long long looked_ms;
};

void cpu_latency_note(struct cpu_latency *a)
{
	if (atomic_fetch_add_explicit(&a->count, 1, memory_order_relaxed) + 1 != CPU_LATENCY_BATCH)
		return;
	LOCK_SCOPE(&a->lock);
	a->batch_full = true;
	pthread_cond_signal(&a->cond);
}

static void wait_interval_locked(struct cpu_latency *a)
{
	unsigned long long us = os_now_us() + CPU_LATENCY_LOOK_MS * 1000ULL;
	struct timespec until = {.tv_sec = (time_t)(us / 1000000), .tv_nsec = (long)(us % 1000000) * 1000};

	(void)CHECK(lock_held(&a->lock) && a->held);
	while (!a->ending && pthread_cond_timedwait(&a->cond, &a->lock.mutex, &until) == 0)
		;
}

static void wait_batch_locked(struct cpu_latency *a)
{
	(void)CHECK(lock_held(&a->lock) && !a->held);
	while (!a->ending && !a->batch_full)
		pthread_cond_wait(&a->cond, &a->lock.mutex);
}

static void cpu_latency_look(struct cpu_latency *a)
{
	unsigned long long now = os_now_ms(), ms = now - a->looked_ms;
	unsigned requests = atomic_load_explicit(&a->count, memory_order_relaxed) - a->start;
	bool wanted = cpu_latency_wanted(a->held, requests, ms);
	int r = 0;

	if (wanted != a->held)
		r = os_idle_poll(a->fd, wanted);
	if (r < 0)
		log_limited(LOG_CAUSE_SESSION, LOG_WARNING, "low_latency: %s: %s", OS_IDLE_DEVICE, strerror(-r));
	a->held = wanted && r == 0;
	a->looked_ms = now;
	a->start = a->held ? CPU_LATENCY_BATCH : 0;
	atomic_store_explicit(&a->count, a->start, memory_order_relaxed);
}

static void *cpu_latency_main(void *arg)
{
	struct cpu_latency *a = arg;

	thread_name("plyfs-latency");
	lock_take(&a->lock);
	for (;;) {
		if (a->held)
			wait_interval_locked(a);
		else
			wait_batch_locked(a);
		if (a->ending)
			break;
		a->batch_full = false;
		lock_drop(&a->lock);
		cpu_latency_look(a);
		lock_take(&a->lock);
	}
	lock_drop(&a->lock);
	return NULL;
}

static void release(struct cpu_latency *a)
{
	pthread_cond_destroy(&a->cond);
	lock_finish(&a->lock);
	os_close(a->fd);
	free(a);
}

static int new_with(int fd, struct cpu_latency **ret_latency)
{
	struct cpu_latency *a = calloc(1, sizeof(*a));
	pthread_condattr_t attr;
	int r;

	(void)CHECK(fd >= 0);
	if (!a) {
		os_close(fd);
		return -ENOMEM;
	}
	a->fd = fd;
	lock_init(&a->lock, LOCK_LEAF);
	pthread_condattr_init(&attr);
	pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	pthread_cond_init(&a->cond, &attr);
	pthread_condattr_destroy(&attr);
	r = thread_start(&a->thread, cpu_latency_main, a);
	if (r < 0) {
		release(a);
		return r;
	}
	*ret_latency = a;
	return 0;
}

/* Whether idle processors halt by the kernel's driver for guests of a hypervisor. The hypervisor then has to wake them,
 * which takes tens of microseconds. Elsewhere an idle processor leaves its first state in one or two. */
static bool halts_in_guest(void)
{
	char driver[16];

	return os_idle_driver(driver, sizeof(driver)) > 0 && !strcmp(driver, "haltpoll\n");
}

void cpu_latency_new(enum cpu_latency_when when, struct cpu_latency **ret_latency)
{
	int r;

	*ret_latency = NULL;
	if (when == CPU_LATENCY_NEVER || (when == CPU_LATENCY_IN_GUESTS && !halts_in_guest()))
		return;
	r = os_idle_open();
	if (r >= 0)
		r = new_with(r, ret_latency);
	if (r < 0 && when == CPU_LATENCY_ALWAYS)
		log_warning("low_latency: %s: %s: mounted without", OS_IDLE_DEVICE, strerror(-r));
}

void cpu_latency_free(struct cpu_latency *a)
{
	if (!a)
		return;
	lock_take(&a->lock);
	a->ending = true;
	pthread_cond_signal(&a->cond);
	lock_drop(&a->lock);
	pthread_join(a->thread, NULL);
	release(a);
}
