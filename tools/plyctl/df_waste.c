/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a stack wastes: the blocks of objects that show nowhere. An object may have several places in the walk: a file
 * with links, a directory that was renamed with all in it, a metacopy file's data.
 *
 * Of an image the directories that one layer alone has are not entered: nothing is hidden in them. That is enough if
 * all links of hidden files are found, and no redirect. Otherwise all is walked.
 */
#include "df_waste.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "plyctl.h"
#include "tree/walk.h"

/* A place of an object. */
struct place {
	dev_t dev;
	uint64_t ino, bytes;
	uint32_t links;
	bool hidden;
};

struct wasting {
	const struct view_stack *stack;
	bool prunes, doubtful;
	struct place *list; /* owned; with `prunes` of files with several links only */
	size_t n, room;
	uint64_t bytes;
};

static void waste_say(struct wasting *w, const struct tree_walk_entry *e, const struct tree_say *s)
{
	bool hidden = s->role == TREE_SAY_HIDDEN && s->why != TREE_WHY_ERROR;
	bool has_links = !S_ISDIR(s->stx.stx_mode) && s->stx.stx_nlink > 1;

	w->doubtful |= !s->path || strcmp(s->path, e->path) != 0;
	if (w->prunes && !has_links) {
		w->bytes += hidden ? s->stx.stx_blocks * 512 : 0;
		return;
	}
	if (!ARRAY_ROOM(w->list, w->n, w->room, 1))
		abort();
	w->list[w->n++] = (struct place){.dev = makedev(s->stx.stx_dev_major, s->stx.stx_dev_minor),
					 .ino = s->stx.stx_ino,
					 .bytes = s->stx.stx_blocks * 512,
					 .links = s->stx.stx_nlink,
					 .hidden = hidden};
}

static int waste_entry(void *arg, const struct tree_walk_entry *e)
{
	struct wasting *w = arg;

	for (unsigned i = 0; i < e->n_says; i++)
		if (e->says[i].object)
			waste_say(w, e, &e->says[i]);
	return w->prunes && !w->doubtful && e->shown && e->n_says == 1 && e->layer >= w->stack->has_upper &&
			       S_ISDIR(e->stx.stx_mode)
		       ? TREE_WALK_PRUNE
		       : 0;
}

static int by_object(const void *a, const void *b)
{
	const struct place *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	return x->ino < y->ino ? -1 : x->ino > y->ino;
}

/* Adds the objects of which each place is hidden. */
static void waste_sum(struct wasting *w)
{
	size_t next;

	if (w->n)
		qsort(w->list, w->n, sizeof(*w->list), by_object);
	for (size_t i = 0; i < w->n; i = next) {
		bool hidden = true;

		for (next = i; next < w->n && by_object(&w->list[i], &w->list[next]) == 0; next++)
			hidden &= w->list[next].hidden;
		w->doubtful |= w->prunes && hidden && next - i < w->list[i].links;
		w->bytes += hidden ? w->list[i].bytes : 0;
	}
}

uint64_t df_wasted(const struct view_stack *stack)
{
	static const struct tree_walk_calls quiet = {.entry = waste_entry};
	static const struct tree_walk_calls calls = {.entry = waste_entry, .failed = stack_failed_in};
	struct wasting w = {.stack = stack, .prunes = stack->image != NULL};

	if (!stack->set || stack->set->n < 2)
		return 0;
	if (w.prunes) {
		/* A failure is told by the other walk. */
		if (tree_walk(stack->set, "", TREE_WALK_HIDDEN, &quiet, &w) == 0)
			waste_sum(&w);
		else
			w.doubtful = true;
		free(w.list);
		if (!w.doubtful)
			return w.bytes;
		w = (struct wasting){.stack = stack};
	}
	(void)tree_walk(stack->set, "", TREE_WALK_HIDDEN, &calls, &w);
	waste_sum(&w);
	free(w.list);
	return w.bytes;
}
