/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the caller's process tells of the daemon that it starts, and what the daemon has of its caller's. Each test's
 * caller is a process of its own.
 */
#include <limits.h>
#include <sys/wait.h>

#include "../../../src/daemon/internal.h"
#include "daemon/file.h"
#include "layer/fixture.h"

/* Runs daemonize_start() in a process, and `daemon` in what goes to the background; the exit status of the caller's
 * process. */
static int start(void (*daemon)(struct daemonize *d))
{
	static const struct options opt = {.foreground = false};
	int status = -1;
	pid_t caller;

	fflush(NULL);
	caller = fork();
	if (caller == 0) {
		struct error error = {0};
		struct daemonize d;

		inherited_note();
		if (daemonize_start(&d, &opt, &error) < 0)
			_exit(90);
		daemon(&d);
		_exit(0);
	}
	waitpid(caller, &status, 0);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void report(struct daemonize *d)
{
	daemonize_report(d, -1);
}

TEST("the caller's status is 0 when the mount is live")
{
	EXPECT_INT(start(report), 0);
}

static void refuse(struct daemonize *d)
{
	(void)d;
	_exit(3);
}

TEST("a daemon that refuses gives its status to the caller")
{
	EXPECT_INT(start(refuse), 3);
}

static void end_well(struct daemonize *d)
{
	(void)d;
	_exit(0);
}

TEST("a daemon that ends before the mount is live is a failure, whatever it says")
{
	EXPECT_INT(start(end_well), 1);
}

static void be_killed(struct daemonize *d)
{
	(void)d;
	raise(SIGKILL);
}

TEST("so is one that is killed")
{
	EXPECT_INT(start(be_killed), 1);
}

static char directory[PATH_MAX];
static int left, session;

/* "0" or the number of what isn't as it should be; the file appears whole. */
static void look_around(struct daemonize *d)
{
	char cwd[PATH_MAX], target[64], name[32], temp[PATH_MAX + 8], seen[PATH_MAX + 8];
	int wrong = 0;
	ssize_t n;

	daemonize_report(d, session);
	for (int fd = 0; fd <= 2; fd++) {
		UNIT_PRINT(name, "/proc/self/fd/%d", fd);
		n = readlink(name, target, sizeof(target) - 1);
		target[n < 0 ? 0 : n] = '\0';
		wrong = strcmp(target, "/dev/null") != 0 ? 1 : wrong;
	}
	if (!getcwd(cwd, sizeof(cwd)) || strcmp(cwd, "/") != 0)
		wrong = 2;
	if (getsid(0) != getpid())
		wrong = 3;
	if (fcntl(left, F_GETFD) >= 0 || fcntl(session, F_GETFD) < 0)
		wrong = 4;
	UNIT_PRINT(temp, "%s/temp", directory);
	UNIT_PRINT(seen, "%s/seen", directory);
	UNIT_PRINT(name, "%d\n", wrong);
	if (make_file(temp, name, 0644))
		rename(temp, seen);
}

TEST("a live daemon has its own session, nothing of the caller's descriptors but the mount's, and keeps no directory "
     "busy")
{
	FIXTURE(f);

	ASSERT(getcwd(directory, sizeof(directory)));
	left = open("/dev/null", O_RDONLY);
	session = open("/dev/zero", O_RDONLY);
	EXPECT_INT(start(look_around), 0);
	EXPECT(file_will_have("seen", "\n"));
	EXPECT_STR(file_text("seen"), "0\n");
	close(left);
	close(session);
}
