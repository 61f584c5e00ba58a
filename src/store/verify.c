// SPDX-License-Identifier: Apache-2.0
#include "store/verify.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/meter.h"
#include "format/name.h"
#include "image/error.h"
#include "internal.h"
#include "store/cache.h"

#define VERIFY_BUFFER (256 << 10)

struct verifying {
	struct store *s;
	void (*found)(void *arg, const char *what, const char *cause);
	void *arg;
	struct store_verified *ret;
	struct digest digest;
	char *buffer;
};

static void tell_damage(struct verifying *v, const char *kind, const char *name, const char *cause)
{
	char what[NAME_SIZE + 32];

	snprintf(what, sizeof(what), "%s %s", kind, name);
	v->found(v->arg, what, cause);
}

static int verify_sink(void *arg, const void *data, size_t len)
{
	struct verifying *v = arg;

	v->ret->bytes += len;
	return digest_add(&v->digest, data, len);
}

/* Ends the digest and compares it with the one of the name. */
static void verify_digest(struct verifying *v, const char *kind, const char *name, int r, const char *cause)
{
	char got[DIGEST_SIZE], text[DIGEST_SIZE + 32];

	if (r < 0) {
		digest_abandon(&v->digest);
		tell_damage(v, kind, name, cause);
		return;
	}
	r = digest_finish(&v->digest, got);
	snprintf(text, sizeof(text), "it has the digest %s", got);
	if (r < 0 || strcmp(digest_digits(got), name) != 0)
		tell_damage(v, kind, name, r < 0 ? strerror(-r) : text);
}

/* --- blobs, layers ------------------------------------------------------------------------------------------------ */

struct verify_blobs {
	struct verifying *v;
	int dir;
};

static int verify_blob(void *arg, const struct os_dirent *d)
{
	struct verify_blobs *b = arg;
	struct verifying *v = b->v;
	_cleanup_close_ int fd = os_openat(b->dir, d->name, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	ssize_t n = fd;
	int r = digest_start(&v->digest);

	if (r < 0)
		return r;
	v->ret->blobs++;
	for (off_t at = 0; fd >= 0 && (n = os_pread_all(fd, v->buffer, VERIFY_BUFFER, at)) > 0; at += n) {
		meter_bytes((uint64_t)n);
		r = verify_sink(v, v->buffer, (size_t)n);
		if (r < 0)
			return r;
	}
	verify_digest(v, "blob", d->name, n < 0 ? (int)n : 0, n < 0 ? strerror((int)-n) : "");
	return 0;
}

static int verify_layer(void *arg, const struct os_dirent *d)
{
	struct verifying *v = arg;
	struct image_error why = {.text = "fails"};
	char diff_id[DIGEST_SIZE], path[sizeof("/blobs") + DIGEST_HEX];
	int r;

	if (strlen(d->name) != DIGEST_HEX || !digest_is_hex(d->name, DIGEST_HEX)) {
		tell_damage(v, "layer", d->name, "the name is no digest");
		return 0;
	}
	v->ret->layers++;
	r = digest_start(&v->digest);
	if (r < 0)
		return r;
	snprintf(diff_id, sizeof(diff_id), DIGEST_PREFIX "%s", d->name);
	r = store_write_tar(v->s, diff_id, verify_sink, v, &why);
	verify_digest(v, "layer", d->name, r, why.text);
	snprintf(path, sizeof(path), "%s/blobs", d->name);
	_cleanup_close_ int dir = os_openat(v->s->layers_fd, path, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct verify_blobs blobs = {.v = v, .dir = dir};

	return dir < 0 ? 0 : os_read_dir(dir, verify_blob, &blobs);
}

/* --- images, names ------------------------------------------------------------------------------------------------ */

static int verify_image(void *arg, const struct os_dirent *d)
{
	struct verifying *v = arg;
	_cleanup_(image_cleanup) struct image *image = NULL;
	struct image_error why = {.text = "fails"};

	v->ret->images++;
	if (image_open_in(IMAGE_STORE, v->s->path, d->name, &image, &why) < 0) {
		tell_damage(v, "image", d->name, why.text);
		return 0;
	}
	for (size_t i = 0; i < image->n_layers; i++)
		if (!store_has_layer(v->s, image->layers[i].diff_id))
			tell_damage(v, "image", d->name, "a layer is missing");
	return 0;
}

static int verify_ref(void *arg, const struct os_dirent *d)
{
	struct verifying *v = arg;
	char name[NAME_SIZE], target[sizeof("../images/") + DIGEST_HEX];
	struct statx stx;
	ssize_t n = os_readlinkat(v->s->refs_fd, d->name, target, sizeof(target) - 1);

	snprintf(name, sizeof(name), "%s", d->name);
	target[n < 0 ? 0 : n] = '\0';
	if (store_ref_decode(name) < 0 || n != (ssize_t)sizeof(target) - 1 || strncmp(target, "../images/", 10) != 0 ||
	    os_statx(v->s->images_fd, target + 10, &stx) < 0)
		tell_damage(v, "name", d->name, "it leads to no image");
	return 0;
}

/* --- the cache ---------------------------------------------------------------------------------------------------- */

/* One whose layer isn't there is none: the layer was collected when nothing spoke of it. */
static int verify_step(void *arg, const char *key, struct cache_entry *e, int err, const char *cause)
{
	if (!e)
		tell_damage(arg, "step", digest_digits(key), cause);
	return 0;
}

int store_verify(struct store *s, void (*found)(void *arg, const char *what, const char *cause), void *arg,
		 struct store_verified *ret, struct image_error *error)
{
	_cleanup_free_ char *buffer = malloc(VERIFY_BUFFER);
	struct verifying v = {.s = s, .found = found, .arg = arg, .ret = ret, .buffer = buffer};
	int r;

	if (!CHECK(s->locked))
		return -EIO;
	if (!buffer)
		return image_fail_memory(error);
	*ret = (struct store_verified){0};
	r = os_read_dir(s->images_fd, verify_image, &v);
	if (r == 0)
		r = os_read_dir(s->refs_fd, verify_ref, &v);
	if (r == 0)
		r = os_read_dir(s->layers_fd, verify_layer, &v);
	if (r == 0)
		r = store_cache_each(s, verify_step, &v, error);
	return r < 0 ? image_fail(error, r, "%s: %s", s->path, strerror(-r)) : 0;
}
