/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of a directory that is a layer. layer/walk.h tells all entries of a directory before it enters the first
 * of them, so the entries wait here until what is before them in the order has been told.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/meter.h"
#include "internal.h"
#include "layer/walk.h"
#include "os/fs.h"
#include <uthash.h>

/* An object that waits. */
struct waiting {
	char *path;		 /* owned */
	char *link;		 /* of a symlink; owned */
	struct view_object told; /* but for its strings */
	unsigned nlink;
};

struct frame {
	char *path; /* of the directory; owned */
	struct waiting *list;
	size_t n, room, next; /* the next that is to be told */
};

/* A file with several names, and the first of them. */
struct named {
	struct {
		uint64_t ino, dev;
	} key;
	char *path; /* owned */
	UT_hash_handle hh;
};

struct objects {
	struct frame *frames; /* owned; of the directories from the root to the present one */
	size_t n, room;
	struct named *named; /* owned */
	view_object_each each;
	void *arg;
	int result; /* of `each` that ended the walk */
	int failed; /* the first failure, and where */
	char **ret_error;
};

/* --- telling ------------------------------------------------------------------------------------------------------ */

/* The first name of a file, or NULL if this is the first. */
static int first_name(struct objects *o, const struct waiting *w, const char **ret)
{
	struct named *named, *known;

	*ret = NULL;
	if (w->nlink < 2 || !S_ISREG(w->told.mode))
		return 0;
	named = calloc(1, sizeof(*named));
	if (!named)
		return -ENOMEM;
	named->key.ino = w->told.ino;
	named->key.dev = w->told.dev;
	HASH_FIND(hh, o->named, &named->key, sizeof(named->key), known);
	if (known) {
		free(named);
		*ret = known->path;
		return 0;
	}
	named->path = strdup(w->path);
	if (!named->path) {
		free(named);
		return -ENOMEM;
	}
	HASH_ADD(hh, o->named, key, sizeof(named->key), named);
	return 0;
}

static int objects_tell(struct objects *o, struct waiting *w)
{
	struct view_object told = w->told;
	const char *first;
	int r = first_name(o, w, &first);

	(void)CHECK(w->path && !o->result);
	if (r < 0)
		return r;
	told.path = w->path;
	told.link = first ? first : w->link;
	told.hardlink = first != NULL;
	if (first)
		told.size = told.allocated = 0;
	o->result = o->each(o->arg, &told);
	return o->result ? -ECANCELED : 0;
}

static void waiting_free(struct waiting *w)
{
	free(w->path);
	free(w->link);
}

/* Tells what waits in the frame, up to the object `last` and with it; NULL: all. */
static int frame_tell(struct objects *o, struct frame *f, const char *last)
{
	int r = 0;

	while (r == 0 && f->next < f->n) {
		struct waiting *w = &f->list[f->next++];
		bool is_last = last && !strcmp(w->path, last);

		r = objects_tell(o, w);
		waiting_free(w);
		if (is_last)
			break;
	}
	return r;
}

static void frame_free(struct frame *f)
{
	while (f->next < f->n)
		waiting_free(&f->list[f->next++]);
	free(f->list);
	free(f->path);
}

static bool is_within(const char *path, const char *dir)
{
	size_t len = strlen(dir);

	return !len || (!strncmp(path, dir, len) && path[len] == '/');
}

/* Ends the frames of the directories that `path` isn't in. */
static int frames_leave(struct objects *o, const char *path)
{
	int r = 0;

	while (r == 0 && o->n && !(path && is_within(path, o->frames[o->n - 1].path))) {
		r = frame_tell(o, &o->frames[o->n - 1], NULL);
		frame_free(&o->frames[--o->n]);
	}
	return r;
}

/* --- what the walk tells ------------------------------------------------------------------------------------------ */

static int objects_begin(void *arg, const struct layer_walk_entry *dir)
{
	struct objects *o = arg;
	struct frame *f;
	int r = *dir->path ? frames_leave(o, dir->path) : 0;

	if (r == 0 && o->n)
		r = frame_tell(o, &o->frames[o->n - 1], dir->path);
	if (r < 0)
		return r;
	if (!ARRAY_ROOM(o->frames, o->n, o->room, 1))
		return -ENOMEM;
	f = &o->frames[o->n];
	*f = (struct frame){.path = strdup(dir->path)};
	if (!f->path)
		return -ENOMEM;
	o->n++;
	return 0;
}

static int waiting_by_path(const void *a, const void *b)
{
	return strcmp(((const struct waiting *)a)->path, ((const struct waiting *)b)->path);
}

/* A whiteout beside an object of its name: the object shows, and nothing of the layers below in it. */
static void waiting_merge(struct waiting *w, struct waiting *other)
{
	if (w->told.whiteout) {
		struct waiting swap = *w;

		*w = *other;
		*other = swap;
	}
	(void)CHECK(other->told.whiteout);
	w->told.opaque |= S_ISDIR(w->told.mode) && other->told.whiteout;
	waiting_free(other);
}

/* The walk enters directories by their names; `.wh.NAME` is told as NAME, so the entries aren't sorted yet. */
static int objects_end(void *arg, const struct layer_walk_entry *dir)
{
	struct objects *o = arg;
	struct frame *f = &o->frames[o->n - 1];
	size_t n = 0;

	(void)CHECK(o->n > 0);
	if (f->n)
		qsort(f->list, f->n, sizeof(*f->list), waiting_by_path);
	for (size_t i = 0; i < f->n; i++) {
		if (n && !strcmp(f->list[n - 1].path, f->list[i].path))
			waiting_merge(&f->list[n - 1], &f->list[i]);
		else
			f->list[n++] = f->list[i];
	}
	f->n = n;
	return 0;
}

static struct view_object object_of(const struct layer_walk_entry *e)
{
	const struct statx *stx = &e->stx;
	bool has_size = S_ISREG(stx->stx_mode);

	if (e->whiteout)
		return (struct view_object){.whiteout = true};
	return (struct view_object){.size = has_size ? stx->stx_size : 0,
				    .allocated = stx->stx_mask & STATX_BLOCKS ? stx->stx_blocks * 512 : 0,
				    .mode = stx->stx_mode,
				    .uid = stx->stx_uid,
				    .gid = stx->stx_gid,
				    .major = stx->stx_rdev_major,
				    .minor = stx->stx_rdev_minor,
				    .mtime = stx->stx_mtime.tv_sec,
				    .mtime_nsec = stx->stx_mtime.tv_nsec,
				    .opaque = e->opaque,
				    .redirect = e->xattr_flags & XATTR_FLAG_REDIRECT,
				    .metacopy = e->xattr_flags & XATTR_FLAG_METACOPY,
				    .ino = stx->stx_ino,
				    .dev = makedev(stx->stx_dev_major, stx->stx_dev_minor)};
}

static int target_of(const struct layer_walk_entry *e, char **ret)
{
	char target[PATH_MAX];
	ssize_t n = os_readlinkat(e->dirfd, e->name, target, sizeof(target));

	(void)CHECK(S_ISLNK(e->stx.stx_mode));
	if (n < 0)
		return (int)n;
	*ret = strndup(target, (size_t)n);
	return *ret ? 0 : -ENOMEM;
}

static int objects_failed(void *arg, const struct layer_walk_entry *e, int err)
{
	struct objects *o = arg;

	if (!o->failed)
		o->failed = view_refuse(o->ret_error, err, "%s/%s: %s", e->layer->path, e->path, strerror(-err));
	return 0;
}

static int objects_entry(void *arg, struct layer_walk_entry *e)
{
	struct objects *o = arg;
	struct waiting w = {.told = object_of(e), .nlink = e->whiteout ? 1 : e->stx.stx_nlink};
	struct frame *f = o->n ? &o->frames[o->n - 1] : NULL;
	int r = 0;

	meter_objects(1);
	if (!e->whiteout && S_ISLNK(e->stx.stx_mode))
		r = target_of(e, &w.link);
	if (r < 0)
		return r == -ENOENT ? 0 : r == -ENOMEM ? r : objects_failed(o, e, r);
	w.path = strdup(e->path);
	if (!w.path || (f && !ARRAY_ROOM(f->list, f->n, f->room, 1))) {
		waiting_free(&w);
		return -ENOMEM;
	}
	if (f) {
		f->list[f->n++] = w;
		return 0;
	}
	r = objects_tell(o, &w);
	waiting_free(&w);
	return r;
}

int view_objects_each(const struct layer_set *set, const struct layer *l, view_object_each each, void *arg,
		      char **ret_error)
{
	static const struct layer_walk_calls calls = {
		.entry = objects_entry, .begin = objects_begin, .end = objects_end, .failed = objects_failed};
	struct objects o = {.each = each, .arg = arg, .ret_error = ret_error};
	struct named *named, *next;
	int r = layer_walk(set, l, LAYER_WALK_STAT | LAYER_WALK_XATTR_FLAGS | LAYER_WALK_SORTED, &calls, &o);

	if (r == 0)
		r = frames_leave(&o, NULL);
	while (o.n)
		frame_free(&o.frames[--o.n]);
	free(o.frames);
	HASH_ITER(hh, o.named, named, next) {
		HASH_DEL(o.named, named);
		free(named->path);
		free(named);
	}
	if (r == -ECANCELED && o.result)
		return o.result;
	if (r < 0)
		return view_refuse(ret_error, r, "%s: %s", l->path, strerror(-r));
	return o.failed;
}
