/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Contents of a layer: the walk of a directory, or a table of contents.
 */
#include "view/contents.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/meter.h"
#include "image/toc.h"
#include "internal.h"
#include "os/fs.h"
#include "os/task.h"
#include "toc_ahead.h"
#include "tree/walk.h"

#define PIECE (256 << 10)

static size_t image_number(const struct view_stack *stack, size_t layer)
{
	(void)CHECK(layer < stack->image->n_layers);
	return stack->image->n_layers - 1 - layer;
}

/* A layer without a directory, while other layers may have one. */
static bool is_packed(const struct view_stack *stack, size_t layer)
{
	return !stack->set && !stack->image->layers[image_number(stack, layer)].directory;
}

/* A set of this layer alone. */
static int contents_open_alone(const struct view_stack *stack, size_t layer, struct layer_set **ret, char **ret_error)
{
	_cleanup_free_ char *text = NULL;
	struct view_stack alone = {.name = stack->name};
	int r;

	r = view_append(&text, "lowerdir+=");
	if (r == 0)
		r = view_append_path(&text, stack->image->layers[image_number(stack, layer)].directory);
	if (r == 0)
		r = view_parse_options(text, &alone.options, ret_error);
	if (r < 0)
		return r;
	view_use_all_forms(&alone.options);
	alone.options.userxattr = stack->options.userxattr;
	r = view_stack_open_range(&alone, 0, 0, ret, ret_error);
	options_free(&alone.options);
	return r;
}

/* The set in which the layer is: that of the stack, or one of this layer alone, which is kept. The caller puts it. */
static int contents_set(const struct view_stack *stack, size_t layer, struct layer_set **ret, struct layer **ret_layer,
			char **ret_error)
{
	struct layer_set **alone = &stack->memory->sets[layer];
	int r = stack->set || *alone ? 0 : contents_open_alone(stack, layer, alone, ret_error);

	(void)CHECK(!is_packed(stack, layer));
	if (r < 0)
		return r;
	*ret = layer_set_get(stack->set ? stack->set : *alone);
	*ret_layer = &(*ret)->layers[stack->set ? layer : 0];
	return 0;
}

/* --- archives ----------------------------------------------------------------------------------------------------- */

static int contents_toc(const struct view_stack *stack, size_t layer, const struct image_toc **ret, char **ret_error)
{
	struct image_error error = {.text = ""};
	struct image_toc **toc = &stack->memory->tocs[layer];
	int r = 0;

	(void)CHECK(layer < stack->memory->n);
	if (!*toc && stack->memory->ahead[layer])
		r = toc_ahead_finish(TAKE_PTR(stack->memory->ahead[layer]), toc, &error);
	else if (!*toc)
		r = image_toc_read(stack->image, image_number(stack, layer), toc, &error);
	*ret = *toc;
	return r < 0 ? view_refuse(ret_error, r, "%s: @%zu: %s", stack->name, layer, error.text) : 0;
}

void view_contents_expect(const struct view_stack *stack, size_t layer)
{
	struct view_memory *m = stack->memory;

	if (is_packed(stack, layer) && os_cpu_count() > 1 && !m->tocs[layer] && !m->ahead[layer])
		m->ahead[layer] = toc_ahead_start(stack->image, image_number(stack, layer));
}

void view_contents_forget(const struct view_stack *stack, size_t layer)
{
	struct image_toc **toc = &stack->memory->tocs[layer];

	(void)CHECK(layer < stack->memory->n);
	image_toc_free(*toc);
	*toc = NULL;
}

struct telling {
	const struct image_toc *toc;
	size_t *first; /* owned; by entry of a file, 1 + the number of its first name; 0: not told yet */
	view_object_each each;
	void *arg;
};

/* The entry with the content of a hard link, or the link itself if the layer doesn't have it. */
static const struct image_toc_entry *content_of(const struct image_toc *toc, const struct image_toc_entry *e)
{
	const struct image_toc_entry *at = e;

	for (unsigned hops = 0; at->hardlink && hops < 64; hops++) {
		const struct image_toc_entry *next = image_toc_find(toc, at->link);

		if (!next || next->whiteout || S_ISDIR(next->mode))
			return e;
		at = next;
	}
	return at->hardlink ? e : at;
}

static struct view_object object_of_entry(const struct image_toc_entry *e)
{
	bool has_size = S_ISREG(e->mode) && !e->hardlink;

	return (struct view_object){.link = e->link,
				    .size = has_size ? (uint64_t)e->size : 0,
				    .allocated = has_size ? (uint64_t)e->size : 0,
				    .mode = e->mode,
				    .uid = e->uid,
				    .gid = e->gid,
				    .major = e->major,
				    .minor = e->minor,
				    .xattrs = e->xattrs,
				    .mtime = e->mtime,
				    .mtime_nsec = e->mtime_nsec,
				    .whiteout = e->whiteout,
				    .opaque = e->opaque,
				    .hardlink = e->hardlink,
				    .implied = e->implied};
}

/* In the order of paths the first name of a file may be a link in the order of the archive. */
static int toc_tell(struct telling *t, size_t number)
{
	const struct image_toc *toc = t->toc;
	const struct image_toc_entry *e = &toc->entries[number], *content = content_of(toc, e);
	struct view_object o = object_of_entry(content);
	size_t *first = &t->first[content - toc->entries];

	(void)CHECK(content >= toc->entries && content < toc->entries + toc->n_entries);
	o.path = e->path;
	o.content = content == e ? NULL : content->path;
	if (S_ISREG(o.mode) && !content->hardlink) {
		if (*first) {
			o.link = toc->entries[*first - 1].path;
			o.hardlink = true;
			o.size = o.allocated = 0;
		} else {
			*first = number + 1;
		}
	}
	return t->each(t->arg, &o);
}

static int toc_each(const struct view_stack *stack, size_t layer, view_object_each each, void *arg, char **ret_error)
{
	struct telling t = {.each = each, .arg = arg};
	int r = contents_toc(stack, layer, &t.toc, ret_error);

	if (r < 0)
		return r;
	t.first = calloc(t.toc->n_entries + 1, sizeof(*t.first));
	if (!t.first)
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", stack->name);
	for (size_t i = 0; i < t.toc->n_entries && r == 0; i++)
		r = toc_tell(&t, i);
	free(t.first);
	return r;
}

int view_contents_each(const struct view_stack *stack, size_t layer, view_object_each each, void *arg, char **ret_error)
{
	struct layer_set *set = NULL;
	struct layer *l;
	int r;

	(void)CHECK(stack->memory);
	if (is_packed(stack, layer))
		return toc_each(stack, layer, each, arg, ret_error);
	r = contents_set(stack, layer, &set, &l, ret_error);
	if (r < 0)
		return view_refuse(ret_error, r, "%s: %s", stack->name, strerror(-r));
	r = view_objects_each(set, l, each, arg, ret_error);
	layer_set_put(set);
	return r;
}

/* --- content of a file -------------------------------------------------------------------------------------------- */

static int read_descriptor(int fd, int (*each)(void *arg, const void *data, size_t len), void *arg)
{
	_cleanup_free_ char *bytes = malloc(PIECE);
	off_t at = 0;
	int r = 0;

	if (!bytes)
		return -ENOMEM;
	while (r == 0) {
		ssize_t n = os_pread(fd, bytes, PIECE, at);

		if (n <= 0)
			return (int)n;
		(void)CHECK(n <= PIECE);
		meter_bytes((uint64_t)n);
		r = each(arg, bytes, (size_t)n);
		at += n;
	}
	return r;
}

struct lookup {
	struct layer_set *set;
	int fd; /* of the content, or -errno */
};

/* What the layer and those below it show at the path. A fifo that took the place of the file meanwhile must not hold
 * plyctl. */
static int open_content(void *arg, const struct tree_walk_entry *e)
{
	struct lookup *look = arg;
	_cleanup_free_ char *path = NULL;
	int r;

	if (e->layer != 0)
		look->fd = -ENOENT;
	else if (!S_ISREG(e->stx.stx_mode))
		look->fd = S_ISDIR(e->stx.stx_mode) ? -EISDIR : -EINVAL;
	else if (e->data_path)
		look->fd = e->data_layer == TREE_WALK_NO_LAYER ? -EIO
							       : layer_open_path(&look->set->layers[e->data_layer],
										 e->data_path, O_RDONLY | O_NONBLOCK);
	else if (e->metacopy)
		look->fd = -EIO;
	else if ((r = tree_walk_layer_path(e, &path)) < 0)
		look->fd = r;
	else
		look->fd = layer_open_path(&look->set->layers[e->layer], path, O_RDONLY | O_NONBLOCK);
	return TREE_WALK_PRUNE;
}

/* Opens the content of a path of the layer; its data may be in one below. */
static int contents_open(const struct view_stack *stack, size_t layer, const char *path, char **ret_error)
{
	static const struct tree_walk_calls calls = {.entry = open_content};
	struct lookup look = {.fd = -ENOENT};
	struct layer *l;
	int r;

	if (!stack->set)
		r = contents_set(stack, layer, &look.set, &l, ret_error);
	else
		r = view_stack_open_range(stack, layer, stack->options.layer_count - 1, &look.set, ret_error);
	if (r < 0 || !look.set)
		return r < 0 ? r : -ENOENT;
	(void)CHECK(look.set->n > 0);
	r = tree_walk(look.set, path, TREE_WALK_STAT, &calls, &look);
	layer_set_put(look.set);
	if (r < 0 && look.fd >= 0)
		os_close(look.fd);
	return r < 0 ? r : look.fd;
}

static int read_packed(const struct view_stack *stack, size_t layer, const char *path,
		       int (*each)(void *arg, const void *data, size_t len), void *arg, char **ret_error)
{
	struct image_error error = {.text = ""};
	const struct image_toc *toc;
	const struct image_toc_entry *e;
	int r = contents_toc(stack, layer, &toc, ret_error);

	if (r < 0)
		return r;
	e = image_toc_find(toc, path);
	if (!e || e->whiteout)
		return view_refuse(ret_error, -ENOENT, "@%zu:/%s: the layer doesn't hold it", layer, path);
	if (!S_ISREG(e->mode))
		return S_ISDIR(e->mode) ? -EISDIR : -EINVAL;
	r = image_toc_content(stack->image, image_number(stack, layer), path, each, arg, &error);
	return r < 0 && *error.text ? view_refuse(ret_error, r, "%s: @%zu: %s", stack->name, layer, error.text) : r;
}

int view_contents_read(const struct view_stack *stack, size_t layer, const char *path,
		       int (*each)(void *arg, const void *data, size_t len), void *arg, char **ret_error)
{
	int r;

	(void)CHECK(*path != '/' && stack->memory);
	if (is_packed(stack, layer)) {
		r = read_packed(stack, layer, path, each, arg, ret_error);
	} else {
		_cleanup_close_ int fd = contents_open(stack, layer, path, ret_error);

		r = fd < 0 ? fd : read_descriptor(fd, each, arg);
	}
	if (r == -ENOENT)
		return view_refuse(ret_error, r, "@%zu:/%s: the layer doesn't hold it", layer, path);
	if (r == -EINVAL)
		return view_refuse(ret_error, r, "@%zu:/%s: not a regular file", layer, path);
	return r < 0 ? view_refuse(ret_error, r, "@%zu:/%s: %s", layer, path, strerror(-r)) : r;
}
