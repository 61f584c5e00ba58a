// SPDX-License-Identifier: Apache-2.0
#include "store/conflict.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/macros.h"
#include "image/error.h"
#include "layer/walk.h"
#include "os/fs.h"
#include "store/same.h"
#include "tree/walk.h"
#include <uthash.h>

#define NO_CONFLICT (-1)

struct told_path {
	UT_hash_handle hh;
	char path[];
};

struct conflicts {
	struct layer_set *old, *new;
	struct tree_looks *in_old, *in_new;
	struct told_path *told;
	void (*each)(void *arg, enum conflict_kind kind, const char *path);
	void *arg;
	struct image_error *error;
};

/* What a base shows at a path. */
struct shown_object {
	const struct layer_set *set;
	bool shown;
	struct statx stx;
	struct same_object object;
};

static int open_in_base(void *arg, const struct tree_walk_entry *e)
{
	struct shown_object *o = arg;
	_cleanup_free_ char *path = NULL;
	int r = tree_walk_layer_path(e, &path);

	(void)CHECK(e->shown && o->object.fd < 0);
	if (r < 0)
		return r;
	o->shown = true;
	o->stx = e->stx;
	o->object.layer = &o->set->layers[e->layer];
	o->object.stx = &o->stx;
	o->object.fd = layer_open_path(o->object.layer, path, O_PATH);
	return MIN(o->object.fd, 0);
}

static void shown_finish(struct shown_object *o)
{
	cleanup_close(&o->object.fd);
}
#define _cleanup_shown_ _cleanup_(shown_finish)

static int find_shown(struct tree_looks *looks, const struct layer_set *set, const char *path, struct shown_object *ret)
{
	int r;

	*ret = (struct shown_object){.set = set, .object.fd = -1};
	r = tree_looks_at(looks, path, open_in_base, ret);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r;
}

static bool is_shown_dir(const struct shown_object *o)
{
	return o->shown && S_ISDIR(o->stx.stx_mode);
}

/* 1: both bases show the same. */
static int bases_agree(const struct shown_object *old, const struct shown_object *new)
{
	if (!old->shown || !new->shown)
		return old->shown == new->shown;
	return store_same(&old->object, &new->object, false);
}

/* --- whiteouts ---------------------------------------------------------------------------------------------------- */

/* An object of the new base that the old one shows otherwise ends the walk. */
static int differs_from_old(void *arg, const struct tree_walk_entry *e)
{
	struct conflicts *c = arg;
	_cleanup_shown_ struct shown_object old = {.object.fd = -1}, new = {.set = c->new, .object.fd = -1};
	int r = open_in_base(&new, e);

	if (r == 0)
		r = find_shown(c->in_old, c->old, e->path, &old);
	if (r == 0)
		r = bases_agree(&old, &new);
	return r < 0 ? r : r > 0 ? 0 : TREE_WALK_PRUNE + 1;
}

/* Something is hidden with all that is in it: 1 if the new base has something else there. */
static int hides_other(struct conflicts *c, const char *path)
{
	static const struct tree_walk_calls calls = {.entry = differs_from_old};
	int r = tree_walk(c->new, path, TREE_WALK_STAT, &calls, c);

	(void)CHECK(*path);
	return r == -ENOENT || r == -ENOTDIR ? 0 : r > 0 ? 1 : r;
}

static int conflict_of_whiteout(struct conflicts *c, const char *path, const struct shown_object *old,
				const struct shown_object *new)
{
	int r;

	if (!new->shown)
		return old->shown ? CONFLICT_NOTHING : NO_CONFLICT;
	if (!old->shown)
		return CONFLICT_ADDED;
	r = hides_other(c, path);
	return r < 0 ? r - 1 : r ? CONFLICT_CHANGED : NO_CONFLICT;
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

/* Results below NO_CONFLICT are -errno - 1. */
static int conflict_of_object(struct conflicts *c, const struct layer_walk_entry *e, const struct shown_object *old,
			      const struct shown_object *new)
{
	bool is_dir = S_ISDIR(e->stx.stx_mode);
	_cleanup_close_ int fd = -1;
	int r;

	if (!new->shown)
		return old->shown && !is_dir ? CONFLICT_DELETED : NO_CONFLICT;
	r = bases_agree(old, new);
	if (r != 0)
		return r < 0 ? r - 1 : NO_CONFLICT;
	if (is_dir != is_shown_dir(new))
		return CONFLICT_TYPE;
	if (is_dir && e->opaque) {
		r = hides_other(c, e->path);
		if (r != 0)
			return r < 0 ? r - 1 : CONFLICT_CHANGED;
	}
	fd = layer_openat(e->layer, e->dirfd, e->name, O_PATH);
	r = fd < 0 ? fd
		   : store_same(&(struct same_object){.layer = e->layer, .fd = fd, .stx = &e->stx}, &new->object,
				false);
	if (r != 0)
		return r < 0 ? r - 1 : NO_CONFLICT;
	return old->shown ? CONFLICT_CHANGED : CONFLICT_ADDED;
}

static int tell_conflict(struct conflicts *c, enum conflict_kind kind, const char *path)
{
	size_t len = strlen(path);
	struct told_path *known;

	HASH_FIND(hh, c->told, path, len, known);
	if (known)
		return 0;
	known = calloc(1, sizeof(*known) + len + 1);
	if (!known)
		return image_fail_memory(c->error);
	memcpy(known->path, path, len);
	HASH_ADD_KEYPTR(hh, c->told, known->path, len, known);
	c->each(c->arg, kind, path);
	return 0;
}

static int conflict_entry(void *arg, struct layer_walk_entry *e)
{
	struct conflicts *c = arg;
	_cleanup_shown_ struct shown_object old = {.object.fd = -1}, new = {.object.fd = -1};
	int kind, r;

	if (!*e->path)
		return 0;
	r = find_shown(c->in_old, c->old, e->path, &old);
	if (r == 0)
		r = find_shown(c->in_new, c->new, e->path, &new);
	if (r < 0)
		return image_fail(c->error, r, "/%s: %s", e->path, strerror(-r));
	kind = e->whiteout ? conflict_of_whiteout(c, e->path, &old, &new) : conflict_of_object(c, e, &old, &new);
	if (kind == NO_CONFLICT)
		return 0;
	if (kind < NO_CONFLICT)
		return image_fail(c->error, kind + 1, "/%s: %s", e->path, strerror(-(kind + 1)));
	r = tell_conflict(c, (enum conflict_kind)kind, e->path);
	/* All in it would be one too. */
	return r < 0 || kind != CONFLICT_TYPE ? r : LAYER_WALK_SKIP;
}

static int conflict_failed(void *arg, const struct layer_walk_entry *e, int err)
{
	const struct conflicts *c = arg;

	return image_fail(c->error, err, "/%s: %s", e->path, strerror(-err));
}

int store_find_conflicts(const struct layer_set *set, unsigned n, struct layer_set *old, struct layer_set *new,
			 void (*each)(void *arg, enum conflict_kind kind, const char *path), void *arg,
			 struct image_error *error)
{
	static const struct layer_walk_calls calls = {.entry = conflict_entry, .failed = conflict_failed};
	struct image_error why = {.text = ""};
	struct conflicts c = {.old = old, .new = new, .each = each, .arg = arg, .error = &why};
	struct told_path *one, *next;
	int r = tree_looks_new(old, &c.in_old);

	(void)CHECK(n < set->n);
	if (r == 0)
		r = tree_looks_new(new, &c.in_new);
	for (unsigned i = n; i-- > 0 && r == 0;)
		r = layer_walk(set, &set->layers[i], LAYER_WALK_STAT | LAYER_WALK_XATTR_FLAGS | LAYER_WALK_SORTED,
			       &calls, &c);
	tree_looks_free(c.in_old);
	tree_looks_free(c.in_new);
	HASH_ITER(hh, c.told, one, next) {
		HASH_DEL(c.told, one);
		free(one);
	}
	return r < 0 ? image_fail(error, r, "%s", *why.text ? why.text : strerror(-r)) : 0;
}
