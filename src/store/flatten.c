// SPDX-License-Identifier: Apache-2.0
#include "flatten.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/links.h"
#include "archive/unpack.h"
#include "archive/xattrs.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "format/name.h"
#include "image/error.h"
#include "layer/index.h"
#include "os/fs.h"
#include "tree/walk.h"

struct flattening {
	struct layer_set *set;
	const struct archive_options *options;
	struct tar_writer *tar;
	unsigned merges;  /* topmost layers of the set that become one; 0: all that shows */
	const char *part; /* the directory that becomes opaque, or NULL */
	struct archive_links *links;
	struct image_error *error;
};

static int flat_failed(const struct flattening *f, const char *path, int r)
{
	return r >= 0 ? 0 : image_fail(f->error, r, "/%s: %s", path, strerror(-r));
}

/* An object of a layer, by its path there; opened through its directory, for paths of any type. */
static int open_object(const struct layer *l, const char *path, int flags)
{
	return *path ? layer_open_path(l, path, flags) : layer_openat(l, l->root_fd, ".", flags);
}

/* `path` is that in the layer; what only the index leads to has none. */
static int flat_open(const struct flattening *f, const struct tree_walk_entry *e, const char *path, int flags)
{
	const struct layer *l = &f->set->layers[e->layer];

	if (!e->indexed)
		return open_object(l, path, flags);
	(void)CHECK(f->set->index && e->layer == 0);
	return layer_openat(l, index_fd(f->set), e->index_name, flags);
}

static int flat_first_name(struct flattening *f, const struct tree_walk_entry *e, int fd, const char **ret)
{
	struct statx stx;
	int r;

	*ret = NULL;
	if (!S_ISREG(e->stx.stx_mode))
		return 0;
	/* The union has other numbers. */
	r = os_statx(fd, "", &stx);
	if (r == 0)
		r = archive_links_find(f->links, e->layer, &stx, e->path, ret);
	return flat_failed(f, e->path, r);
}

static int flat_content(struct flattening *f, const struct tree_walk_entry *e, const char *path)
{
	(void)CHECK(S_ISREG(e->stx.stx_mode));
	_cleanup_close_ int fd = -1;
	int r;

	if (e->data_layer == TREE_WALK_NO_LAYER)
		return image_fail(f->error, -EIO, "/%s: its content isn't there", e->path);
	fd = e->data_path ? open_object(&f->set->layers[e->data_layer], e->data_path, O_RDONLY | O_NONBLOCK)
			  : flat_open(f, e, path, O_RDONLY | O_NONBLOCK);
	if (fd < 0)
		return flat_failed(f, e->path, fd);
	r = tar_writer_content(f->tar, fd, (int64_t)e->stx.stx_size);
	if (r == -EAGAIN)
		return image_fail(f->error, r, "/%s: it changed while it was read", e->path);
	return flat_failed(f, e->path, r);
}

static int flat_target(const struct flattening *f, const struct tree_walk_entry *e, int fd, char **ret)
{
	size_t size = (size_t)e->stx.stx_size + 2;
	char *target = malloc(size);
	ssize_t n = target ? os_readlinkat(fd, "", target, size - 1) : -ENOMEM;

	if (n < 0) {
		free(target);
		return flat_failed(f, e->path, (int)n);
	}
	target[n] = '\0';
	*ret = target;
	return 0;
}

/* Nothing shows through the directory, which has all that the union shows there. */
static int flat_marker(struct flattening *f, const char *dir)
{
	_cleanup_free_ char *path = NULL;
	struct tar_object o = {.mode = S_IFREG};

	if (asprintf(&path, "%s/" AUFS_OPAQUE, dir) < 0)
		return image_fail_memory(f->error);
	o.path = path;
	return flat_failed(f, path, tar_writer_object(f->tar, &o));
}

static int flat_object(struct flattening *f, const struct tree_walk_entry *e, const char *path)
{
	_cleanup_(archive_xattrs_finish) struct archive_xattrs xattrs = {0};
	const struct layer *l = &f->set->layers[e->layer];
	_cleanup_free_ char *target = NULL;
	_cleanup_close_ int fd = -1;
	struct tar_object o = archive_object(f->options, e->path, &e->stx);
	const char *first;
	int r;

	(void)CHECK(e->shown && e->layer < f->set->n);
	fd = flat_open(f, e, path, O_PATH);
	r = fd < 0 ? flat_failed(f, e->path, fd) : flat_first_name(f, e, fd, &first);
	if (r < 0)
		return r;
	o.link = first;
	o.hardlink = first;
	/* What the walk has found out isn't asked again. */
	if (!first && (S_ISLNK(o.mode) || e->xattr_flags || !l->has_xattr)) {
		r = flat_failed(f, e->path, archive_xattrs_read(l, fd, "", &xattrs));
		if (r == 0 && S_ISLNK(o.mode))
			r = flat_target(f, e, fd, &target);
		o.link = target;
	}
	if (r < 0)
		return r;
	o.xattrs = xattrs.list;
	o.n_xattrs = xattrs.n;
	r = flat_failed(f, e->path, tar_writer_object(f->tar, &o));
	if (r == 0 && f->part && S_ISDIR(o.mode) && !strcmp(e->path, f->part))
		r = flat_marker(f, e->path);
	return r == 0 && S_ISREG(o.mode) && !first ? flat_content(f, e, path) : r;
}

/* Whether a layer that is merged hides something of the layers below at this path. `dirs`: only directories, because a
 * directory hides all else. */
static bool squash_hides(const struct flattening *f, const struct tree_walk_entry *e, bool dirs)
{
	for (unsigned i = 0; i < e->n_says; i++)
		if (e->says[i].layer >= f->merges && e->says[i].object && e->says[i].role == TREE_SAY_HIDDEN &&
		    e->says[i].by < f->merges && (!dirs || S_ISDIR(e->says[i].stx.stx_mode)))
			return true;
	return false;
}

/* Whether one of the merged layers has a whiteout at this path. */
static bool squash_has_whiteout(const struct flattening *f, const struct tree_walk_entry *e)
{
	for (unsigned i = 0; i < e->n_says; i++)
		if (e->says[i].layer < f->merges && e->says[i].whiteout)
			return true;
	return false;
}

static int squash_whiteout(struct flattening *f, const struct tree_walk_entry *e)
{
	struct tar_object o = {.mode = S_IFREG};
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%.*s" AUFS_PREFIX "%s", (int)(e->name - e->path), e->path, e->name) < 0)
		return image_fail_memory(f->error);
	o.path = path;
	return flat_failed(f, path, tar_writer_object(f->tar, &o));
}

/* The root as the topmost of the layers has it whose tar has listed it. */
static int squash_root(struct flattening *f, const struct tree_walk_entry *e)
{
	struct tree_walk_entry root = *e;

	for (unsigned i = 0; i < e->n_says && e->says[i].layer < f->merges; i++) {
		if (!e->says[i].object || !unpack_lists_root(&e->says[i].stx))
			continue;
		root.layer = e->says[i].layer;
		root.stx = e->says[i].stx;
		return flat_object(f, &root, "");
	}
	return 0;
}

/* An entry of layers that become one: their objects, and their whiteouts that hide something below them. */
static int squash_entry(struct flattening *f, const struct tree_walk_entry *e)
{
	_cleanup_free_ char *path = NULL;
	int r;

	if (!*e->path)
		return squash_root(f, e);
	if (!e->shown)
		r = squash_has_whiteout(f, e) && squash_hides(f, e, false) ? squash_whiteout(f, e) : 0;
	else if (e->layer >= f->merges)
		r = 0;
	else if (S_ISSOCK(e->stx.stx_mode))
		return 0;
	else if (S_ISDIR(e->stx.stx_mode) && (e->xattr_flags & XATTR_FLAG_REDIRECT))
		return image_fail(f->error, -EOPNOTSUPP, "/%s: it was renamed (redirect), so its layer can't be merged",
				  e->path);
	else {
		r = tree_walk_layer_path(e, &path);
		r = r < 0 ? flat_failed(f, e->path, r) : flat_object(f, e, path);
		if (r == 0 && S_ISDIR(e->stx.stx_mode) && *e->path && squash_hides(f, e, true))
			r = flat_marker(f, e->path);
		return r;
	}
	return r < 0 ? r : TREE_WALK_PRUNE;
}

/* One entry as the union shows it. */
static int flat_shown(struct flattening *f, const struct tree_walk_entry *e)
{
	_cleanup_free_ char *path = NULL;
	int r = e->indexed ? 0 : tree_walk_layer_path(e, &path);

	if (e->overmounted)
		return image_fail(f->error, -EXDEV, "/%s: a mount covers it", e->path);
	return r < 0 ? flat_failed(f, e->path, r) : flat_object(f, e, path);
}

static int flat_entry(void *arg, const struct tree_walk_entry *e)
{
	struct flattening *f = arg;

	if (f->merges)
		return squash_entry(f, e);
	if (f->options && f->options->wants && !f->options->wants(f->options->wants_arg, e->path))
		return TREE_WALK_PRUNE;
	return !e->shown || S_ISSOCK(e->stx.stx_mode) ? 0 : flat_shown(f, e);
}

static int flat_walk_failed(void *arg, const char *path, unsigned layer, int err)
{
	return flat_failed(arg, path, err);
}

static int flatten_walk(struct flattening *f, const char *path)
{
	static const struct tree_walk_calls calls = {.entry = flat_entry, .failed = flat_walk_failed};

	return tree_walk(f->set, path, f->merges ? TREE_WALK_HIDDEN : TREE_WALK_STAT, &calls, f);
}

int flatten_part(struct layer_set *set, const struct archive_options *options, struct tar_writer *tar, const char *path,
		 struct image_error *error)
{
	struct flattening f = {
		.set = set, .options = options, .tar = tar, .part = path, .links = options->links, .error = error};

	if (!CHECK(*path && options->links))
		return -EIO;
	return flatten_walk(&f, path);
}

int flatten_entry(struct layer_set *set, const struct archive_options *options, struct tar_writer *tar,
		  const struct tree_walk_entry *e, struct image_error *error)
{
	struct flattening f = {.set = set, .options = options, .tar = tar, .links = options->links, .error = error};

	if (!CHECK(e->shown && options->links))
		return -EIO;
	return flat_shown(&f, e);
}

/* An archive of its own. `merges` as in struct flattening. */
static int flatten_whole(struct layer_set *set, unsigned merges, const struct archive_options *options,
			 archive_sink sink, void *arg, struct image_error *error)
{
	struct image_error why = {.text = ""};
	struct archive_links links = {.files = NULL};
	struct tar_writer tar;
	struct flattening f = {
		.set = set, .options = options, .tar = &tar, .merges = merges, .links = &links, .error = &why};
	int r;

	tar_writer_init(&tar, sink, arg);
	r = flatten_walk(&f, "");
	if (r == 0)
		r = tar_writer_end(&tar);
	tar_writer_finish(&tar);
	archive_links_finish(&links);
	return r < 0 ? image_fail(error, r, "%s", *why.text ? why.text : strerror(-r)) : r;
}

int flatten_merge(struct layer_set *set, unsigned merges, const struct archive_options *options, archive_sink sink,
		  void *arg, struct image_error *error)
{
	if (!CHECK(merges && merges <= set->n))
		return -EIO;
	return flatten_whole(set, merges, options, sink, arg, error);
}

int store_flatten(struct layer_set *set, const struct archive_options *options, archive_sink sink, void *arg,
		  struct image_error *error)
{
	if (!CHECK(set && set->n))
		return -EIO;
	return flatten_whole(set, 0, options, sink, arg, error);
}
