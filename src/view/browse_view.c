/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A view: each name is looked at in two unions, "new" of the layer and those below, and "old" of those below alone.
 */
#include "browse.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"

enum state { STATE_NONE, STATE_FILE, STATE_DIRECTORY };

/* --- two unions --------------------------------------------------------------------------------------------------- */

/* What the layers from `first` to `last` show at a node: its topmost version, and for a directory the lowest layer that
 * has a part of it. */
static enum state look(const struct browse *b, uint32_t node, size_t first, size_t last, uint16_t *ret_reach,
		       uint32_t *ret_version)
{
	uint32_t v = b->nodes[node].versions;
	enum state state = STATE_NONE;

	while (v != BROWSE_NONE && b->versions[v].layer < first)
		v = b->versions[v].next;
	*ret_reach = (uint16_t)last;
	for (; v != BROWSE_NONE && b->versions[v].layer <= last; v = b->versions[v].next) {
		const struct version *version = &b->versions[v];
		bool is_directory = S_ISDIR(version->mode) && !(version->flags & VERSION_WHITEOUT);

		(void)CHECK(version->layer < b->n_layers);
		if (!is_directory) {
			/* Below a directory it hides what lies lower. */
			if (state == STATE_NONE && !(version->flags & VERSION_WHITEOUT)) {
				*ret_version = v;
				return STATE_FILE;
			}
			if (state == STATE_DIRECTORY)
				*ret_reach = (uint16_t)(version->layer ? version->layer - 1 : 0);
			return state;
		}
		if (state == STATE_NONE)
			*ret_version = v;
		state = STATE_DIRECTORY;
		if (version->flags & VERSION_OPAQUE) {
			*ret_reach = version->layer;
			return state;
		}
	}
	return state;
}

static bool has_version(const struct browse *b, uint32_t node, size_t layer)
{
	for (uint32_t v = b->nodes[node].versions; v != BROWSE_NONE; v = b->versions[v].next)
		if (b->versions[v].layer == layer)
			return true;
	return false;
}

static uint32_t whiteout_at(const struct browse *b, uint32_t node, size_t layer)
{
	for (uint32_t v = b->nodes[node].versions; v != BROWSE_NONE; v = b->versions[v].next)
		if (b->versions[v].layer == layer && (b->versions[v].flags & VERSION_WHITEOUT))
			return v;
	return BROWSE_NONE;
}

static void see_root(struct browse *b)
{
	struct seen *root = &b->seen[BROWSE_ROOT];
	uint16_t last = (uint16_t)(b->n_layers - 1);

	*root = (struct seen){.version = BROWSE_NONE,
			      .old_reach = last,
			      .new_reach = last,
			      .old_state = b->view.layer + 1 < b->n_layers ? STATE_DIRECTORY : STATE_NONE,
			      .new_state = STATE_DIRECTORY,
			      .flags = NODE_SHOWN | NODE_DIRECTORY | NODE_OPEN};
	look(b, BROWSE_ROOT, b->view.layer, last, &root->new_reach, &root->version);
	if (root->old_state)
		look(b, BROWSE_ROOT, b->view.layer + 1, last, &root->old_reach, &(uint32_t){0});
}

/* Whether and how the view shows the node, whose parent is seen already. */
static void see(struct browse *b, uint32_t node)
{
	const struct seen *parent = &b->seen[b->nodes[node].parent];
	struct seen *s = &b->seen[node];
	uint8_t keeps = s->flags & NODE_OPEN;
	uint32_t old = BROWSE_NONE, new = BROWSE_NONE, whiteout;

	(void)CHECK(b->nodes[node].parent < node);
	*s = (struct seen){.version = BROWSE_NONE, .flags = keeps};
	if (parent->old_state == STATE_DIRECTORY)
		s->old_state = look(b, node, b->view.layer + 1, parent->old_reach, &s->old_reach, &old);
	if (parent->new_state == STATE_DIRECTORY)
		s->new_state = look(b, node, b->view.layer, parent->new_reach, &s->new_reach, &new);
	if (s->new_state) {
		s->version = new;
		s->change = !s->old_state			  ? BROWSE_ADDED
			    : has_version(b, node, b->view.layer) ? BROWSE_CHANGED
								  : BROWSE_SAME;
	} else if (s->old_state) {
		s->version = old;
		s->change = BROWSE_DELETED;
	} else {
		/* It hides nothing. */
		whiteout = parent->new_state == STATE_DIRECTORY ? whiteout_at(b, node, b->view.layer) : BROWSE_NONE;
		if (whiteout == BROWSE_NONE)
			return;
		s->version = whiteout;
		s->change = BROWSE_DELETED;
	}
	s->flags |= NODE_SHOWN;
	if ((s->new_state ? s->new_state : s->old_state) == STATE_DIRECTORY)
		s->flags |= NODE_DIRECTORY;
}

/* --- what is shown ------------------------------------------------------------------------------------------------ */

/* Without regard to case if the text has no capital letters. */
static bool has_text(const char *name, const char *text)
{
	for (const char *c = text; *c; c++)
		if (isupper((unsigned char)*c))
			return strstr(name, text) != NULL;
	return strcasestr(name, text) != NULL;
}

static bool is_hidden(const struct browse *b, const struct seen *s)
{
	return b->view.hide[s->change] || (!b->view.merged && s->change == BROWSE_SAME);
}

/* Whether a file's bytes count in its directories: what was deleted counts in what was deleted only. */
static bool counts_in(const struct seen *s, const struct seen *parent)
{
	return s->change != BROWSE_DELETED || parent->change == BROWSE_DELETED;
}

/* From the end: what is in a directory decides whether it is shown. */
static void gather_bytes(struct browse *b)
{
	bool filters = b->filter && *b->filter;

	for (size_t i = b->n_seen; i-- > 1;) {
		struct seen *s = &b->seen[i], *parent = &b->seen[b->nodes[i].parent];

		if (!(s->flags & NODE_SHOWN))
			continue;
		/* The way to something that is shown is shown. */
		if (!(s->flags & NODE_PARENT) && is_hidden(b, s)) {
			s->flags &= (uint8_t)~NODE_SHOWN;
			continue;
		}
		if (!(s->flags & NODE_DIRECTORY))
			s->bytes += b->versions[s->version].size;
		if (filters && (s->flags & (NODE_MATCHES | NODE_LEADS)))
			parent->flags |= NODE_LEADS;
		parent->flags |= NODE_PARENT;
		if (counts_in(s, parent))
			parent->bytes += s->bytes;
	}
}

/* From the start: below what matches all is shown, and a filter opens the way. */
static void sift(struct browse *b)
{
	for (size_t i = 1; i < b->n_seen; i++) {
		const struct seen *parent = &b->seen[b->nodes[i].parent];
		struct seen *s = &b->seen[i];

		(void)CHECK(b->nodes[i].parent < i);
		if ((parent->flags & NODE_MATCHES) && b->nodes[i].parent != BROWSE_ROOT)
			s->flags |= NODE_MATCHES;
		if (!(s->flags & (NODE_MATCHES | NODE_LEADS)))
			s->flags &= (uint8_t)~NODE_SHOWN;
		if (s->flags & NODE_LEADS)
			s->flags |= NODE_OPEN;
	}
}

static void see_all(struct browse *b)
{
	bool filters = b->filter && *b->filter;

	see_root(b);
	for (uint32_t i = 1; i < b->n_seen; i++) {
		see(b, i);
		if (filters && has_text(browse_name(b, i), b->filter))
			b->seen[i].flags |= NODE_MATCHES;
	}
	gather_bytes(b);
	if (filters)
		sift(b);
}

/* --- order -------------------------------------------------------------------------------------------------------- */

static bool comes_first(const struct browse *b, uint32_t x, uint32_t y)
{
	if (b->view.by_size && b->seen[x].bytes != b->seen[y].bytes)
		return b->seen[x].bytes > b->seen[y].bytes;
	return strcmp(browse_name(b, x), browse_name(b, y)) <= 0;
}

static uint32_t merge_lists(struct browse *b, uint32_t x, uint32_t y)
{
	uint32_t first = BROWSE_NONE, *at = &first;

	while (x != BROWSE_NONE && y != BROWSE_NONE) {
		uint32_t *from = comes_first(b, x, y) ? &x : &y;

		*at = *from;
		at = &b->nodes[*from].next;
		*from = *at;
	}
	*at = x != BROWSE_NONE ? x : y;
	return first;
}

/* Merges lists of one, two, four, .. entries. */
static uint32_t sort_list(struct browse *b, uint32_t list)
{
	uint32_t runs[32];
	size_t n = 0;

	while (list != BROWSE_NONE) {
		uint32_t one = list;
		size_t i = 0;

		list = b->nodes[one].next;
		b->nodes[one].next = BROWSE_NONE;
		for (; i < n && runs[i] != BROWSE_NONE; i++) {
			one = merge_lists(b, runs[i], one);
			runs[i] = BROWSE_NONE;
		}
		(void)CHECK(i < ARRAY_SIZE(runs));
		if (i == n)
			n++;
		runs[i] = one;
	}
	for (size_t i = 0; i < n; i++)
		list = runs[i] == BROWSE_NONE ? list : list == BROWSE_NONE ? runs[i] : merge_lists(b, runs[i], list);
	return list;
}

static void sort_all(struct browse *b)
{
	if (!b->view.by_size && !b->is_by_size)
		return;
	for (size_t i = 0; i < b->n; i++)
		if (b->nodes[i].child != BROWSE_NONE)
			b->nodes[i].child = sort_list(b, b->nodes[i].child);
	b->is_by_size = b->view.by_size;
	/* The next names are sought from the start of their directories. */
	b->depth = 0;
}

/* --- rows --------------------------------------------------------------------------------------------------------- */

/* The node behind `node` in the order of the rows, into directories if `into`. */
static uint32_t node_after(const struct browse *b, uint32_t node, bool into)
{
	if (into && b->nodes[node].child != BROWSE_NONE)
		return b->nodes[node].child;
	while (node != BROWSE_ROOT && b->nodes[node].next == BROWSE_NONE)
		node = b->nodes[node].parent;
	return node == BROWSE_ROOT ? BROWSE_NONE : b->nodes[node].next;
}

static bool is_shown(const struct browse *b, uint32_t node)
{
	return node < b->n_seen && (b->seen[node].flags & NODE_SHOWN);
}

static int list_rows(struct browse *b)
{
	uint32_t node = node_after(b, BROWSE_ROOT, true);

	b->n_rows = 0;
	while (node != BROWSE_NONE) {
		bool shown = is_shown(b, node);

		if (shown) {
			if (!ARRAY_ROOM(b->rows, b->n_rows, b->rows_room, 1))
				return -ENOMEM;
			b->rows[b->n_rows++] = node;
		}
		node = node_after(b, node, shown && (b->seen[node].flags & NODE_OPEN));
	}
	(void)CHECK(b->n_rows < b->n || !b->n_rows);
	return 0;
}

int browse_show(struct browse *b, const struct browse_view *view)
{
	char *filter = strdup(view->filter ? view->filter : "");

	free(b->filter);
	b->filter = filter;
	b->view = *view;
	b->view.filter = NULL;
	b->view.layer = MIN(view->layer, b->n_layers - 1);
	if (!filter || !ARRAY_ROOM(b->seen, b->n_seen, b->seen_room, b->n - b->n_seen))
		return -ENOMEM;
	memset(b->seen + b->n_seen, 0, (b->n - b->n_seen) * sizeof(*b->seen));
	b->n_seen = b->n;
	see_all(b);
	sort_all(b);
	return list_rows(b);
}

size_t browse_rows(const struct browse *b)
{
	return b->n_rows;
}

uint64_t browse_total(const struct browse *b)
{
	return b->n_seen ? b->seen[BROWSE_ROOT].bytes : 0;
}

static bool has_shown_child(const struct browse *b, uint32_t node)
{
	for (uint32_t c = b->nodes[node].child; c != BROWSE_NONE; c = b->nodes[c].next)
		if (is_shown(b, c))
			return true;
	return false;
}

void browse_row(const struct browse *b, size_t row, struct browse_row *ret)
{
	uint32_t node;
	const struct seen *s;
	const struct version *v;

	*ret = (struct browse_row){.name = ""};
	if (!CHECK(row < b->n_rows))
		return;
	node = b->rows[row];
	s = &b->seen[node];
	v = &b->versions[s->version];
	*ret = (struct browse_row){.node = node,
				   .name = browse_name(b, node),
				   .change = s->change,
				   .is_directory = s->flags & NODE_DIRECTORY,
				   .is_open = s->flags & NODE_OPEN,
				   .has_children = has_shown_child(b, node),
				   .is_whiteout = v->flags & VERSION_WHITEOUT,
				   .is_hardlink = v->flags & VERSION_HARDLINK,
				   .is_redirect = v->flags & VERSION_REDIRECT,
				   .is_metacopy = v->flags & VERSION_METACOPY,
				   .is_opaque = v->flags & VERSION_OPAQUE,
				   .mode = v->flags & VERSION_IMPLIED ? 0 : v->mode,
				   .uid = v->uid,
				   .gid = v->gid,
				   .bytes = s->bytes,
				   .mtime = v->mtime,
				   .link = v->link == BROWSE_NONE ? NULL : b->texts + v->link,
				   .layer = v->layer};
	for (uint32_t n = b->nodes[node].parent; n != BROWSE_ROOT; n = b->nodes[n].parent)
		ret->depth++;
}

/* --- open and closed, and where is what --------------------------------------------------------------------------- */

int browse_open(struct browse *b, uint32_t node, bool open)
{
	if (!CHECK(node < b->n_seen))
		return 0;
	if (open)
		b->seen[node].flags |= NODE_OPEN;
	else
		b->seen[node].flags &= (uint8_t)~NODE_OPEN;
	return list_rows(b);
}

int browse_open_all(struct browse *b, unsigned depth)
{
	uint16_t *depths = calloc(b->n_seen, sizeof(*depths));

	if (!depths)
		return -ENOMEM;
	for (size_t i = 1; i < b->n_seen; i++) {
		unsigned own = depths[b->nodes[i].parent] + 1U;

		depths[i] = (uint16_t)MIN(own, (unsigned)UINT16_MAX);
		if (own <= depth)
			b->seen[i].flags |= NODE_OPEN;
		else
			b->seen[i].flags &= (uint8_t)~NODE_OPEN;
	}
	free(depths);
	return list_rows(b);
}

int browse_reveal(struct browse *b, uint32_t node, size_t *ret_row)
{
	int r;

	(void)CHECK(node < b->n);
	while (node != BROWSE_ROOT && !is_shown(b, node))
		node = b->nodes[node].parent;
	for (uint32_t n = node; n != BROWSE_ROOT; n = b->nodes[n].parent)
		if (n != node)
			b->seen[n].flags |= NODE_OPEN;
	r = list_rows(b);
	*ret_row = 0;
	for (size_t i = 0; r == 0 && i < b->n_rows; i++)
		if (b->rows[i] == node)
			*ret_row = i;
	return r;
}

uint32_t browse_find(const struct browse *b, const char *text, uint32_t from, bool back)
{
	uint32_t node = node_after(b, BROWSE_ROOT, true), first = BROWSE_NONE, before = BROWSE_NONE, last = BROWSE_NONE;
	bool is_behind = from == BROWSE_ROOT;

	for (; node != BROWSE_NONE; node = node_after(b, node, is_shown(b, node))) {
		bool matches = is_shown(b, node) && has_text(browse_name(b, node), text);

		if (matches && is_behind && !back)
			return node;
		if (matches && first == BROWSE_NONE)
			first = node;
		if (node == from)
			is_behind = true;
		if (matches && !is_behind)
			before = node;
		last = matches ? node : last;
	}
	if (back)
		return before != BROWSE_NONE ? before : last;
	return first;
}
