// SPDX-License-Identifier: Apache-2.0
/*
 * The layout between plyctl and skopeo. A process of its own removes it, as soon as plyctl has ended in whatever way.
 * One that was left because both were killed isn't locked any more, and the next export removes it.
 */
#include "export_storage.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/unpack.h"
#include "base/cleanup.h"
#include "os/fs.h"

#define PREFIX ".plyctl-layout-"
#define SUFFIX "XXXXXX" /* as mkdtemp() wants it */
#define LAYOUT "layout"
#define TRIES 16

enum { NO_PROGRAM = 127 };

/* --- what was left ------------------------------------------------------------------------------------------------ */

static int is_other_entry(void *arg, const struct os_dirent *d)
{
	return strcmp(d->name, LAYOUT) != 0;
}

/* Whether there is nothing in it that an export doesn't make. */
static bool has_layout_alone(int fd)
{
	return os_read_dir(fd, is_other_entry, NULL) == 0;
}

static void remove_if_left(int base_fd, const char *name)
{
	_cleanup_close_ int fd = openat(base_fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0 || st.st_uid != geteuid() || (st.st_mode & 07777) != 0700)
		return;
	if (!has_layout_alone(fd) || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return;
	(void)unpack_remove(fd);
	(void)unlinkat(base_fd, name, AT_REMOVEDIR);
}

static int look_at_left(void *arg, const struct os_dirent *d)
{
	const int *base_fd = arg;

	if (!strncmp(d->name, PREFIX, strlen(PREFIX)) && strlen(d->name) == strlen(PREFIX SUFFIX))
		remove_if_left(*base_fd, d->name);
	return 0;
}

static void remove_left(const char *base)
{
	_cleanup_close_ int fd = os_open_path(base, O_PATH | O_DIRECTORY, 0);

	if (fd >= 0)
		(void)os_read_dir(fd, look_at_left, &fd);
}

/* --- the layout --------------------------------------------------------------------------------------------------- */

/* Makes the directory, locked. Between the two another export may take it for one that was left. */
static int make_locked(const char *base, char **ret, int *ret_fd)
{
	for (unsigned tries = 0; tries < TRIES; tries++) {
		_cleanup_free_ char *path = NULL;
		_cleanup_close_ int fd = -1;
		struct stat own, named;

		if (asprintf(&path, "%s/" PREFIX SUFFIX, base) < 0) {
			path = NULL;
			return -ENOMEM;
		}
		if (!mkdtemp(path))
			return -errno;
		fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (fd < 0 || flock(fd, LOCK_EX) < 0 || fstat(fd, &own) < 0 || lstat(path, &named) < 0 ||
		    own.st_ino != named.st_ino) {
			(void)rmdir(path);
			continue;
		}
		*ret = TAKE_PTR(path);
		*ret_fd = TAKE_FD(fd);
		return 0;
	}
	return -EAGAIN;
}

/* Nothing of the caller's is held open meanwhile, and no signal of the terminal ends it. */
static void sweep(const char *path, int fd, int end)
{
	char byte;
	int low = fd < end ? fd : end, high = fd < end ? end : fd;

	(void)setsid();
	for (int i = 1; i < NSIG; i++)
		(void)signal(i, SIG_IGN);
	if (low > 0)
		(void)close_range(0, (unsigned)low - 1, 0);
	if (high > low + 1)
		(void)close_range((unsigned)low + 1, (unsigned)high - 1, 0);
	(void)close_range((unsigned)high + 1, ~0u, 0);
	while (read(end, &byte, 1) < 0 && errno == EINTR)
		;
	(void)unpack_remove(fd);
	(void)rmdir(path);
	_exit(0);
}

static int start_sweeper(struct storage_stage *stage, int fd)
{
	int ends[2];

	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	(void)fflush(NULL);
	stage->sweeper = fork();
	if (stage->sweeper == 0) {
		close(ends[1]);
		sweep(stage->dir, fd, ends[0]);
	}
	close(ends[0]);
	stage->end = ends[1];
	return stage->sweeper < 0 ? -errno : 0;
}

int storage_stage(struct storage_stage *ret, struct image_error *error)
{
	const char *base = getenv("TMPDIR");
	int r;

	base = base && *base == '/' ? base : "/var/tmp";
	remove_left(base);
	r = make_locked(base, &ret->dir, &ret->fd);
	/* Whoever writes a layout locks it too. */
	if (r == 0 && asprintf(&ret->layout, "%s/" LAYOUT, ret->dir) < 0) {
		ret->layout = NULL;
		r = -ENOMEM;
	}
	if (r == 0)
		r = start_sweeper(ret, ret->fd);
	if (r < 0 && ret->dir)
		(void)rmdir(ret->dir);
	return r < 0 ? image_fail(error, r, "%s: %s", base, strerror(-r)) : 0;
}

void storage_unstage(struct storage_stage *stage)
{
	if (stage->end >= 0)
		close(stage->end);
	while (stage->sweeper > 0 && waitpid(stage->sweeper, NULL, 0) < 0 && errno == EINTR)
		;
	/* What is still there if the sweeper was killed. */
	if (stage->fd >= 0) {
		(void)unpack_remove(stage->fd);
		(void)rmdir(stage->dir);
		close(stage->fd);
	}
	free(stage->layout);
	free(stage->dir);
	*stage = STORAGE_NO_STAGE;
}

int storage_copy(const char *layout, const char *target, struct image_error *error)
{
	_cleanup_free_ char *source = NULL;
	pid_t child;
	int status;

	if (asprintf(&source, "oci:%s", layout) < 0)
		return image_fail_memory(error);
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		/* Without plyctl there is no layout. */
		(void)prctl(PR_SET_PDEATHSIG, SIGTERM);
		/* The only line on standard output is the image's id. */
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execlp("skopeo", "skopeo", "copy", "--quiet", source, target, (char *)NULL);
		_exit(errno == ENOENT ? NO_PROGRAM : NO_PROGRAM - 1);
	}
	if (child < 0)
		return image_fail(error, -errno, "fork: %s", strerror(errno));
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
		return image_fail(error, -ENOENT, "%s: skopeo is wanted, which writes that store", target);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return image_fail(error, -EIO, "%s: skopeo failed", target);
	return 0;
}
