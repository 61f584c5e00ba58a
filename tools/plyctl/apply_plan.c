/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan. A change is in conflict with what happened below since the upper was made: the ctime of the lower object is
 * later then, and no program can set it back.
 */
#include "apply.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "layer/index.h"
#include "os/task.h"
#include "tree/walk.h"
#include "view/union.h"

/* --- what is a conflict ------------------------------------------------------------------------------------------- */

static bool is_later(const struct statx_timestamp *a, const struct timespec *b)
{
	return a->tv_sec != b->tv_sec ? a->tv_sec > b->tv_sec : (long)a->tv_nsec > b->tv_nsec;
}

/* Since when the lower object may not have changed. False: that isn't known. */
static bool since_when(const struct apply *a, const struct apply_change *c, struct timespec *ret)
{
	if (a->knows_time) {
		*ret = a->upper->made;
		return true;
	}
	/* An upper that somebody else made: its object was copied, or made, when it was born. */
	if (a->upper->layers || c->kind == VIEW_DELETED || !(c->to.stx_mask & STATX_BTIME))
		return false;
	*ret = (struct timespec){.tv_sec = c->to.stx_btime.tv_sec, .tv_nsec = c->to.stx_btime.tv_nsec};
	return true;
}

struct newer {
	const struct timespec *since;
	bool found;
};

static int newer_entry(void *arg, const struct tree_walk_entry *e)
{
	struct newer *n = arg;

	n->found |= is_later(&e->stx.stx_ctime, n->since);
	return n->found ? TREE_WALK_PRUNE : 0;
}

bool apply_tree_is_newer(const struct apply *a, const char *path, const struct timespec *since)
{
	static const struct tree_walk_calls calls = {.entry = newer_entry};
	struct newer n = {.since = since};

	return tree_walk(a->below, path, TREE_WALK_STAT, &calls, &n) < 0 || n.found;
}

static bool stays_directory(const struct apply_change *c)
{
	return c->kind == VIEW_CHANGED && S_ISDIR(c->from.stx_mode) && S_ISDIR(c->to.stx_mode);
}

static bool is_conflict(const struct apply *a, struct apply_change *c)
{
	struct timespec since;

	if (!since_when(a, c, &since))
		return false;
	if (c->kind == VIEW_ADDED)
		return false;
	if (stays_directory(c)) {
		c->keeps_time = is_later(&c->from.stx_ctime, &since);
		return c->keeps_time && (c->differs & ~(unsigned)VIEW_DIFFERS_MTIME);
	}
	if (S_ISDIR(c->from.stx_mode))
		return apply_tree_is_newer(a, c->path, &since);
	return c->differs != 0 || c->kind == VIEW_DELETED ? is_later(&c->from.stx_ctime, &since) : false;
}

/* --- gathering ---------------------------------------------------------------------------------------------------- */

struct gathering {
	struct apply *a;
	int failed;
};

/* The change is wanted, or a directory on the way to what is. */
static bool is_wanted(const struct apply *a, const char *path, const struct statx *to, enum view_change_kind kind)
{
	if (!a->only || path_is_below(path, a->only))
		return true;
	return kind != VIEW_DELETED && S_ISDIR(to->stx_mode) && path_is_below(a->only, path);
}

static int add(struct apply *a, const struct view_change *change)
{
	struct apply_plan *p = &a->plan;
	struct apply_change *c;

	if (!is_wanted(a, change->path, &change->to, change->kind))
		return 0;
	if (!ARRAY_ROOM(p->changes, p->n, p->room, 1))
		return -ENOMEM;
	c = &p->changes[p->n];
	*c = (struct apply_change){.path = strdup(change->path),
				   .kind = change->kind,
				   .differs = change->differs,
				   .from = change->from,
				   .to = change->to,
				   .link = APPLY_NO_LINK};
	if (!c->path)
		return -ENOMEM;
	p->n++;
	return 0;
}

static int gather(void *arg, const struct view_change *change)
{
	return add(((struct gathering *)arg)->a, change);
}

static int note_entry(void *arg, const struct tree_walk_entry *e)
{
	*(struct statx *)arg = e->stx;
	return TREE_WALK_PRUNE;
}

int apply_look(struct layer_set *set, const char *path, struct statx *ret)
{
	static const struct tree_walk_calls calls = {.entry = note_entry};

	return tree_walk(set, path, TREE_WALK_STAT, &calls, ret);
}

/* What the index leads to has no path by which its bytes could be compared: they may differ. */
static int gather_indexed(struct apply *a, const char *path)
{
	struct view_change change = {.kind = VIEW_CHANGED, .path = path, .differs = VIEW_DIFFERS_BYTES};
	int r = apply_look(a->below, path, &change.from);

	if (r >= 0)
		r = apply_look(a->both, path, &change.to);
	return r < 0 ? r : add(a, &change);
}

static int gather_failed(void *arg, const char *path, int err)
{
	if (err == -ENOENT && gather_indexed(((struct gathering *)arg)->a, path) == 0)
		return 0;
	fail("/%s: %s", path, strerror(-err));
	return err;
}

/* --- hard links --------------------------------------------------------------------------------------------------- */

static bool may_have_links(const struct apply_change *c)
{
	return c->kind != VIEW_DELETED && !S_ISDIR(c->to.stx_mode) && c->to.stx_nlink > 1;
}

static int by_number(const void *a, const void *b)
{
	const struct apply_change *const *x = a, *const *y = b;

	if ((*x)->to.stx_ino != (*y)->to.stx_ino)
		return (*x)->to.stx_ino < (*y)->to.stx_ino ? -1 : 1;
	return *x < *y ? -1 : 1;
}

static bool is_same_file(const struct apply_change *a, const struct apply_change *b)
{
	return a->to.stx_ino == b->to.stx_ino && a->to.stx_dev_major == b->to.stx_dev_major &&
	       a->to.stx_dev_minor == b->to.stx_dev_minor;
}

/* Names of one file get the first of them. A file of which no name has changed is none of the plan's. */
static int find_links(struct apply_plan *p)
{
	_cleanup_free_ struct apply_change **sorted = calloc(p->n + 1, sizeof(struct apply_change *));
	size_t n = 0;

	if (!sorted)
		return -ENOMEM;
	for (size_t i = 0; i < p->n; i++)
		if (may_have_links(&p->changes[i]))
			sorted[n++] = &p->changes[i];
	qsort(sorted, n, sizeof(*sorted), by_number);
	for (size_t i = 0, end; i < n; i = end) {
		bool changes = false;

		for (end = i; end < n && is_same_file(sorted[i], sorted[end]); end++)
			changes |= sorted[end]->differs || sorted[end]->kind == VIEW_ADDED;
		for (size_t k = i; changes && end > i + 1 && k < end; k++)
			sorted[k]->link = sorted[i] - p->changes;
	}
	return 0;
}

/* Drops copies that changed nothing, and directories in which nothing is left. */
static void drop_unchanged(struct apply_plan *p)
{
	_cleanup_free_ bool *stays = calloc(p->n + 1, sizeof(bool));
	_cleanup_free_ long *now = calloc(p->n + 1, sizeof(long));
	const char *last = NULL;
	size_t out = 0;

	if (!stays || !now)
		abort();
	for (size_t i = p->n; i-- > 0;) {
		const struct apply_change *c = &p->changes[i];

		stays[i] = c->kind != VIEW_CHANGED || c->differs || c->link != APPLY_NO_LINK ||
			   (last && S_ISDIR(c->to.stx_mode) && path_is_below(last, c->path));
		if (stays[i])
			last = c->path;
	}
	for (size_t i = 0; i < p->n; i++) {
		now[i] = (long)out;
		if (stays[i])
			p->changes[out++] = p->changes[i];
		else
			free(p->changes[i].path);
	}
	p->n = out;
	for (size_t i = 0; i < p->n; i++)
		if (p->changes[i].link != APPLY_NO_LINK)
			p->changes[i].link = now[p->changes[i].link];
}

/* --- names that are not told -------------------------------------------------------------------------------------- */

static bool has_index(const struct apply *a)
{
	return a->both->index && !index_is_idle(a->both);
}

/* Other names of a file that has changed: in the upper, or anywhere if an index leads to it. */
static int other_name(void *arg, const struct tree_walk_entry *e)
{
	struct apply *a = arg;
	struct view_change change = {.kind = VIEW_CHANGED, .path = e->path, .from = e->stx, .to = e->stx};
	bool is_known = false, is_group = false;

	if (S_ISDIR(e->stx.stx_mode))
		return e->layer == 0 || has_index(a) ? 0 : TREE_WALK_PRUNE;
	if (e->stx.stx_nlink < 2)
		return 0;
	for (size_t i = 0; i < a->plan.n; i++) {
		const struct apply_change *c = &a->plan.changes[i];

		is_known |= !strcmp(c->path, e->path);
		is_group |= may_have_links(c) && c->to.stx_ino == e->stx.stx_ino;
	}
	if (!is_group || is_known)
		return 0;
	(void)apply_look(a->below, e->path, &change.from);
	return add(a, &change);
}

static int by_path(const void *a, const void *b)
{
	const char *x = ((const struct apply_change *)a)->path, *y = ((const struct apply_change *)b)->path;

	/* A directory before its entries, component by component. */
	for (; *x && *x == *y; x++, y++)
		;
	if (*x == *y)
		return 0;
	if (*x == '/' || *y == '/')
		return !*x ? -1 : !*y ? 1 : *x == '/' ? -1 : 1;
	return (unsigned char)*x < (unsigned char)*y ? -1 : 1;
}

static int add_other_names(struct apply *a)
{
	static const struct tree_walk_calls calls = {.entry = other_name};
	bool has_links = false;

	for (size_t i = 0; i < a->plan.n; i++)
		has_links |= may_have_links(&a->plan.changes[i]);
	return has_links ? tree_walk(a->both, "", TREE_WALK_STAT, &calls, a) : 0;
}

static bool is_planned(const struct apply_plan *p, size_t n, const char *path)
{
	for (size_t i = n; i-- > 0;)
		if (!strcmp(p->changes[i].path, path))
			return true;
	return false;
}

/* The directories on the way get their times back, though nothing of them has changed. */
static int add_parents(struct apply *a)
{
	size_t n = a->plan.n;
	int r = 0;

	for (size_t i = 0; r == 0 && i < n; i++) {
		_cleanup_free_ char *path = strdup(a->plan.changes[i].path);
		struct view_change change = {.kind = VIEW_CHANGED, .path = path};

		for (char *slash; r == 0 && path && (slash = strrchr(path, '/'));) {
			*slash = '\0';
			if (is_planned(&a->plan, a->plan.n, path))
				break;
			r = apply_look(a->below, path, &change.from);
			if (r >= 0)
				r = apply_look(a->both, path, &change.to);
			r = r < 0 ? r : add(a, &change);
		}
	}
	return r;
}

static void sort_plan(struct apply_plan *p)
{
	if (p->n)
		qsort(p->changes, p->n, sizeof(*p->changes), by_path);
}

/* --- names that went below ---------------------------------------------------------------------------------------- */

static int note_copy(void *arg, const struct tree_walk_entry *e)
{
	*(bool *)arg = e->layer == 0 && (e->xattr_flags & XATTR_FLAG_ORIGIN);
	return TREE_WALK_PRUNE;
}

/* A copy has the number of what it was made of. */
static bool was_renamed(const struct apply_plan *p, const struct apply_change *c)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->changes[i].kind == VIEW_DELETED && p->changes[i].from.stx_ino == c->to.stx_ino)
			return true;
	return false;
}

/* What is a copy, and lies in a directory from which something was removed meanwhile, may have been removed there. */
static bool went_below(const struct apply *a, const struct apply_change *c, const struct apply_change *parent)
{
	static const struct tree_walk_calls calls = {.entry = note_copy};
	bool is_copy = false, is_root = !strchr(c->path, '/');

	if (!a->knows_time || (!parent && !is_root))
		return false;
	if (is_root ? !is_later(&a->plan.root_from.stx_ctime, &a->upper->made) : !parent->keeps_time)
		return false;
	return tree_walk(a->both, c->path, TREE_WALK_STAT, &calls, &is_copy) == 0 && is_copy &&
	       !was_renamed(&a->plan, c);
}

static const struct apply_change *parent_of(const struct apply_plan *p, size_t i)
{
	const char *path = p->changes[i].path, *slash = strrchr(path, '/');

	for (size_t k = i; slash && k-- > 0;)
		if (!strncmp(p->changes[k].path, path, (size_t)(slash - path)) && !p->changes[k].path[slash - path])
			return &p->changes[k];
	return NULL;
}

static void find_conflicts(struct apply *a)
{
	struct apply_plan *p = &a->plan;

	for (size_t i = 0; i < p->n; i++) {
		struct apply_change *c = &p->changes[i];
		bool conflicts = is_conflict(a, c);

		if (c->kind == VIEW_ADDED)
			conflicts = went_below(a, c, parent_of(p, i));
		if (!conflicts)
			continue;
		p->conflicts++;
		fail("conflict: /%s changed in %s after the upper was made", c->path, a->dir);
	}
}

static int compare(struct apply *a)
{
	static const struct view_compare_calls calls = {.change = gather, .failed = gather_failed};
	_cleanup_(view_union_cleanup) struct view_union *below = NULL, *both = NULL;
	_cleanup_free_ char *error = NULL;
	struct gathering g = {.a = a};
	int r = view_union_open(a->stack, 1, &below, &error);

	if (r == 0)
		r = view_union_open(a->stack, 0, &both, &error);
	if (r < 0)
		return r;
	return view_compare(below, both, VIEW_COMPARE_TOP | VIEW_COMPARE_BYTES, &calls, &g);
}

int apply_make_plan(struct apply *a)
{
	int r;

	a->plan.made = os_now_real();
	r = compare(a);
	if (r == 0)
		r = add_other_names(a);
	if (r == 0)
		r = add_parents(a);
	if (r < 0)
		return r;
	sort_plan(&a->plan);
	r = find_links(&a->plan);
	if (r < 0)
		return r;
	drop_unchanged(&a->plan);
	for (size_t i = 0; i < a->plan.n; i++)
		a->plan.root_changes |= !strchr(a->plan.changes[i].path, '/') && !stays_directory(&a->plan.changes[i]);
	find_conflicts(a);
	return 0;
}

void apply_print_plan(const struct apply *a)
{
	size_t count[3] = {0};

	for (size_t i = 0; i < a->plan.n; i++) {
		const struct apply_change *c = &a->plan.changes[i];

		if (c->kind == VIEW_CHANGED && !c->differs && S_ISDIR(c->to.stx_mode))
			continue;
		count[c->kind == VIEW_ADDED ? 0 : c->kind == VIEW_CHANGED ? 1 : 2]++;
		printf("%c /", c->kind);
		print_name(c->path);
		printf("\n");
	}
	printf("%zu added, %zu changed, %zu deleted in ", count[0], count[1], count[2]);
	print_name(a->dir);
	printf("\n");
	fflush(stdout);
}
