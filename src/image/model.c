// SPDX-License-Identifier: Apache-2.0
#include "model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "blobs.h"
#include "image/digest.h"
#include "image/error.h"

#define HISTORY_MAX 10000

int model_new(enum image_source source, const char *path, struct image **ret, struct image_error *error)
{
	struct image *image = calloc(1, sizeof(*image));
	int r;

	if (!image)
		return image_fail_memory(error);
	image->source = source;
	image->manifest_stated = image->config_stated = IMAGE_UNKNOWN;
	r = model_set(&image->path, path, error);
	if (r < 0)
		image_free(image);
	else
		*ret = image;
	return r;
}

static void free_texts(char **list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		free(list[i]);
	free(list);
}

static void free_layer(struct image_layer *l)
{
	free(l->diff_id);
	free(l->chain_id);
	free(l->digest);
	free(l->media_type);
	free(l->directory);
	free(l->id);
	free(l->blob);
	free(l->store_created);
}

static void free_history(struct image_history *h)
{
	free(h->created);
	free(h->created_by);
	free(h->author);
	free(h->comment);
}

void image_free(struct image *image)
{
	if (!image)
		return;
	for (size_t i = 0; i < image->n_layers; i++)
		free_layer(&image->layers[i]);
	for (size_t i = 0; i < image->n_history; i++)
		free_history(&image->history[i]);
	free(image->layers);
	free(image->history);
	free_texts(image->names, image->n_names);
	free_texts(image->container_names, image->n_container_names);
	free_texts(image->lacks, image->n_lacks);
	free(image->path);
	free(image->options);
	free(image->id);
	free(image->manifest_digest);
	free(image->manifest);
	free(image->created);
	free(image->author);
	free(image->os);
	free(image->architecture);
	free(image->variant);
	free(image->config);
	free(image->container);
	free(image->container_created);
	blobs_free(image->blobs);
	free(image);
}

int model_add_text(char ***list, size_t *n, const char *text, struct image_error *error)
{
	char **next;

	if (!CHECK(text))
		return -EIO;
	next = ARRAY_NEXT(*list, *n);
	*(next ? next : &(char *){NULL}) = NULL;
	if (!next || !(*next = strdup(text)))
		return image_fail_memory(error);
	(*n)++;
	return 0;
}

int model_set(char **to, const char *text, struct image_error *error)
{
	char *copy = text ? strdup(text) : NULL;

	if (text && !copy)
		return image_fail_memory(error);
	free(*to);
	*to = copy;
	return 0;
}

int model_lacks(struct image *image, struct image_error *error, const char *format, ...)
{
	struct image_error text;
	char raw[400];
	va_list args;

	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	image_fail(&text, -EIO, "%s", raw); /* for the escapes */
	return model_add_text(&image->lacks, &image->n_lacks, text.text, error);
}

int model_add_layer(struct image *image, struct image_layer **ret, struct image_error *error)
{
	struct image_layer *l;

	if (image->n_layers == IMAGE_LAYERS_MAX)
		return image_fail(error, -E2BIG, "more than %d layers", IMAGE_LAYERS_MAX);
	l = ARRAY_NEXT(image->layers, image->n_layers);
	if (!l)
		return image_fail_memory(error);
	*l = (struct image_layer){.tar = IMAGE_UNKNOWN,
				  .compressed = IMAGE_UNKNOWN,
				  .apparent = IMAGE_UNKNOWN,
				  .allocated = IMAGE_UNKNOWN,
				  .stated = IMAGE_UNKNOWN};
	image->n_layers++;
	*ret = l;
	return 0;
}

int model_chain(struct image *image, const char *diff_id, struct image_error *error)
{
	struct image_layer *l = &image->layers[image->n_layers - 1];
	const char *below = image->n_layers > 1 ? l[-1].chain_id : NULL;
	char chain[DIGEST_SIZE];
	int r;

	if (!CHECK(image->n_layers && (image->n_layers == 1 || below)))
		return -EIO;
	r = digest_chain(below, diff_id, chain);
	if (r < 0)
		return image_fail(error, r, "a digest can't be taken");
	r = model_set(&l->diff_id, diff_id, error);
	return r < 0 ? r : model_set(&l->chain_id, chain, error);
}

int model_add_history(struct image *image, struct image_history **ret, struct image_error *error)
{
	struct image_history *h;

	if (image->n_history == HISTORY_MAX)
		return image_fail(error, -E2BIG, "a history of more than %d entries", HISTORY_MAX);
	h = ARRAY_NEXT(image->history, image->n_history);
	if (!h)
		return image_fail_memory(error);
	*h = (struct image_history){.layer = -1};
	image->n_history++;
	*ret = h;
	return 0;
}

void model_finish(struct image *image)
{
	for (size_t i = 0; i < image->n_layers; i++)
		image->layers[i].created = image->layers[i].store_created;
	for (size_t i = 0; i < image->n_history; i++) {
		struct image_history *h = &image->history[i];
		struct image_layer *l;

		if (h->empty || !CHECK(h->layer >= 0 && (size_t)h->layer < image->n_layers))
			continue;
		l = &image->layers[h->layer];
		l->created = h->created ? h->created : l->created;
		l->created_by = h->created_by;
	}
}

/* Whether `full` ends with `wanted` after a slash. */
static bool ends_with_name(const char *full, const char *wanted)
{
	size_t len = strlen(full), want = strlen(wanted);

	return len > want + 1 && full[len - want - 1] == '/' && !strcmp(full + len - want, wanted);
}

/* Whether `wanted` is `full`, which has no tag, with the tag that is meant then. */
static bool is_latest_of(const char *full, const char *wanted)
{
	size_t len = strlen(full);

	return !strncmp(full, wanted, len) && !strcmp(wanted + len, ":latest");
}

int model_name_fits(const char *full, const char *wanted)
{
	const char *slash = strrchr(wanted, '/');
	char tagged[512];
	int len;

	if (!strcmp(full, wanted))
		return 2;
	if (strpbrk(slash ? slash : wanted, ":@"))
		return is_latest_of(full, wanted) ? 2 : ends_with_name(full, wanted);
	len = snprintf(tagged, sizeof(tagged), "%s:latest", wanted);
	if (len < 0 || (size_t)len >= sizeof(tagged))
		return 0;
	return !strcmp(full, tagged) ? 2 : ends_with_name(full, tagged);
}

bool model_id_fits(const char *id, const char *wanted)
{
	size_t prefix = strlen(DIGEST_PREFIX), len;

	if (!strncmp(id, DIGEST_PREFIX, prefix))
		id += prefix;
	if (!strncmp(wanted, DIGEST_PREFIX, prefix))
		wanted += prefix;
	len = strlen(wanted);
	return len >= 4 && len <= DIGEST_HEX && digest_is_hex(wanted, len) && !strncmp(id, wanted, len);
}
