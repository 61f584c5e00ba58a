/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Descriptors that the caller left open.
 */
#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../../../src/daemon/internal.h"
#include "unit.h"

/* Runs in a process of its own, which loses its descriptors; its exit status. */
static int run_apart(int (*run)(void))
{
	int status = -1;
	pid_t child;

	fflush(NULL);
	child = fork();
	if (child == 0)
		_exit(run());
	waitpid(child, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0;
}

static int leave_and_close(void)
{
	int left = open("/dev/null", O_RDONLY), kept = open("/dev/null", O_RDONLY), own;

	inherited_note();
	own = open("/dev/null", O_RDONLY);
	/* Paths like /dev/fd/N still lead there, but programs that are started don't get them. */
	if (!is_open(left) || !(fcntl(left, F_GETFD) & FD_CLOEXEC) || (fcntl(own, F_GETFD) & FD_CLOEXEC))
		return 1;
	inherited_close(kept);
	return is_open(left) || !is_open(kept) || !is_open(own) || !is_open(0) || !is_open(1) || !is_open(2) ? 2 : 0;
}

TEST("what the caller left open stays until all paths are open, and then goes but for the session's and our own")
{
	EXPECT_INT(run_apart(leave_and_close), 0);
}

static int close_without_note(void)
{
	int own = open("/dev/null", O_RDONLY);

	inherited_close(-1);
	return is_open(own) ? 0 : 1;
}

TEST("nothing is closed that wasn't noted")
{
	EXPECT_INT(run_apart(close_without_note), 0);
}

static int close_many(void)
{
	int fds[300];

	for (unsigned i = 0; i < 300; i++)
		fds[i] = open("/dev/null", O_RDONLY);
	inherited_note();
	inherited_close(fds[150]);
	for (unsigned i = 0; i < 300; i++)
		if (is_open(fds[i]) != (i == 150))
			return 1;
	return 0;
}

TEST("all of many are closed")
{
	EXPECT_INT(run_apart(close_many), 0);
}
