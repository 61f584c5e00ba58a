/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is looked at once more when the plan is made.
 */
#include "apply.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "tree/walk.h"

/* --- what changed since then -------------------------------------------------------------------------------------- */

/* A directory that stays one may get and lose other names. */
static bool has_changed(const struct apply *a, const struct apply_change *c)
{
	struct statx now;
	int r;

	if (c->kind == VIEW_CHANGED && S_ISDIR(c->from.stx_mode) && S_ISDIR(c->to.stx_mode))
		return false;
	if (c->kind != VIEW_ADDED && S_ISDIR(c->from.stx_mode))
		return apply_tree_is_newer(a, c->path, &a->plan.made);
	r = apply_look(a->below, c->path, &now);
	if (c->kind == VIEW_ADDED)
		return r != -ENOENT && r != -ENOTDIR;
	return r < 0 || now.stx_ctime.tv_sec != c->from.stx_ctime.tv_sec ||
	       now.stx_ctime.tv_nsec != c->from.stx_ctime.tv_nsec;
}

int apply_look_again(const struct apply *a)
{
	for (size_t i = 0; i < a->plan.n; i++) {
		if (!has_changed(a, &a->plan.changes[i]))
			continue;
		fail("%s/%s: it changed after the plan was made; nothing was changed", a->dir, a->plan.changes[i].path);
		return EXIT_FOUND;
	}
	return EXIT_FINE;
}

/* --- a part that takes the rest from the upper -------------------------------------------------------------------- */

struct leading {
	const struct apply *a;
	const struct apply_change *to;
	char *from; /* owned */
};

static const struct apply_change *is_taken(const struct apply_plan *p, const char *path)
{
	for (size_t i = 0; i < p->n; i++) {
		const struct apply_change *c = &p->changes[i];

		if (c->kind == VIEW_ADDED ||
		    (c->kind == VIEW_CHANGED && S_ISDIR(c->from.stx_mode) && S_ISDIR(c->to.stx_mode)))
			continue;
		if (path_is_below(path, c->path))
			return c;
	}
	return NULL;
}

/* Redirects lead from the upper to another path of the layer. */
static int note_lead(void *arg, const struct tree_walk_entry *e)
{
	struct leading *l = arg;
	_cleanup_free_ char *path = NULL;
	int r = 0;

	if (e->layer == 1)
		r = tree_walk_layer_path(e, &path);
	else if (e->data_path && e->data_layer == 1)
		path = strdup(e->data_path);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (path && !strcmp(path, e->path))
		return TREE_WALK_PRUNE;
	l->to = path ? is_taken(&l->a->plan, path) : NULL;
	if (!l->to)
		return 0;
	l->from = strdup(e->path);
	return EXIT_FOUND;
}

int apply_check_part(const struct apply *a)
{
	static const struct tree_walk_calls calls = {.entry = note_lead};
	struct leading l = {.a = a};
	int r = a->only ? tree_walk(a->both, "", TREE_WALK_STAT, &calls, &l) : 0;

	if (l.to)
		fail("/%s: the upper has it from /%s, which --only would take away; without --only all is applied",
		     l.from ? l.from : "", l.to->path);
	else if (r < 0)
		fail("%s: %s", a->dir, strerror(-r));
	free(l.from);
	return l.to || r < 0 ? EXIT_FAILED : EXIT_FINE;
}
