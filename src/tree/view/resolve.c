/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver: which layers hold a name of a directory, and what it is.
 *
 * The search runs down the directory's stack, which names only layers that really hold the directory. Each layer
 * answers one of three: nothing of this name, a whiteout, or an object. The topmost object decides; only directories go
 * on, collecting what merges beneath them.
 *
 * What an object that is met means for the search is in resolve_object.c.
 */
#include "resolve_internal.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "layer/cache.h"

static bool from_roots(const struct search *s)
{
	return s->path && s->path[0] == '/';
}

/* Asks one layer. */
static int resolve_step(struct search *s, struct dirref *ref)
{
	const struct layer *l = &s->stack->layers->layers[ref->layer];
	const char *name = search_name(s);
	_cleanup_free_ char *elsewhere = s->trace && s->path ? strdup(s->path) : NULL;
	struct search_state before = resolve_state(s);
	struct dirfd fd;
	struct layer_lookup p;
	int kind = layer_lookup_name(s->stack, ref, name, &fd, &p), r = kind;

	s->last = ref->layer;
	if (r == LAYER_LOOKUP_OBJECT) {
		r = resolve_object(s, l, fd.fd, name, &p);
	} else if (r == LAYER_LOOKUP_WHITEOUT) {
		s->done = true;
		s->resolved->upper_whiteout = l->upper && !s->found;
		r = 0;
	} else if (r == LAYER_LOOKUP_NOTHING) {
		s->wasted++;
	} else if (r == LAYER_LOOKUP_NOWHERE) {
		r = 0;
	}
	resolve_end_below(s, &p, before.redirects);
	resolve_tell(s, l, before, kind < 0 ? LAYER_LOOKUP_NOTHING : (enum layer_lookup_kind)kind, &p, elsewhere, r);
	s->stack->calls->put(s->stack, &fd);
	return r;
}

/* Before one more layer is asked. */
static int check_goes_on(const struct search *s)
{
	return s->metacopy && !s->stack->layers->follow_metacopy ? resolve_refuse_metacopy(s) : 0;
}

static int resolve_search(struct search *s, unsigned first, unsigned last)
{
	const struct layer_set *set = s->stack->layers;
	int r = 0;

	/* Of another name than the one that was asked for the listing knows nothing. */
	for (unsigned i = 0; i < stack_depth(s->stack) && !s->done && r == 0 && !from_roots(s); i++) {
		struct dirref *ref = stack_ref(s->stack, i);

		if (s->path || s->metacopy || (ref->layer >= first && ref->layer <= last))
			r = check_goes_on(s) ?: resolve_step(s, ref);
	}
	if (!from_roots(s))
		return r;
	for (unsigned i = s->last + 1; i <= s->stack->last_root && !s->done && r == 0; i++)
		r = check_goes_on(s) ?: resolve_walk(s, &set->layers[i]);
	return r;
}

/* The union's inode number: that of the lower object it comes from, so that it stays over copy-up and remount. */
static void resolve_ino(struct search *s)
{
	const struct layer_set *set = s->stack->layers;
	struct resolved *resolved = s->resolved;

	if (resolved->n_lower) {
		const struct dirref *top = &resolved->lower[0];

		resolved->ino = s->lower_ino ? s->lower_ino : layer_union_ino(set, dirref_object(top));
		resolved->has_origin = true;
	} else if (s->origin_ino) {
		resolved->ino = s->origin_ino;
		resolved->has_origin = true;
	} else {
		resolved->ino = layer_union_ino(set, resolved->id);
		resolved->has_origin = !set->layers[resolved->layer].upper;
	}
}

int resolve_in_stack(struct dir_stack *ds, const char *name, unsigned first, unsigned last,
		     const struct resolve_trace *trace, struct resolved *ret, unsigned *ret_wasted)
{
	struct search s = {.stack = ds, .resolved = ret, .name = name, .trace = trace};
	int r;

	memset(ret, 0, sizeof(*ret));
	r = resolve_search(&s, first, last);
	if (r == 0 && s.metacopy)
		r = resolve_data_elsewhere(&s);
	if (r == 0 && s.found)
		resolve_ino(&s);
	free(s.path);
	if (ret_wasted)
		*ret_wasted = r == 0 ? s.wasted : 0;
	if (r == 0 && !s.found)
		r = -ENOENT;
	if (r < 0)
		resolved_finish(ret);
	return r;
}

void resolved_finish(struct resolved *resolved)
{
	for (unsigned i = 0; i < resolved->n_lower; i++)
		free(resolved->lower[i].path);
	free(resolved->lower);
	free(resolved->index_name);
	resolved->index_name = NULL;
	free(resolved->data_path);
	resolved->data_path = NULL;
	resolved->lower = NULL;
	resolved->n_lower = 0;
}

/* A root merges whatever its attributes say, as in kernel overlayfs; only that it may hold whiteouts of the xattr form
 * is heeded, and an archive's name that makes a layer begin anew. */
static int resolve_root_layer(struct search *s, const struct layer_set *set, const struct layer *l)
{
	struct layer_lookup p = {.record = layer_cache_root(l)};
	int r = layer_statx_unchecked(l, l->root_fd, "", &p.stx);

	if (r == 0)
		r = layer_root_object(set, l, &p.stx, &p.id);
	if (r == 0)
		r = layer_read_xattr_flags(set, l, l->root_fd, "", &p.xattr_flags);
	if (r < 0)
		return r;
	if (l->index == 0) {
		s->resolved->stx = p.stx;
		s->resolved->id = p.id;
		s->resolved->xattr_flags = p.xattr_flags;
		s->resolved->in_upper = l->upper;
	}
	r = resolve_merge(s, l, &p);
	s->done = false;
	if (r < 0 || !set->aufs)
		return r;
	r = layer_aufs_opaque(l, l->root_fd, "");
	s->done = r > 0;
	return MIN(r, 0);
}

int resolve_root(struct layer_set *set, struct resolved *ret)
{
	struct dir_stack stack = {.layers = set, .n_lower = set->n};
	struct search s = {.stack = &stack, .resolved = ret};
	int r = 0;

	memset(ret, 0, sizeof(*ret));
	for (unsigned i = 0; i < set->n && r == 0 && !s.done; i++)
		r = resolve_root_layer(&s, set, &set->layers[i]);
	if (r == 0)
		resolve_ino(&s);
	else
		resolved_finish(ret);
	return r;
}
