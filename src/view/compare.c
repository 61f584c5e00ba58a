/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparing two unions, directory by directory: both are listed, and the two sorted lists are gone through side by
 * side. Where the topmost layer says all, the lists have the names of its directory only. The directories between the
 * root and the present path are on a stack of our own, so that a deep tree needs memory and no C stack. Whether a
 * directory is told may turn out behind changes in it, which wait meanwhile.
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
#include "layer/index.h"
#include "list.h"
#include "os/fs.h"

/* A directory that is being compared. */
struct frame {
	char *path;		   /* owned */
	struct view_list old, new; /* owned */
	size_t at_old, at_new;
	struct view_change change; /* of the directory itself; not yet told, unless `told` */
	bool told;
	size_t n_before;  /* changes that waited when it was entered */
	bool is_plain;	  /* what the topmost layer doesn't have in it is the same in both */
	bool is_replaced; /* with RAW: nothing that isn't there any more is told */
};

struct comparison {
	struct view_union *old, *new;
	unsigned flags;
	const struct view_compare_calls *calls;
	void *arg;
	struct frame *frames; /* owned */
	size_t n, room;
	/* Changes in directories of which it isn't known whether they are told; owned, with their paths. */
	struct view_change *waiting;
	size_t n_waiting, waiting_room;
};

/* --- telling ------------------------------------------------------------------------------------------------------ */

/* As podman has it in libpod/diff.go. */
static bool is_podmans(const char *path)
{
	static const char *const paths[] = {
		"dev",	"etc/hostname", "etc/hosts",	     "etc/mtab",   "etc/resolv.conf",
		"proc", "run",		"run/.containerenv", "run/notify", "run/secrets",
		"sys"};

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		if (!strcmp(path, paths[i]))
			return true;
	return false;
}

static int compare_tell_one(struct comparison *c, const struct view_change *change)
{
	if (!*change->path || ((c->flags & VIEW_COMPARE_CONTAINER) && is_podmans(change->path)))
		return 0;
	return c->calls->change(c->arg, change);
}

/* Tells the changes that wait, from number `from` up to number `to`. */
static int compare_tell_waiting(struct comparison *c, size_t from, size_t to)
{
	int r = 0;

	(void)CHECK(to <= c->n_waiting);
	for (size_t i = from; i < to && r == 0; i++)
		r = compare_tell_one(c, &c->waiting[i]);
	return r;
}

static void compare_forget_waiting(struct comparison *c)
{
	for (size_t i = 0; i < c->n_waiting; i++)
		free((char *)c->waiting[i].path);
	c->n_waiting = 0;
}

/* Tells all that waits; with `dirs` also the directories on the way, each before what is in it. */
static int compare_flush(struct comparison *c, bool dirs)
{
	size_t done = 0;
	int r = 0;

	for (size_t i = 0; i < c->n && dirs && r == 0; i++) {
		struct frame *f = &c->frames[i];

		if (f->told)
			continue;
		r = compare_tell_waiting(c, done, f->n_before);
		done = f->n_before;
		f->told = true;
		f->change.path = f->path;
		if (r == 0)
			r = compare_tell_one(c, &f->change);
	}
	if (r == 0)
		r = compare_tell_waiting(c, done, c->n_waiting);
	compare_forget_waiting(c);
	return r;
}

static bool compare_waits(const struct comparison *c)
{
	bool waits = false;

	for (size_t i = 0; i < c->n; i++)
		waits |= !c->frames[i].told;
	return waits;
}

static int compare_wait(struct comparison *c, const struct view_change *change)
{
	struct view_change *copy;

	if (!ARRAY_ROOM(c->waiting, c->n_waiting, c->waiting_room, 1))
		return -ENOMEM;
	copy = &c->waiting[c->n_waiting];
	*copy = *change;
	copy->path = strdup(change->path);
	c->n_waiting += copy->path != NULL;
	return copy->path ? 0 : -ENOMEM;
}

/* Something that comes or goes changes all directories above. */
static int compare_tell(struct comparison *c, const struct view_change *change)
{
	bool comes = change->kind != VIEW_CHANGED;
	int r = 0;

	if (!comes && compare_waits(c))
		return compare_wait(c, change);
	if (comes)
		r = compare_flush(c, true);
	return r == 0 ? compare_tell_one(c, change) : r;
}

/* --- one name ----------------------------------------------------------------------------------------------------- */

static bool compare_is_sametime(const struct comparison *c, const struct statx *a, const struct statx *b)
{
	bool is_coarse = c->old->merged || c->new->merged;

	if (a->stx_mtime.tv_sec != b->stx_mtime.tv_sec)
		return false;
	return a->stx_mtime.tv_nsec == b->stx_mtime.tv_nsec ||
	       (is_coarse && (!a->stx_mtime.tv_nsec || !b->stx_mtime.tv_nsec));
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
	if (!(c->flags & VIEW_COMPARE_CONTENT) && !S_ISLNK(a->stx_mode) && !compare_is_sametime(c, a, b))
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
	if (c->new->merged)
		return (c->flags & VIEW_COMPARE_TOP) && new->layer == old->layer &&new->layer > 0;
	return (c->flags & VIEW_COMPARE_TOP) && new->layer > 0 && !new->path && !old->path && !new->no_path &&
	       !old->no_path &&new->layer == old->layer + 1;
}

/* --- directories on the way --------------------------------------------------------------------------------------- */

/* Whether the two directories have the same parts but the topmost one. `old` may be NULL. */
static bool compare_is_plain(const struct view_item *old, const struct view_item *new)
{
	return old && new->layer == 0 && S_ISDIR(old->stx.stx_mode) && S_ISDIR(new->stx.stx_mode) && !new->path &&
	       !old->path && !new->no_path && !(new->xattr_flags &XATTR_FLAG_REDIRECT) &&
	       new->n_parts == old->n_parts + 1;
}

/* The names of the topmost layer, in both unions. */
static int compare_read_top(struct comparison *c, struct frame *f)
{
	_cleanup_free_ char *path = NULL;
	char **names = NULL;
	size_t n = 0;
	int r = view_top_names(c->new, f->path, &names, &n);

	if (r < 0 && r != -ENOMEM)
		r = r == -ENOENT || r == -ENOTDIR ? 0 : c->calls->failed(c->arg, f->path, r);
	for (size_t i = 0; i < n && r == 0; i++) {
		free(path);
		if (asprintf(&path, "%s%s%s", f->path, *f->path ? "/" : "", names[i]) < 0) {
			path = NULL;
			r = -ENOMEM;
			break;
		}
		r = view_list_look(c->new, path, c->calls->failed, c->arg, &f->new);
		if (r == 0)
			r = view_list_look(c->old, path, c->calls->failed, c->arg, &f->old);
	}
	for (size_t i = 0; i < n; i++)
		free(names[i]);
	free(names);
	return r;
}

static int compare_read(struct comparison *c, struct frame *f, const struct view_item *old, const struct view_item *new)
{
	int r = 0;

	if (f->is_plain)
		return compare_read_top(c, f);
	if (old)
		r = view_list_read(c->old, f->path, old->node, c->calls->failed, c->arg, &f->old);
	if (r == 0)
		r = view_list_read(c->new, f->path, new->node, c->calls->failed, c->arg, &f->new);
	return r;
}

static void compare_frame_free(struct frame *f)
{
	view_list_free(&f->old);
	view_list_free(&f->new);
	free(f->path);
}

/* `old` is NULL where it is no directory. */
static int push(struct comparison *c, const struct view_change *change, const struct view_item *old,
		const struct view_item *new, bool told)
{
	struct frame f = {.change = *change, .told = told, .n_before = c->n_waiting};
	const struct frame *above;
	int r;

	if (!ARRAY_ROOM(c->frames, c->n, c->room, 1))
		return -ENOMEM;
	above = c->n ? &c->frames[c->n - 1] : NULL;
	f.is_plain = (above ? above->is_plain : c->flags & VIEW_COMPARE_TOP) && compare_is_plain(old, new);
	f.is_replaced = above && above->is_replaced;
	f.path = strdup(change->path);
	r = f.path ? compare_read(c, &f, old, new) : -ENOMEM;
	if (r != 0) {
		compare_frame_free(&f);
		return r;
	}
	c->frames[c->n++] = f;
	return 0;
}

static int pop(struct comparison *c)
{
	(void)CHECK(c->n > 0);
	compare_frame_free(&c->frames[--c->n]);
	return c->n_waiting && !compare_waits(c) ? compare_flush(c, false) : 0;
}

/* --- one name ----------------------------------------------------------------------------------------------------- */

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

static int added_nodes(struct comparison *c, uint32_t top)
{
	const struct merged *m = c->new->merged;
	int r = 0;

	for (uint32_t at = top; at != MERGED_NONE && r == 0; at = merged_next(m, top, at)) {
		_cleanup_free_ char *path = merged_path(m, at);
		struct view_change change = {.kind = VIEW_ADDED, .path = path, .to = view_item_of_node(m, at).stx};

		r = path ? compare_tell(c, &change) : -ENOMEM;
	}
	return r;
}

/* With everything in it. */
static int compare_added(struct comparison *c, const char *path, const struct view_item *new)
{
	static const struct tree_walk_calls calls = {.entry = added_entry, .failed = added_failed};
	int r = c->new->merged ? added_nodes(c, new->node) : tree_walk(c->new->set, path, TREE_WALK_STAT, &calls, c);

	return r == -ENOENT ? 0 : r;
}

/* Whether podman tells of an object of the first layer that differs in nothing. */
static bool compare_is_told(const struct comparison *c, const struct view_item *old, const struct view_item *new)
{
	if (new->layer > 0)
		return false;
	if (S_ISDIR(new->stx.stx_mode))
		return (c->flags & VIEW_COMPARE_CONTAINER) && old->stx.stx_size != new->stx.stx_size;
	return c->flags & VIEW_COMPARE_RAW;
}

/* A directory of the first layer in the place of another object: a file, or a directory of which nothing shows. */
static bool compare_replaces(const struct comparison *c, const struct view_item *old, const struct view_item *new)
{
	return (c->flags & VIEW_COMPARE_RAW) && new->layer == 0 && S_ISDIR(new->stx.stx_mode) &&
	       (!S_ISDIR(old->stx.stx_mode) || (c->new->set &&new->n_parts == 1));
}

static int compare_both(struct comparison *c, const char *path, const struct view_item *old,
			const struct view_item *new)
{
	struct view_side a = {.u = c->old, .path = path, .item = old}, b = {.u = c->new, .path = path, .item = new};
	struct view_change change = {.kind = VIEW_CHANGED, .path = path, .from = old->stx, .to = new->stx};
	bool is_dir = S_ISDIR(new->stx.stx_mode), tells, replaces;
	int r;

	if (compare_is_untouched(c, old, new) || old->overmounted || new->overmounted)
		return 0;
	r = compare_objects(c, &a, &b, &change.differs);
	if (r < 0)
		return r == -ENOMEM ? r : c->calls->failed(c->arg, path, r);
	replaces = !c->frames[c->n - 1].is_replaced && compare_replaces(c, old, new);
	tells = change.differs || replaces || compare_is_told(c, old, new);
	if (replaces)
		change = (struct view_change){.kind = VIEW_DELETED, .path = path, .from = old->stx};
	if (tells)
		r = compare_tell(c, &change);
	if (r != 0 || !is_dir)
		return r;
	r = push(c, &change, S_ISDIR(old->stx.stx_mode) ? old : NULL, new, tells);
	if (r == 0 && replaces)
		c->frames[c->n - 1].is_replaced = true;
	return r;
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

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
	if (order > 0)
		return compare_added(c, path, new);
	return f->is_replaced ? 0 : compare_deleted(c, path, old);
}

static int any_entry(void *arg, const struct os_dirent *e)
{
	return 1;
}

/* Names that the first layer doesn't have may lead to files of it. */
static bool leads_elsewhere(const struct view_union *u)
{
	int fd = u->set && u->set->index ? index_fd(u->set) : -ENOENT;

	return fd == -ENOENT ? false : fd < 0 || os_read_dir(fd, any_entry, NULL) != 0;
}

/* The roots, which have no name. */
static int compare_roots(struct comparison *c)
{
	struct view_change root = {.kind = VIEW_CHANGED, .path = ""};
	struct view_list old = {.n = 0}, new = {.n = 0};
	struct view_item none = {.layer = UINT16_MAX};
	int r = 0;

	if (c->old->looks && c->new->looks && !leads_elsewhere(c->new)) {
		r = view_list_look(c->old, "", c->calls->failed, c->arg, &old);
		if (r == 0)
			r = view_list_look(c->new, "", c->calls->failed, c->arg, &new);
	}
	if (r == 0)
		r = push(c, &root, old.n ? old.items : &none, new.n ? new.items : &none, true);
	view_list_free(&old);
	view_list_free(&new);
	return r;
}

int view_compare(struct view_union *old, struct view_union *new, unsigned flags, const struct view_compare_calls *calls,
		 void *arg)
{
	struct comparison c = {.old = old, .new = new, .flags = flags, .calls = calls, .arg = arg};
	int r;

	(void)CHECK(calls->change && calls->failed);
	r = compare_roots(&c);
	while (r == 0 && c.n) {
		struct frame *f = &c.frames[c.n - 1];

		if (f->at_old == f->old.n && f->at_new == f->new.n)
			r = pop(&c);
		else
			r = compare_step(&c);
	}
	compare_forget_waiting(&c);
	while (c.n)
		(void)pop(&c);
	free(c.waiting);
	free(c.frames);
	return r;
}
