/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver: which layers hold a name of a directory, and what it is.
 *
 * The search runs down the directory's stack, which names only layers that really hold the directory. Each layer
 * answers one of three: nothing of this name, a whiteout, or an object. The topmost object decides; only directories go
 * on, collecting what merges beneath them.
 *
 * Probes that find nothing are counted in the directory. When they have cost about as much as reading it, its listing
 * is built, and from then on a miss costs no system call and a hit starts in the layer that has it: a lookup doesn't
 * grow with the number of layers.
 *
 * What an object that is met means for the search is in resolve_object.c.
 */
#include "resolve_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/macros.h"
#include "layer/catalog.h"

/* Wasted probes that are worth a listing. */
#define WASTE_LIMIT 64

static bool from_roots(const struct search *s)
{
	return s->path && s->path[0] == '/';
}

/* Asks one layer. */
static int resolve_step(struct search *s, struct dirref *ref)
{
	const struct layer *l = &s->tree->layers->layers[ref->layer];
	const char *name = search_name(s);
	unsigned redirects = s->redirects;
	struct dirfd fd;
	struct probe p;
	int res = probe_name(s->tree, s->dir, ref, name, &fd, &p);

	s->last = ref->layer;
	if (res == PROBE_OBJECT) {
		res = resolve_object(s, l, fd.fd, name, &p);
	} else if (res == PROBE_WHITEOUT) {
		s->done = true;
		s->r->upper_whiteout = l->upper && !s->found;
		res = 0;
	} else if (res == PROBE_NOTHING) {
		s->wasted++;
	} else if (res == PROBE_NOWHERE) {
		res = 0;
	}
	resolve_end_below(s, &p, redirects);
	dirfd_put(s->tree, &fd);
	return res;
}

/* Before one more layer is asked. */
static int check_goes_on(const struct search *s)
{
	return s->metacopy && !s->tree->layers->follow_metacopy ? resolve_refuse_metacopy() : 0;
}

static int resolve_search(struct search *s, unsigned first, unsigned last)
{
	const struct layer_set *set = s->tree->layers;
	struct dir *d = s->dir->dir;
	int res = 0;

	/* By the depth as it was at the start: the upper may be added meanwhile, which shifts the numbers of dir_ref().
	 * Of another name than the one that was asked for the listing knows nothing. */
	for (unsigned i = 0; i < s->depth && !s->done && res == 0 && !from_roots(s); i++) {
		struct dirref *ref = i < s->depth - d->n_lower ? &d->upper : &d->lower[i - (s->depth - d->n_lower)];

		if (s->path || s->metacopy || (ref->layer >= first && ref->layer <= last))
			res = check_goes_on(s) ?: resolve_step(s, ref);
	}
	if (!from_roots(s))
		return res;
	for (unsigned i = s->last + 1; i < set->n && !s->done && res == 0; i++)
		res = check_goes_on(s) ?: resolve_walk(s, &set->layers[i]);
	return res;
}

/* The union's inode number: that of the lower object it comes from, so that it stays over copy-up and remount. */
static void resolve_ino(struct search *s)
{
	const struct layer_set *set = s->tree->layers;
	struct resolved *r = s->r;

	if (r->n_lower) {
		const struct dirref *top = &r->lower[0];

		r->ino = s->lower_ino ? s->lower_ino : layer_union_ino(set, dirref_object(top));
		r->has_origin = true;
	} else if (s->origin_ino) {
		r->ino = s->origin_ino;
		r->has_origin = true;
	} else {
		r->ino = layer_union_ino(set, r->id);
		r->has_origin = !set->layers[r->layer].upper;
	}
}

static void count_waste(struct search *s)
{
	unsigned before;

	if (!s->wasted || s->depth < 2 || s->tree->revalidate)
		return;
	before = atomic_fetch_add_explicit(&s->dir->dir->misses, s->wasted, memory_order_relaxed);
	if (before + s->wasted < WASTE_LIMIT)
		return;
	/* Whether it succeeds or not: the next try has to be earned again. */
	atomic_store_explicit(&s->dir->dir->misses, 0, memory_order_relaxed);
	listing_try_build(s->tree, s->dir);
}

/* Which layers to ask, from the kept listing. False when the name is absent and no layer needs to be asked. */
static bool search_range(struct search *s, unsigned *ret_first, unsigned *ret_last)
{
	struct listing_hint hint = {.answer = LISTING_UNKNOWN};

	*ret_first = 0;
	*ret_last = UINT16_MAX;
	if (!s->tree->revalidate)
		listing_probe(s->tree, s->dir, s->name, &hint);
	if (hint.answer == LISTING_PRESENT) {
		*ret_first = hint.layer;
		*ret_last = MAX(hint.layer, hint.last_layer);
	} else if (hint.answer == LISTING_ABSENT) {
		/* Only whether the upper has a whiteout may be left to ask. */
		*ret_last = 0;
		return hint.may_whiteout && s->tree->layers->has_upper;
	}
	return true;
}

static int resolve_run(struct search *s)
{
	unsigned first, last;
	int res;

	if (!search_range(s, &first, &last))
		return -ENOENT;
	res = resolve_search(s, first, last);
	if (res == 0 && !s->found && !s->r->upper_whiteout && first > 0) {
		/* The listing promised it: the layer was changed underneath. */
		s->done = false;
		res = resolve_search(s, 0, UINT16_MAX);
	}
	if (res == 0 && s->metacopy)
		res = resolve_data_elsewhere(s);
	if (res < 0)
		return res;
	count_waste(s);
	if (!s->found)
		return -ENOENT;
	resolve_ino(s);
	return 0;
}

static int resolve_once(struct tree *tree, struct inode *dir, const char *name, struct resolved *ret)
{
	struct search s = {.tree = tree, .r = ret, .dir = dir, .name = name};
	int res;

	memset(ret, 0, sizeof(*ret));
	s.depth = dir_depth(dir->dir);
	res = resolve_run(&s);
	free(s.path);
	if (res < 0)
		resolved_finish(ret);
	return res;
}

/* Another mount hides the last name of a copy before it takes the entry out of the index. Where that is missed, the name may have gone since it
 * was looked at. */
static bool may_have_gone(const struct tree *tree, const struct resolved *r)
{
	return tree->layers->shows_upper && r->index_name && !r->indexed;
}

int resolve_child(struct tree *tree, struct inode *dir, const char *name, struct resolved *ret)
{
	int res;

	memset(ret, 0, sizeof(*ret));
	if (!CHECK(inode_is_dir(dir)))
		return -EIO;
	if (strlen(name) > TREE_NAME_MAX)
		return -ENAMETOOLONG;
	if (inode_is_unlinked(dir) || layer_reserves_name(tree->layers, name))
		return -ENOENT;
	res = resolve_once(tree, dir, name, ret);
	if (res < 0 || !may_have_gone(tree, ret))
		return res;
	resolved_finish(ret);
	return resolve_once(tree, dir, name, ret);
}

void resolved_finish(struct resolved *r)
{
	for (unsigned i = 0; i < r->n_lower; i++)
		free(r->lower[i].path);
	free(r->lower);
	free(r->index_name);
	r->index_name = NULL;
	free(r->data_path);
	r->data_path = NULL;
	r->lower = NULL;
	r->n_lower = 0;
}

int resolve_lower_positive(struct tree *tree, struct inode *dir, const char *name)
{
	if (!CHECK(inode_is_dir(dir)))
		return -EIO;
	for (unsigned i = 0; i < dir->dir->n_lower; i++) {
		struct dirref *ref = &dir->dir->lower[i];
		struct dirfd fd;
		struct probe p;
		int res = probe_name(tree, dir, ref, name, &fd, &p);

		dirfd_put(tree, &fd);
		if (res == PROBE_NOWHERE)
			continue;
		if (res != PROBE_NOTHING || p.hides_below)
			return res == PROBE_OBJECT ? 1 : MIN(res, 0);
	}
	return 0;
}

/* A root merges whatever its attributes say, as in kernel overlayfs; only that it may hold whiteouts of the xattr form
 * is heeded, and an archive's mark that a layer begins anew. */
static int resolve_root_layer(struct search *s, const struct layer_set *set, const struct layer *l)
{
	struct probe p = {.record = layer_catalog_root(l)};
	int res = layer_statx_uncovered(l, l->root_fd, "", &p.stx);

	if (res == 0)
		res = layer_root_object(set, l, &p.stx, &p.id);
	if (res == 0)
		res = layer_read_marks(set, l, l->root_fd, "", &p.marks);
	if (res < 0)
		return res;
	if (l->index == 0) {
		s->r->stx = p.stx;
		s->r->id = p.id;
		s->r->marks = p.marks;
		s->r->in_upper = l->upper;
	}
	res = resolve_merge(s, l, &p);
	s->done = false;
	if (res < 0 || !set->aufs)
		return res;
	res = layer_aufs_opaque(l, l->root_fd, "");
	s->done = res > 0;
	return MIN(res, 0);
}

int resolve_root(struct layer_set *set, struct resolved *ret)
{
	struct tree tree = {.layers = set};
	struct search s = {.tree = &tree, .r = ret, .depth = set->n};
	int res = 0;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < set->n && res == 0 && !s.done; i++)
		res = resolve_root_layer(&s, set, &set->layers[i]);
	if (res == 0)
		resolve_ino(&s);
	else
		resolved_finish(ret);
	return res;
}
