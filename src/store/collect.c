// SPDX-License-Identifier: Apache-2.0
/*
 * Collecting: images without a name, then layers that nobody needs. Needed are the layers of the images that stay, of
 * entries of the cache, of uppers (the file `stack` of each has the directories of its layers), of leases and of live
 * unions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/macros.h"
#include "format/name.h"
#include "image/error.h"
#include "internal.h"
#include "store/cache.h"
#include "store/store.h"

#define STACK_MAX (1 << 20)

struct collecting {
	struct store *s;
	bool only_look;
	bool (*is_used)(void *arg, const char *dir);
	void *arg;
	struct store_collected *ret;
	char (*needed)[DIGEST_HEX + 1]; /* digits of layers; owned */
	size_t n_needed;
	struct image_error *error;
};

static int need_layer(struct collecting *c, const char *digits)
{
	char(*next)[DIGEST_HEX + 1] = ARRAY_NEXT(c->needed, c->n_needed);

	if (!CHECK(strlen(digits) == DIGEST_HEX))
		return -EIO;
	if (!next)
		return image_fail_memory(c->error);
	strcpy(*next, digits);
	c->n_needed++;
	return 0;
}

static bool is_needed(const struct collecting *c, const char *digits)
{
	for (size_t i = 0; i < c->n_needed; i++)
		if (!strcmp(c->needed[i], digits))
			return true;
	return false;
}

/* --- what is needed ----------------------------------------------------------------------------------------------- */

static int look_at_image(void *arg, const struct os_dirent *d)
{
	struct collecting *c = arg;
	_cleanup_(image_cleanup) struct image *image = NULL;
	char id[DIGEST_SIZE];
	int r;

	if (strlen(d->name) != DIGEST_HEX || !digest_is_hex(d->name, DIGEST_HEX))
		return 0;
	r = image_open_in(IMAGE_STORE, c->s->path, d->name, &image, c->error);
	/* Nothing is removed beside an image that can't be read. */
	if (r < 0)
		return r;
	if (!image->n_names) {
		c->ret->images++;
		snprintf(id, sizeof(id), DIGEST_PREFIX "%s", d->name);
		return c->only_look ? 0 : store_remove_image(c->s, id, c->error);
	}
	for (size_t i = 0; i < image->n_layers && r == 0; i++)
		r = need_layer(c, digest_digits(image->layers[i].diff_id));
	return r;
}

/* Each path that leads into a layer of the store. */
static int look_at_stack(struct collecting *c, char *text)
{
	static const char part[] = "/layers/";
	int r = 0;

	for (char *at = text; r == 0 && (at = strstr(at, part));) {
		char digits[DIGEST_HEX + 1] = "";

		at += strlen(part);
		strncat(digits, at, DIGEST_HEX);
		if (digest_is_hex(digits, DIGEST_HEX))
			r = need_layer(c, digits);
	}
	return r;
}

static int look_at_upper(void *arg, const struct os_dirent *d)
{
	struct collecting *c = arg;
	_cleanup_free_ char *path = NULL, *text = malloc(STACK_MAX + 1);
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (!text || asprintf(&path, "uppers/%s/stack", d->name) < 0)
		return image_fail_memory(c->error);
	fd = os_openat(c->s->fd, path, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	n = fd < 0 ? fd : os_pread_all(fd, text, STACK_MAX, 0);
	if (n == STACK_MAX)
		n = -EFBIG;
	/* What an upper needs that can't be read isn't known. */
	if (n < 0)
		return image_fail(c->error, (int)n, "%s: %s", path, strerror((int)-n));
	text[n] = '\0';
	return look_at_stack(c, text);
}

static int look_at_uppers(struct collecting *c)
{
	_cleanup_close_ int dir = os_openat(c->s->fd, "uppers", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);

	if (dir == -ENOENT)
		return 0;
	return dir < 0 ? image_fail(c->error, dir, "uppers: %s", strerror(-dir)) : os_read_dir(dir, look_at_upper, c);
}

/* Nobody can use an entry that is damaged. What one needs that couldn't be read isn't known. */
static int look_at_cached(void *arg, const char *key, struct cache_entry *e, int err, const char *cause)
{
	struct collecting *c = arg;

	if (!e)
		return err == -EBADMSG ? 0 : image_fail(c->error, err, "cache/%s: %s", digest_digits(key), cause);
	return need_layer(c, digest_digits(e->diff_id));
}

static int look_at_text(void *arg, char *text, struct image_error *error)
{
	int r = look_at_stack(arg, text);

	return r < 0 ? image_fail(error, r, "%s", strerror(-r)) : 0;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

static bool layer_is_live(const struct collecting *c, const char *digits)
{
	_cleanup_free_ char *path = NULL;

	if (!c->is_used)
		return false;
	return asprintf(&path, "%s/layers/%s/diff", c->s->path, digits) < 0 || c->is_used(c->arg, path);
}

/* Bytes on disk, of a directory and all in it. */
struct summing {
	int fd;
	uint64_t bytes;
	char **dirs; /* paths that are still to be looked at; owned */
	size_t n_dirs;
	const char *at;
};

static int sum_entry(void *arg, const struct os_dirent *d)
{
	struct summing *s = arg;
	struct statx stx;
	char **next;

	if (os_statx(s->fd, d->name, &stx) < 0)
		return 0;
	s->bytes += stx.stx_blocks * 512;
	if (!S_ISDIR(stx.stx_mode))
		return 0;
	next = ARRAY_NEXT(s->dirs, s->n_dirs);
	if (!next || asprintf(next, "%s/%s", s->at, d->name) < 0)
		return -ENOMEM;
	s->n_dirs++;
	return 0;
}

static uint64_t bytes_of(const struct store *store, const char *digits)
{
	struct summing s = {.dirs = NULL};
	char **first = ARRAY_NEXT(s.dirs, s.n_dirs);

	if (first && (*first = strdup(digits)))
		s.n_dirs = 1;
	while (s.n_dirs) {
		_cleanup_free_ char *path = s.dirs[--s.n_dirs];
		_cleanup_close_ int fd = os_openat(store->layers_fd, path, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);

		s.fd = fd;
		s.at = path;
		if (fd >= 0)
			(void)os_read_dir_once(fd, sum_entry, &s);
	}
	free(s.dirs);
	return s.bytes;
}

/* The layer leaves its name first, so that half of one is never there. */
static int remove_layer(struct store *s, const char *digits)
{
	char temp[TEMP_SIZE] = "";
	_cleanup_close_ int fd = -1;
	int r = store_temp_new(s, temp, &fd);

	(void)CHECK(s->exclusive);
	if (r == 0)
		r = os_renameat2(s->layers_fd, digits, fd, "layer", 0);
	if (r == 0)
		r = os_fsync(s->layers_fd);
	store_temp_remove(s, temp);
	return r;
}

static int collect_layer(void *arg, const struct os_dirent *d)
{
	struct collecting *c = arg;
	int r;

	if (strlen(d->name) != DIGEST_HEX || !digest_is_hex(d->name, DIGEST_HEX) || is_needed(c, d->name) ||
	    layer_is_live(c, d->name))
		return 0;
	c->ret->layers++;
	c->ret->bytes += bytes_of(c->s, d->name);
	r = c->only_look ? 0 : remove_layer(c->s, d->name);
	return r < 0 ? image_fail(c->error, r, "layer %s: %s", d->name, strerror(-r)) : 0;
}

int store_collect(struct store *s, bool only_look, bool (*is_used)(void *arg, const char *dir), void *arg,
		  struct store_collected *ret, struct image_error *error)
{
	struct image_error why = {.text = ""};
	struct collecting c = {
		.s = s, .only_look = only_look, .is_used = is_used, .arg = arg, .ret = ret, .error = &why};
	int r;

	if (!CHECK(s->locked && s->exclusive))
		return -EIO;
	*ret = (struct store_collected){.temps = s->n_temps};
	r = os_read_dir(s->images_fd, look_at_image, &c);
	if (r == 0)
		r = look_at_uppers(&c);
	if (r == 0)
		r = store_cache_each(s, look_at_cached, &c, &why);
	if (r == 0)
		r = store_each_lease(s, !only_look, look_at_text, &c, &why);
	if (r == 0)
		r = store_each_exposed(s, look_at_text, &c, &why);
	if (r == 0)
		r = os_read_dir(s->layers_fd, collect_layer, &c);
	free(c.needed);
	return r < 0 ? image_fail(error, r, "%s", *why.text ? why.text : strerror(-r)) : 0;
}
