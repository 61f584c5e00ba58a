/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Fault points: the Nth call of a scope, and no other, meets its fate.
 */
#include "base/fault.h"

#include <errno.h>
#include <signal.h>

#include "child.h"
#include "unit.h"

/* A call as os_ makes it, which has to be met by `want`. */
static void expect_call(int want)
{
	int ret = fault_before();

	if (ret != want)
		_exit(100);
	if (!ret)
		fault_after();
}

#ifdef PLYFS_FAULTS

static void third_create_fails(void)
{
	fault_init();
	FAULT_SCOPE(FAULT_CREATE);
	expect_call(0);
	{
		FAULT_SCOPE(FAULT_RENAME);
		expect_call(0);
		expect_call(0);
		expect_call(0);
	}
	{
		FAULT_SCOPE(FAULT_NONE);
		expect_call(0);
	}
	expect_call(0);
	expect_call(-ENOSPC);
	expect_call(0);
}

static void two_creates(void)
{
	fault_init();
	FAULT_SCOPE(FAULT_CREATE);
	expect_call(0);
	fault_before();
	_exit(42);
}

static void two_creates_done(void)
{
	fault_init();
	FAULT_SCOPE(FAULT_CREATE);
	expect_call(0);
	fault_before();
	if (write(STDOUT_FILENO, "", 0) < 0)
		_exit(43);
	fault_after();
	_exit(42);
}

static void count_some(void)
{
	fault_init();
	{
		FAULT_SCOPE(FAULT_COPYUP);
		expect_call(0);
		expect_call(0);
	}
	{
		FAULT_SCOPE(FAULT_XATTR);
		expect_call(0);
	}
	expect_call(0);
	fault_write_counts();
}

TEST("the Nth call of the scope fails, other scopes and other calls pass")
{
	setenv("PLYFS_FAULT", "fail:create:3:28", 1);
	EXPECT_INT(ENOSPC, 28);
	EXPECT_INT(child_run(third_create_fails), 0);
	unsetenv("PLYFS_FAULT");
}

TEST("kill ends the process before the Nth call, kill-after when it has succeeded")
{
	setenv("PLYFS_FAULT", "kill:create:2", 1);
	EXPECT_INT(child_run(two_creates), SIGKILL);
	setenv("PLYFS_FAULT", "kill-after:create:2", 1);
	EXPECT_INT(child_run(two_creates), -42);
	EXPECT_INT(child_run(two_creates_done), SIGKILL);
	setenv("PLYFS_FAULT", "kill:create:3", 1);
	EXPECT_INT(child_run(two_creates_done), -42);
	setenv("PLYFS_FAULT", "kill:rename:1", 1);
	EXPECT_INT(child_run(two_creates_done), -42);
	unsetenv("PLYFS_FAULT");
}

TEST("the counts of all scopes are written where the environment says")
{
	char path[] = "/tmp/plyfs-fault-XXXXXX", text[256] = "";
	int fd = mkstemp(path);

	ASSERT(fd >= 0);
	setenv("PLYFS_FAULT_COUNT", path, 1);
	EXPECT_INT(child_run(count_some), 0);
	unsetenv("PLYFS_FAULT_COUNT");
	unlink(path);
	EXPECT(read(fd, text, sizeof(text) - 1) > 0);
	close(fd);
	EXPECT_STR(text, "copyup 2\ncreate 0\nremove 0\nrename 0\nattr 0\nxattr 1\nmount 0\napply 0\n");
}

TEST("a malformed value ends the process before anything is done")
{
	static const char *const bad[] = {
		"",
		"kill",
		"kill:create",
		"kill:create:0",
		"kill:create:x",
		"kill:create:1:5",
		"kill:nowhere:1",
		"fail:create:1",
		"fail:create:1:0",
		"burn:create:1",
		"fail:create:1:5:6",
		"kill:none:1",
		"kill:create:-1",
		"kill::1",
	};

	for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		setenv("PLYFS_FAULT", bad[i], 1);
		EXPECT_INT(child_run(fault_init), -2);
	}
	unsetenv("PLYFS_FAULT");
	EXPECT_INT(child_run(fault_init), 0);
}

#else

static void everything_passes(void)
{
	fault_init();
	FAULT_SCOPE(FAULT_CREATE);
	expect_call(0);
}

TEST("builds without fault points ignore the environment")
{
	setenv("PLYFS_FAULT", "kill:create:1", 1);
	EXPECT_INT(child_run(everything_passes), 0);
	unsetenv("PLYFS_FAULT");
}

#endif
