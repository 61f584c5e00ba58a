/* SPDX-License-Identifier: Apache-2.0 */
#include "os/sched.h"

#include <poll.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "base/check.h"
#include "base/macros.h"
#include "internal.h"

/* Of /proc/TID/stat, after the name, which may hold anything: the state is the first field, the processor the 37th. */
#define FIELDS_TO_CPU 36

pid_t os_thread_id(void)
{
	return (pid_t)syscall(SYS_gettid);
}

int os_cpus_get(pid_t tid, cpu_set_t *ret_cpus)
{
	return OS_LOOK(sched_getaffinity(tid, sizeof(*ret_cpus), ret_cpus));
}

int os_cpus_set(pid_t tid, const cpu_set_t *cpus)
{
	return OS_LOOK(sched_setaffinity(tid, sizeof(*cpus), cpus));
}

int os_parse_task_stat(const char *line, struct os_task_now *ret_now)
{
	const char *at = strrchr(line, ')');
	struct os_task_now now;
	char *end;

	if (!at || at[1] != ' ' || !at[2])
		return -EINVAL;
	now.state = at[2];
	at++;
	for (unsigned i = 0; i < FIELDS_TO_CPU && at; i++)
		at = strchr(at + 1, ' ');
	if (!at)
		return -EINVAL;
	now.cpu = (int)strtol(at, &end, 10);
	if (end == at)
		return -EINVAL;
	*ret_now = now;
	return 0;
}

int os_task_look(pid_t tid, struct os_task_now *ret_now)
{
	char path[32], line[1024];
	ssize_t n;

	snprintf(path, sizeof(path), "/proc/%d/stat", (int)tid);
	n = os_read_small(path, line, sizeof(line));
	return n < 0 ? (int)n : os_parse_task_stat(line, ret_now);
}

int os_ticker_new(void)
{
	return OS_LOOK(timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
}

int os_ticker_set(int fd, unsigned us)
{
	struct itimerspec when = {.it_value = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000}};

	(void)CHECK(fd >= 0);
	return OS_LOOK(timerfd_settime(fd, 0, &when, NULL));
}

static int poll_in(int fd, int timeout_ms)
{
	struct pollfd in = {.fd = fd, .events = POLLIN};
	int n = OS_LOOK(poll(&in, 1, timeout_ms));

	return n > 0 && !(in.revents & POLLIN) ? -EIO : n;
}

int os_ticker_wait(int fd)
{
	return MIN(poll_in(fd, -1), 0);
}

bool os_is_readable(int fd)
{
	return poll_in(fd, 0) > 0;
}
