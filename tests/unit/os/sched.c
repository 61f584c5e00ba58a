/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads as the kernel tells of them, where they run, and the clock.
 */
#include "os/sched.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <unistd.h>

#include "../../../src/os/internal.h"
#include "base/cleanup.h"
#include "os/task.h"
#include "unit.h"

#define STAT_REST                                                                                                      \
	" 1 7 7 0 -1 4194304 90 0 0 0 0 0 0 0 20 0 1 0 99 5 1 18446744073709551615 "                                   \
	"1 1 0 0 0 0 0 0 0 0 0 0 17 12 0 0 0 0 0"

TEST("state and processor are told of a task with any name")
{
	struct os_task_now now;

	ASSERT_INT(os_parse_task_stat("7 (cat) D" STAT_REST, &now), 0);
	EXPECT_INT(now.state, 'D');
	EXPECT_INT(now.cpu, 12);
	ASSERT_INT(os_parse_task_stat("7 (a) R 1 2) S" STAT_REST "\n", &now), 0);
	EXPECT_INT(now.state, 'S');
	EXPECT_INT(now.cpu, 12);
}

TEST("what is no such line is refused")
{
	static const char *const lines[] = {
		"",
		"7 (cat",
		"7 (cat)",
		"7 (cat) ",
		"7 (cat) R 1 2 3",
		"7 (cat) R 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 1 x"};
	struct os_task_now now;

	for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++)
		if (os_parse_task_stat(lines[i], &now) != -EINVAL)
			UNIT_FAIL("'%s'", lines[i]);
}

struct sleeper {
	_Atomic pid_t tid;
	int fds[2];
};

static void *sleep_in_read(void *arg)
{
	struct sleeper *s = arg;
	char byte;

	atomic_store(&s->tid, os_thread_id());
	(void)!read(s->fds[0], &byte, 1);
	return NULL;
}

TEST("who asks runs, and another thread of his that waits in a system call sleeps")
{
	struct sleeper s = {.fds = {-1, -1}};
	struct os_task_now now = {0};
	pthread_t thread;

	ASSERT(os_proc_is_ours());
	ASSERT_INT(os_task_look(os_thread_id(), &now), 0);
	EXPECT_INT(now.state, 'R');
	ASSERT_INT(pipe(s.fds), 0);
	ASSERT_INT(pthread_create(&thread, NULL, sleep_in_read, &s), 0);
	for (unsigned i = 0; i < 10000 && now.state != 'S'; i++) {
		os_sleep_us(1000);
		if (atomic_load(&s.tid))
			ASSERT_INT(os_task_look(atomic_load(&s.tid), &now), 0);
	}
	EXPECT_INT(now.state, 'S');
	close(s.fds[1]);
	pthread_join(thread, NULL);
	close(s.fds[0]);
	EXPECT(os_task_look(atomic_load(&s.tid), &now) < 0);
}

TEST("a thread that is bound runs there")
{
	struct os_task_now now;
	cpu_set_t own, one;

	ASSERT_INT(os_cpus_get(0, &own), 0);
	for (int cpu = 0; cpu < CPU_SETSIZE; cpu++) {
		if (!CPU_ISSET(cpu, &own))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		ASSERT_INT(os_cpus_set(os_thread_id(), &one), 0);
		ASSERT_INT(os_task_look(os_thread_id(), &now), 0);
		EXPECT_INT(now.cpu, cpu);
	}
	EXPECT_INT(os_cpus_set(0, &own), 0);
}

TEST("the clock ticks when it was set to, once, and not at all when it was stopped")
{
	_cleanup_close_ int clock = os_ticker_new();
	unsigned long long start = os_now_us();

	ASSERT(clock >= 0);
	EXPECT(!os_is_readable(clock));
	ASSERT_INT(os_ticker_set(clock, 3000), 0);
	ASSERT_INT(os_ticker_wait(clock), 0);
	EXPECT(os_now_us() - start >= 3000);
	EXPECT(os_is_readable(clock));
	ASSERT_INT(os_ticker_set(clock, 0), 0);
	os_sleep_us(5000);
	EXPECT(!os_is_readable(clock));
}

TEST("a pipe is readable when there is something in it, and not when there never will be")
{
	int fds[2];

	ASSERT_INT(pipe(fds), 0);
	EXPECT(!os_is_readable(fds[0]));
	ASSERT_INT(write(fds[1], "x", 1), 1);
	EXPECT(os_is_readable(fds[0]));
	close(fds[0]);
	close(fds[1]);
	EXPECT(!os_is_readable(-1));
}
