// SPDX-License-Identifier: Apache-2.0
/*
 * The other images and containers that have the layers of an image. The store of podman has a list of all layers with
 * their parents. Of other sources each image is opened, and its chain_ids are compared.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "error.h"
#include "image/image.h"
#include "sources.h"

struct sharing {
	const struct image *image;
	unsigned *counts;
};

static bool is_itself(const struct image *image, const struct image_listed *item)
{
	if (image->container || item->container)
		return image->container && item->container && !strcmp(image->container, item->container);
	return item->id && !strcmp(image->id, item->id);
}

/* An image that can't be opened shares nothing. */
static int sharing_each(void *arg, const struct image_listed *item)
{
	const struct sharing *s = arg;
	_cleanup_(image_cleanup) struct image *other = NULL;
	struct image_error error;
	const char *id = item->container ? item->container : item->id;

	if (is_itself(s->image, item) || !id || image_open_in(s->image->source, s->image->path, id, &other, &error) < 0)
		return 0;
	for (size_t i = 0; i < MIN(s->image->n_layers, other->n_layers); i++) {
		const char *own = s->image->layers[i].chain_id, *its = other->layers[i].chain_id;

		if (!own || !its || strcmp(own, its) != 0)
			break;
		s->counts[i]++;
	}
	return 0;
}

int image_layers_shared(const struct image *image, unsigned *ret_counts, struct image_error *error)
{
	struct sharing s = {.image = image, .counts = ret_counts};

	if (!CHECK(image->source < IMAGE_SOURCE_COUNT))
		return -EIO;
	memset(ret_counts, 0, image->n_layers * sizeof(*ret_counts));
	if (image->source == IMAGE_CONTAINERS_STORAGE)
		return containers_storage_shared(image, ret_counts, error);
	return image_list(image->source, image->path, sharing_each, &s, error);
}
