/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl umount: what mounted the union unmounts it, umount(8) for root and fusermount3(1) for others. It ends when the
 * daemon has: then all that was written is in the layers, and nobody holds their locks.
 */
#include "plyctl.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Time for a daemon to end. */
#define DAEMON_MS 10000

/* The daemon of a union, by a descriptor that tells of its end; -1: there is none, or it isn't known. */
static int daemon_of(const char *mountpoint)
{
	_cleanup_free_ char *error = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;

	if (view_stack_find(mountpoint, &stack, &error) < 0 || !stack->pid)
		return -1;
	return (int)syscall(SYS_pidfd_open, stack->pid, 0);
}

/* A mount namespace that was made meanwhile has the mount too, and keeps the daemon. */
static int wait_for_daemon(int pidfd, const char *mountpoint)
{
	struct pollfd fd = {.fd = pidfd, .events = POLLIN};
	int n;

	while ((n = poll(&fd, 1, DAEMON_MS)) < 0 && errno == EINTR)
		;
	return n > 0 ? EXIT_FINE
		     : fail("%s: unmounted here, but its daemon still runs: another mount namespace has the mount",
			    mountpoint);
}

static void exec_umount(const char *mountpoint)
{
	if (geteuid() == 0)
		execlp("umount", "umount", "--", mountpoint, NULL);
	else
		execlp("fusermount3", "fusermount3", "-u", "--", mountpoint, NULL);
	fail("%s: %s", geteuid() == 0 ? "umount" : "fusermount3", strerror(errno));
	_exit(EXIT_FAILED);
}

static int run_umount(int argc, char **argv)
{
	int pidfd, status = -1, end = EXIT_FINE;
	pid_t child;

	if (argc != 1)
		return usage_error("umount: one MOUNTPOINT is wanted");
	pidfd = daemon_of(argv[0]);
	child = fork();
	if (child == 0)
		exec_umount(argv[0]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (status == 0 && pidfd >= 0)
		end = wait_for_daemon(pidfd, argv[0]);
	if (pidfd >= 0)
		close(pidfd);
	/* It has said why. */
	return status == 0 ? end : EXIT_FAILED;
}

const struct verb verb_umount = {.name = "umount",
				 .operands = "MOUNTPOINT",
				 .help = "Unmount a union, and wait for its daemon's end",
				 .makes = true,
				 .run = run_umount};
