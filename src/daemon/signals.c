/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals are taken by one thread. To end, the mount is detached first and serving goes on: what is in flight is
 * answered, dirty pages of mappings are written back, and the kernel ends the session when the last user has gone. A
 * user who stays longer than the grace time is cut off.
 */
#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "internal.h"
#include "base/check.h"
#include "base/log.h"
#include "base/thread.h"
#include "os/task.h"

#define GRACE_SECONDS 3

struct signals {
	struct fuse_session *se;
	struct host *host;
	const struct mounted *mounted;
	pthread_t thread, main_thread;
	_Atomic bool stop;
};

static void handled_signals(sigset_t *set)
{
	sigemptyset(set);
	sigaddset(set, SIGTERM);
	sigaddset(set, SIGINT);
	sigaddset(set, SIGHUP);
	sigaddset(set, SIGUSR1);
}

static void wake_up(int sig)
{
}

static bool are_blocked(void)
{
	sigset_t now;

	pthread_sigmask(SIG_BLOCK, NULL, &now);
	return sigismember(&now, SIGTERM) && sigismember(&now, SIGINT) && sigismember(&now, SIGHUP) &&
	       sigismember(&now, SIGUSR1);
}

void signals_block(void)
{
	struct sigaction wake = {.sa_handler = wake_up};
	struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t set;

	handled_signals(&set);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	sigaction(SIGPIPE, &ignore, NULL);
	/* Where the caller's limit of file sizes can't be raised, it is an error of the write and not the daemon's
	 * end. */
	sigaction(SIGXFSZ, &ignore, NULL);
	/* Interrupts the main thread's wait for the session's end; not restarted. The caller may have blocked it. */
	sigaction(SIGUSR2, &wake, NULL);
	sigemptyset(&set);
	sigaddset(&set, SIGUSR2);
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Until the session has ended, the time is over or another signal asks for the end. Who is stopped or traced is woken
 * without one. */
static void wait_for_users(struct signals *s, const sigset_t *set)
{
	unsigned long long now = os_now_ms(), end = now + GRACE_SECONDS * 1000;
	int sig = SIGUSR1;

	while (now < end && (sig == SIGUSR1 || (sig < 0 && errno == EINTR)) && !atomic_load(&s->stop)) {
		struct timespec left = {(time_t)((end - now) / 1000), (long)((end - now) % 1000) * 1000000L};

		sig = sigtimedwait(set, NULL, &left);
		now = os_now_ms();
	}
}

static void end_session(struct signals *s, const sigset_t *set)
{
	/* What waits is answered, too. */
	host_end_freezes(s->host);
	mounted_detach(s->mounted);
	wait_for_users(s, set);
	if (atomic_load(&s->stop))
		return;
	log_warning("the mount is still in use after %d s: cutting its users off", GRACE_SECONDS);
	host_stop_telling(s->host);
	while (!atomic_load(&s->stop)) {
		fuse_session_exit(s->se);
		pthread_kill(s->main_thread, SIGUSR2);
		os_sleep_us(50000);
	}
}

static void *signals_main(void *arg)
{
	struct signals *s = arg;
	sigset_t set;

	thread_name("plyfs-signal");
	handled_signals(&set);
	while (!atomic_load(&s->stop)) {
		siginfo_t info;
		int sig = sigwaitinfo(&set, &info);

		if (atomic_load(&s->stop))
			break;
		if (sig == SIGUSR1)
			host_log_status(s->host);
		else if (sig > 0)
			end_session(s, &set);
	}
	return NULL;
}

int signals_start(struct fuse_session *se, struct host *host, const struct mounted *mounted,
		  struct signals **ret_signals)
{
	struct signals *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return -ENOMEM;
	/* Else one ends the process before the thread is there. */
	(void)CHECK(are_blocked());
	s->se = se;
	s->host = host;
	s->mounted = mounted;
	s->main_thread = pthread_self();
	r = pthread_create(&s->thread, NULL, signals_main, s);
	if (r != 0) {
		free(s);
		return -r;
	}
	*ret_signals = s;
	return 0;
}

void signals_stop(struct signals *s)
{
	if (!s)
		return;
	(void)CHECK(!atomic_load(&s->stop) && !pthread_equal(s->thread, pthread_self()));
	atomic_store(&s->stop, true);
	pthread_kill(s->thread, SIGUSR1);
	pthread_join(s->thread, NULL);
	free(s);
}
