/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going to the background. Callers read our stderr to its end and take our exit for "mounted", so the process that they started leaves
 * when the kernel has been answered, and the daemon keeps none of its descriptors 0-2. A daemon that dies before leaves an error
 * status and what it said on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "base/cleanup.h"
#include "base/log.h"

/* The parent: status 0 once the child has said so, else the child's. */
static void __attribute__((noreturn)) wait_for_child(int fd, pid_t child)
{
	char byte;
	int status = 0; /* a caller that ignores SIGCHLD keeps it from us */
	ssize_t n;

	do
		n = read(fd, &byte, 1);
	while (n < 0 && errno == EINTR);
	if (n == 1)
		_exit(0);
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	_exit(WIFEXITED(status) && WEXITSTATUS(status) ? WEXITSTATUS(status) : 1);
}

int live_start(struct live *live, const struct options *opt)
{
	int fds[2];
	pid_t child;

	*live = (struct live){.opt = opt, .report_fd = -1, .null_fd = -1};
	if (opt->foreground)
		return 0;
	/* Later there may be no descriptor left, and the caller would wait for the end of our stderr for ever. */
	live->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (live->null_fd < 0)
		return -errno;
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -errno;
	child = fork();
	if (child < 0) {
		int r = -errno;

		close(fds[0]);
		close(fds[1]);
		return r;
	}
	if (child > 0) {
		close(fds[1]);
		wait_for_child(fds[0], child);
	}
	close(fds[0]);
	live->report_fd = fds[1];
	setsid();
	return 0;
}

static void write_pidfile(const char *path)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	if (fd < 0 || write(fd, text, (size_t)len) != len)
		log_warning("pidfile: %s: %s", path, strerror(errno));
}

static void leave_terminal(struct live *live)
{
	log_set_stderr(false);
	for (int fd = 0; fd <= 2; fd++)
		dup2(live->null_fd, fd);
	close(live->null_fd);
	live->null_fd = -1;
}

void live_report(struct live *live)
{
	if (live->reported)
		return;
	live->reported = true;
	if (live->opt->pidfile)
		write_pidfile(live->opt->pidfile);
	if (live->report_fd < 0)
		return;
	if (chdir("/") < 0)
		log_warning("chdir to /: %s", strerror(errno));
	leave_terminal(live);
	while (write(live->report_fd, "", 1) < 0 && errno == EINTR)
		;
	close(live->report_fd);
	live->report_fd = -1;
}
