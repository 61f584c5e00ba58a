/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Signals while a session is served. Nothing is mounted: the session's other end is the test, which is the user that
 * stays or goes.
 */
#include "../fuse/device.h"

#include "../../../src/daemon/internal.h"
#include "base/log.h"
#include "daemon/file.h"

static struct mounted mounted = {.fd = -1, .helper_fd = -1};
static struct signals *signals;

/* On the thread that serves: it is the one that is woken at the end. */
static void start_signals(struct device *d)
{
	if (signals_start(d->se, d->host, &mounted, &signals) < 0)
		signals = NULL;
}

#define SIGNALS_OPEN(d)                                                                                                \
	do {                                                                                                           \
		signals_block();                                                                                       \
		log_set_stderr(false);                                                                                 \
		ASSERT_INT(log_open_file("log"), 0);                                                                   \
		(d)->before_serving = start_signals;                                                                   \
		DEVICE_OPEN(d);                                                                                        \
		ASSERT(signals);                                                                                       \
	} while (0)

/* As the session's end does. */
static void finish(struct device *d)
{
	pthread_join(d->loop, NULL);
	d->running = false;
	signals_stop(signals);
	log_close();
}

TEST("SIGUSR1 logs the counters, and the session goes on")
{
	DEVICE(d);
	struct fuse_attr attr;

	SIGNALS_OPEN(d);
	kill(getpid(), SIGUSR1);
	EXPECT(file_will_have("log", " info: status: 3 layers with an upper;"));
	EXPECT_INT(device_getattr(d, FUSE_ROOT_ID, &attr), 0);
	fuse_session_exit(d->se);
	close(d->fd);
	d->fd = -1;
	finish(d);
}

TEST("after SIGTERM requests are answered, and the session ends when its users go")
{
	DEVICE(d);
	struct fuse_attr attr;

	SIGNALS_OPEN(d);
	kill(getpid(), SIGTERM);
	for (unsigned i = 0; i < 10; i++)
		EXPECT_INT(device_getattr(d, FUSE_ROOT_ID, &attr), 0);
	close(d->fd);
	d->fd = -1;
	finish(d);
	EXPECT(!strstr(file_text("log"), "cutting its users off"));
}

TEST("a second signal cuts off who stays, SIGUSR1 doesn't")
{
	DEVICE(d);

	SIGNALS_OPEN(d);
	kill(getpid(), SIGHUP);
	kill(getpid(), SIGUSR1);
	kill(getpid(), SIGINT);
	EXPECT(file_will_have("log", "warning: the mount is still in use after 3 s: cutting its users off"));
	finish(d);
	EXPECT(fuse_session_exited(d->se));
}

TEST("a limit of file sizes and a pipe without readers are errors, not the end")
{
	struct sigaction pipe, size, wake;

	signals_block();
	ASSERT(sigaction(SIGPIPE, NULL, &pipe) == 0 && sigaction(SIGXFSZ, NULL, &size) == 0 &&
	       sigaction(SIGUSR2, NULL, &wake) == 0);
	EXPECT(pipe.sa_handler == SIG_IGN);
	EXPECT(size.sa_handler == SIG_IGN);
	EXPECT(wake.sa_handler != SIG_IGN && wake.sa_handler != SIG_DFL && !(wake.sa_flags & SA_RESTART));
}
