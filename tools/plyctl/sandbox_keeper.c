/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The keeper: it mounts the unions, waits for the end of the command's init, and unmounts. The daemons are its children
 * because it is process 1: they go to the background, and their first processes end.
 */
#include "sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plyctl.h"
#include "plyfs.h"

#define UNMOUNT_TRIES 100
#define UNMOUNT_POLL_US 20000

/* The path outside of a union's mountpoint. */
static char *point_outside(const struct sandbox *s, const char *target)
{
	char *path = NULL;

	if (asprintf(&path, "%s%s", s->mountpoint, strcmp(target, "/") ? target : "") < 0)
		abort();
	return path;
}

/* Upper and work directory in memory. The upper has the attributes of the directory that it covers. */
static char *options_on_memory(const struct sandbox *s, size_t i)
{
	_cleanup_free_ char *upper = NULL, *work = NULL;
	char *options = NULL;
	struct stat st;

	if (asprintf(&upper, "%s/%zu", s->scratch, i) < 0 || asprintf(&work, "%s/%zu.work", s->scratch, i) < 0)
		abort();
	if (mkdir(upper, 0755) < 0 || mkdir(work, 0700) < 0)
		return NULL;
	if (stat(s->unions[i].source, &st) == 0) {
		(void)!chown(upper, st.st_uid, st.st_gid);
		(void)!chmod(upper, st.st_mode & 07777);
	}
	if (asprintf(&options, "%s,upperdir=%s,workdir=%s", s->unions[i].options, upper, work) < 0)
		abort();
	return options;
}

/* Starts the daemon, and waits until its union is live. */
static int mount_union(const struct sandbox_run *run, size_t i)
{
	const struct sandbox *s = run->s;
	const struct sandbox_union *u = &s->unions[i];
	_cleanup_free_ char *point = point_outside(s, u->target);
	_cleanup_free_ char *options = u->on_memory ? options_on_memory(s, i) : strdup(u->options);
	bool squashes = run->has_userns && !run->has_ranges && !s->own_ids;
	int status = -1;
	pid_t child;

	if (!options) {
		fail("%s: %s", u->target, strerror(errno));
		return -1;
	}
	/* Nobody outside asks these daemons, and nothing of them is to be seen there. */
	plyfs_append(&options, ",control_socket=off", "", false);
	/* All that other users own would belong to nobody there, and not even root may change that. */
	if (squashes)
		plyfs_append(&options, ",squash_to_root", "", false);
	child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_RDWR | O_CLOEXEC);

		setsid();
		dup2(null, STDIN_FILENO);
		dup2(STDERR_FILENO, STDOUT_FILENO);
		sigprocmask(SIG_SETMASK, &run->mask, NULL);
		_exit(plyfs_exec(options, point));
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (child > 0 && status == 0)
		return 0;
	fail("%s: the union can't be mounted", u->target);
	return -1;
}

static void unmount(const char *path)
{
	for (int i = 0; i < UNMOUNT_TRIES; i++) {
		if (umount2(path, 0) == 0 || errno != EBUSY)
			return;
		usleep(UNMOUNT_POLL_US);
	}
	umount2(path, MNT_DETACH);
}

/* Waits for init. The end of a daemon ends the command: its files are gone. Returns the exit status of plyctl if init
 * told none. *ret_lost: init may have told one before that. */
static int wait_for_init(pid_t init, bool *ret_lost)
{
	bool is_daemon = false;
	int status;

	for (;;) {
		pid_t gone = waitpid(-1, &status, 0);

		if (gone == init)
			return is_daemon || !WIFSIGNALED(status) ? SANDBOX_FAILED : 128 + WTERMSIG(status);
		if (gone < 0 && errno != EINTR)
			return SANDBOX_FAILED;
		if (gone > 0 && !is_daemon) {
			is_daemon = *ret_lost = true;
			fail("the daemon of a union has ended");
			kill(init, SIGKILL);
		}
	}
}

/* What was written is in the layers when the daemons have ended. The kernel keeps some of it until the unmount. */
static bool daemons_succeeded(void)
{
	bool all = true;
	int status;
	pid_t gone;

	while ((gone = waitpid(-1, &status, 0)) > 0 || errno == EINTR)
		all &= gone < 0 || (WIFEXITED(status) && WEXITSTATUS(status) == 0);
	return all;
}

static pid_t start_init(struct sandbox_run *run)
{
	unsigned long flags = CLONE_NEWNS | CLONE_NEWPID | SIGCHLD;
	long pid = syscall(SYS_clone, flags, NULL, NULL, NULL, NULL);

	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		_exit(sandbox_init(run));
	}
	if (pid < 0)
		fail("namespaces: %s", strerror(errno));
	close(run->control[1]);
	return (pid_t)pid;
}

static int prepare(const struct sandbox_run *run)
{
	const struct sandbox *s = run->s;

	if (run->has_ranges && setgroups(0, NULL) < 0) {
		fail("groups: %s", strerror(errno));
		return -1;
	}
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
	    (s->scratch && mount("tmpfs", s->scratch, "tmpfs", MS_NOSUID | MS_NODEV, "mode=700") < 0)) {
		fail("mount: %s", strerror(errno));
		return -1;
	}
	return 0;
}

int sandbox_keep(struct sandbox_run *run)
{
	const struct sandbox *s = run->s;
	struct sandbox_points made = {.n = 0};
	size_t mounted = 0;
	int status = SANDBOX_FAILED;
	bool lost = false;
	pid_t init = -1;

	umask(022);
	if (prepare(run) < 0)
		return SANDBOX_FAILED;
	while (mounted < s->n_unions && mount_union(run, mounted) == 0) {
		if (!mounted++)
			sandbox_make_points(run, &made);
	}
	if (mounted == s->n_unions)
		init = start_init(run);
	if (init > 0)
		status = wait_for_init(init, &lost);
	while (mounted-- > 0) {
		_cleanup_free_ char *point = point_outside(s, s->unions[mounted].target);

		if (!mounted)
			sandbox_remove_points(run, &made);
		unmount(point);
	}
	if (!daemons_succeeded() && init > 0 && !lost) {
		fail("the daemon of a union has failed: what was written last may be lost");
		lost = true;
	}
	return lost ? SANDBOX_LOST : status;
}
