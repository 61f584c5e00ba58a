// SPDX-License-Identifier: Apache-2.0
/*
 * A layer with what the layers below have of it: metacopy files get their content, and a directory with a redirect is
 * written as the union shows it, opaque, so that nothing shows through at its new path.
 */
#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "flatten.h"
#include "image/error.h"
#include "store/commit.h"
#include "tree/walk.h"

/* A hard link of a layer below that shows a changed file, but isn't in the layer: only the index leads there. */
struct index_search {
	const struct archive_options *options;
	struct image_error *error;
};

static int refuse_indexed(void *arg, const struct tree_walk_entry *e)
{
	const struct index_search *s = arg;
	const struct archive_options *o = s->options;

	if (o && o->wants && !o->wants(o->wants_arg, e->path))
		return TREE_WALK_PRUNE;
	if (!e->shown || !e->indexed)
		return 0;
	return image_fail(s->error, -EOPNOTSUPP,
			  "/%s: it was changed by another of its names only (index=on): rename it and back first",
			  e->path);
}

int store_check_index(struct layer_set *set, const struct archive_options *options, struct image_error *error)
{
	static const struct tree_walk_calls calls = {.entry = refuse_indexed};
	struct image_error why = {.text = ""};
	struct index_search s = {.options = options, .error = &why};
	int r = set->index ? tree_walk(set, "", TREE_WALK_STAT, &calls, &s) : 0;

	return r < 0 ? image_fail(error, r, "%s", *why.text ? why.text : strerror(-r)) : 0;
}

struct whole_layer {
	struct layer_set *set;
	const struct archive_options *options;
};

static int layer_whole(void *arg, struct tar_writer *tar, const char *path, struct image_error *error)
{
	const struct whole_layer *w = arg;

	return flatten_part(w->set, w->options, tar, path, error);
}

int store_write_layer(struct layer_set *set, const struct archive_options *options, archive_sink sink, void *arg,
		      struct image_error *error)
{
	struct archive_options whole = options ? *options : (struct archive_options){0};
	struct whole_layer part = {.set = set, .options = options};
	int r;

	if (!CHECK(set && set->n))
		return -EIO;
	r = store_check_index(set, options, error);
	if (r < 0)
		return r;
	whole.whole = layer_whole;
	whole.whole_arg = &part;
	return archive_layer(set, &set->layers[0], &whole, sink, arg, error);
}
