// SPDX-License-Identifier: Apache-2.0
#include "config.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "image/digest.h"
#include "document.h"
#include "image/error.h"
#include "model.h"

static int take_platform(struct image *image, const json_t *config, struct image_error *error)
{
	if (document_copy(config, "created", &image->created) && document_copy(config, "author", &image->author) &&
	    document_copy(config, "os", &image->os) && document_copy(config, "variant", &image->variant) &&
	    document_copy(config, "architecture", &image->architecture))
		return 0;
	return image_fail_memory(error);
}

static int take_diff_id(struct image *image, const char *diff_id, struct image_error *error)
{
	struct image_layer *l;
	int r;

	if (!digest_is_valid(diff_id))
		return image_fail(error, -EBADMSG, "config: the diff_id \"%s\" is no sha256 digest",
				  diff_id ? diff_id : "");
	r = model_add_layer(image, &l, error);
	return r < 0 ? r : model_chain(image, diff_id, error);
}

static int take_diff_ids(struct image *image, const json_t *config, struct image_error *error)
{
	const json_t *rootfs = json_object_get(config, "rootfs"), *list = json_object_get(rootfs, "diff_ids"), *item;
	size_t i;
	int r;

	if (!json_is_object(rootfs))
		return image_fail(error, -EOPNOTSUPP, "config: no rootfs, so it is no image of a container");
	if (list && !json_is_null(list) && !json_is_array(list))
		return image_fail(error, -EBADMSG, "config: diff_ids is no list");
	json_array_foreach(list, i, item)
	{
		r = take_diff_id(image, json_string_value(item), error);
		if (r < 0)
			return r;
	}
	return 0;
}

static int take_history(struct image *image, const json_t *item, size_t *layers, struct image_error *error)
{
	struct image_history *h;
	int r;

	if (!json_is_object(item))
		return image_fail(error, -EBADMSG, "config: an entry of the history is no object");
	r = model_add_history(image, &h, error);
	if (r < 0)
		return r;
	h->empty = json_is_true(json_object_get(item, "empty_layer")) || *layers >= image->n_layers;
	if (!h->empty)
		h->layer = (int)(*layers)++;
	if (document_copy(item, "created", &h->created) && document_copy(item, "created_by", &h->created_by) &&
	    document_copy(item, "author", &h->author) && document_copy(item, "comment", &h->comment))
		return 0;
	return image_fail_memory(error);
}

static size_t full_entries(const json_t *list)
{
	const json_t *item;
	size_t i, n = 0;

	json_array_foreach(list, i, item) n += !json_is_true(json_object_get(item, "empty_layer"));
	return n;
}

static int take_all_history(struct image *image, const json_t *config, struct image_error *error)
{
	const json_t *list = json_object_get(config, "history"), *item;
	struct image_history *h;
	size_t i, layers = 0;
	int r = 0;

	if (list && !json_is_null(list) && !json_is_array(list))
		return image_fail(error, -EBADMSG, "config: history is no list");
	json_array_foreach(list, i, item)
	{
		r = take_history(image, item, &layers, error);
		if (r < 0)
			return r;
	}
	if (!CHECK(layers <= image->n_layers))
		return -EIO;
	if (full_entries(list) > layers)
		r = model_lacks(image, error, "the history is of %zu layers, but there are %zu", full_entries(list),
				layers);
	if (layers < image->n_layers)
		r = model_lacks(image, error, "the history says nothing of %zu layers", image->n_layers - layers);
	for (; layers < image->n_layers && r == 0; layers++) {
		r = model_add_history(image, &h, error);
		if (r == 0)
			h->layer = (int)layers;
	}
	return r;
}

int config_take(struct image *image, char *text, size_t len, const char *digest, struct image_error *error)
{
	json_auto_t *config = NULL;
	int r;

	free(image->config);
	image->config = text;
	image->config_len = len;
	if (!CHECK(!image->n_layers && digest_is_valid(digest)))
		return -EIO;
	r = document_parse(text, len, "config", &config, error);
	if (r < 0)
		return r;
	if (!json_is_object(config))
		return image_fail(error, -EBADMSG, "config: no object");
	r = model_set(&image->id, digest, error);
	if (r == 0)
		r = take_platform(image, config, error);
	if (r == 0)
		r = take_diff_ids(image, config, error);
	return r < 0 ? r : take_all_history(image, config, error);
}
