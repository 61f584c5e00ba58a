// SPDX-License-Identifier: Apache-2.0
#include "store/store.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "archive/unpack.h"
#include "base/check.h"
#include "image/error.h"
#include "internal.h"
#include "os/task.h"
#include "store/check.h"

/* --- open --------------------------------------------------------------------------------------------------------- */

/* Makes a directory and those above it that are missing. */
static int make_path(const char *path)
{
	_cleanup_free_ char *copy = strdup(path);
	char *at = copy;
	int r = 0;

	(void)CHECK(*path);
	if (!copy)
		return -ENOMEM;
	_cleanup_close_ int fd = os_open_path(*copy == '/' ? "/" : ".", O_PATH | O_DIRECTORY, 0);

	while (r == 0 && fd >= 0) {
		char *name = at + strspn(at, "/"), *end = name + strcspn(name, "/"), rest = *end;
		char before;

		if (!*name)
			break;
		*end = '\0';
		r = os_mkdirat(fd, name, 0755);
		if (r == -EEXIST)
			r = 0;
		/* The way to the store may lead over links, as the user likes. */
		before = *end;
		cleanup_close(&fd);
		fd = r == 0 ? os_open_path(copy, O_PATH | O_DIRECTORY, 0) : -1;
		*end = before ? before : rest;
		at = end;
	}
	return r < 0 ? r : fd < 0 ? fd : 0;
}

/* Layers have setuid programs and devices of images, which no other user may reach. Stores were once made otherwise. */
static int keep_private(int fd, mode_t mode)
{
	struct statx stx;
	int r = os_statx(fd, "", &stx);

	if (r < 0 || stx.stx_uid != geteuid() || !(stx.stx_mode & 077))
		return r;
	r = os_fchmod(fd, mode);
	return r == -EROFS ? 0 : r;
}

static int open_part(int dirfd, const char *name, bool create)
{
	int r = create ? os_mkdirat(dirfd, name, 0700) : 0, fd;

	if (r < 0 && r != -EEXIST)
		return r;
	fd = os_openat(dirfd, name, O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	r = fd < 0 ? 0 : keep_private(fd, 0700);
	if (r < 0)
		cleanup_close(&fd);
	return r < 0 ? r : fd;
}

static int open_parts(struct store *s, bool create)
{
	struct {
		const char *name;
		int *fd;
	} parts[] = {{"refs", &s->refs_fd}, {"images", &s->images_fd}, {"layers", &s->layers_fd}, {"tmp", &s->tmp_fd}};

	for (size_t i = 0; i < sizeof(parts) / sizeof(*parts); i++) {
		*parts[i].fd = open_part(s->fd, parts[i].name, create);
		if (*parts[i].fd < 0)
			return *parts[i].fd;
	}
	s->lock_fd = os_openat(s->fd, "lock", O_RDWR | (create ? O_CREAT : 0), 0600, OS_CROSS_MOUNTS);
	/* Who may only read the store locks it too. */
	if (s->lock_fd == -EACCES || s->lock_fd == -EROFS)
		s->lock_fd = os_openat(s->fd, "lock", O_RDONLY, 0, OS_CROSS_MOUNTS);
	return s->lock_fd < 0 ? s->lock_fd : keep_private(s->lock_fd, 0600);
}

int store_open(const char *path, bool create, struct store **ret, struct image_error *error)
{
	_cleanup_(store_cleanup) struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return image_fail_memory(error);
	s->fd = s->lock_fd = s->refs_fd = s->images_fd = s->layers_fd = s->tmp_fd = -1;
	r = path ? (s->path = strdup(path)) ? 0 : -ENOMEM : image_default_path(IMAGE_STORE, &s->path);
	if (r < 0)
		return image_fail(error, r, "the store: %s", strerror(-r));
	if (create)
		r = make_path(s->path);
	s->fd = r < 0 ? r : os_open_path(s->path, O_RDONLY | O_DIRECTORY, 0);
	r = s->fd < 0 ? s->fd : open_parts(s, create);
	if (r == -ENOENT && !create)
		return image_fail(error, r, "%s: there is no store", s->path);
	if (r < 0)
		return image_fail(error, r, "%s: %s", s->path, strerror(-r));
	s->overrides = !os_has_cap(CAP_CHOWN) || !os_has_cap(CAP_FOWNER) || os_has_one_user();
	s->userxattr = s->overrides || !os_in_init_userns();
	*ret = TAKE_PTR(s);
	return 0;
}

/* What is there, as it is. */
static void open_parts_as_they_are(struct store *s)
{
	s->refs_fd = os_openat(s->fd, "refs", O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	s->images_fd = os_openat(s->fd, "images", O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	s->layers_fd = os_openat(s->fd, "layers", O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	s->tmp_fd = os_openat(s->fd, "tmp", O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	s->lock_fd = os_openat(s->fd, "lock", O_RDONLY | O_NONBLOCK, 0, OS_CROSS_MOUNTS);
}

int store_open_to_check(const char *path, struct store **ret, struct image_error *error)
{
	_cleanup_(store_cleanup) struct store *s = calloc(1, sizeof(*s));
	int r;

	if (!s)
		return image_fail_memory(error);
	s->fd = s->lock_fd = s->refs_fd = s->images_fd = s->layers_fd = s->tmp_fd = -1;
	r = path ? (s->path = strdup(path)) ? 0 : -ENOMEM : image_default_path(IMAGE_STORE, &s->path);
	if (r < 0)
		return image_fail(error, r, "the store: %s", strerror(-r));
	s->fd = os_open_path(s->path, O_RDONLY | O_DIRECTORY, 0);
	if (s->fd < 0)
		return image_fail(error, s->fd, "%s: %s", s->path,
				  s->fd == -ENOENT ? "there is no store" : strerror(-s->fd));
	open_parts_as_they_are(s);
	if (s->images_fd == -EACCES || s->layers_fd == -EACCES || s->refs_fd == -EACCES)
		return image_fail(error, -EACCES, "%s: %s", s->path, strerror(EACCES));
	if (s->images_fd < 0 && s->layers_fd < 0)
		return image_fail(error, -ENOENT, "%s: there is no store", s->path);
	*ret = TAKE_PTR(s);
	return 0;
}

void store_close(struct store *s)
{
	(void)CHECK(s->fd >= 0 || !s->locked);
	int *const fds[] = {&s->fd, &s->lock_fd, &s->refs_fd, &s->images_fd, &s->layers_fd, &s->tmp_fd};

	for (size_t i = 0; i < sizeof(fds) / sizeof(*fds); i++)
		cleanup_close(fds[i]);
	free(s->path);
	free(s);
}

const char *store_path(const struct store *s)
{
	return s->path;
}

/* --- temporary directories ---------------------------------------------------------------------------------------- */

int store_temp_new(struct store *s, char ret_name[static TEMP_SIZE], int *ret_fd)
{
	uint64_t number;
	int r;

	(void)CHECK(s->locked);
	do {
		r = os_random(&number, sizeof(number));
		if (r < 0)
			return r;
		snprintf(ret_name, TEMP_SIZE, "%016llx", (unsigned long long)number);
		r = os_mkdirat(s->tmp_fd, ret_name, 0700);
	} while (r == -EEXIST);
	if (r < 0)
		return r;
	*ret_fd = os_openat(s->tmp_fd, ret_name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	return *ret_fd < 0 ? *ret_fd : 0;
}

static int remove_temp(struct store *s, const char *name)
{
	_cleanup_close_ int fd = os_openat(s->tmp_fd, name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	int r;

	(void)CHECK(*name && !strchr(name, '/'));
	if (fd == -ENOTDIR || fd == -ELOOP)
		return os_unlinkat(s->tmp_fd, name, 0);
	r = fd < 0 ? fd : unpack_remove(fd);
	return r < 0 ? r : os_unlinkat(s->tmp_fd, name, AT_REMOVEDIR);
}

void store_temp_remove(struct store *s, const char *name)
{
	/* What can't be removed now is removed by the next lock. */
	if (*name)
		(void)remove_temp(s, name);
}

static int clean_one(void *arg, const struct os_dirent *d)
{
	struct store *s = arg;

	s->n_temps++;
	/* What can't be removed, such as something immutable, is in nobody's way: nothing is looked for here. */
	(void)remove_temp(s, d->name);
	return 0;
}

/* Removes everything in `tmp`. Nobody else has the lock. */
static int clean_temps(struct store *s)
{
	(void)CHECK(s->tmp_fd >= 0);
	return os_read_dir(s->tmp_fd, clean_one, s);
}

int store_lock(struct store *s, bool exclusive, struct image_error *error)
{
	int r = os_flock(s->lock_fd, LOCK_EX | LOCK_NB);

	(void)CHECK(!s->locked);
	if (r == -EWOULDBLOCK && exclusive)
		r = os_flock(s->lock_fd, LOCK_EX);
	if (r == 0 && os_may_write_dir(s->tmp_fd) == 0)
		r = clean_temps(s);
	if (r == 0 && !exclusive)
		r = os_flock(s->lock_fd, LOCK_SH);
	else if (r == -EWOULDBLOCK)
		r = os_flock(s->lock_fd, LOCK_SH);
	if (r < 0)
		return image_fail(error, r, "%s: lock: %s", s->path, strerror(-r));
	s->locked = true;
	s->exclusive = exclusive;
	return 0;
}

int store_lock_to_check(struct store *s, bool exclusive, struct store_check *check, struct image_error *error)
{
	/* Without the file nobody else has the lock. */
	int r = s->lock_fd < 0 ? 0 : os_flock(s->lock_fd, LOCK_EX | LOCK_NB);

	(void)CHECK(!s->locked);
	check->exclusive = exclusive;
	check->busy = r == -EWOULDBLOCK && !exclusive;
	if (r == -EWOULDBLOCK)
		r = os_flock(s->lock_fd, exclusive ? LOCK_EX : LOCK_SH);
	if (r < 0)
		return image_fail(error, r, "%s: lock: %s", s->path, strerror(-r));
	s->locked = true;
	s->exclusive = !check->busy;
	return 0;
}

int store_lock_to_look(struct store *s, const struct store_check *check)
{
	if (!CHECK(s->locked))
		return -EIO;
	if (check->exclusive || !s->exclusive || s->lock_fd < 0)
		return 0;
	s->exclusive = false;
	return os_flock(s->lock_fd, LOCK_SH);
}

int store_write_file(int dirfd, const char *name, const void *data, size_t len)
{
	_cleanup_close_ int fd = os_openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0644, OS_NO_XDEV);
	ssize_t n = fd < 0 ? fd : os_pwrite_all(fd, data, len, 0);

	(void)CHECK(dirfd >= 0);
	if (n < 0)
		return (int)n;
	return (size_t)n < len ? -ENOSPC : os_fsync(fd);
}
