// SPDX-License-Identifier: Apache-2.0
/*
 * Directories of what is unpacked: opened from the root by openat2(2), which refuses symlinks and what leads out.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "format/acl.h"
#include "format/acl.h"
#include "image/error.h"
#include "unpack_internal.h"

static int unpack_beneath(const struct unpack *u, const char *path)
{
	return os_openat(u->options->root_fd, *path ? path : ".", O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
}

/* Keeps what a directory gets at the end; a later call replaces it. */
static int keep_dir(struct unpack *u, const char *path, uint32_t mode, int64_t mtime, uint32_t nsec)
{
	size_t len = strlen(path);
	struct unpack_dir *d;

	(void)CHECK(*path != '/' && nsec < 1000000000);
	HASH_FIND(hh, u->dirs, path, len, d);
	if (!d) {
		u->dirs_size += len + 1;
		if (u->dirs_size > UNPACK_DIRS_MAX)
			return image_fail(u->error, -E2BIG, "the directories have more than %d bytes of names",
					  UNPACK_DIRS_MAX);
		d = calloc(1, sizeof(*d) + len + 1);
		if (!d)
			return image_fail_memory(u->error);
		memcpy(d->path, path, len);
		HASH_ADD(hh, u->dirs, path, len, d);
	}
	d->mode = mode & 07777;
	d->mtime = mtime;
	d->mtime_nsec = nsec;
	return 0;
}

/* A directory that the tar doesn't list, or doesn't list yet: its descriptor. */
static int make_implied(struct unpack *u, int dirfd, const char *name, const char *path)
{
	const struct tar_entry e = {.mode = S_IFDIR | 0755};
	_cleanup_close_ int fd = -1;
	int r = os_mkdirat(dirfd, name, 0700);

	if (r < 0)
		return unpack_failed(u, path, r);
	fd = os_openat(dirfd, name, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	if (fd < 0)
		return unpack_failed(u, path, fd);
	r = unpack_attributes(u, path, fd, &e);
	if (r == 0)
		r = keep_dir(u, path, e.mode, 0, 0);
	return r < 0 ? r : TAKE_FD(fd);
}

/* The lowest directory of `path` that is there. *ret_len is the length of its path. */
static int open_lowest(const struct unpack *u, char *path, size_t *ret_len)
{
	int fd = -ENOENT;

	for (size_t len = strlen(path); fd == -ENOENT;) {
		char *slash;

		path[len] = '\0';
		slash = strrchr(path, '/');
		len = slash ? (size_t)(slash - path) : 0;
		*ret_len = len;
		path[len] = '\0';
		fd = unpack_beneath(u, path);
		if (!len)
			break;
	}
	return fd;
}

/* Makes the missing directories of `path`. */
static int make_parents(struct unpack *u, const char *path)
{
	_cleanup_free_ char *part = strdup(path);
	_cleanup_close_ int fd = -1;
	size_t len;

	(void)CHECK(*path);
	if (!part)
		return image_fail_memory(u->error);
	fd = open_lowest(u, part, &len);
	if (fd < 0)
		return unpack_failed(u, path, fd);
	for (int next; len < strlen(path); cleanup_close(&fd), fd = next) {
		const char *name = path + len + (path[len] == '/');

		len = (size_t)(name - path) + strcspn(name, "/");
		memcpy(part, path, len);
		part[len] = '\0';
		next = make_implied(u, fd, strrchr(part, '/') ? strrchr(part, '/') + 1 : part, part);
		if (next < 0)
			return next;
	}
	return 0;
}

/* The directory that gets an object keeps its mode and time. */
static int keep_time(struct unpack *u)
{
	struct statx stx;
	int r = os_statx(u->parent_fd, "", &stx);

	if (r < 0)
		return unpack_failed(u, u->parent_path, r);
	return keep_dir(u, u->parent_path, stx.stx_mode, stx.stx_mtime.tv_sec, stx.stx_mtime.tv_nsec);
}

static int unpack_open_parent(struct unpack *u, const char *path, size_t len)
{
	_cleanup_free_ char *parent = strndup(path, len);
	int fd, r = 0;

	if (!parent)
		return image_fail_memory(u->error);
	fd = unpack_beneath(u, parent);
	if (fd == -ENOENT) {
		r = make_parents(u, parent);
		fd = r < 0 ? r : unpack_beneath(u, parent);
	}
	if (fd < 0)
		return r < 0 ? r : unpack_failed(u, path, fd);
	cleanup_close(&u->parent_fd);
	free(u->parent_path);
	u->parent_fd = fd;
	u->parent_path = TAKE_PTR(parent);
	return u->options->over ? keep_time(u) : 0;
}

int unpack_parent(struct unpack *u, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	size_t len = slash ? (size_t)(slash - path) : 0;

	if (!CHECK(*path && path[strlen(path) - 1] != '/'))
		return -EIO;
	*ret_name = slash ? slash + 1 : path;
	if (strlen(*ret_name) > NAME_MAX)
		return unpack_failed(u, path, -ENAMETOOLONG);
	if (u->parent_path && strlen(u->parent_path) == len && !memcmp(u->parent_path, path, len))
		return 0;
	return unpack_open_parent(u, path, len);
}

/* --- what directories get at the end ------------------------------------------------------------------------------ */

static int keep_acl(struct unpack *u, const char *path, const void *acl, size_t len)
{
	struct unpack_dir *d;
	char *copy = malloc(len + 1);

	HASH_FIND(hh, u->dirs, path, strlen(path), d);
	if (!copy || !CHECK(d)) {
		free(copy);
		return image_fail_memory(u->error);
	}
	memcpy(copy, acl, len);
	free(d->acl);
	d->acl = copy;
	d->acl_len = len;
	return 0;
}

int unpack_keep_entry(struct unpack *u, const char *path, const struct tar_entry *e)
{
	int r = keep_dir(u, path, e->mode, e->mtime, e->mtime_nsec);

	(void)CHECK(S_ISDIR(e->mode));
	for (size_t i = 0; i < e->n_xattrs && !u->options->overrides && r == 0; i++)
		if (!strcmp(e->xattrs[i].name, ACL_XATTR_DEFAULT))
			r = keep_acl(u, path, e->xattrs[i].value, e->xattrs[i].len);
	return r;
}

static int finish_dir(struct unpack *u, const struct unpack_dir *d)
{
	const struct timespec times[2] = {{d->mtime, d->mtime_nsec}, {d->mtime, d->mtime_nsec}};
	_cleanup_close_ int fd = unpack_beneath(u, d->path);
	int r = fd < 0 ? fd : 0;

	if (r == 0)
		r = os_fchmod(fd, u->options->overrides ? (d->mode & 0755) | 0700 : d->mode);
	if (r == 0 && d->acl)
		r = os_setxattr(fd, "", ACL_XATTR_DEFAULT, d->acl, d->acl_len, 0);
	/* The file system may have no ACLs. */
	if (r == -EOPNOTSUPP && d->acl)
		r = 0;
	if (r == 0)
		r = os_futimens(fd, times);
	return unpack_failed(u, d->path, r);
}

/* What lies in a directory comes before it: its mode may shut this process out. */
static int dirs_by_path(const void *a, const void *b)
{
	return strcmp((*(struct unpack_dir *const *)b)->path, (*(struct unpack_dir *const *)a)->path);
}

int unpack_finish_dirs(struct unpack *u)
{
	size_t n = HASH_COUNT(u->dirs), i = 0;
	_cleanup_free_ struct unpack_dir **list = calloc(n + 1, sizeof(*list));
	struct unpack_dir *d, *next;
	int r = 0;

	if (!list)
		return image_fail_memory(u->error);
	HASH_ITER(hh, u->dirs, d, next)
		list[i++] = d;
	if (!CHECK(i == n))
		return -EIO;
	qsort(list, n, sizeof(*list), dirs_by_path);
	for (i = 0; i < n && r == 0; i++)
		r = finish_dir(u, list[i]);
	return r;
}

void unpack_free_dirs(struct unpack *u)
{
	struct unpack_dir *d, *next;

	HASH_ITER(hh, u->dirs, d, next) {
		HASH_DEL(u->dirs, d);
		free(d->acl);
		free(d);
	}
}
