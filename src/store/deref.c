// SPDX-License-Identifier: Apache-2.0
#include "store/deref.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/layer.h"
#include "archive/unpack.h"
#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "deref_swap.h"
#include "flatten.h"
#include "format/name.h"
#include "image/error.h"
#include "image/tar.h"
#include "layer/walk.h"
#include "os/fs.h"
#include "store/pump.h"
#include "tree/walk.h"

/* A file of the layer with several names, within one renamed directory. */
struct deref_link {
	uint64_t ino;
	uint32_t nlink, count;
};

struct deref {
	struct layer_set *set;
	struct deref_item *items; /* owned */
	size_t n;
	struct deref_link *links; /* of the present directory; owned */
	size_t n_links;
	bool inside; /* a renamed directory: the last item */
	void (*each)(void *arg, char kind, const char *path, uint64_t bytes);
	void *arg;
	struct image_error *error;
};

/* --- the plan ----------------------------------------------------------------------------------------------------- */

static int deref_failed(const struct deref *d, const char *path, int r)
{
	return r < 0 ? image_fail(d->error, r, "/%s: %s", path, strerror(-r)) : 0;
}

/* The object as it lies in the layer: the union shows another inode number, and counts other links. */
static int own_stx(const struct deref *d, const struct tree_walk_entry *e, struct statx *ret)
{
	_cleanup_close_ int fd = layer_open_path(&d->set->layers[0], e->path, O_PATH);

	(void)CHECK(e->layer == 0 && !e->indexed);
	return fd < 0 ? fd : os_statx(fd, "", ret);
}

static int add_item(struct deref *d, char kind, const struct tree_walk_entry *e)
{
	struct deref_item *next = ARRAY_NEXT(d->items, d->n);
	struct statx stx;
	int r;

	if (!next)
		return image_fail_memory(d->error);
	r = own_stx(d, e, &stx);
	if (r < 0)
		return deref_failed(d, e->path, r);
	/* One that has its data may have a redirect still, which nobody follows. */
	*next = (struct deref_item){
		.kind = kind, .ino = stx.stx_ino, .in_place = kind == 'M' && (stx.stx_nlink > 1 || !e->metacopy)};
	next->path = strdup(e->path);
	if (!next->path)
		return image_fail_memory(d->error);
	d->n++;
	if (kind == 'R')
		return 0;
	next->bytes = e->metacopy ? e->stx.stx_size : 0;
	if (e->data_layer == TREE_WALK_NO_LAYER)
		return image_fail(d->error, -EIO, "/%s: its content isn't there", e->path);
	if (next->in_place && e->data_path) {
		next->data_layer = e->data_layer;
		next->data_path = strdup(e->data_path);
		if (!next->data_path)
			return image_fail_memory(d->error);
	}
	return 0;
}

static int count_link(struct deref *d, const struct statx *stx)
{
	struct deref_link *next;

	for (size_t i = 0; i < d->n_links; i++)
		if (d->links[i].ino == stx->stx_ino) {
			d->links[i].count++;
			return 0;
		}
	next = ARRAY_NEXT(d->links, d->n_links);
	if (!next)
		return image_fail_memory(d->error);
	*next = (struct deref_link){.ino = stx->stx_ino, .nlink = stx->stx_nlink, .count = 1};
	d->n_links++;
	return 0;
}

/* The copy of the directory has copies of all that is in it. */
static int look_inside(struct deref *d, const struct tree_walk_entry *e)
{
	bool below = e->layer > 0 || e->metacopy;
	struct statx stx;
	int r;

	if (e->indexed || e->overmounted)
		return image_fail(d->error, -EOPNOTSUPP, "/%s: %s", e->path,
				  e->indexed ? "only the index leads there" : "a mount covers it");
	if (S_ISSOCK(e->stx.stx_mode))
		return image_fail(d->error, -EOPNOTSUPP, "/%s: a socket can't be copied", e->path);
	if (!S_ISREG(e->stx.stx_mode))
		return 0;
	if (below)
		d->items[d->n - 1].bytes += e->stx.stx_size;
	if (e->layer > 0)
		return 0;
	r = own_stx(d, e, &stx);
	if (r < 0)
		return deref_failed(d, e->path, r);
	return stx.stx_nlink > 1 ? count_link(d, &stx) : 0;
}

static int deref_entry(void *arg, const struct tree_walk_entry *e)
{
	struct deref *d = arg;
	int r = 0;

	if (!e->shown)
		return 0;
	if (d->inside)
		return look_inside(d, e);
	if (e->layer > 0)
		return e->depth ? TREE_WALK_PRUNE : 0;
	if (e->indexed)
		return 0;
	if (S_ISDIR(e->stx.stx_mode) && e->depth && (e->xattr_flags & XATTR_FLAG_REDIRECT)) {
		r = add_item(d, 'R', e);
		d->inside = r == 0;
		d->n_links = 0;
	} else if (S_ISREG(e->stx.stx_mode) &&
		   (e->metacopy || (e->xattr_flags & (XATTR_FLAG_METACOPY | XATTR_FLAG_REDIRECT)))) {
		r = add_item(d, 'M', e);
	}
	return r;
}

static int deref_leave(void *arg, const char *path, unsigned depth)
{
	struct deref *d = arg;

	if (!d->inside || strcmp(path, d->items[d->n - 1].path) != 0)
		return 0;
	d->inside = false;
	for (size_t i = 0; i < d->n_links; i++)
		if (d->links[i].count != d->links[i].nlink)
			return image_fail(d->error, -EOPNOTSUPP, "/%s: a file in it has a name outside (a hard link)",
					  path);
	return 0;
}

static int deref_walk_failed(void *arg, const char *path, unsigned layer, int err)
{
	return deref_failed(arg, path, err);
}

/* --- names that mean two things ----------------------------------------------------------------------------------- */

static int find_reserved(void *arg, struct layer_walk_entry *e)
{
	struct deref *d = arg;

	if (!aufs_is_reserved(e->name))
		return 0;
	return image_fail(d->error, -EOPNOTSUPP,
			  "%s/%s: the kernel shows a name that begins with .wh., and others take it for a whiteout",
			  e->layer->path, e->path);
}

static bool has_renamed(const struct deref *d)
{
	for (size_t i = 0; i < d->n; i++)
		if (d->items[i].kind == 'R')
			return true;
	return false;
}

/* A copy of a directory would leave out what is called .wh.NAME, and the layers below don't show any more there. */
static int refuse_reserved(struct deref *d)
{
	static const struct layer_walk_calls calls = {.entry = find_reserved};
	int r = 0;

	(void)CHECK(d->set->n);
	if (!has_renamed(d))
		return 0;
	for (unsigned i = 0; i < d->set->n && r == 0; i++)
		r = layer_walk(d->set, &d->set->layers[i], LAYER_WALK_RAW, &calls, d);
	return r;
}

int deref_new(struct layer_set *set, void (*each)(void *arg, char kind, const char *path, uint64_t bytes), void *arg,
	      struct deref **ret, struct image_error *error)
{
	static const struct tree_walk_calls calls = {
		.entry = deref_entry, .leave = deref_leave, .failed = deref_walk_failed};
	struct image_error why = {.text = ""};
	struct deref *d = calloc(1, sizeof(*d));
	int r;

	if (!d)
		return image_fail_memory(error);
	*d = (struct deref){.set = set, .each = each, .arg = arg, .error = &why};
	r = tree_walk(set, "", TREE_WALK_STAT, &calls, d);
	if (r == 0)
		r = refuse_reserved(d);
	d->error = NULL;
	if (r < 0) {
		deref_free(d);
		return image_fail(error, r, "%s", *why.text ? why.text : strerror(-r));
	}
	for (size_t i = 0; i < d->n && each; i++)
		each(arg, d->items[i].kind, d->items[i].path, d->items[i].bytes);
	*ret = d;
	return 0;
}

void deref_free(struct deref *d)
{
	if (!d)
		return;
	for (size_t i = 0; i < d->n; i++) {
		free(d->items[i].path);
		free(d->items[i].data_path);
	}
	free(d->items);
	free(d->links);
	free(d);
}

/* --- copies ------------------------------------------------------------------------------------------------------- */

/* One tar with all copies. */
static int write_copies(void *arg, archive_sink sink, void *sink_arg, struct image_error *error)
{
	const struct deref *d = arg;
	struct archive_links links = {.files = NULL};
	const struct archive_options options = {.links = &links};
	struct tar_writer tar;
	int r = 0;

	(void)CHECK(d->n > 0);
	tar_writer_init(&tar, sink, sink_arg);
	for (size_t i = 0; i < d->n && r == 0; i++)
		if (!d->items[i].in_place)
			r = flatten_part(d->set, &options, &tar, d->items[i].path, error);
	if (r == 0)
		r = tar_writer_end(&tar);
	tar_writer_finish(&tar);
	archive_links_finish(&links);
	return r;
}

static int make_copies(struct deref *d, int stage_fd, struct image_error *error)
{
	const struct unpack_options options = {
		.root_fd = stage_fd, .overrides = d->set->layers[0].override != OVERRIDE_NONE, .ns = d->set->ns};
	struct unpacked unpacked = {0};
	struct stream *in;
	struct tar tar;
	int r = pump_new(write_copies, d, &in, error);

	if (r < 0)
		return r;
	tar_init(&tar, in);
	r = unpack_tar(&tar, &options, &unpacked, error);
	unpacked_finish(&unpacked);
	tar_finish(&tar);
	stream_free(in);
	return r;
}

/* The data of a file that stays where it is. */
static int open_data(const struct deref *d, const struct deref_item *item)
{
	return item->data_path
		       ? layer_open_path(&d->set->layers[item->data_layer], item->data_path, O_RDONLY | O_NONBLOCK)
		       : -ENODATA;
}

static int deref_items(struct deref *d, struct deref_stage *stage, struct image_error *error)
{
	int r = make_copies(d, stage->copies_fd, error);

	if (r == 0) {
		r = os_syncfs(stage->copies_fd);
		if (r < 0)
			image_fail(error, r, "%s", strerror(-r));
	}
	for (size_t i = 0; i < d->n && r == 0; i++) {
		_cleanup_close_ int data = d->items[i].in_place ? open_data(d, &d->items[i]) : -1;

		if (d->items[i].in_place && data < 0 && data != -ENODATA)
			r = data;
		else
			r = d->items[i].in_place ? stage_fill(stage, &d->items[i], data, d->set->ns)
						 : stage_swap(stage, &d->items[i]);
		if (r < 0)
			image_fail(error, r, "/%s: %s", d->items[i].path,
				   r == -EAGAIN ? "it changed meanwhile" : strerror(-r));
	}
	return r;
}

int deref_run(struct deref *d, const char *dir, struct image_error *error)
{
	struct deref_stage stage;
	int r = stage_open(&stage, dir, error);

	if (r < 0)
		return r;
	if (d->n)
		r = deref_items(d, &stage, error);
	stage_close(&stage);
	return r;
}
