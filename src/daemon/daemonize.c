/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Going to the background. Callers read our stderr to its end and take our exit for "mounted", so the process that they
 * started leaves when the kernel has been answered, and the daemon keeps none of its descriptors 0-2. A daemon that
 * dies before leaves an error status and what it said on stderr.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "internal.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "os/task.h"

#define LOCK_TRIES 100
#define LOCK_PAUSE_US 5000

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

static const char *base_name(const char *path)
{
	(void)CHECK(*path == '/');
	return strrchr(path, '/') + 1;
}

/* The mount may cover it later: to open something in there we would wait for ourselves. What is wrong with it the
 * file's open tells. */
static void open_pid_dir(struct daemonize *daemonize)
{
	const char *path = daemonize->opt->pidfile;
	_cleanup_free_ char *dir = path ? strndup(path, (size_t)(base_name(path) - path)) : NULL;

	if (dir)
		daemonize->pid_dir = open(dir, O_PATH | O_DIRECTORY | O_CLOEXEC);
}

static int cant_go(struct error *ret_error, const char *what)
{
	int err = -errno;

	return error_set(ret_error, err, "going to the background: %s: %s", what, strerror(-err));
}

int daemonize_start(struct daemonize *daemonize, const struct options *opt, struct error *ret_error)
{
	int fds[2];
	pid_t child;

	*daemonize = (struct daemonize){.opt = opt, .report_fd = -1, .null_fd = -1, .pid_dir = -1};
	if (opt->foreground) {
		open_pid_dir(daemonize);
		return 0;
	}
	/* Later there may be no descriptor left, and the caller would wait for the end of our stderr for ever. */
	daemonize->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (daemonize->null_fd < 0)
		return cant_go(ret_error, "/dev/null");
	if (pipe2(fds, O_CLOEXEC) < 0)
		return cant_go(ret_error, "pipe");
	child = fork();
	if (child < 0) {
		int r = cant_go(ret_error, "fork");

		close(fds[0]);
		close(fds[1]);
		return r;
	}
	if (child > 0) {
		close(fds[1]);
		wait_for_child(fds[0], child);
	}
	close(fds[0]);
	daemonize->report_fd = fds[1];
	open_pid_dir(daemonize);
	return 0;
}

/* Of two daemons of ours one at a time looks at the file and changes it. What else has it locked is no business of
 * ours. */
static void lock_pidfile(int fd)
{
	(void)CHECK(fd > STDERR_FILENO);
	for (int i = 0; flock(fd, LOCK_EX | LOCK_NB) < 0 && errno == EWOULDBLOCK && i < LOCK_TRIES; i++)
		os_sleep_us(LOCK_PAUSE_US);
}

/* Locked and empty. A predecessor that ends may remove it in the meantime. Neither a reader of a pipe is waited for,
 * nor ourselves. */
static int open_pidfile(const struct daemonize *daemonize)
{
	const char *path = daemonize->opt->pidfile, *name = daemonize->pid_dir < 0 ? path : base_name(path);

	for (int i = 0;; i++) {
		_cleanup_close_ int fd =
			openat(daemonize->pid_dir, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0644);
		struct stat st;

		if (fd < 0)
			return -errno;
		lock_pidfile(fd);
		if (fstat(fd, &st) < 0)
			return -errno;
		if (st.st_nlink == 0 && i < LOCK_TRIES)
			continue;
		return S_ISREG(st.st_mode) && ftruncate(fd, 0) < 0 ? -errno : TAKE_FD(fd);
	}
}

static void write_pidfile(struct daemonize *daemonize)
{
	_cleanup_close_ int fd = open_pidfile(daemonize);
	char text[32];
	int len = snprintf(text, sizeof(text), "%d\n", (int)getpid());

	(void)CHECK(daemonize->reported);
	if (fd < 0 || write(fd, text, (size_t)len) != len)
		log_warning("pidfile: %s: %s", daemonize->opt->pidfile, strerror(fd < 0 ? -fd : errno));
	if (daemonize->pid_dir >= 0)
		close(daemonize->pid_dir);
	daemonize->pid_dir = -1;
}

/* Only a file that says our number is ours: it may be a device, or our successor's by now, who has the upper
 * already. */
void daemonize_remove_pidfile(const struct daemonize *daemonize)
{
	const char *path = daemonize->opt->pidfile;
	_cleanup_close_ int fd = -1;
	char text[32] = "";
	struct stat st;

	if (!path || !daemonize->reported || lstat(path, &st) < 0 || !S_ISREG(st.st_mode))
		return;
	(void)CHECK(daemonize->pid_dir < 0);
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
	if (fd < 0)
		return;
	lock_pidfile(fd);
	if (read(fd, text, sizeof(text) - 1) > 0 && atol(text) == (long)getpid())
		unlink(path);
}

static void leave_terminal(struct daemonize *daemonize)
{
	if (!CHECK(daemonize->null_fd > STDERR_FILENO))
		return;
	log_set_stderr(false);
	for (int fd = 0; fd <= 2; fd++)
		dup2(daemonize->null_fd, fd);
	close(daemonize->null_fd);
	daemonize->null_fd = -1;
}

void daemonize_report(struct daemonize *daemonize, int fuse_fd)
{
	(void)CHECK((daemonize->report_fd < 0) == (daemonize->null_fd < 0));
	if (daemonize->reported)
		return;
	daemonize->reported = true;
	if (daemonize->opt->pidfile)
		write_pidfile(daemonize);
	if (daemonize->report_fd < 0)
		return;
	inherited_close(fuse_fd);
	/* Not before: autofs lets those in at the mountpoint who are of the process group that it has asked to mount
	 * there. */
	setsid();
	if (chdir("/") < 0)
		log_warning("chdir to /: %s", strerror(errno));
	leave_terminal(daemonize);
	while (write(daemonize->report_fd, "", 1) < 0 && errno == EINTR)
		;
	close(daemonize->report_fd);
	daemonize->report_fd = -1;
}
