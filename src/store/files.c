// SPDX-License-Identifier: Apache-2.0
#include "store/files.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/error.h"
#include "os/fs.h"

#define READ_SIZE (256 << 10)

/* --- the walk ----------------------------------------------------------------------------------------------------- */

struct files_walking {
	int (*each)(void *arg, const struct file_entry *e, struct image_error *error);
	void *arg;
	unsigned depth;
	struct image_error *error;
};

struct file_names {
	char **list; /* owned, and each */
	size_t n;
};

static int file_failed(const char *path, int r, struct image_error *error)
{
	return r < 0 ? image_fail(error, r, "%s: %s", *path ? path : ".", strerror(-r)) : r;
}

static int name_add(void *arg, const struct os_dirent *d)
{
	struct file_names *names = arg;
	char **next = ARRAY_NEXT(names->list, names->n);

	if (!next)
		return -ENOMEM;
	*next = strdup(d->name);
	if (!*next)
		return -ENOMEM;
	names->n++;
	return 0;
}

static int files_by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void names_finish(struct file_names *names)
{
	for (size_t i = 0; i < names->n; i++)
		free(names->list[i]);
	free(names->list);
}

static int walk_object(struct files_walking *w, const char *path, int fd);

static int walk_directory(struct files_walking *w, const char *path, int fd)
{
	_cleanup_(names_finish) struct file_names names = {.n = 0};
	int r = w->depth == FILES_DEPTH_MAX ? -ELOOP : os_read_dir(fd, name_add, &names);

	w->depth++;
	if (names.n)
		qsort(names.list, names.n, sizeof(*names.list), files_by_name);
	for (size_t i = 0; i < names.n && r == 0; i++) {
		_cleanup_free_ char *below = NULL;
		_cleanup_close_ int object = os_openat(fd, names.list[i], O_PATH, 0, OS_CROSS_MOUNTS);

		if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", names.list[i]) < 0)
			return image_fail_memory(w->error);
		r = object < 0 ? object : walk_object(w, below, object);
		if (object < 0)
			return file_failed(below, r, w->error);
	}
	w->depth--;
	return r < 0 && !*w->error->text ? file_failed(path, r, w->error) : r;
}

static int walk_object(struct files_walking *w, const char *path, int fd)
{
	struct file_entry e = {.path = path, .fd = fd};
	int r = os_statx(fd, "", &e.stx);

	(void)CHECK(fd >= 0);
	if (r < 0)
		return file_failed(path, r, w->error);
	r = w->each(w->arg, &e, w->error);
	if (r == 0 && S_ISDIR(e.stx.stx_mode))
		r = walk_directory(w, path, fd);
	return r == FILES_SKIP ? 0 : r;
}

int files_walk(const char *path, int (*each)(void *arg, const struct file_entry *e, struct image_error *error),
	       void *arg, struct image_error *error)
{
	struct image_error why = {.text = ""};
	struct files_walking w = {.each = each, .arg = arg, .error = &why};
	_cleanup_close_ int fd = os_open_path(path, O_PATH, 0);
	int r = fd < 0 ? image_fail(&why, fd, "%s", strerror(-fd)) : walk_object(&w, "", fd);

	return r < 0 ? image_fail(error, r, "%s: %s", path, *why.text ? why.text : strerror(-r)) : r;
}

/* --- what counts -------------------------------------------------------------------------------------------------- */

int file_xattrs(const struct layer *l, int fd, struct archive_xattrs *ret)
{
	static const struct layer plain = {.override = OVERRIDE_NONE};
	size_t kept = 0;
	int r = archive_xattrs_read(l ? l : &plain, fd, "", ret);

	(void)CHECK(fd >= 0);
	if (r < 0)
		return r == -EPERM || r == -EACCES ? 0 : r;
	for (size_t i = 0; i < ret->n; i++) {
		if (!strncmp(ret->list[i].name, "user.", 5) || !strcmp(ret->list[i].name, "security.capability")) {
			ret->list[kept++] = ret->list[i];
			continue;
		}
		free((char *)ret->list[i].name);
		free((void *)ret->list[i].value);
	}
	ret->n = kept;
	return 0;
}

int file_target(int fd, char **ret)
{
	_cleanup_free_ char *target = malloc(PATH_MAX + 1);
	ssize_t n = target ? os_readlinkat(fd, "", target, PATH_MAX) : -ENOMEM;

	(void)CHECK(fd >= 0);
	if (n < 0)
		return (int)n;
	target[n] = '\0';
	*ret = TAKE_PTR(target);
	return 0;
}

static int content_digest(int path_fd, char ret[static DIGEST_SIZE])
{
	_cleanup_close_ int fd = os_reopen(path_fd, O_RDONLY | O_NONBLOCK);
	_cleanup_free_ char *buf = malloc(READ_SIZE);
	struct digest d;
	ssize_t n = 1;
	int r = fd < 0 ? fd : !buf ? -ENOMEM : digest_start(&d);

	if (r < 0)
		return r;
	for (off_t at = 0; n > 0 && r == 0; at += n) {
		n = os_pread_all(fd, buf, READ_SIZE, at);
		r = n < 0 ? (int)n : digest_add(&d, buf, (size_t)n);
	}
	if (r < 0)
		digest_abandon(&d);
	return r < 0 ? r : digest_finish(&d, ret);
}

/* Names and values, each after its length. */
int file_xattrs_digest(const struct archive_xattrs *xattrs, char ret[static DIGEST_SIZE])
{
	struct digest d;
	int r = digest_start(&d);

	if (r < 0)
		return r;
	(void)CHECK(xattrs->n);
	for (size_t i = 0; i < xattrs->n && r == 0; i++) {
		const struct tar_xattr *x = &xattrs->list[i];
		char lengths[64];
		int n = snprintf(lengths, sizeof(lengths), "%zu %zu ", strlen(x->name), x->len);

		r = digest_add(&d, lengths, (size_t)n);
		if (r == 0)
			r = digest_add(&d, x->name, strlen(x->name));
		if (r == 0)
			r = digest_add(&d, x->value, x->len);
	}
	if (r < 0)
		digest_abandon(&d);
	return r < 0 ? r : digest_finish(&d, ret);
}

static const char *type_of(uint16_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFREG:
		return "file";
	case S_IFDIR:
		return "directory";
	case S_IFLNK:
		return "symlink";
	case S_IFCHR:
		return "character device";
	case S_IFBLK:
		return "block device";
	case S_IFIFO:
		return "fifo";
	default:
		return "socket";
	}
}

static int part_of_attributes(struct cache_part *part, const struct statx *stx)
{
	char mode[16], owner[32], device[32];
	int r = cache_part_set(part, CACHE_TYPE, type_of(stx->stx_mode));

	snprintf(mode, sizeof(mode), "%04o", stx->stx_mode & 07777u);
	snprintf(owner, sizeof(owner), "%u:%u", stx->stx_uid, stx->stx_gid);
	snprintf(device, sizeof(device), "%u:%u", stx->stx_rdev_major, stx->stx_rdev_minor);
	/* That of a symlink says nothing. */
	if (r == 0 && !S_ISLNK(stx->stx_mode))
		r = cache_part_set(part, CACHE_MODE, mode);
	if (r == 0)
		r = cache_part_set(part, CACHE_OWNER, owner);
	if (r == 0 && (S_ISCHR(stx->stx_mode) || S_ISBLK(stx->stx_mode)))
		r = cache_part_set(part, CACHE_DEVICE, device);
	return r;
}

static int part_of_object(struct cache_part *part, const struct statx *stx, const struct layer *l, int fd, int data_fd)
{
	_cleanup_(archive_xattrs_finish) struct archive_xattrs xattrs = {0};
	_cleanup_free_ char *target = NULL;
	char digest[DIGEST_SIZE];
	int r = part_of_attributes(part, stx);

	if (r == 0 && S_ISREG(stx->stx_mode)) {
		r = content_digest(data_fd, digest);
		if (r == 0)
			r = cache_part_set(part, CACHE_CONTENT, digest);
	} else if (r == 0 && S_ISLNK(stx->stx_mode)) {
		r = file_target(fd, &target);
		if (r == 0)
			r = cache_part_set_digest(part, CACHE_TARGET, target, strlen(target));
	}
	if (r == 0)
		r = file_xattrs(l, fd, &xattrs);
	if (r < 0 || !xattrs.n)
		return r;
	r = file_xattrs_digest(&xattrs, digest);
	return r < 0 ? r : cache_part_set(part, CACHE_ATTRIBUTES, digest);
}

int files_add_part(struct cache_parts *parts, const char *name, const struct statx *stx, const struct layer *l, int fd,
		   int data_fd, struct image_error *error)
{
	struct cache_part *part;
	int r = cache_parts_add(parts, name, &part);

	if (r == 0)
		r = part_of_object(part, stx, l, fd, data_fd < 0 ? fd : data_fd);
	return file_failed(name, r, error);
}

struct files_adding {
	struct cache_parts *parts;
	const char *name;
};

static int add_part(void *arg, const struct file_entry *e, struct image_error *error)
{
	const struct files_adding *a = arg;
	_cleanup_free_ char *name = NULL;

	if (asprintf(&name, "%s%s%s", a->name, *e->path ? "/" : "", e->path) < 0)
		return image_fail_memory(error);
	return files_add_part(a->parts, name, &e->stx, NULL, e->fd, -1, error);
}

int files_add_parts(struct cache_parts *parts, const char *name, const char *path, struct image_error *error)
{
	struct files_adding adding = {.parts = parts, .name = name};

	return files_walk(path, add_part, &adding, error);
}
