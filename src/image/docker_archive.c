// SPDX-License-Identifier: Apache-2.0
/*
 * The archives of `docker save` and `podman save`: manifest.json names for each image its config and its layers, which
 * are members of the archive. Newer dockers put an OCI layout beside it, whose blobs the names then lead to.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "blobs.h"
#include "config.h"
#include "document.h"
#include "image/error.h"
#include "model.h"
#include "sources.h"

static int saved_documents(const char *path, struct blobs **ret_blobs, json_t **ret, struct image_error *error)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	int r = blobs_open_archive(path, ret_blobs, error);

	if (r == 0)
		r = blobs_text(*ret_blobs, "manifest.json", IMAGE_JSON_MAX, &text, &len, error);
	if (r == 0)
		r = document_parse(text, len, "manifest.json", ret, error);
	if (r == 0 && !json_is_array(*ret))
		r = image_fail(error, -EBADMSG, "manifest.json: no list");
	return r;
}

/* "HEX.json" and "blobs/sha256/HEX" name the config's id; other names say nothing. */
static bool saved_id(const json_t *item, char ret[static DIGEST_SIZE])
{
	const char *path = document_text(item, "Config"), *slash = path ? strrchr(path, '/') : NULL;

	path = slash ? slash + 1 : path;
	if (!path || strlen(path) < DIGEST_HEX)
		return false;
	strcpy(ret, DIGEST_PREFIX);
	strncat(ret, path, DIGEST_HEX);
	path += DIGEST_HEX;
	return digest_is_valid(ret) && (!*path || !strcmp(path, ".json"));
}

static bool saved_is_named(const json_t *item, const char *name)
{
	char id[DIGEST_SIZE];
	const json_t *tag;
	size_t i;

	json_array_foreach(json_object_get(item, "RepoTags"), i, tag)
	{
		if (json_is_string(tag) && model_name_fits(json_string_value(tag), name))
			return true;
	}
	return saved_id(item, id) && model_id_fits(id, name);
}

static int saved_pick(const json_t *list, const char *name, const json_t **ret, struct image_error *error)
{
	const json_t *item;
	size_t i;

	if (!name && json_array_size(list) > 1)
		return image_fail(error, -ENOENT, "%zu images: name one", json_array_size(list));
	json_array_foreach(list, i, item)
	{
		if (!name || saved_is_named(item, name)) {
			*ret = item;
			return 0;
		}
	}
	return image_fail(error, -ENOENT, name ? "no image has the name %s" : "there is no image", name);
}

static int saved_config(struct image *image, const json_t *item, struct image_error *error)
{
	const char *path = document_text(item, "Config");
	char id[DIGEST_SIZE], found[DIGEST_SIZE], *text;
	size_t len;
	int r;

	if (!path)
		return image_fail(error, -EBADMSG, "manifest.json: an image without a config");
	if (*path == '/')
		return image_fail(error, -EBADMSG, "manifest.json: an absolute path: %s", path);
	r = blobs_text(image->blobs, path, IMAGE_JSON_MAX, &text, &len, error);
	if (r == 0)
		r = digest_of(text, len, found);
	if (r < 0)
		return r;
	if (saved_id(item, id) && strcmp(id, found) != 0) {
		free(text);
		return image_fail(error, -EBADMSG, "%s has the digest %s", path, found);
	}
	return config_take(image, text, len, found, error);
}

static int saved_layer(struct image *image, size_t i, const char *path, struct image_error *error)
{
	static const char blob[] = "blobs/sha256/";
	struct image_layer *l = &image->layers[i];
	char digest[DIGEST_SIZE] = DIGEST_PREFIX;
	bool packed;
	int r = 0;

	if (!CHECK(i < image->n_layers && !l->blob))
		return -EIO;
	if (!path || *path == '/')
		return image_fail(error, -EBADMSG, "manifest.json: the path of layer %zu", i);
	l->compressed = blobs_size(image->blobs, path);
	if (l->compressed < 0) {
		l->compressed = IMAGE_UNKNOWN;
		return model_lacks(image, error, "layer %zu isn't in the archive: %s", i, path);
	}
	packed = blobs_is_packed(image->blobs, path);
	l->tar = packed ? IMAGE_UNKNOWN : l->compressed;
	if (!strncmp(path, blob, strlen(blob)) && digest_is_hex(path + strlen(blob), DIGEST_HEX)) {
		strcat(digest, path + strlen(blob));
		r = model_set(&l->digest, digest, error);
	} else if (!packed) {
		r = model_set(&l->digest, l->diff_id, error);
	}
	return r < 0 ? r : model_set(&l->blob, path, error);
}

static int saved_fill(struct image *image, const json_t *item, struct image_error *error)
{
	const json_t *layers = json_object_get(item, "Layers"), *text;
	size_t i;
	int r = saved_config(image, item, error);

	if (r == 0 && json_array_size(layers) != image->n_layers)
		r = image_fail(error, -EBADMSG, "manifest.json has %zu layers, the config %zu", json_array_size(layers),
			       image->n_layers);
	if (r < 0)
		return r;
	json_array_foreach(layers, i, text)
	{
		r = saved_layer(image, i, json_string_value(text), error);
		if (r < 0)
			return r;
	}
	json_array_foreach(json_object_get(item, "RepoTags"), i, text)
	{
		r = json_is_string(text)
			    ? model_add_text(&image->names, &image->n_names, json_string_value(text), error)
			    : 0;
		if (r < 0)
			return r;
	}
	return 0;
}

int docker_archive_open(enum image_source source, const char *path, const char *name, struct image **ret,
			struct image_error *error)
{
	_cleanup_(image_cleanup) struct image *image = NULL;
	json_auto_t *list = NULL;
	const json_t *item;
	int r = model_new(source, path, &image, error);

	if (!CHECK(source == IMAGE_DOCKER_ARCHIVE))
		return -EIO;
	if (r == 0)
		r = saved_documents(path, &image->blobs, &list, error);
	if (r == 0)
		r = saved_pick(list, name, &item, error);
	if (r == 0)
		r = saved_fill(image, item, error);
	if (r == 0)
		*ret = TAKE_PTR(image);
	return r;
}

int docker_archive_list(enum image_source source, const char *path, image_each each, void *arg,
			struct image_error *error)
{
	json_auto_t *list = NULL;
	struct blobs *b = NULL;
	const json_t *item;
	char id[DIGEST_SIZE];
	size_t i;
	int r = saved_documents(path, &b, &list, error);

	blobs_free(b);
	if (r < 0)
		return r;
	json_array_foreach(list, i, item)
	{
		struct image_listed listed = {.id = saved_id(item, id) ? id : document_text(item, "Config")};

		listed.name = json_string_value(json_array_get(json_object_get(item, "RepoTags"), 0));
		r = listed.id ? each(arg, &listed) : 0;
		if (r != 0)
			return r;
	}
	return 0;
}
