/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From the events of all layers to figures.
 */
#include "view/waste.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "waste_state.h"

/* Layers that are read while another one is looked at. */
#define LAYERS_AHEAD 2

const char *view_waste_kind_name(enum view_waste_kind kind)
{
	static const char *const names[] = {"hidden", "deleted", "rewritten", "metadata", "duplicate"};

	(void)CHECK(kind < VIEW_WASTE_KINDS);
	return names[kind];
}

char *view_waste_text(const struct view_waste *waste, uint32_t path)
{
	return paths_text(&waste->state->paths, path);
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

struct rows {
	struct view_waste *waste;
	size_t room;
};

static int row_add(struct rows *rows, struct view_waste_path row)
{
	struct view_waste *w = rows->waste;

	if (!row.bytes)
		return 0;
	if (!ARRAY_ROOM(w->paths, w->n_paths, rows->room, 1))
		return -ENOMEM;
	w->kinds[row.kind] += row.bytes;
	if (row.kind != VIEW_WASTE_DUPLICATE)
		w->layer_wasted[row.layer] += row.bytes;
	w->paths[w->n_paths++] = row;
	return 0;
}

static enum view_waste_kind event_kind(const struct view_waste_state *s, const struct waste_event *e)
{
	const struct waste_version *a = &s->versions[e->version], *b;

	if (!shows_file(e->other))
		return VIEW_WASTE_DELETED;
	b = &s->versions[e->other];
	if (!waste_same_content(s, e->version, e->other))
		return VIEW_WASTE_HIDDEN;
	return a->mode == b->mode && a->uid == b->uid && a->gid == b->gid ? VIEW_WASTE_REWRITTEN : VIEW_WASTE_METADATA;
}

static int event_row(struct rows *rows, struct view_waste_state *s, const struct waste_event *e)
{
	struct waste_file *file = &s->files[s->versions[e->version].file];
	enum view_waste_kind kind = event_kind(s, e);

	(void)CHECK(!file->shown);
	if (waste_in_base(s, file->layer)) {
		if (kind != VIEW_WASTE_REWRITTEN && kind != VIEW_WASTE_METADATA)
			return 0;
		/* What hides the copy in its turn has an event of its own. */
		file = &s->files[s->versions[e->other].file];
		if (waste_in_base(s, file->layer) || !file->shown)
			return 0;
	}
	if (file->counted)
		return 0;
	file->counted = true;
	return row_add(rows, (struct view_waste_path){.kind = kind,
						      .path = e->path,
						      .origin = PATHS_NONE,
						      .files = 1,
						      .layer = file->layer,
						      .by = e->by,
						      .bytes = file->size});
}

/* Of files of the same content the first is the original: the one in the lowest layer. */
static int duplicate_rows(struct rows *rows, struct view_waste_state *s)
{
	_cleanup_free_ uint32_t *list = NULL;
	uint32_t n = 0, first = 0;
	int r = waste_shown_files(s, &list, &n);

	for (uint32_t i = 1; i < n && r == 0; i++) {
		const struct waste_file *file = &s->files[list[i]];

		if (!waste_same_content(s, s->files[list[first]].version, file->version)) {
			first = i;
			continue;
		}
		if (waste_in_base(s, file->layer) || file->counted)
			continue;
		r = row_add(rows, (struct view_waste_path){.kind = VIEW_WASTE_DUPLICATE,
							   .path = s->versions[file->version].path,
							   .origin = s->versions[s->files[list[first]].version].path,
							   .files = 1,
							   .layer = file->layer,
							   .by = file->layer,
							   .bytes = file->size});
	}
	return r;
}

static int row_order(const void *a, const void *b)
{
	const struct view_waste_path *x = a, *y = b;

	if (x->path != y->path)
		return x->path < y->path ? -1 : 1;
	if (x->kind != y->kind)
		return x->kind < y->kind ? -1 : 1;
	if (x->by != y->by)
		return x->by < y->by ? -1 : 1;
	return x->layer < y->layer ? -1 : x->layer > y->layer;
}

static int larger_row_first(const void *a, const void *b, void *arg)
{
	const struct view_waste_path *x = a, *y = b;
	int r;

	if (x->bytes != y->bytes)
		return x->bytes > y->bytes ? -1 : 1;
	r = paths_compare(arg, x->path, y->path);
	return r ? r : row_order(a, b);
}

/* One row for each path, kind, layer that hides and layer that holds. */
static void rows_join(struct view_waste *w)
{
	size_t n = 0;

	if (!w->n_paths)
		return;
	qsort(w->paths, w->n_paths, sizeof(*w->paths), row_order);
	for (size_t i = 1; i < w->n_paths; i++) {
		struct view_waste_path *row = &w->paths[n], *next = &w->paths[i];

		if (row_order(row, next) != 0 || row->kind == VIEW_WASTE_DUPLICATE) {
			w->paths[++n] = *next;
			continue;
		}
		row->bytes += next->bytes;
		row->files += next->files;
	}
	w->n_paths = n + 1;
	qsort_r(w->paths, w->n_paths, sizeof(*w->paths), larger_row_first, &w->state->paths);
}

/* --- sums --------------------------------------------------------------------------------------------------------- */

static int make_rows(struct view_waste *w)
{
	struct view_waste_state *s = w->state;
	struct rows rows = {.waste = w};
	int r = 0;

	for (uint32_t i = 0; i < s->n_events && r == 0; i++)
		r = event_row(&rows, s, &s->events[i]);
	if (r == 0)
		r = duplicate_rows(&rows, s);
	if (r == 0)
		rows_join(w);
	return r;
}

static double ratio(uint64_t part, uint64_t whole)
{
	return whole ? (double)part / (double)whole : 0;
}

static void sum_up(struct view_waste *w)
{
	const struct view_waste_state *s = w->state;
	size_t given = s->base ? s->base : 1;

	for (uint32_t i = 0; i < s->n_files; i++)
		w->layer_bytes[s->files[i].layer] += s->files[i].size;
	for (size_t i = 0; i + s->base < s->n_layers; i++)
		w->bytes += w->layer_bytes[i];
	for (size_t i = 0; i + given < s->n_layers; i++)
		w->user_bytes += w->layer_bytes[i];
	for (unsigned i = 0; i < VIEW_WASTE_DUPLICATE; i++)
		w->own.wasted += w->kinds[i];
	(void)CHECK(w->own.wasted <= w->bytes);
	w->shown = w->bytes - w->own.wasted;
	w->own.score = w->bytes ? ratio(w->shown, w->bytes) : 1;
	w->own.user_wasted = ratio(w->own.wasted, w->user_bytes);
	w->dive.user_wasted = ratio(w->dive.wasted, w->user_bytes);
}

static int read_layers(struct view_waste_state *s, char **ret_error)
{
	int r = 0;

	for (size_t i = s->n_layers; i-- > 0 && r == 0;) {
		for (size_t next = 1; next <= LAYERS_AHEAD && next <= i; next++)
			view_contents_expect(s->stack, i - next);
		r = waste_gather(s, i, ret_error);
		if (r == 0 && s->dive && !waste_in_base(s, i))
			r = waste_dive_layer(s->dive, s);
		if (r == 0)
			r = waste_apply(s, i);
	}
	return r;
}

static int find(struct view_waste *w, bool dive, char **ret_error)
{
	struct view_waste_state *s = w->state;
	int r = paths_init(&s->paths);

	w->layer_bytes = calloc(w->n_layers, sizeof(*w->layer_bytes));
	w->layer_wasted = calloc(w->n_layers, sizeof(*w->layer_wasted));
	if (dive)
		s->dive = waste_dive_new();
	if (!w->layer_bytes || !w->layer_wasted || (dive && !s->dive))
		r = -ENOMEM;
	if (r == 0)
		r = waste_know_paths(s);
	if (r == 0)
		r = read_layers(s, ret_error);
	if (r == 0)
		r = waste_compare(s, ret_error);
	if (r == 0)
		r = make_rows(w);
	if (r == 0 && dive)
		r = waste_dive_finish(s->dive, w);
	if (r == 0)
		sum_up(w);
	return r;
}

int view_waste_find(const struct view_stack *stack, size_t base, bool dive, view_waste_failed failed, void *arg,
		    struct view_waste *ret, char **ret_error)
{
	struct view_waste_state *s = calloc(1, sizeof(*s));

	*ret = (struct view_waste){.state = s, .n_layers = stack->set ? stack->set->n : view_layer_count(stack)};
	if (!s)
		return -ENOMEM;
	(void)CHECK(base < ret->n_layers);
	s->stack = stack;
	s->base = base;
	s->n_layers = ret->n_layers;
	s->failed = failed;
	s->arg = arg;
	return find(ret, dive, ret_error);
}

static void state_free(struct view_waste_state *s)
{
	for (uint32_t i = 0; i < s->n_redirects; i++)
		free(s->redirects[i].text);
	paths_free(&s->paths);
	free(s->shows);
	free(s->object_of);
	free(s->event_of);
	free(s->files);
	free(s->versions);
	free(s->events);
	free(s->objects);
	free(s->pending);
	free(s->redirects);
	waste_dive_free(s->dive);
	free(s);
}

void view_waste_free(struct view_waste *waste)
{
	if (waste->state)
		state_free(waste->state);
	free(waste->paths);
	free(waste->repeated);
	free(waste->layer_bytes);
	free(waste->layer_wasted);
	*waste = (struct view_waste){.n_layers = 0};
}
