/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirects of one layer. All are looked up in the union below as it was. Then what they lead to is taken out, the
 * deepest first, and put where the layer has it. So two directories may change places, and one be moved out of another.
 */
#include "waste_state.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"

/* What showed below a directory that was taken out: in the order of paths_next(). */
struct taken {
	char *path; /* from the directory on; owned */
	uint32_t shows;
};

struct waste_taken {
	struct taken *list; /* owned */
	size_t n, room;
};

/* The redirect of this layer at a path. */
static const struct waste_redirect *redirect_at(const struct view_waste_state *s, uint32_t path)
{
	uint32_t object = s->object_of[path];

	if (object >= s->n_objects || s->objects[object].path != path || s->objects[object].redirect == PATHS_NONE)
		return NULL;
	(void)CHECK(s->objects[object].redirect < s->n_redirects);
	return &s->redirects[s->objects[object].redirect];
}

/* Where the layers below have a directory of this layer. */
static int look_below(struct view_waste_state *s, uint32_t path, uint32_t *ret)
{
	_cleanup_free_ char *text = paths_text(&s->paths, path);
	uint32_t here = PATHS_ROOT, below = PATHS_ROOT;
	const char *name = text;

	if (!text)
		return -ENOMEM;
	for (size_t len; *name; name += len + (name[len] == '/')) {
		const struct waste_redirect *redirect;

		len = strcspn(name, "/");
		here = paths_child(&s->paths, here, name, len);
		if (!CHECK(here != PATHS_NONE))
			return -EIO;
		redirect = redirect_at(s, here);
		if (redirect)
			below = redirect->from;
		else if (below != PATHS_NONE)
			below = paths_child(&s->paths, below, name, len);
	}
	*ret = below;
	return 0;
}

/* Parents come before children, so their redirects are known. */
static int look_up(struct view_waste_state *s, struct waste_redirect *redirect)
{
	uint32_t path = s->objects[redirect->object].path, parent = PATHS_NONE;
	int r = 0;

	redirect->from = PATHS_NONE;
	if (*redirect->text == '/') {
		redirect->from = paths_find(&s->paths, redirect->text + 1);
	} else if (path != PATHS_ROOT) {
		r = look_below(s, s->paths.nodes[path].parent, &parent);
		if (parent != PATHS_NONE)
			redirect->from = paths_child(&s->paths, parent, redirect->text, strlen(redirect->text));
	}
	for (uint32_t i = redirect->from; i != PATHS_NONE && i != PATHS_ROOT; i = s->paths.nodes[i].parent)
		redirect->depth++;
	return r;
}

/* The text of `node` from `top` on. */
static char *text_below(const struct view_waste_state *s, uint32_t top, uint32_t node)
{
	_cleanup_free_ char *whole = paths_text(&s->paths, node), *above = paths_text(&s->paths, top);

	if (!whole || !above)
		return NULL;
	return strdup(whole + strlen(above) + (node != top && top != PATHS_ROOT));
}

static int take_out(struct view_waste_state *s, uint32_t top, bool directory, struct waste_taken *taken)
{
	for (uint32_t i = top; i != PATHS_NONE; i = paths_next(&s->paths, top, i)) {
		if (s->shows[i] == SHOWS_NOTHING || (directory && i == top))
			continue;
		if (!ARRAY_ROOM(taken->list, taken->n, taken->room, 1))
			return -ENOMEM;
		taken->list[taken->n] = (struct taken){.path = text_below(s, top, i), .shows = s->shows[i]};
		if (!taken->list[taken->n++].path)
			return -ENOMEM;
		s->shows[i] = SHOWS_NOTHING;
		if (!directory)
			break;
	}
	return 0;
}

static int put_back(struct view_waste_state *s, uint32_t top, const struct waste_taken *taken)
{
	for (size_t i = 0; i < taken->n; i++) {
		uint32_t node = top;
		const char *path = taken->list[i].path;

		for (size_t len; *path && node != PATHS_NONE; path += len + (path[len] == '/')) {
			len = strcspn(path, "/");
			node = paths_add_child(&s->paths, node, path, len);
		}
		if (node == PATHS_NONE || waste_know_paths(s) < 0)
			return -ENOMEM;
		s->shows[node] = taken->list[i].shows;
	}
	return 0;
}

static int deepest_first(const void *a, const void *b)
{
	const struct waste_redirect *const *x = a, *const *y = b;

	return (*x)->depth > (*y)->depth ? -1 : (*x)->depth < (*y)->depth;
}

int waste_redirects_take(struct view_waste_state *s, struct waste_moved *ret)
{
	uint32_t n = s->n_redirects;
	int r = 0;

	*ret = (struct waste_moved){.n = n};
	if (!n)
		return 0;
	ret->order = calloc(n, sizeof(*ret->order));
	ret->taken = calloc(n, sizeof(*ret->taken));
	if (!ret->order || !ret->taken)
		return -ENOMEM;
	for (uint32_t i = 0; i < n && r == 0; i++) {
		ret->order[i] = &s->redirects[i];
		r = look_up(s, ret->order[i]);
	}
	if (r < 0)
		return r;
	qsort(ret->order, n, sizeof(*ret->order), deepest_first);
	for (uint32_t i = 0; i < n && r == 0; i++) {
		bool directory = s->objects[ret->order[i]->object].shows == SHOWS_DIR;

		if (ret->order[i]->from != PATHS_NONE)
			r = take_out(s, ret->order[i]->from, directory, &ret->taken[ret->order[i] - s->redirects]);
	}
	return r;
}

int waste_redirects_put(struct view_waste_state *s, size_t layer, const struct waste_moved *moved, uint32_t redirect)
{
	uint32_t path = s->objects[s->redirects[redirect].object].path;
	int r = waste_hide(s, path, path, layer);

	(void)CHECK(moved->n == s->n_redirects && redirect < moved->n);
	return r == 0 ? put_back(s, path, &moved->taken[redirect]) : r;
}

void waste_moved_free(struct waste_moved *moved)
{
	for (uint32_t i = 0; moved->taken && i < moved->n; i++) {
		for (size_t j = 0; j < moved->taken[i].n; j++)
			free(moved->taken[i].list[j].path);
		free(moved->taken[i].list);
	}
	free(moved->taken);
	free(moved->order);
}
