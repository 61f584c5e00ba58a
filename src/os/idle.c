/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request's file (the kernel's kernel/power/qos.c): opening it enters one at the default, which is no limit, a
 * write of 32 bits changes it, closing removes it. A read gives what holds for the machine.
 */
#include "os/idle.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "internal.h"

#define NO_LATENCY 0
#define ANY_LATENCY (-1) /* PM_QOS_DEFAULT_VALUE */

/* Containers get /dev/null in the place of what they may not have. */
static bool idle_is_request(int fd)
{
	struct stat st;
	int32_t now;

	return fstat(fd, &st) == 0 && S_ISCHR(st.st_mode) &&
	       OS_LOOK(read(fd, &now, sizeof(now))) == (ssize_t)sizeof(now);
}

ssize_t os_idle_driver(char *buf, size_t size)
{
	return os_read_small("/sys/devices/system/cpu/cpuidle/current_driver", buf, size);
}

int os_idle_open(void)
{
	_cleanup_close_ int fd = OS_LOOK(open(OS_IDLE_DEVICE, O_RDWR | O_CLOEXEC | O_NOCTTY | O_NONBLOCK));

	if (fd < 0)
		return fd;
	return idle_is_request(fd) ? TAKE_FD(fd) : -ENODEV;
}

int os_idle_poll(int fd, bool poll)
{
	(void)CHECK(fd >= 0);
	int32_t latency = poll ? NO_LATENCY : ANY_LATENCY;
	ssize_t n = OS_LOOK(write(fd, &latency, sizeof(latency)));

	return n < 0 ? (int)n : 0;
}
