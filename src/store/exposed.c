// SPDX-License-Identifier: Apache-2.0
/*
 * Which directories show layers of the store: a file of `exposed` for each, named by the digest of its path. The first
 * line is the path, and each of the others stands for a layer.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "format/name.h"
#include "image/error.h"
#include "internal.h"
#include "store/expose.h"

#define EXPOSED_MAX (4 << 20)

struct exposed_looking {
	int dir_fd;
	int (*each)(void *arg, char *text, struct image_error *error);
	void *arg;
	struct image_error *error;
};

static int exposed_look(void *arg, const struct os_dirent *d)
{
	struct exposed_looking *l = arg;
	_cleanup_free_ char *text = malloc(EXPOSED_MAX + 1);
	_cleanup_close_ int fd = os_openat(l->dir_fd, d->name, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	ssize_t n;

	if (!text)
		return image_fail_memory(l->error);
	n = fd < 0 ? fd : os_pread_all(fd, text, EXPOSED_MAX, 0);
	if (n == EXPOSED_MAX)
		n = -EFBIG;
	/* What it shows isn't known. */
	if (n < 0)
		return image_fail(l->error, (int)n, "exposed/%s: %s", d->name, strerror((int)-n));
	text[n] = '\0';
	return l->each(l->arg, text, l->error);
}

int store_each_exposed(struct store *s, int (*each)(void *arg, char *text, struct image_error *error), void *arg,
		       struct image_error *error)
{
	_cleanup_close_ int dir = os_openat(s->fd, "exposed", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct exposed_looking l = {.dir_fd = dir, .each = each, .arg = arg, .error = error};

	(void)CHECK(s->locked);
	if (dir == -ENOENT)
		return 0;
	return dir < 0 ? image_fail(error, dir, "exposed: %s", strerror(-dir)) : os_read_dir(dir, exposed_look, &l);
}

static int exposed_name(const char *path, char ret[static DIGEST_SIZE])
{
	(void)CHECK(*path == '/');
	return digest_of(path, strlen(path), ret);
}

int store_exposed_set(struct store *s, const char *path, const char *text, struct image_error *error)
{
	char temp[TEMP_SIZE] = "", name[DIGEST_SIZE];
	_cleanup_close_ int temp_fd = -1, dir = -1;
	int r = exposed_name(path, name);

	if (!CHECK(s->locked))
		return -EIO;
	if (r == 0)
		r = store_temp_new(s, temp, &temp_fd);
	if (r == 0)
		r = store_write_file(temp_fd, "exposed", text, strlen(text));
	if (r == 0)
		r = os_mkdirat(s->fd, "exposed", 0700);
	r = r == -EEXIST ? 0 : r;
	dir = r < 0 ? r : os_openat(s->fd, "exposed", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	r = dir < 0 ? dir : os_renameat2(temp_fd, "exposed", dir, digest_digits(name), 0);
	if (r == 0)
		r = os_fsync(dir);
	store_temp_remove(s, temp);
	return r < 0 ? image_fail(error, r, "%s: exposed: %s", s->path, strerror(-r)) : 0;
}

int store_exposed_end(struct store *s, const char *path, struct image_error *error)
{
	char name[DIGEST_SIZE];
	_cleanup_close_ int dir = os_openat(s->fd, "exposed", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	int r = exposed_name(path, name);

	(void)CHECK(s->locked);
	if (r == 0)
		r = dir < 0 ? dir : os_unlinkat(dir, digest_digits(name), 0);
	if (r == -ENOENT)
		return image_fail(error, r, "the store shows nothing there");
	return r < 0 ? image_fail(error, r, "%s: exposed: %s", s->path, strerror(-r)) : 0;
}
