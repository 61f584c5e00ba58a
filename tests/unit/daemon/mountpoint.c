/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock of the mountpoint of a union without an upper, with no mount at all.
 */
#include "../../../src/daemon/internal.h"

#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/fs.h"
#include "os/task.h"
#include "unit.h"

static char mountpoint[] = "/tmp/plyfs-mountpoint-XXXXXX";
static char subtype[] = "plyfs";

static bool make(struct options *ret)
{
	*ret = (struct options){.mountpoint = mountpoint, .subtype = subtype};
	return os_init() == 0 && mkdtemp(mountpoint);
}

TEST("who asks for the same mountpoint waits until the union there is live")
{
	struct layer_set set = {.has_upper = false};
	unsigned long long start;
	struct options opt;
	int first, second, status = 1;
	pid_t pid;

	ASSERT(make(&opt));
	ASSERT_INT(mountpoint_lock(&opt, &set, &first), 0);
	ASSERT(first >= 0);
	pid = fork();
	if (pid == 0) {
		os_sleep_us(200000);
		mountpoint_unlock(&first);
		_exit(first == -1 ? 0 : 1);
	}
	start = os_now_ms();
	EXPECT_INT(mountpoint_lock(&opt, &set, &second), 0);
	EXPECT(os_now_ms() - start >= 100);
	mountpoint_unlock(&second);
	mountpoint_unlock(&first);
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	EXPECT_INT(status, 0);
	EXPECT_INT(rmdir(mountpoint), 0);
}

TEST("a union with an upper has the lock of that, and a descriptor in the place of a mountpoint none")
{
	struct layer_set with_upper = {.has_upper = true}, without = {.has_upper = false};
	struct options opt = {.mountpoint = subtype, .subtype = subtype};
	char descriptor[] = "/dev/fd/7";
	int fd = 5;

	EXPECT_INT(mountpoint_lock(&opt, &with_upper, &fd), 0);
	EXPECT_INT(fd, -1);
	opt.mountpoint = descriptor;
	EXPECT_INT(mountpoint_lock(&opt, &without, &fd), 0);
	EXPECT_INT(fd, -1);
	mountpoint_unlock(&fd);
}
