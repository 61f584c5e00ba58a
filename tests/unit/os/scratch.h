/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory for one test. It holds: file ("content"), dir/, dir/inner, link -> file, out -> .. (a way out), fifo.
 */
#ifndef UNIT_SYS_SCRATCH_H
#define UNIT_SYS_SCRATCH_H

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../../src/os/internal.h"
#include "os/fs.h"

struct scratch {
	char path[64];
	int fd; /* O_PATH */
};

static inline int scratch_remove(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	return remove(path);
}

static inline void scratch_finish(struct scratch *s)
{
	close(s->fd);
	nftw(s->path, scratch_remove, 16, FTW_DEPTH | FTW_PHYS);
}

static inline bool scratch_file(int dirfd, const char *name, const char *content)
{
	int fd = openat(dirfd, name, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content);

	close(fd);
	return good;
}

/* False when the machine gives no such directory; then the test can't go on. */
static inline bool scratch_init(struct scratch *s)
{
	strcpy(s->path, "/tmp/plyfs-sys-XXXXXX");
	if (os_init() < 0 || !mkdtemp(s->path))
		return false;
	s->fd = open(s->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	return s->fd >= 0 && scratch_file(s->fd, "file", "content") && !mkdirat(s->fd, "dir", 0755) &&
	       scratch_file(s->fd, "dir/inner", "inner") && !symlinkat("file", s->fd, "link") &&
	       !symlinkat("..", s->fd, "out") && !mkfifoat(s->fd, "fifo", 0644);
}

#define SCRATCH(s)                                                                                                     \
	struct scratch s __attribute__((cleanup(scratch_finish))) = {.fd = -1};                                        \
	ASSERT(scratch_init(&s))

/* An O_PATH descriptor of the object itself, also of a symlink. */
static inline int scratch_path(const struct scratch *s, const char *name)
{
	return openat(s->fd, name, O_PATH | O_NOFOLLOW | O_CLOEXEC);
}

static inline struct stat scratch_stat(const struct scratch *s, const char *name)
{
	struct stat st = {0};

	fstatat(s->fd, name, &st, AT_SYMLINK_NOFOLLOW);
	return st;
}

#endif
