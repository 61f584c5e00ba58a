/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a layer set is interrupted or fails at each of its system calls in turn, until it passes untouched.
 */
#include "base/fault.h"
#include "fixture.h"

#define SET "lowerdir=l1:l2,upperdir=u,workdir=w"
#define MOST 400

#ifdef PLYFS_FAULTS

/* What an earlier crash may have left. */
static bool make_leftovers(void)
{
	return (!mkdir("w/work", 0700) || errno == EEXIST) && (!mkdir("w/work/#1", 0700) || errno == EEXIST) &&
	       (exists("w/work/#1/file") || make_file("w/work/#1/file", "x", 0644)) &&
	       (exists("w/work/#2") || !mknod("w/work/#2", S_IFCHR, makedev(0, 0)));
}

/* Opens with a fault configured (NULL: none), in a process of its own, because calls are counted over the life of a
 * process. Its exit status: 0 opened, 1 refused with a line, 2 refused without. */
static int open_with(const char *fault)
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		struct fixture f = {.fd = -1};
		int ret;

		if (fault)
			setenv("PLYFS_FAULT", fault, 1);
		fault_init();
		ret = fixture_open(&f, SET);
		_exit(!ret ? 0 : f.error && strchr(f.error, ':') && !strchr(f.error, '\n') ? 1 : 2);
	}
	EXPECT_INT(waitpid(pid, &status, 0), pid);
	return status;
}

TEST("a mount that was killed at any system call is followed by one that works and finds the work directory empty")
{
	FIXTURE(f);
	char fault[64];
	int status = -1, n;

	for (n = 1; n < MOST && status; n++) {
		ASSERT(make_leftovers());
		snprintf(fault, sizeof(fault), "kill:mount:%d", n);
		status = open_with(fault);
		EXPECT(!status || (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
		EXPECT_INT(open_with(NULL), 0);
		EXPECT_INT(count_entries("w/work"), 0);
		EXPECT_INT(count_entries("u"), 0);
	}
	EXPECT_INT(status, 0);
	EXPECT(n > 20);
}

TEST("a system call that fails refuses the mount with a line, or the mount does without what it was for")
{
	FIXTURE(f);
	char fault[64];
	int refused = 0;

	for (int n = 1; n < 120; n++) {
		int status;

		ASSERT(make_leftovers());
		snprintf(fault, sizeof(fault), "fail:mount:%d:%d", n, EIO);
		status = open_with(fault);
		EXPECT(WIFEXITED(status) && WEXITSTATUS(status) <= 1);
		refused += status != 0;
	}
	EXPECT(refused > 3);
	EXPECT_INT(open_with(NULL), 0);
	EXPECT_INT(count_entries("w/work"), 0);
}

#else

TEST("fault injection")
{
	SKIP("this build has no fault points");
}

#endif
