// SPDX-License-Identifier: Apache-2.0
#include "store/import.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/macros.h"
#include "image/error.h"
#include "internal.h"
#include "os/task.h"

/* --- images ------------------------------------------------------------------------------------------------------- */

static int import_open_layer(void *arg, size_t i,
			     int (*tap)(void *tap_arg, const void *data, size_t len, struct image_error *error),
			     void *tap_arg, struct layer_tar *ret, struct image_error *error)
{
	const struct image *image = arg;

	(void)CHECK(i < image->n_layers && image->layers[i].diff_id);
	if (image->layers[i].directory)
		return layer_tar_start_split(image, i, ret, error);
	return layer_tar_start_tapped(image, i, tap, tap_arg, ret, error);
}

/* Before anything is read. */
static int check_names(const struct store_import *import, struct image_error *error)
{
	int r = 0;

	for (size_t i = 0; i < import->n_names && r == 0; i++)
		r = store_check_name(import->names[i], error);
	return r;
}

static int finish_import(struct store *s, const char *config, size_t config_len, const char *manifest,
			 size_t manifest_len, const struct store_import *import, char ret_id[static DIGEST_SIZE],
			 struct image_error *error)
{
	int r = store_add_image(s, config, config_len, manifest, manifest_len, ret_id, error);

	for (size_t i = 0; i < import->n_names && r == 0; i++)
		r = store_set_name(s, import->names[i], ret_id, error);
	return r;
}

int store_import_image(struct store *s, const struct image *image, const struct store_import *import,
		       char ret_id[static DIGEST_SIZE], struct image_error *error)
{
	size_t n = image->n_layers;
	_cleanup_free_ struct store_source *sources = calloc(n + 1, sizeof(*sources));
	_cleanup_free_ struct store_added *added = calloc(n + 1, sizeof(*added));
	int r;

	if (!sources || !added)
		return image_fail_memory(error);
	r = check_names(import, error);
	if (r < 0)
		return r;
	for (size_t i = 0; i < n; i++) {
		if (!image->layers[i].diff_id)
			return image_fail(error, -EOPNOTSUPP,
					  "a container's own layer is no part of an image: commit it");
		sources[i] = (struct store_source){.diff_id = image->layers[i].diff_id,
						   .digest = image->layers[i].digest,
						   .open = import_open_layer,
						   .arg = (void *)image,
						   .i = i};
	}
	r = store_add_layers(s, sources, n, &import->adding, added, error);
	for (size_t i = 0; i < n && r == 0 && import->layer; i++)
		import->layer(import->arg, &added[i]);
	if (r < 0)
		return r;
	return finish_import(s, image->config, image->config_len, image->manifest, image->manifest_len, import, ret_id,
			     error);
}

int64_t store_import_size(const struct store *s, const struct image *image)
{
	int64_t size = 0;

	for (size_t i = 0; i < image->n_layers; i++) {
		const struct image_layer *l = &image->layers[i];
		int64_t of_layer = l->directory ? l->tar : l->compressed;

		if (l->diff_id && !store_has_layer(s, l->diff_id) && of_layer > 0)
			size += of_layer;
	}
	return size;
}

/* --- tars --------------------------------------------------------------------------------------------------------- */

static int open_stream(void *arg, size_t i,
		       int (*tap)(void *tap_arg, const void *data, size_t len, struct image_error *error),
		       void *tap_arg, struct layer_tar *ret, struct image_error *error)
{
	struct stream **in = arg;

	(void)CHECK(i == 0 && *in);
	stream_tap(*in, tap, tap_arg);
	return layer_tar_of_stream(TAKE_PTR(*in), ret, error);
}

void store_time_now(char ret[static STORE_TIME_SIZE])
{
	const char *epoch = getenv("SOURCE_DATE_EPOCH");
	struct timespec now = os_now_real();
	struct tm tm;

	if (epoch && *epoch)
		now.tv_sec = strtoll(epoch, NULL, 10);
	if (!gmtime_r(&now.tv_sec, &tm) || !strftime(ret, STORE_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		strcpy(ret, "1970-01-01T00:00:00Z");
}

static char *config_of_tar(const char *diff_id, const char *created_by)
{
	char now[STORE_TIME_SIZE];
	json_auto_t *config = NULL;

	store_time_now(now);
	config = json_pack("{s:s, s:s, s:s, s:{}, s:{s:s, s:[s]}, s:[{s:s, s:s}]}", "created", now, "architecture",
			   image_machine(), "os", "linux", "config", "rootfs", "type", "layers", "diff_ids", diff_id,
			   "history", "created", now, "created_by", created_by);
	return config ? json_dumps(config, JSON_COMPACT) : NULL;
}

int store_import_tar(struct store *s, struct stream *in, const char *created_by, const struct store_import *import,
		     char ret_id[static DIGEST_SIZE], struct image_error *error)
{
	const struct store_source source = {.open = open_stream, .arg = &in};
	_cleanup_free_ char *config = NULL;
	struct store_added added;
	int r = check_names(import, error);

	if (r == 0)
		r = store_add_layers(s, &source, 1, &import->adding, &added, error);
	stream_free(in);
	if (r < 0)
		return r;
	if (import->layer)
		import->layer(import->arg, &added);
	config = config_of_tar(added.diff_id, created_by);
	if (!config)
		return image_fail_memory(error);
	return finish_import(s, config, strlen(config), NULL, 0, import, ret_id, error);
}
