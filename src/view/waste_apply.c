/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a layer does to the union of those below: first what it hides as a whole, then its objects. A file that is
 * hidden so and is there again in the same layer is replaced, not deleted.
 */
#include "waste_state.h"

#include <errno.h>

#include "base/array.h"
#include "base/check.h"

static int apply_object(struct view_waste_state *s, const struct waste_object *o, size_t layer)
{
	uint32_t node = o->path, before = s->shows[node];
	struct waste_event *event;
	int r = 0;

	(void)CHECK(node < s->shows_n);
	/* It has only attributes of its own. */
	if (o->metacopy && shows_file(before))
		return 0;
	if (o->shows == SHOWS_DIR)
		r = before == SHOWS_DIR ? 0 : waste_hide_one(s, node, node, layer);
	else if (before == SHOWS_DIR)
		r = waste_hide(s, node, node, layer);
	else
		r = waste_hide_one(s, node, node, layer);
	s->shows[node] = o->shows;
	if (r < 0 || !shows_file(o->shows))
		return r;
	s->files[s->versions[o->shows].file].shown++;
	event = s->event_of[node] < s->n_pending ? &s->pending[s->event_of[node]] : NULL;
	/* A redirect may have moved the version here from another path. */
	if (event && event->by == layer && event->other == SHOWS_NOTHING && s->versions[event->version].path == node)
		event->other = o->shows;
	return 0;
}

/* Files of which no name shows any more. */
static int pending_to_events(struct view_waste_state *s)
{
	for (uint32_t i = 0; i < s->n_pending; i++) {
		struct waste_event *e = &s->pending[i];
		struct waste_file *file = &s->files[s->versions[e->version].file];

		if (!CHECK(file->shown > 0))
			return -EIO;
		if (--file->shown)
			continue;
		if (!ARRAY_ROOM(s->events, s->n_events, s->events_room, 1))
			return -ENOMEM;
		if (shows_file(e->other))
			e->path = s->versions[e->other].path;
		s->events[s->n_events++] = *e;
	}
	s->n_pending = 0;
	return 0;
}

int waste_apply(struct view_waste_state *s, size_t layer)
{
	struct waste_moved moved;
	int r = waste_redirects_take(s, &moved);

	(void)CHECK(layer < s->n_layers);
	/* Parents come first. */
	for (uint32_t i = 0; i < s->n_objects && r == 0; i++) {
		if (s->objects[i].whiteout || s->objects[i].opaque)
			r = waste_hide(s, s->objects[i].path, s->objects[i].path, layer);
		if (r == 0 && s->objects[i].redirect != PATHS_NONE)
			r = waste_redirects_put(s, layer, &moved, s->objects[i].redirect);
	}
	for (uint32_t i = 0; i < s->n_objects && r == 0; i++)
		if (!s->objects[i].whiteout)
			r = apply_object(s, &s->objects[i], layer);
	waste_moved_free(&moved);
	return r == 0 ? pending_to_events(s) : r;
}
