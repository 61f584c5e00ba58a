// SPDX-License-Identifier: Apache-2.0
/*
 * A layer with what the layers below have of it: metacopy files get their content, and a directory with a redirect is
 * written as the union shows it, opaque, so that nothing shows through at its new path.
 */
#include <errno.h>

#include "base/check.h"
#include "flatten.h"
#include "image/error.h"
#include "store/commit.h"

static int layer_whole(void *arg, struct tar_writer *tar, const char *path, struct image_error *error)
{
	return flatten_part(arg, tar, path, error);
}

int store_write_layer(struct layer_set *set, const struct archive_options *options, archive_sink sink, void *arg,
		      struct image_error *error)
{
	struct archive_options whole = options ? *options : (struct archive_options){0};

	if (!CHECK(set && set->n))
		return -EIO;
	whole.whole = layer_whole;
	whole.whole_arg = set;
	return archive_layer(set, &set->layers[0], &whole, sink, arg, error);
}
