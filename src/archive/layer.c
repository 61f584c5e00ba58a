// SPDX-License-Identifier: Apache-2.0
#include "archive/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "archive/links.h"
#include "archive/unpack.h"
#include "archive/xattrs.h"
#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/error.h"
#include "layer/walk.h"
#include "os/fs.h"

struct layer_writing {
	const struct layer_set *set;
	const struct layer *l;
	const struct archive_options *options;
	struct tar_writer tar;
	struct archive_links *links;
	char **whiteouts; /* names of the present directory */
	size_t n_whiteouts;
	struct image_error *error;
};

/* -errno of the writer, with a path. */
static int written(const struct layer_writing *w, const char *path, int r)
{
	return r >= 0 ? 0 : image_fail(w->error, r, "/%s: %s", path, strerror(-r));
}

/* --- whiteouts ---------------------------------------------------------------------------------------------------- */

static int write_marker(struct layer_writing *w, const char *dir, const char *prefix, const char *name)
{
	const struct tar_object o = {.mode = S_IFREG};
	struct tar_object marker = o;
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s%s%s%s", dir, *dir ? "/" : "", prefix, name) < 0)
		return image_fail_memory(w->error);
	marker.path = path;
	return written(w, path, tar_writer_object(&w->tar, &marker));
}

static void whiteouts_drop(struct layer_writing *w)
{
	for (size_t i = 0; i < w->n_whiteouts; i++)
		free(w->whiteouts[i]);
	w->n_whiteouts = 0;
}

static int whiteouts_add(struct layer_writing *w, const char *name)
{
	char **next = ARRAY_NEXT(w->whiteouts, w->n_whiteouts);

	(void)CHECK(*name && !strchr(name, '/'));
	if (!next)
		return image_fail_memory(w->error);
	*next = strdup(name);
	if (!*next)
		return image_fail_memory(w->error);
	w->n_whiteouts++;
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* A name may be hidden in two forms, and is told twice then. */
static int layer_end(void *arg, const struct layer_walk_entry *dir)
{
	struct layer_writing *w = arg;
	int r = 0;

	(void)CHECK(!w->tar.left);
	if (w->n_whiteouts)
		qsort(w->whiteouts, w->n_whiteouts, sizeof(*w->whiteouts), by_name);
	for (size_t i = 0; i < w->n_whiteouts && r == 0; i++)
		if (!i || strcmp(w->whiteouts[i - 1], w->whiteouts[i]) != 0)
			r = write_marker(w, dir->path, AUFS_PREFIX, w->whiteouts[i]);
	whiteouts_drop(w);
	if (r == 0 && w->options && w->options->more)
		r = w->options->more(w->options->whole_arg, &w->tar, dir->path, w->error);
	return r;
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

struct tar_object archive_object(const struct archive_options *options, const char *path, const struct statx *stx)
{
	struct tar_object o = tar_object_of(path, stx);

	if (options && options->has_latest && o.mtime >= options->latest) {
		o.mtime = options->latest;
		o.mtime_nsec = 0;
	}
	if (options && options->own_is_root) {
		o.uid = o.uid == options->own_uid ? 0 : o.uid;
		o.gid = o.gid == options->own_gid ? 0 : o.gid;
	}
	return o;
}

static int read_target(const struct layer_writing *w, const struct layer_walk_entry *e, char **ret)
{
	size_t size = (size_t)e->stx.stx_size + 1;
	_cleanup_free_ char *target = malloc(size + 1);
	ssize_t n;

	if (!target)
		return image_fail_memory(w->error);
	n = os_readlinkat(e->dirfd, e->name, target, size);
	if (n < 0)
		return written(w, e->path, (int)n);
	if ((size_t)n == size)
		return image_fail(w->error, -EAGAIN, "/%s: it changed while it was read", e->path);
	target[n] = '\0';
	*ret = TAKE_PTR(target);
	return 0;
}

static int write_content(struct layer_writing *w, const struct layer_walk_entry *e)
{
	_cleanup_close_ int fd = layer_openat(w->l, e->dirfd, e->name, O_RDONLY | O_NONBLOCK);
	int r = fd < 0 ? fd : tar_writer_content(&w->tar, fd, (int64_t)e->stx.stx_size);

	if (r == -EAGAIN)
		return image_fail(w->error, r, "/%s: it changed while it was read", e->path);
	return written(w, e->path, r);
}

static int write_object(struct layer_writing *w, const struct layer_walk_entry *e)
{
	_cleanup_(archive_xattrs_finish) struct archive_xattrs xattrs = {0};
	_cleanup_free_ char *target = NULL;
	struct tar_object o = archive_object(w->options, e->path, &e->stx);
	const char *first = NULL;
	int r = *e->path ? archive_links_find(w->links, w->l->index, &e->stx, e->path, &first) : 0;

	if (r < 0)
		return image_fail_memory(w->error);
	o.hardlink = first;
	o.link = first;
	if (S_ISLNK(o.mode)) {
		r = read_target(w, e, &target);
		o.link = target;
	}
	if (r == 0 && !first && (e->xattr_flags || !w->l->has_xattr))
		r = written(w, e->path, archive_xattrs_read(w->l, e->dirfd, e->name, &xattrs));
	if (r < 0)
		return r;
	o.xattrs = xattrs.list;
	o.n_xattrs = xattrs.n;
	r = written(w, e->path, tar_writer_object(&w->tar, &o));
	return r < 0 || !S_ISREG(o.mode) || first ? r : write_content(w, e);
}

static bool keeps_opaque(const struct layer_writing *w, const struct layer_walk_entry *dir)
{
	const struct archive_options *o = w->options;

	return dir->opaque && (!o || !o->opaque || o->opaque(o->wants_arg, dir->path));
}

/* The header of a directory comes here, and not among the entries of its parent. Programs such as GNU tar set the times
 * of a directory when they meet an entry that isn't below it. */
static int layer_begin(void *arg, const struct layer_walk_entry *dir)
{
	struct layer_writing *w = arg;
	struct layer_walk_entry e = *dir;
	int r = layer_statx_unchecked(w->l, dir->dirfd, "", &e.stx);

	whiteouts_drop(w);
	if (r == 0 && (dir->xattr_flags & XATTR_FLAG_REDIRECT) && w->options && w->options->whole) {
		r = w->options->whole(w->options->whole_arg, &w->tar, dir->path, w->error);
		return r < 0 ? r : LAYER_WALK_SKIP;
	}
	e.name = "";
	if (r < 0)
		return written(w, dir->path, r);
	if (*dir->path || !w->options || !w->options->unpacked || unpack_lists_root(&e.stx))
		r = write_object(w, &e);
	return r == 0 && keeps_opaque(w, dir) ? write_marker(w, dir->path, "", AUFS_OPAQUE) : r;
}

static int refuse_partial(const struct layer_writing *w, const struct layer_walk_entry *e)
{
	bool whole = w->options && w->options->whole;

	if (!whole && (e->xattr_flags & XATTR_FLAG_METACOPY))
		return image_fail(w->error, -EOPNOTSUPP, "/%s: its content is in a layer below (metacopy)", e->path);
	if (!whole && S_ISDIR(e->stx.stx_mode) && (e->xattr_flags & XATTR_FLAG_REDIRECT))
		return image_fail(w->error, -EOPNOTSUPP, "/%s: its content is in a layer below (redirect)", e->path);
	if (!strncmp(e->name, AUFS_PREFIX, strlen(AUFS_PREFIX)))
		return image_fail(w->error, -EINVAL, "/%s: a name that begins with .wh. can't be exported", e->path);
	return 0;
}

static int layer_entry(void *arg, struct layer_walk_entry *e)
{
	struct layer_writing *w = arg;
	int r;

	if (w->options && w->options->wants && !w->options->wants(w->options->wants_arg, e->path))
		return LAYER_WALK_SKIP;
	if (e->whiteout)
		return whiteouts_add(w, e->name);
	if (e->overmounted)
		return image_fail(w->error, -EXDEV, "/%s: a mount covers it", e->path);
	if (S_ISSOCK(e->stx.stx_mode))
		return 0;
	if (w->options && w->options->whole && S_ISREG(e->stx.stx_mode) && (e->xattr_flags & XATTR_FLAG_METACOPY))
		return w->options->whole(w->options->whole_arg, &w->tar, e->path, w->error);
	r = refuse_partial(w, e);
	return r < 0 || S_ISDIR(e->stx.stx_mode) ? r : write_object(w, e);
}

static int layer_failed(void *arg, const struct layer_walk_entry *e, int err)
{
	return written(arg, e->path, err);
}

int archive_layer(const struct layer_set *set, const struct layer *l, const struct archive_options *options,
		  archive_sink sink, void *arg, struct image_error *error)
{
	static const struct layer_walk_calls calls = {
		.entry = layer_entry, .begin = layer_begin, .end = layer_end, .failed = layer_failed};
	struct image_error why = {.text = ""};
	struct archive_links links = {.files = NULL};
	struct layer_writing w = {.set = set,
				  .l = l,
				  .options = options,
				  .links = options && options->links ? options->links : &links,
				  .error = &why};
	int r;

	if (!CHECK(set && l))
		return -EIO;
	tar_writer_init(&w.tar, sink, arg);
	r = layer_walk(set, l, LAYER_WALK_STAT | LAYER_WALK_XATTR_FLAGS | LAYER_WALK_SORTED, &calls, &w);
	if (r == 0)
		r = tar_writer_end(&w.tar);
	whiteouts_drop(&w);
	free(w.whiteouts);
	archive_links_finish(&links);
	tar_writer_finish(&w.tar);
	if (r < 0)
		return image_fail(error, r, "%s%s", l->path, *why.text ? why.text : strerror(-r));
	return r;
}

/* --- digest, environment ------------------------------------------------------------------------------------------ */

static int add_to_digest(void *arg, const void *data, size_t len)
{
	return digest_add(arg, data, len);
}

int archive_layer_digest(const struct layer_set *set, const struct layer *l, const struct archive_options *options,
			 char ret[static DIGEST_SIZE], struct image_error *error)
{
	struct digest digest;
	int r = digest_start(&digest);

	if (r < 0)
		return image_fail_memory(error);
	r = archive_layer(set, l, options, add_to_digest, &digest, error);
	if (r < 0) {
		digest_abandon(&digest);
		return r;
	}
	r = digest_finish(&digest, ret);
	return r < 0 ? image_fail_memory(error) : 0;
}

int archive_options_of_environment(struct archive_options *ret, struct image_error *error)
{
	const char *text = getenv("SOURCE_DATE_EPOCH");
	char *end;

	*ret = (struct archive_options){0};
	if (!text || !*text)
		return 0;
	errno = 0;
	ret->latest = strtoll(text, &end, 10);
	if (*end || errno || ret->latest < 0)
		return image_fail(error, -EINVAL, "SOURCE_DATE_EPOCH: \"%s\" is no number of seconds", text);
	ret->has_latest = true;
	return 0;
}

void archive_options_of_set(struct archive_options *options, const struct layer_set *set)
{
	(void)CHECK(!options->own_is_root);
	for (unsigned i = 0; set && i < set->n; i++)
		options->own_is_root |= set->layers[i].override != OVERRIDE_NONE;
	options->own_uid = geteuid();
	options->own_gid = getegid();
}
