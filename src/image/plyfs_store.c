// SPDX-License-Identifier: Apache-2.0
/*
 * plyctl's own store: image/store.h has its layout.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "blobs.h"
#include "config.h"
#include "document.h"
#include "format/name.h"
#include "image/digest.h"
#include "image/error.h"
#include "image/store.h"
#include "manifest.h"
#include "model.h"
#include "os/fs.h"
#include "sources.h"

#define LAYER_JSON_MAX (64 << 10)
#define IMAGES_PREFIX "../images/"

/* Calls `each` with all names of a directory of the store; one that isn't there has none. */
static int each_name(const char *path, const char *dir, int (*each)(void *arg, const struct os_dirent *d), void *arg)
{
	_cleanup_free_ char *full = NULL;
	_cleanup_close_ int fd = -1;

	if (asprintf(&full, "%s/%s", path, dir) < 0)
		return -ENOMEM;
	fd = os_open_path(full, O_RDONLY | O_DIRECTORY, 0);
	return fd == -ENOENT ? 0 : fd < 0 ? fd : os_read_dir_once(fd, each, arg);
}

/* The image of a ref: its digits. */
static int ref_target(int refs_fd, const char *name, char ret_hex[static DIGEST_HEX + 1])
{
	size_t prefix = strlen(IMAGES_PREFIX);
	char target[sizeof(IMAGES_PREFIX) + DIGEST_HEX + 1];
	ssize_t n = os_readlinkat(refs_fd, name, target, sizeof(target));

	if (n < 0)
		return (int)n;
	target[MIN((size_t)n, sizeof(target) - 1)] = '\0';
	if ((size_t)n != prefix + DIGEST_HEX || memcmp(target, IMAGES_PREFIX, prefix) != 0 ||
	    !digest_is_hex(target + prefix, DIGEST_HEX))
		return -EBADMSG;
	memcpy(ret_hex, target + prefix, DIGEST_HEX);
	ret_hex[DIGEST_HEX] = '\0';
	return 0;
}

/* --- looking for a name ------------------------------------------------------------------------------------------- */

struct search {
	const char *path, *wanted; /* NULL: any */
	int refs_fd;
	int fits; /* how well the best name fits */
	unsigned n;
	char hex[DIGEST_HEX + 1];
};

static int search_ref(void *arg, const struct os_dirent *d)
{
	struct search *s = arg;
	(void)CHECK(s->refs_fd >= 0);
	char name[NAME_SIZE], hex[DIGEST_HEX + 1];
	int fits;

	snprintf(name, sizeof(name), "%s", d->name);
	if (store_ref_decode(name) < 0 || ref_target(s->refs_fd, d->name, hex) < 0)
		return 0;
	fits = s->wanted ? model_name_fits(name, s->wanted) : 0;
	if (fits <= s->fits)
		return 0;
	s->fits = fits;
	s->n = 1;
	strcpy(s->hex, hex);
	return 0;
}

static int search_id(void *arg, const struct os_dirent *d)
{
	struct search *s = arg;

	if (strlen(d->name) != DIGEST_HEX || !digest_is_hex(d->name, DIGEST_HEX) ||
	    (s->wanted && !model_id_fits(d->name, s->wanted)))
		return 0;
	s->n++;
	strcpy(s->hex, d->name);
	return 0;
}

/* A whole id means its image, also if another one has such a name. */
static bool is_whole_id(const char *wanted)
{
	return digest_is_valid(wanted) || (strlen(wanted) == DIGEST_HEX && digest_is_hex(wanted, DIGEST_HEX));
}

static int search_image(struct search *s, struct image_error *error)
{
	bool id_first = s->wanted && is_whole_id(s->wanted);
	_cleanup_free_ char *refs = NULL;
	_cleanup_close_ int fd = -1;
	int r = id_first ? each_name(s->path, "images", search_id, s) : 0;

	if (asprintf(&refs, "%s/refs", s->path) < 0)
		return image_fail_memory(error);
	fd = os_open_path(refs, O_RDONLY | O_DIRECTORY, 0);
	s->refs_fd = fd;
	if (r == 0 && fd < 0 && fd != -ENOENT)
		r = fd;
	if (r == 0 && fd >= 0 && s->wanted && !s->n)
		r = os_read_dir(fd, search_ref, s);
	if (r == 0 && !s->n && !id_first)
		r = each_name(s->path, "images", search_id, s);
	if (r < 0)
		return image_fail(error, r, "%s", strerror(-r));
	if (s->n == 1)
		return 0;
	if (!s->wanted)
		return image_fail(error, -ENOENT, s->n ? "several images: name one" : "there is no image");
	return image_fail(error, -ENOENT,
			  s->n ? "several images have an id that begins with %s" : "no image has the name %s",
			  s->wanted);
}

/* --- one image ---------------------------------------------------------------------------------------------------- */

struct names_of {
	struct image *image;
	int refs_fd;
	const char *hex;
	struct image_error *error;
};

static int add_name(void *arg, const struct os_dirent *d)
{
	struct names_of *n = arg;
	(void)CHECK(strlen(n->hex) == DIGEST_HEX);
	char name[NAME_SIZE], hex[DIGEST_HEX + 1];

	snprintf(name, sizeof(name), "%s", d->name);
	if (ref_target(n->refs_fd, d->name, hex) < 0 || strcmp(hex, n->hex) != 0 || store_ref_decode(name) < 0)
		return 0;
	return model_add_text(&n->image->names, &n->image->n_names, name, n->error);
}

static int fill_names(struct image *image, const char *path, const char *hex, struct image_error *error)
{
	struct names_of n = {.image = image, .hex = hex, .error = error};
	_cleanup_free_ char *refs = NULL;
	_cleanup_close_ int fd = -1;
	int r;

	if (asprintf(&refs, "%s/refs", path) < 0)
		return image_fail_memory(error);
	fd = os_open_path(refs, O_RDONLY | O_DIRECTORY, 0);
	n.refs_fd = fd;
	/* An image whose names can't be read isn't one without names: those are removed. */
	r = fd == -ENOENT ? 0 : fd < 0 ? fd : os_read_dir(fd, add_name, &n);
	return r < 0 ? image_fail(error, r, "%s: %s", refs, strerror(-r)) : r;
}

static int fill_manifest(struct image *image, const char *hex, struct image_error *error)
{
	struct manifest m = {0};
	_cleanup_free_ char *name = NULL, *text = NULL;
	char digest[DIGEST_SIZE];
	size_t len;
	int r;

	if (asprintf(&name, "images/%s/manifest", hex) < 0)
		return image_fail_memory(error);
	if (blobs_size(image->blobs, name) < 0)
		return 0;
	r = blobs_text(image->blobs, name, IMAGE_JSON_MAX, &text, &len, error);
	if (r == 0)
		r = manifest_parse(text, len, &m, error);
	if (r < 0)
		return r;
	if (m.n_layers != image->n_layers)
		r = image_fail(error, -EBADMSG, "the manifest has %zu layers, the config %zu", m.n_layers,
			       image->n_layers);
	for (size_t i = 0; i < m.n_layers && r == 0; i++) {
		r = model_set(&image->layers[i].digest, m.layers[i].digest, error);
		if (r == 0)
			r = model_set(&image->layers[i].media_type, m.layers[i].media_type, error);
		image->layers[i].compressed = m.layers[i].size;
	}
	manifest_finish(&m);
	if (r == 0)
		r = digest_of(text, len, digest);
	if (r == 0)
		r = model_set(&image->manifest_digest, digest, error);
	if (r < 0)
		return r;
	image->manifest = TAKE_PTR(text);
	image->manifest_len = len;
	return 0;
}

static int fill_layer(struct image *image, struct image_layer *l, struct image_error *error)
{
	const char *hex = l->diff_id + strlen(DIGEST_PREFIX);
	_cleanup_free_ char *name = NULL, *text = NULL;
	json_auto_t *facts = NULL;
	size_t len;
	int r;

	if (!CHECK(!l->directory))
		return -EIO;
	if (asprintf(&l->directory, "%s/layers/%s/diff", image->path, hex) < 0)
		l->directory = NULL;
	if (!l->directory || asprintf(&name, "layers/%s/layer.json", hex) < 0)
		return image_fail_memory(error);
	r = blobs_text(image->blobs, name, LAYER_JSON_MAX, &text, &len, NULL);
	if (r == -ENOENT) {
		free(l->directory);
		l->directory = NULL;
		return model_lacks(image, error, "the layer %s isn't in the store", l->diff_id);
	}
	if (r == 0)
		r = document_parse(text, len, name, &facts, error);
	l->tar = r == 0 ? document_number(facts, "tar") : IMAGE_UNKNOWN;
	return r;
}

static int fill_image(struct image *image, const char *hex, struct image_error *error)
{
	_cleanup_free_ char *name = NULL;
	char digest[DIGEST_SIZE], *config;
	size_t len;
	int r;

	snprintf(digest, sizeof(digest), DIGEST_PREFIX "%s", hex);
	if (asprintf(&name, "images/%s/config", hex) < 0)
		return image_fail_memory(error);
	r = blobs_checked(image->blobs, name, digest, &config, &len, error);
	if (r == 0)
		r = config_take(image, config, len, digest, error);
	if (r == 0)
		r = fill_manifest(image, hex, error);
	for (size_t i = 0; i < image->n_layers && r == 0; i++)
		r = fill_layer(image, &image->layers[i], error);
	return r;
}

int plyfs_store_open(enum image_source source, const char *path, const char *name, struct image **ret,
		     struct image_error *error)
{
	_cleanup_(image_cleanup) struct image *image = NULL;
	struct search s = {.path = path, .wanted = name};
	int r = search_image(&s, error);

	if (r == 0)
		r = model_new(source, path, &image, error);
	if (r == 0)
		r = blobs_open_folder(path, &image->blobs, error);
	if (r == 0)
		r = fill_image(image, s.hex, error);
	if (r == 0)
		r = fill_names(image, path, s.hex, error);
	if (r == 0)
		*ret = TAKE_PTR(image);
	return r;
}

/* --- all images --------------------------------------------------------------------------------------------------- */

struct store_listing {
	const char *path;
	image_each each;
	void *arg;
};

static int list_image(void *arg, const struct os_dirent *d)
{
	struct store_listing *l = arg;
	_cleanup_(image_cleanup) struct image *image = NULL;
	char id[DIGEST_SIZE];
	struct image_listed item = {.id = id};

	if (strlen(d->name) != DIGEST_HEX || !digest_is_hex(d->name, DIGEST_HEX))
		return 0;
	snprintf(id, sizeof(id), DIGEST_PREFIX "%s", d->name);
	if (plyfs_store_open(IMAGE_STORE, l->path, d->name, &image, NULL) == 0) {
		item.name = image->n_names ? image->names[0] : NULL;
		item.created = image->created;
	}
	return l->each(l->arg, &item);
}

int plyfs_store_list(enum image_source source, const char *path, image_each each, void *arg, struct image_error *error)
{
	struct store_listing l = {.path = path, .each = each, .arg = arg};
	int r = each_name(path, "images", list_image, &l);

	if (!CHECK(source == IMAGE_STORE))
		return -EIO;
	return r < 0 ? image_fail(error, r, "%s", strerror(-r)) : r;
}
