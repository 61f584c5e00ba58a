// SPDX-License-Identifier: Apache-2.0
#include "deref_swap.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/unpack.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/error.h"
#include "os/fs.h"

#define STAGE_PREFIX ".plyctl-deref-"
#define RENAME_EXCHANGES 2
#define FILL_PIECE (1 << 20)
#define CAPABILITY "security.capability"
#define CAPABILITY_MAX 64

/* Times that a kill may have kept from being set. */
struct deref_pending {
	int64_t sec[2], nsec[2];
};

/* What else writing takes from a file; behind the path. */
struct deref_file {
	uint32_t mode, len; /* mode: 0 for a directory; bytes of the capability */
	char capability[CAPABILITY_MAX];
};

/* --- times -------------------------------------------------------------------------------------------------------- */

static void times_of(const struct statx *stx, struct timespec ret[2])
{
	ret[0] = (struct timespec){stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec};
	ret[1] = (struct timespec){stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec};
}

/* `path`: whose times change now, though they mustn't. */
static int pending_note(const struct deref_stage *s, const char *path, const struct timespec times[2],
			const struct deref_file *file)
{
	struct deref_pending p = {.sec = {times[0].tv_sec, times[1].tv_sec},
				  .nsec = {times[0].tv_nsec, times[1].tv_nsec}};
	size_t len = strlen(path) + 1;
	ssize_t n = os_pwrite_all(s->pending_fd, &p, sizeof(p), 1);

	(void)CHECK(s->pending_fd >= 0);
	if (n == sizeof(p))
		n = os_pwrite_all(s->pending_fd, path, len, 1 + sizeof(p));
	if (n == (ssize_t)len)
		n = os_pwrite_all(s->pending_fd, file, sizeof(*file), (off_t)(1 + sizeof(p) + len));
	if (n == sizeof(*file))
		n = os_pwrite_all(s->pending_fd, "1", 1, 0);
	return n < 0 ? (int)n : n == 1 ? 0 : -ENOSPC;
}

static int pending_done(const struct deref_stage *s)
{
	ssize_t n = os_pwrite_all(s->pending_fd, "0", 1, 0);

	return n < 0 ? (int)n : 0;
}

static int stage_object(const struct deref_stage *s, const char *path, int flags)
{
	return *path ? os_openat(s->layer_fd, path, flags, 0, OS_NO_XDEV) : os_dup(s->layer_fd);
}

static int pending_file(int fd, const struct deref_file *file)
{
	int r = 0;

	(void)CHECK(fd >= 0);
	if (file->len)
		r = os_setxattr(fd, "", CAPABILITY, file->capability, MIN(file->len, sizeof(file->capability)), 0);
	return r < 0 || !file->mode ? r : os_fchmod(fd, file->mode & 07777);
}

/* What a run that was killed, or has failed, has left to be set. */
static int pending_restore(const struct deref_stage *s)
{
	char text[1 + sizeof(struct deref_pending) + PATH_MAX + sizeof(struct deref_file) + 1] = "";
	_cleanup_close_ int fd = os_openat(s->fd, "pending", O_RDONLY, 0, OS_NO_XDEV), object = -1;
	ssize_t n = fd < 0 ? fd : os_pread_all(fd, text, sizeof(text) - 1, 0);
	struct deref_file file = {.mode = 0};
	struct deref_pending p;
	size_t end;
	int r;

	if (fd == -ENOENT || (n >= 0 && *text != '1'))
		return 0;
	if (n < 0 || (size_t)n <= 1 + sizeof(p))
		return n < 0 ? (int)n : -EBADMSG;
	memcpy(&p, text + 1, sizeof(p));
	object = stage_object(s, text + 1 + sizeof(p), O_RDONLY | O_NONBLOCK);
	if (object < 0)
		return object == -ENOENT ? 0 : object;
	end = 1 + sizeof(p) + strlen(text + 1 + sizeof(p)) + 1;
	if (end + sizeof(file) <= (size_t)n)
		memcpy(&file, text + end, sizeof(file));
	r = pending_file(object, &file);
	return r < 0 ? r : os_futimens(object, (struct timespec[2]){{p.sec[0], p.nsec[0]}, {p.sec[1], p.nsec[1]}});
}

/* --- the directory ------------------------------------------------------------------------------------------------ */

static int stage_remove(const struct deref_stage *s)
{
	int r = s->fd < 0 ? 0 : unpack_remove(s->fd);

	(void)CHECK(s->name && !strchr(s->name, '/'));
	return r < 0 ? r : os_unlinkat(s->parent_fd, s->name, AT_REMOVEDIR);
}

static int stage_make(struct deref_stage *s)
{
	int r = os_mkdirat(s->parent_fd, s->name, 0700);

	if (r < 0)
		return r;
	s->fd = os_openat(s->parent_fd, s->name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	r = s->fd < 0 ? s->fd : os_mkdirat(s->fd, "copies", 0700);
	if (r < 0)
		return r;
	s->copies_fd = os_openat(s->fd, "copies", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	s->pending_fd = os_openat(s->fd, "pending", O_RDWR | O_CREAT | O_EXCL, 0600, OS_NO_XDEV);
	return MIN(s->copies_fd < 0 ? s->copies_fd : s->pending_fd, 0);
}

/* What a killed run has left is its own: another user's directory isn't touched. */
static int stage_clean(struct deref_stage *s)
{
	struct statx stx;
	int r;

	s->fd = os_openat(s->parent_fd, s->name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	if (s->fd < 0)
		return s->fd == -ENOENT ? 0 : s->fd;
	r = os_statx(s->fd, "", &stx);
	if (r == 0 && stx.stx_uid != geteuid())
		r = -EPERM;
	if (r == 0)
		r = pending_restore(s);
	if (r == 0)
		r = stage_remove(s);
	cleanup_close(&s->fd);
	return r;
}

static int stage_open_at(struct deref_stage *s, char *real)
{
	char *slash = strrchr(real, '/');
	int r;

	(void)CHECK(slash);
	s->layer_fd = os_open_path(real, O_RDONLY | O_DIRECTORY, 0);
	*slash = '\0';
	s->parent_fd = s->layer_fd < 0 ? -1 : os_open_path(*real ? real : "/", O_RDONLY | O_DIRECTORY, 0);
	if (s->parent_fd < 0)
		return MIN(s->layer_fd, s->parent_fd);
	if (asprintf(&s->name, STAGE_PREFIX "%s", slash + 1) < 0) {
		s->name = NULL;
		return -ENOMEM;
	}
	/* One run at a time. */
	r = os_flock(s->layer_fd, LOCK_EX | LOCK_NB);
	if (r == 0)
		r = stage_clean(s);
	return r < 0 ? r : stage_make(s);
}

int stage_open(struct deref_stage *ret, const char *dir, struct image_error *error)
{
	_cleanup_free_ char *real = strdup(dir);
	struct statx layer, stage;
	int r;

	*ret = (struct deref_stage){.layer_fd = -1, .parent_fd = -1, .fd = -1, .copies_fd = -1, .pending_fd = -1};
	r = real ? stage_open_at(ret, real) : -ENOMEM;
	if (r == 0)
		r = os_statx(ret->layer_fd, "", &layer);
	if (r == 0)
		r = os_statx(ret->fd, "", &stage);
	if (r == 0 && (layer.stx_dev_major != stage.stx_dev_major || layer.stx_dev_minor != stage.stx_dev_minor))
		r = -EXDEV;
	if (r == 0)
		return 0;
	stage_close(ret);
	return image_fail(error, r, "%s: %s", dir,
			  r == -EXDEV	      ? "the directory above is on another file system"
			  : r == -EWOULDBLOCK ? "something else uses it"
					      : strerror(-r));
}

void stage_close(struct deref_stage *s)
{
	int *const fds[] = {&s->copies_fd, &s->pending_fd, &s->fd, &s->layer_fd, &s->parent_fd};

	if (s->copies_fd >= 0) {
		(void)os_syncfs(s->layer_fd);
		/* The next run sets and removes what this one can't. */
		if (pending_restore(s) == 0)
			(void)stage_remove(s);
	}
	for (size_t i = 0; i < ARRAY_SIZE(fds); i++)
		cleanup_close(fds[i]);
	free(s->name);
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

/* The directory of a path below `fd`. */
static int stage_above(int fd, const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");

	return dir ? os_openat(fd, dir, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV) : -ENOMEM;
}

int stage_swap(struct deref_stage *s, const struct deref_item *item)
{
	_cleanup_close_ int to = stage_above(s->layer_fd, item->path), from = stage_above(s->copies_fd, item->path);
	const char *slash = strrchr(item->path, '/'), *name = slash ? slash + 1 : item->path;
	_cleanup_free_ char *dir = slash ? strndup(item->path, (size_t)(slash - item->path)) : strdup("");
	struct timespec times[2];
	struct statx stx;
	(void)CHECK(!item->in_place && *item->path);
	int r = to < 0 ? to : from < 0 ? from : dir ? os_statx(to, name, &stx) : -ENOMEM;

	if (r == 0 && stx.stx_ino != item->ino)
		r = -EAGAIN;
	if (r == 0)
		r = os_statx(to, "", &stx);
	if (r < 0)
		return r;
	times_of(&stx, times);
	r = pending_note(s, dir, times, &(struct deref_file){.mode = 0});
	if (r == 0)
		r = os_renameat2(from, name, to, name, RENAME_EXCHANGES);
	if (r == 0)
		r = os_futimens(to, times);
	return r < 0 ? r : pending_done(s);
}

static int fill_data(int fd, int data, uint64_t size)
{
	_cleanup_free_ char *buffer = malloc(FILL_PIECE);
	ssize_t n = 1;
	off_t at = 0;

	(void)CHECK(fd >= 0);
	if (!buffer)
		return -ENOMEM;
	for (; data >= 0 && n > 0; at += n) {
		n = os_pread_all(data, buffer, FILL_PIECE, at);
		if (n > 0 && os_pwrite_all(fd, buffer, (size_t)n, at) != n)
			n = -ENOSPC;
	}
	if (n < 0)
		return (int)n;
	return data >= 0 && (uint64_t)at != size ? -EAGAIN : os_fsync(fd);
}

static int drop_xattr(int fd, enum xattr_ns ns, enum xattr_overlay which)
{
	int r = os_removexattr(fd, "", xattr_overlay_name(ns, which));

	return r == -ENODATA ? 0 : r;
}

int stage_fill(struct deref_stage *s, const struct deref_item *item, int data, enum xattr_ns ns)
{
	_cleanup_close_ int fd = os_openat(s->layer_fd, item->path, O_RDWR | O_NONBLOCK, 0, OS_NO_XDEV);
	(void)CHECK(item->in_place && item->kind == 'M');
	struct deref_file file = {.mode = 0};
	struct timespec times[2];
	struct statx stx;
	ssize_t n = 0;
	int r = fd < 0 ? fd : os_statx(fd, "", &stx);

	if (r == 0 && stx.stx_ino != item->ino)
		r = -EAGAIN;
	if (r == 0)
		n = os_getxattr(fd, "", CAPABILITY, file.capability, sizeof(file.capability));
	/* Another of its names came before, or it has its data. */
	if (r == 0 && os_getxattr(fd, "", xattr_overlay_name(ns, XATTR_OVERLAY_METACOPY), NULL, 0) == -ENODATA)
		return drop_xattr(fd, ns, XATTR_OVERLAY_REDIRECT);
	if (r < 0)
		return r;
	times_of(&stx, times);
	file.mode = stx.stx_mode;
	file.len = (uint32_t)MAX(n, (ssize_t)0);
	r = pending_note(s, item->path, times, &file);
	if (r == 0)
		r = fill_data(fd, data, item->bytes);
	/* Writing takes these away. */
	if (r == 0)
		r = pending_file(fd, &file);
	if (r == 0)
		r = drop_xattr(fd, ns, XATTR_OVERLAY_METACOPY);
	if (r == 0)
		r = drop_xattr(fd, ns, XATTR_OVERLAY_REDIRECT);
	if (r == 0)
		r = os_futimens(fd, times);
	return r < 0 ? r : pending_done(s);
}
