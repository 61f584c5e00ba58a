/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The formula of dive 0.13 (dive/filetree/efficiency.go). Its tree of the layers below is kept path by path: a
 * whiteout removes a path with all below; any other entry replaces what the path says and keeps what is below, opaque
 * or not.
 */
#include "waste_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/macros.h"

struct waste_dive_path {
	uint64_t least, sum;
	uint64_t size; /* in the tree of the layers below */
	uint32_t count;
	uint16_t parent_in; /* the layer, as a number from 1, in which something lies in it */
	bool directory;	    /* in the tree, by an entry of its own */
};

struct waste_dive {
	struct waste_dive_path *paths; /* owned */
	uint32_t n, room;
	uint16_t layer; /* from 1 */
};

struct waste_dive *waste_dive_new(void)
{
	return calloc(1, sizeof(struct waste_dive));
}

void waste_dive_free(struct waste_dive *dive)
{
	if (dive)
		free(dive->paths);
	free(dive);
}

static int know_paths(struct waste_dive *dive, uint32_t n)
{
	(void)CHECK(n >= dive->n);
	if (!ARRAY_ROOM(dive->paths, dive->n, dive->room, n - dive->n))
		return -ENOMEM;
	memset(dive->paths + dive->n, 0, (n - dive->n) * sizeof(*dive->paths));
	dive->n = n;
	return 0;
}

static void note_parents(struct waste_dive *dive, const struct view_waste_state *s, uint32_t path)
{
	while (path != PATHS_ROOT) {
		path = s->paths.nodes[path].parent;
		if (dive->paths[path].parent_in == dive->layer)
			return;
		dive->paths[path].parent_in = dive->layer;
	}
}

/* What a whiteout removes, if the path is a directory there. */
static uint64_t removed_bytes(const struct waste_dive *dive, const struct view_waste_state *s, uint32_t top)
{
	uint64_t bytes = 0;

	if (!dive->paths[top].directory)
		return 0;
	for (uint32_t i = top; i != PATHS_NONE; i = paths_next(&s->paths, top, i))
		bytes += dive->paths[i].size;
	return bytes;
}

static void count_leaf(struct waste_dive *dive, const struct view_waste_state *s, const struct waste_object *o)
{
	struct waste_dive_path *p = &dive->paths[o->path];
	uint64_t size = o->whiteout ? removed_bytes(dive, s, o->path) : o->size;

	p->least = p->count ? MIN(p->least, size) : size;
	p->sum += size;
	p->count++;
}

static void stack_object(struct waste_dive *dive, const struct view_waste_state *s, const struct waste_object *o)
{
	if (!o->whiteout) {
		dive->paths[o->path].size = o->size;
		dive->paths[o->path].directory = o->shows == SHOWS_DIR && !o->implied;
		return;
	}
	for (uint32_t i = o->path; i != PATHS_NONE; i = paths_next(&s->paths, o->path, i)) {
		dive->paths[i].size = 0;
		dive->paths[i].directory = false;
	}
}

int waste_dive_layer(struct waste_dive *dive, const struct view_waste_state *s)
{
	if (know_paths(dive, s->paths.n) < 0)
		return -ENOMEM;
	(void)CHECK(dive->layer < UINT16_MAX);
	dive->layer++;
	for (uint32_t i = 0; i < s->n_objects; i++)
		note_parents(dive, s, s->objects[i].path);
	for (uint32_t i = 0; i < s->n_objects; i++) {
		uint32_t path = s->objects[i].path;

		if (path != PATHS_ROOT && dive->paths[path].parent_in != dive->layer)
			count_leaf(dive, s, &s->objects[i]);
	}
	for (uint32_t i = 0; i < s->n_objects; i++)
		stack_object(dive, s, &s->objects[i]);
	return 0;
}

static int larger_path_first(const void *a, const void *b, void *arg)
{
	const struct view_waste_dive_path *x = a, *y = b;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	return paths_compare(arg, x->path, y->path);
}

int waste_dive_finish(const struct waste_dive *dive, struct view_waste *ret)
{
	uint64_t least = 0, all = 0;
	size_t room = 0;

	for (uint32_t i = 0; i < dive->n; i++) {
		const struct waste_dive_path *p = &dive->paths[i];

		least += p->least;
		all += p->sum;
		if (p->count < 2)
			continue;
		if (!ARRAY_ROOM(ret->repeated, ret->n_repeated, room, 1))
			return -ENOMEM;
		ret->repeated[ret->n_repeated++] =
			(struct view_waste_dive_path){.path = i, .count = p->count, .bytes = p->sum};
		ret->dive.wasted += p->sum;
	}
	(void)CHECK(least <= all);
	ret->dive.score = all ? (double)least / (double)all : 1;
	if (ret->n_repeated)
		qsort_r(ret->repeated, ret->n_repeated, sizeof(*ret->repeated), larger_path_first, &ret->state->paths);
	return 0;
}
