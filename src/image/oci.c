// SPDX-License-Identifier: Apache-2.0
/*
 * The OCI image layout, as a folder or in a tar.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "blobs.h"
#include "config.h"
#include "content_store.h"
#include "image/error.h"
#include "manifest.h"
#include "model.h"
#include "sources.h"

/* Indexes in indexes. Each is named by its digest, so there are no circles. */
#define OCI_INDEXES_MAX 4

static int oci_blobs(enum image_source source, const char *path, struct blobs **ret, struct image_error *error)
{
	return source == IMAGE_OCI ? blobs_open_folder(path, ret, error) : blobs_open_archive(path, ret, error);
}

/* A folder without an index may be containerd's content store. */
static bool is_content_store(enum image_source source, const struct blobs *b)
{
	return source == IMAGE_OCI && blobs_size(b, "index.json") < 0;
}

static int oci_index(enum image_source source, const struct blobs *b, char **ret, size_t *ret_len,
		     struct image_error *error)
{
	struct image_error other;

	if (is_content_store(source, b) && content_store_index(b, false, ret, ret_len, &other) == 0)
		return 0;
	return blobs_text(b, "index.json", IMAGE_JSON_MAX, ret, ret_len, error);
}

/* Of a content store manifests have no other name than their digest. */
static void drop_digest_as_name(struct descriptor *d)
{
	if (!d->name || strcmp(d->name, d->digest) != 0)
		return;
	free(d->name);
	d->name = NULL;
}

static bool has_blob(void *arg, const char *digest)
{
	struct descriptor d = {.size = IMAGE_UNKNOWN};
	char name[BLOB_NAME_SIZE];

	(void)CHECK(digest_is_valid(digest));
	strcpy(d.digest, digest);
	descriptor_blob(&d, name);
	return blobs_size(arg, name) >= 0;
}

static int oci_pick(enum image_source source, const struct blobs *b, const char *name, struct descriptor *ret,
		    struct image_error *error)
{
	_cleanup_free_ char *text = NULL, *all = NULL;
	struct image_error other;
	size_t len;
	int r = oci_index(source, b, &text, &len, error);

	if (r == 0)
		r = manifest_pick_there(text, len, name, has_blob, (void *)b, ret, error);
	/* One platform of an index. */
	if (r == -ENOENT && text && name && is_content_store(source, b) &&
	    content_store_index(b, true, &all, &len, &other) == 0 && manifest_pick(all, len, name, ret, &other) == 0)
		r = 0;
	if (r == 0)
		drop_digest_as_name(ret);
	return r;
}

/* The manifest that a descriptor leads to, over indexes. */
static int oci_manifest(const struct blobs *b, struct descriptor *d, char **ret, size_t *ret_len,
			struct image_error *error)
{
	char name[BLOB_NAME_SIZE];

	for (unsigned depth = 0; depth <= OCI_INDEXES_MAX; depth++) {
		_cleanup_free_ char *text = NULL;
		struct descriptor next;
		int r;

		descriptor_blob(d, name);
		r = blobs_checked(b, name, d->digest, &text, ret_len, error);
		if (r < 0)
			return r;
		if (!manifest_is_index(text, *ret_len)) {
			*ret = TAKE_PTR(text);
			return 0;
		}
		r = manifest_pick_there(text, *ret_len, NULL, has_blob, (void *)b, &next, error);
		if (r < 0)
			return r;
		descriptor_finish(d);
		*d = next;
	}
	return image_fail(error, -E2BIG, "more than %d indexes, one in another", OCI_INDEXES_MAX);
}

static int oci_layer(struct image *image, size_t i, const struct descriptor *d, struct image_error *error)
{
	struct image_layer *l = &image->layers[i];
	char name[BLOB_NAME_SIZE];
	int64_t size;
	int r;

	if (!CHECK(!l->blob && !l->digest))
		return -EIO;
	descriptor_blob(d, name);
	size = blobs_size(image->blobs, name);
	l->compressed = size >= 0 ? size : d->size;
	l->stated = d->size;
	if (!strcmp(d->digest, l->diff_id))
		l->tar = l->compressed;
	r = model_set(&l->digest, d->digest, error);
	if (r == 0)
		r = model_set(&l->media_type, d->media_type, error);
	if (r < 0)
		return r;
	return size >= 0 ? model_set(&l->blob, name, error)
			 : model_lacks(image, error, "the blob of layer %zu isn't there: %s", i, d->digest);
}

static int oci_fill(struct image *image, struct descriptor *d, struct manifest *m, struct image_error *error)
{
	_cleanup_free_ char *text = NULL;
	char name[BLOB_NAME_SIZE], *config;
	size_t len, manifest_len;
	int r = oci_manifest(image->blobs, d, &text, &manifest_len, error);

	if (r == 0)
		r = model_set(&image->manifest_digest, d->digest, error);
	if (r == 0)
		r = manifest_parse(text, manifest_len, m, error);
	if (r < 0)
		return r;
	descriptor_blob(&m->config, name);
	r = blobs_checked(image->blobs, name, m->config.digest, &config, &len, error);
	if (r == 0)
		r = config_take(image, config, len, m->config.digest, error);
	if (r == 0 && m->n_layers != image->n_layers)
		r = image_fail(error, -EBADMSG, "the manifest has %zu layers, the config %zu", m->n_layers,
			       image->n_layers);
	for (size_t i = 0; i < m->n_layers && r == 0; i++)
		r = oci_layer(image, i, &m->layers[i], error);
	if (r < 0)
		return r;
	image->manifest = TAKE_PTR(text);
	image->manifest_len = manifest_len;
	image->manifest_stated = d->size;
	image->config_stated = m->config.size;
	return 0;
}

int oci_open(enum image_source source, const char *path, const char *name, struct image **ret,
	     struct image_error *error)
{
	_cleanup_(image_cleanup) struct image *image = NULL;
	struct manifest m = {0};
	struct descriptor d = {0};
	int r = model_new(source, path, &image, error);

	if (r == 0)
		r = oci_blobs(source, path, &image->blobs, error);
	if (r == 0)
		r = oci_pick(source, image->blobs, name, &d, error);
	if (r == 0 && d.name)
		r = model_add_text(&image->names, &image->n_names, d.name, error);
	if (r == 0)
		r = oci_fill(image, &d, &m, error);
	if (r == 0)
		*ret = TAKE_PTR(image);
	descriptor_finish(&d);
	manifest_finish(&m);
	return r;
}

struct oci_listing {
	const struct blobs *blobs;
	image_each each;
	void *arg;
};

/* An image that can't be read is listed by the digest of its manifest. */
static int oci_listed(void *arg, const struct descriptor *named)
{
	struct oci_listing *o = arg;
	bool is_named = named->name && strcmp(named->name, named->digest) != 0;
	struct image_listed item = {.name = is_named ? named->name : NULL, .id = named->digest};
	struct descriptor d = *named;
	struct manifest m = {0};
	_cleanup_free_ char *text = NULL;
	size_t len;

	d.media_type = d.name = NULL;
	if (oci_manifest(o->blobs, &d, &text, &len, NULL) == 0 && manifest_parse(text, len, &m, NULL) == 0)
		item.id = m.config.digest;
	len = (size_t)o->each(o->arg, &item);
	descriptor_finish(&d);
	manifest_finish(&m);
	return (int)len;
}

int oci_list(enum image_source source, const char *path, image_each each, void *arg, struct image_error *error)
{
	struct oci_listing o = {.each = each, .arg = arg};
	_cleanup_free_ char *text = NULL;
	struct blobs *b;
	size_t len;
	int r = oci_blobs(source, path, &b, error);

	if (r < 0)
		return r;
	o.blobs = b;
	r = oci_index(source, b, &text, &len, error);
	if (r == 0)
		r = manifest_each(text, len, oci_listed, &o, error);
	blobs_free(b);
	return r;
}
