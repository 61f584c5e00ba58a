/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing two unions, directory by directory: both are listed, and the two sorted lists are gone through side by
 * side. The directories between the root and the present path are on a stack of our own, so that a deep tree needs
 * memory and no C stack. A directory is told when the first change in it is, unless it differs by itself.
 */
#include "view/compare.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "list.h"

/* A directory that is being compared. */
struct frame {
	char *path;		   /* owned */
	struct view_list old, new; /* owned */
	size_t at_old, at_new;
	struct view_change change; /* of the directory itself; not yet told, unless `told` */
	bool told;
};

struct comparison {
	struct layer_set *old, *new;
	unsigned flags;
	const struct view_compare_calls *calls;
	void *arg;
	struct frame *frames; /* owned */
	size_t n, room;
};

/* --- telling ------------------------------------------------------------------------------------------------------ */

/* The directories above come first. */
static int compare_tell(struct comparison *c, const struct view_change *change)
{
	for (size_t i = 0; i < c->n; i++) {
		struct frame *f = &c->frames[i];
		int r;

		if (f->told)
			continue;
		f->told = true;
		f->change.path = f->path;
		r = *f->path ? c->calls->change(c->arg, &f->change) : 0;
		if (r != 0)
			return r;
	}
	return c->calls->change(c->arg, change);
}

/* --- one name ----------------------------------------------------------------------------------------------------- */

static bool compare_is_sametime(const struct statx *a, const struct statx *b)
{
	return a->stx_mtime.tv_sec == b->stx_mtime.tv_sec && a->stx_mtime.tv_nsec == b->stx_mtime.tv_nsec;
}

static bool is_node(const struct statx *stx)
{
	return S_ISCHR(stx->stx_mode) || S_ISBLK(stx->stx_mode);
}

static unsigned compare_attributes(const struct comparison *c, const struct statx *a, const struct statx *b)
{
	bool is_file = S_ISREG(a->stx_mode);
	unsigned differs = 0;

	(void)CHECK(a->stx_mode & S_IFMT && b->stx_mode & S_IFMT);
	if ((a->stx_mode & S_IFMT) != (b->stx_mode & S_IFMT))
		return VIEW_DIFFERS_TYPE;
	if (a->stx_mode != b->stx_mode && !S_ISLNK(a->stx_mode))
		differs |= VIEW_DIFFERS_MODE;
	if (a->stx_uid != b->stx_uid || a->stx_gid != b->stx_gid)
		differs |= VIEW_DIFFERS_OWNER;
	if (is_file && a->stx_size != b->stx_size)
		differs |= VIEW_DIFFERS_SIZE;
	if (is_node(a) && (a->stx_rdev_major != b->stx_rdev_major || a->stx_rdev_minor != b->stx_rdev_minor))
		differs |= VIEW_DIFFERS_DEVICE;
	if (!(c->flags & VIEW_COMPARE_CONTENT) && !S_ISLNK(a->stx_mode) && !compare_is_sametime(a, b))
		differs |= VIEW_DIFFERS_MTIME;
	return differs;
}

static int compare_add(unsigned *differs, unsigned what, int r)
{
	if (r > 0)
		*differs |= what;
	return r < 0 ? r : 0;
}

/* What two objects at one path differ in. */
static int compare_objects(const struct comparison *c, const struct view_side *a, const struct view_side *b,
			   unsigned *ret_differs)
{
	const struct statx *stx = &a->item->stx;
	bool reads = c->flags & (VIEW_COMPARE_BYTES | VIEW_COMPARE_CONTENT);
	int r;

	*ret_differs = compare_attributes(c, stx, &b->item->stx);
	if (*ret_differs & VIEW_DIFFERS_TYPE)
		return 0;
	r = compare_add(ret_differs, VIEW_DIFFERS_XATTRS, view_xattrs_differ(a, b));
	if (r == 0 && S_ISLNK(stx->stx_mode))
		r = compare_add(ret_differs, VIEW_DIFFERS_TARGET, view_targets_differ(a, b));
	if (r == 0 && S_ISREG(stx->stx_mode) && reads && !*ret_differs && stx->stx_size > 0)
		r = compare_add(ret_differs, VIEW_DIFFERS_BYTES, view_bytes_differ(a, b));
	return r;
}

/* The first layer has nothing to do with it. A path of another place is that of a renamed directory. */
static bool compare_is_untouched(const struct comparison *c, const struct view_item *old, const struct view_item *new)
{
	return (c->flags & VIEW_COMPARE_TOP) && new->layer > 0 && !new->path && !old->path && !new->no_path &&
	       !old->no_path &&new->layer == old->layer + 1;
}

static int push(struct comparison *c, const struct view_change *change, bool in_old, bool told)
{
	struct frame f = {.change = *change, .told = told};
	int r;

	if (!ARRAY_ROOM(c->frames, c->n, c->room, 1))
		return -ENOMEM;
	f.path = strdup(change->path);
	r = f.path ? 0 : -ENOMEM;
	if (r == 0 && in_old)
		r = view_list_read(c->old, f.path, c->calls->failed, c->arg, &f.old);
	if (r == 0)
		r = view_list_read(c->new, f.path, c->calls->failed, c->arg, &f.new);
	if (r != 0) {
		view_list_free(&f.old);
		free(f.path);
		return r;
	}
	c->frames[c->n++] = f;
	return 0;
}

static void pop(struct comparison *c)
{
	struct frame *f;

	(void)CHECK(c->n > 0);
	f = &c->frames[--c->n];
	view_list_free(&f->old);
	view_list_free(&f->new);
	free(f->path);
}

static int compare_deleted(struct comparison *c, const char *path, const struct view_item *old)
{
	struct view_change change = {.kind = VIEW_DELETED, .path = path, .from = old->stx};

	return compare_tell(c, &change);
}

static int added_entry(void *arg, const struct tree_walk_entry *e)
{
	struct view_change change = {.kind = VIEW_ADDED, .path = e->path, .to = e->stx};

	(void)CHECK(e->shown);
	return compare_tell(arg, &change);
}

static int added_failed(void *arg, const char *path, unsigned layer, int err)
{
	struct comparison *c = arg;

	return c->calls->failed(c->arg, path, err);
}

/* With everything in it. */
static int compare_added(struct comparison *c, const char *path)
{
	static const struct tree_walk_calls calls = {.entry = added_entry, .failed = added_failed};
	int r = tree_walk(c->new, path, TREE_WALK_STAT, &calls, c);

	return r == -ENOENT ? 0 : r;
}

static int compare_both(struct comparison *c, const char *path, const struct view_item *old,
			const struct view_item *new)
{
	struct view_side a = {.set = c->old, .path = path, .item = old}, b = {.set = c->new, .path = path, .item = new};
	struct view_change change = {.kind = VIEW_CHANGED, .path = path, .from = old->stx, .to = new->stx};
	bool is_dir = S_ISDIR(new->stx.stx_mode), tells;
	int r;

	if (compare_is_untouched(c, old, new) || old->overmounted || new->overmounted)
		return 0;
	r = compare_objects(c, &a, &b, &change.differs);
	if (r < 0)
		return r == -ENOMEM ? r : c->calls->failed(c->arg, path, r);
	tells = change.differs || ((c->flags & VIEW_COMPARE_RAW) && new->layer == 0);
	if (tells)
		r = compare_tell(c, &change);
	if (r != 0 || !is_dir)
		return r;
	return push(c, &change, S_ISDIR(old->stx.stx_mode), tells);
}

/* --- one directory ------------------------------------------------------------------------------------------------ */

/* One name of the topmost frame, which may be another one afterwards. */
static int compare_step(struct comparison *c)
{
	struct frame *f = &c->frames[c->n - 1];
	const struct view_item *old = f->at_old < f->old.n ? &f->old.items[f->at_old] : NULL;
	const struct view_item *new = f->at_new < f->new.n ? &f->new.items[f->at_new] : NULL;
	int order = !old ? 1 : !new ? -1 : strcmp(old->name, new->name);
	_cleanup_free_ char *path = NULL;

	(void)CHECK(old || new);
	if (asprintf(&path, "%s%s%s", f->path, *f->path ? "/" : "", order < 0 ? old->name : new->name) < 0)
		return -ENOMEM;
	f->at_old += order <= 0;
	f->at_new += order >= 0;
	if (order == 0)
		return compare_both(c, path, old, new);
	return order < 0 ? compare_deleted(c, path, old) : compare_added(c, path);
}

int view_compare(struct layer_set *old, struct layer_set *new, unsigned flags, const struct view_compare_calls *calls,
		 void *arg)
{
	struct comparison c = {.old = old, .new = new, .flags = flags, .calls = calls, .arg = arg};
	struct view_change root = {.kind = VIEW_CHANGED, .path = ""};
	int r;

	(void)CHECK(calls->change && calls->failed);
	r = push(&c, &root, true, true);
	while (r == 0 && c.n) {
		struct frame *f = &c.frames[c.n - 1];

		if (f->at_old == f->old.n && f->at_new == f->new.n)
			pop(&c);
		else
			r = compare_step(&c);
	}
	while (c.n)
		pop(&c);
	free(c.frames);
	return r;
}
