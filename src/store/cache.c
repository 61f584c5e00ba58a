// SPDX-License-Identifier: Apache-2.0
/*
 * The folder of entries.
 */
#include "store/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/array.h"
#include "base/check.h"
#include "image/error.h"
#include "internal.h"
#include "os/task.h"

/* An entry of 100,000 files has about 40 MB. */
#define ENTRY_MAX (256 << 20)

/* The folder with its lock. `create`: it is made. -ENOENT: there is none. */
static int cache_open(const struct store *s, bool create, int *ret_fd)
{
	int r = create ? os_mkdirat(s->fd, "cache", 0700) : 0, fd;

	if (r < 0 && r != -EEXIST)
		return r;
	fd = os_openat(s->fd, "cache", O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	if (fd < 0)
		return fd;
	do
		r = os_flock(fd, LOCK_EX);
	while (r == -EINTR);
	if (r < 0) {
		os_close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int cache_failed(const struct store *s, int r, struct image_error *error)
{
	return image_fail(error, r, "%s/cache: %s", s->path, strerror(-r));
}

int64_t store_cache_now(void)
{
	struct timespec now = os_now_real();

	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- one entry ---------------------------------------------------------------------------------------------------- */

/* A symlink, a socket, or what is mounted there. All else says nothing of the entry. */
static bool is_no_file(int err)
{
	return err == -ELOOP || err == -ENXIO || err == -EXDEV;
}

/* -EBADMSG: it is damaged. */
static int cache_read(int dir, const char *key, struct cache_entry *ret, struct image_error *error)
{
	_cleanup_close_ int fd = os_openat(dir, digest_digits(key), O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	_cleanup_free_ char *text = NULL;
	struct statx stx;
	ssize_t n;
	int r = fd < 0 ? fd : os_statx(fd, "", &stx);

	if (r == -ENOENT)
		return r;
	if (r < 0)
		return image_fail(error, is_no_file(r) ? -EBADMSG : r, "%s", strerror(-r));
	if (!S_ISREG(stx.stx_mode) || stx.stx_size > ENTRY_MAX)
		return image_fail(error, -EBADMSG, "it is no file, or too large");
	text = malloc(stx.stx_size + 1);
	if (!text)
		return image_fail_memory(error);
	n = os_pread_all(fd, text, stx.stx_size, 0);
	if (n < 0)
		return image_fail(error, (int)n, "%s", strerror((int)-n));
	return cache_entry_parse(text, (size_t)n, key, ret, error);
}

static int cache_write_steps(struct store *s, int dir, const struct cache_entry *e, const char *text)
{
	char temp[TEMP_SIZE] = "";
	_cleanup_close_ int fd = -1;
	int r = store_temp_new(s, temp, &fd);

	if (r == 0)
		r = store_write_file(fd, "entry", text, strlen(text));
	if (r == 0)
		r = os_renameat2(fd, "entry", dir, digest_digits(e->key), 0);
	if (r == 0)
		r = os_fsync(dir);
	store_temp_remove(s, temp);
	return r;
}

static int cache_write(struct store *s, int dir, const struct cache_entry *e, struct image_error *error)
{
	_cleanup_free_ char *text = cache_entry_text(e);
	int r;

	if (!text)
		return image_fail_memory(error);
	r = cache_write_steps(s, dir, e, text);
	return r < 0 ? cache_failed(s, r, error) : 0;
}

/* In place, if the document begins as it is written here. */
static int cache_count_hit(struct store *s, int dir, struct cache_entry *e, struct image_error *error)
{
	_cleanup_close_ int fd = os_openat(dir, digest_digits(e->key), O_RDWR | O_NONBLOCK, 0, OS_NO_XDEV);
	char before[CACHE_HEAD + 1], is[CACHE_HEAD + 1] = "", now[CACHE_HEAD + 1];
	ssize_t n;

	cache_entry_head(e, before);
	e->hits += e->hits < INT64_MAX;
	e->last_used = store_cache_now();
	cache_entry_head(e, now);
	n = fd < 0 ? fd : os_pread_all(fd, is, CACHE_HEAD, 0);
	if (n != CACHE_HEAD || strcmp(is, before) != 0)
		return cache_write(s, dir, e, error);
	n = os_pwrite_all(fd, now, CACHE_HEAD, 0);
	return n == CACHE_HEAD ? 0 : cache_failed(s, n < 0 ? (int)n : -EIO, error);
}

int store_cache_find(struct store *s, const char *key, bool is_hit, struct cache_entry *ret, struct image_error *error)
{
	_cleanup_close_ int dir = -1;
	struct cache_entry e = {.step = NULL};
	int r;

	if (!CHECK(s->locked && digest_is_valid(key)))
		return -EIO;
	r = cache_open(s, false, &dir);
	if (r < 0)
		return r == -ENOENT ? r : cache_failed(s, r, error);
	r = cache_read(dir, key, &e, error);
	if (r == 0 && !store_has_layer(s, e.diff_id))
		r = -ENOENT;
	if (r == 0 && is_hit)
		r = cache_count_hit(s, dir, &e, error);
	if (r == 0)
		*ret = e;
	else
		cache_entry_finish(&e);
	return r;
}

int store_cache_put(struct store *s, const struct cache_entry *e, struct image_error *error)
{
	struct cache_entry other = {.step = NULL};
	struct image_error why;
	_cleanup_close_ int dir = -1;
	bool is_there;
	int r;

	if (!CHECK(s->locked && store_has_layer(s, e->diff_id)))
		return -EIO;
	r = cache_open(s, true, &dir);
	if (r < 0)
		return cache_failed(s, r, error);
	is_there = cache_read(dir, e->key, &other, &why) == 0 && store_has_layer(s, other.diff_id);
	cache_entry_finish(&other);
	return is_there ? -EEXIST : cache_write(s, dir, e, error);
}

int store_cache_remove(struct store *s, const char *key, struct image_error *error)
{
	_cleanup_close_ int dir = -1;
	int r;

	if (!CHECK(s->locked && s->exclusive))
		return -EIO;
	r = cache_open(s, false, &dir);
	if (r == 0)
		r = os_unlinkat(dir, digest_digits(key), 0);
	if (r == 0)
		r = os_fsync(dir);
	return r < 0 && r != -ENOENT ? cache_failed(s, r, error) : 0;
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

struct cache_listing {
	char (*keys)[DIGEST_SIZE]; /* owned */
	size_t n;
};

static int list_key(void *arg, const struct os_dirent *d)
{
	struct cache_listing *l = arg;
	char(*next)[DIGEST_SIZE];

	if (strlen(d->name) != DIGEST_HEX || !digest_is_hex(d->name, DIGEST_HEX))
		return 0;
	next = ARRAY_NEXT(l->keys, l->n);
	if (!next)
		return -ENOMEM;
	snprintf(*next, sizeof(*next), DIGEST_PREFIX "%s", d->name);
	l->n++;
	return 0;
}

static int by_key(const void *a, const void *b)
{
	return strcmp(a, b);
}

int store_cache_each(struct store *s, store_cache_call each, void *arg, struct image_error *error)
{
	_cleanup_close_ int dir = os_openat(s->fd, "cache", O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	struct cache_listing l = {.n = 0};
	int r = dir == -ENOENT ? 0 : dir < 0 ? dir : os_read_dir(dir, list_key, &l);

	(void)CHECK(s->locked);
	if (r < 0)
		r = cache_failed(s, r, error);
	else if (l.n)
		qsort(l.keys, l.n, sizeof(*l.keys), by_key);
	for (size_t i = 0; i < l.n && r == 0; i++) {
		struct image_error why = {.text = "fails"};
		struct cache_entry e = {.step = NULL};

		r = cache_read(dir, l.keys[i], &e, &why);
		/* It was removed meanwhile. */
		if (r == -ENOENT)
			r = 0;
		else
			r = each(arg, l.keys[i], r < 0 ? NULL : &e, r, why.text);
		cache_entry_finish(&e);
	}
	free(l.keys);
	return r;
}
