// SPDX-License-Identifier: Apache-2.0
#include "store/commit.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/layer.h"
#include "base/check.h"
#include "flatten.h"
#include "image/error.h"
#include "image/read.h"
#include "internal.h"
#include "manifest.h"
#include "store/import.h"
#include "store/pump.h"

#define LAYER_JSON_MAX (64 << 10)

/* --- layers ------------------------------------------------------------------------------------------------------- */

/* What the pump needs of one layer; it lives as long as the commit. */
struct commit_writing {
	const struct store_commit *c;
	size_t layer;
};

static int commit_write(void *arg, archive_sink sink, void *sink_arg, struct image_error *error)
{
	const struct commit_writing *w = arg;
	const struct store_commit *c = w->c;
	bool top = w->layer + 1 == c->n_layers;
	struct archive_options options = c->archive ? *c->archive : (struct archive_options){0};
	int r = top && c->freeze ? c->freeze(c->arg, error) : 0, thawed;

	if (r < 0)
		return r;
	/* Paths are chosen of the upper. */
	if (!top)
		options.wants = NULL;
	if (c->layers[w->layer].archive)
		options = *c->layers[w->layer].archive;
	if (c->layers[w->layer].write)
		r = c->layers[w->layer].write(c->layers[w->layer].write_arg, sink, sink_arg, error);
	else if (c->layers[w->layer].merges > 1)
		r = flatten_merge(c->layers[w->layer].set, c->layers[w->layer].merges, &options, sink, sink_arg, error);
	else
		r = store_write_layer(c->layers[w->layer].set, &options, sink, sink_arg, error);
	thawed = top && c->thaw ? c->thaw(c->arg, r < 0 ? NULL : error) : 0;
	return r < 0 ? r : thawed;
}

static int commit_open(void *arg, size_t i,
		       int (*tap)(void *tap_arg, const void *data, size_t len, struct image_error *error),
		       void *tap_arg, struct layer_tar *ret, struct image_error *error)
{
	struct commit_writing *w = (struct commit_writing *)arg + i;
	const struct commit_layer *l = &w->c->layers[i];
	struct stream *in;
	int r;

	(void)CHECK(w->layer == i);
	if (l->diff_id && l->image)
		return l->image->layers[l->image_layer].directory
			       ? layer_tar_start_split(l->image, l->image_layer, ret, error)
			       : layer_tar_start_tapped(l->image, l->image_layer, tap, tap_arg, ret, error);
	if (l->diff_id && !l->set)
		return image_fail(error, -ENOENT, "the layer %s isn't in the store", l->diff_id);
	r = pump_new(commit_write, w, &in, error);
	return r < 0 ? r : layer_tar_of_stream(in, ret, error);
}

static int commit_layers(struct store *s, const struct store_commit *c, struct store_added *added,
			 struct image_error *error)
{
	struct store_adding adding = {.keep_blobs = true, .any_below = true};
	_cleanup_free_ struct store_source *sources = calloc(c->n_layers + 1, sizeof(*sources));
	_cleanup_free_ struct commit_writing *writing = calloc(c->n_layers + 1, sizeof(*writing));

	if (!sources || !writing)
		return image_fail_memory(error);
	for (size_t i = 0; i < c->n_layers; i++) {
		writing[i] = (struct commit_writing){.c = c, .layer = i};
		sources[i] = (struct store_source){
			.diff_id = c->layers[i].diff_id, .open = commit_open, .arg = writing, .i = i};
		if (!CHECK(c->layers[i].diff_id || c->layers[i].set || c->layers[i].write))
			return -EIO;
		if (c->layers[i].image && c->layers[i].image->source != IMAGE_STORE)
			adding.any_below = false;
	}
	return store_add_layers(s, sources, c->n_layers, &adding, added, error);
}

/* --- config ------------------------------------------------------------------------------------------------------- */

static json_t *new_config(const char *now)
{
	return json_pack("{s:s, s:s, s:s, s:{}, s:{s:s, s:[]}, s:[]}", "created", now, "architecture", image_machine(),
			 "os", "linux", "config", "rootfs", "type", "layers", "diff_ids", "history");
}

static json_t *history_entry(const struct commit_layer *l, const char *now)
{
	json_t *entry = json_pack("{s:s, s:s}", "created", l->created ? l->created : now, "created_by",
				  l->created_by ? l->created_by : "plyctl commit");

	if (entry && l->author)
		json_object_set_new(entry, "author", json_string(l->author));
	if (entry && l->comment)
		json_object_set_new(entry, "comment", json_string(l->comment));
	return entry;
}

/* The members that must be there, as they must be. */
static bool has_parts(const json_t *config)
{
	return json_is_array(json_object_get(json_object_get(config, "rootfs"), "diff_ids")) &&
	       json_is_array(json_object_get(config, "history"));
}

static char *commit_config(const struct store_commit *c, const struct store_added *added)
{
	char now[STORE_TIME_SIZE];
	json_auto_t *config = NULL;
	json_t *diff_ids, *history;

	store_time_now(now);
	config = c->config ? json_loads(c->config, JSON_REJECT_DUPLICATES, NULL) : new_config(now);
	if (config && !json_object_get(config, "history"))
		json_object_set_new(config, "history", json_array());
	if (!config || !has_parts(config))
		return NULL;
	diff_ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	history = json_object_get(config, "history");
	for (size_t i = json_array_size(diff_ids); i < c->n_layers; i++)
		json_array_append_new(diff_ids, json_string(added[i].diff_id));
	for (size_t i = 0; i < c->n_layers; i++)
		/* Without a config each layer gets an entry; with one, those that are there have theirs. */
		if (c->layers[i].created_by || !c->config)
			json_array_append_new(history, history_entry(&c->layers[i], now));
	if (c->n_layers && c->layers[c->n_layers - 1].created)
		json_object_set_new(config, "created", json_string(c->layers[c->n_layers - 1].created));
	else
		json_object_set_new(config, "created", json_string(now));
	if (c->n_layers && c->layers[c->n_layers - 1].author)
		json_object_set_new(config, "author", json_string(c->layers[c->n_layers - 1].author));
	return json_dumps(config, JSON_COMPACT);
}

/* --- manifest ----------------------------------------------------------------------------------------------------- */

/* Bytes of the tar of a layer that is there; -1: not known. */
static int64_t stored_size(const struct store *s, const char *diff_id)
{
	char name[DIGEST_HEX + sizeof("/layer.json")], text[LAYER_JSON_MAX];
	json_auto_t *facts = NULL;
	_cleanup_close_ int fd = -1;
	const json_t *size;
	ssize_t n;

	(void)CHECK(digest_is_valid(diff_id));
	snprintf(name, sizeof(name), "%s/layer.json", digest_digits(diff_id));
	fd = os_openat(s->layers_fd, name, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	n = fd < 0 ? fd : os_pread_all(fd, text, sizeof(text), 0);
	facts = n > 0 ? json_loadb(text, (size_t)n, 0, NULL) : NULL;
	size = json_object_get(facts, "tar");
	return json_is_integer(size) ? (int64_t)json_integer_value(size) : -1;
}

/* The blob as the image of the layer has it, or the tar, which is its own blob. */
static struct manifest_blob commit_blob(const struct store *s, const struct commit_layer *l,
					const struct store_added *added, const json_t *manifest)
{
	const struct image_layer *of = l->image ? &l->image->layers[l->image_layer] : NULL;
	const json_t *list = json_object_get(manifest, "layers");

	if (of && of->digest && of->compressed >= 0)
		return (struct manifest_blob){
			.media_type = of->media_type,
			.digest = of->digest,
			.size = of->compressed,
			.notes = json_object_get(json_array_get(list, l->image_layer), "annotations")};
	return (struct manifest_blob){.digest = added->diff_id,
				      .size = added->tar >= 0 ? added->tar : stored_size(s, added->diff_id)};
}

/* NULL: there is none, or a size isn't known. `id` is the digest of the config. */
static char *commit_manifest(const struct store *s, const struct store_commit *c, const struct store_added *added,
			     const char *id, size_t config_len)
{
	_cleanup_free_ struct manifest_blob *blobs = calloc(c->n_layers + 1, sizeof(*blobs));
	json_auto_t *old = c->manifest ? json_loads(c->manifest, 0, NULL) : NULL, *manifest = NULL;
	json_auto_t *others = json_array(); /* manifests of the layers' images, whose notes the blobs have */
	const struct image *image = NULL;
	json_t *of = NULL;
	bool known = old && blobs && others;

	for (size_t i = 0; known && i < c->n_layers; i++) {
		const struct commit_layer *l = &c->layers[i];

		if (l->image != image || !i) {
			image = l->image;
			of = image && image->manifest ? json_loads(image->manifest, 0, NULL) : NULL;
			json_array_append_new(others, of ? of : json_null());
		}
		blobs[i] = commit_blob(s, l, &added[i], of);
		known = blobs[i].size >= 0;
	}
	manifest = known ? manifest_new(old, id, config_len, blobs, c->n_layers) : NULL;
	return manifest ? json_dumps(manifest, JSON_COMPACT) : NULL;
}

int store_commit(struct store *s, const struct store_commit *c, char ret_id[static DIGEST_SIZE],
		 struct image_error *error)
{
	_cleanup_free_ struct store_added *added = calloc(c->n_layers + 1, sizeof(*added));
	_cleanup_free_ char *config = NULL, *manifest = NULL;
	int r;

	if (!added)
		return image_fail_memory(error);
	r = c->name ? store_check_name(c->name, error) : 0;
	if (r == 0)
		r = commit_layers(s, c, added, error);
	if (r < 0)
		return r;
	if (c->added)
		memcpy(c->added, added, c->n_layers * sizeof(*added));
	config = commit_config(c, added);
	if (!config)
		return image_fail(error, -EBADMSG, "the config of the image below is damaged");
	r = digest_of(config, strlen(config), ret_id);
	if (r < 0)
		return image_fail_memory(error);
	manifest = commit_manifest(s, c, added, ret_id, strlen(config));
	r = store_add_image(s, config, strlen(config), manifest, manifest ? strlen(manifest) : 0, ret_id, error);
	return r == 0 && c->name ? store_set_name(s, c->name, ret_id, error) : r;
}
