/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files that show no longer.
 */
#include "waste_state.h"

#include <errno.h>

#include "base/array.h"
#include "base/check.h"

int waste_hide_one(struct view_waste_state *s, uint32_t node, uint32_t path, size_t layer)
{
	uint32_t version = s->shows[node];

	(void)CHECK(node < s->shows_n);
	s->shows[node] = SHOWS_NOTHING;
	if (!shows_file(version))
		return 0;
	if (!ARRAY_ROOM(s->pending, s->n_pending, s->pending_room, 1))
		return -ENOMEM;
	s->event_of[node] = s->n_pending;
	s->pending[s->n_pending++] =
		(struct waste_event){.version = version, .other = SHOWS_NOTHING, .path = path, .by = (uint32_t)layer};
	return 0;
}

int waste_hide(struct view_waste_state *s, uint32_t node, uint32_t path, size_t layer)
{
	int r = 0;

	for (uint32_t i = node; i != PATHS_NONE && r == 0; i = paths_next(&s->paths, node, i))
		r = waste_hide_one(s, i, path, layer);
	return r;
}
