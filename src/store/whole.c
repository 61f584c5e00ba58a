// SPDX-License-Identifier: Apache-2.0
/*
 * A layer with what it doesn't have itself, so that it shows over the layers below what the union shows:
 *
 * - Metacopy files get their content.
 * - A directory with a redirect is written as the union shows it, opaque, so that nothing shows through at its new
 *   path.
 * - Names of lower files that only the index leads to their copies are written: as hard links of other names, or with
 *   the content. Their directories are written before them, if the layer doesn't have them.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/macros.h"
#include "flatten.h"
#include "image/error.h"
#include "store/commit.h"
#include "tree/walk.h"

/* A name that only the index leads to. The first `have` bytes of its path are a directory of the layer. */
struct whole_name {
	char *path; /* owned */
	size_t have;
};

struct whole_layer {
	struct layer_set *set;
	const struct archive_options *options;
	struct whole_name *names; /* owned, in the order of a walk */
	size_t n_names;
	size_t *upto; /* of the directories that are open, `have` of names in them; owned */
	size_t n_upto;
	struct tree_looks *looks;
	struct tar_writer *tar;
	struct image_error *error;
};

/* --- names that only the index leads to --------------------------------------------------------------------------- */

static bool whole_wants(const struct archive_options *o, const char *path)
{
	return !o || !o->wants || o->wants(o->wants_arg, path);
}

static int refuse_indexed(void *arg, const struct tree_walk_entry *e)
{
	if (!e->shown || !e->indexed)
		return 0;
	return image_fail(arg, -EOPNOTSUPP,
			  "/%s: it was changed by another of its names only (index=on): commit it first", e->path);
}

int store_check_index(struct layer_set *set, struct image_error *error)
{
	static const struct tree_walk_calls calls = {.entry = refuse_indexed};
	struct image_error why = {.text = ""};
	int r = set->index ? tree_walk(set, "", TREE_WALK_STAT, &calls, &why) : 0;

	return r < 0 ? image_fail(error, r, "%s", *why.text ? why.text : strerror(-r)) : 0;
}

/* Notes the length of a directory's path, if the layer has it and all above it. */
static int note_directory(struct whole_layer *w, const struct tree_walk_entry *e)
{
	size_t above = e->depth ? w->upto[e->depth - 1] : 0, len = strlen(e->path), *next;
	bool has = e->layer == 0 && (!e->depth || above == (size_t)(e->name - e->path) - (e->depth > 1));

	w->n_upto = e->depth;
	next = ARRAY_NEXT(w->upto, w->n_upto);
	if (!next)
		return image_fail_memory(w->error);
	*next = has ? len : above;
	w->n_upto++;
	/* Of a renamed directory all is written. */
	return has && e->depth && (e->xattr_flags & XATTR_FLAG_REDIRECT) ? TREE_WALK_PRUNE : 0;
}

static int find_indexed(void *arg, const struct tree_walk_entry *e)
{
	struct whole_layer *w = arg;
	struct whole_name *next;

	if (!whole_wants(w->options, e->path))
		return TREE_WALK_PRUNE;
	if (!e->shown)
		return 0;
	if (S_ISDIR(e->stx.stx_mode))
		return note_directory(w, e);
	if (!e->indexed || S_ISSOCK(e->stx.stx_mode))
		return 0;
	(void)CHECK(e->depth && w->n_upto >= e->depth);
	next = ARRAY_NEXT(w->names, w->n_names);
	if (!next)
		return image_fail_memory(w->error);
	next->have = w->upto[e->depth - 1];
	next->path = strdup(e->path);
	if (!next->path)
		return image_fail_memory(w->error);
	w->n_names++;
	return 0;
}

static int write_shown(void *arg, const struct tree_walk_entry *e)
{
	const struct whole_layer *w = arg;

	return flatten_entry(w->set, w->options, w->tar, e, w->error);
}

/* The object at the first `len` bytes of a path. */
static int write_part(struct whole_layer *w, const char *path, size_t len)
{
	_cleanup_free_ char *part = strndup(path, len);
	int r = part ? tree_looks_at(w->looks, part, write_shown, w) : -ENOMEM;

	return r < 0 ? image_fail(w->error, r, "/%s: %s", path, *w->error->text ? w->error->text : strerror(-r)) : 0;
}

/* The length that two paths have in common, in whole components. */
static size_t whole_common(const char *a, const char *b)
{
	size_t same = 0, i = 0;

	for (; a[i] && a[i] == b[i]; i++)
		if (a[i] == '/')
			same = i;
	return (!a[i] || a[i] == '/') && (!b[i] || b[i] == '/') ? i : same;
}

/* The name, after the directories above it that neither the layer nor the name `before` has brought. */
static int write_name(struct whole_layer *w, const struct whole_name *name, const char *before)
{
	size_t known = before ? MAX(name->have, whole_common(before, name->path)) : name->have;
	const char *at = name->path + known;
	int r = 0;

	while (r == 0 && (at = strchr(at + (at > name->path || *at == '/'), '/')))
		r = write_part(w, name->path, (size_t)(at - name->path));
	return r < 0 ? r : write_part(w, name->path, strlen(name->path));
}

static int layer_more(void *arg, struct tar_writer *tar, const char *dir, struct image_error *error)
{
	struct whole_layer *w = arg;
	size_t len = strlen(dir);
	const char *before = NULL;
	int r = 0;

	w->tar = tar;
	for (size_t i = 0; i < w->n_names && r == 0; i++) {
		if (w->names[i].have != len || strncmp(w->names[i].path, dir, len) != 0)
			continue;
		r = write_name(w, &w->names[i], before);
		before = w->names[i].path;
	}
	return r;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int layer_whole(void *arg, struct tar_writer *tar, const char *path, struct image_error *error)
{
	const struct whole_layer *w = arg;

	return flatten_part(w->set, w->options, tar, path, error);
}

static int find_names(struct whole_layer *w)
{
	static const struct tree_walk_calls calls = {.entry = find_indexed};
	int r = tree_walk(w->set, "", TREE_WALK_STAT, &calls, w);

	return r == 0 && w->n_names ? tree_looks_new(w->set, &w->looks) : r;
}

int store_write_layer(struct layer_set *set, const struct archive_options *options, archive_sink sink, void *arg,
		      struct image_error *error)
{
	struct archive_options whole = options ? *options : (struct archive_options){0};
	struct image_error why = {.text = ""};
	struct archive_links links = {.files = NULL};
	struct whole_layer w = {.set = set, .options = &whole, .error = &why};
	int r;

	if (!CHECK(set && set->n))
		return -EIO;
	whole.whole = layer_whole;
	whole.whole_arg = &w;
	whole.links = &links;
	r = set->index ? find_names(&w) : 0;
	if (r < 0)
		image_fail(error, r, "%s", *why.text ? why.text : strerror(-r));
	if (w.n_names)
		whole.more = layer_more;
	if (r == 0)
		r = archive_layer(set, &set->layers[0], &whole, sink, arg, error);
	for (size_t i = 0; i < w.n_names; i++)
		free(w.names[i].path);
	free(w.names);
	free(w.upto);
	tree_looks_free(w.looks);
	archive_links_finish(&links);
	return r;
}
