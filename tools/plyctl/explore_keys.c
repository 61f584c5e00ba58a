/* SPDX-License-Identifier: Apache-2.0 */
#include "explore.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include "tui.h"

#define VERSIONS_MAX 512

/* --- moving ------------------------------------------------------------------------------------------------------- */

bool explore_row(const struct explore *x, struct browse_row *ret)
{
	if (x->row >= browse_rows(x->browse))
		return false;
	browse_row(x->browse, x->row, ret);
	return true;
}

static void go_to(struct explore *x, uint32_t node)
{
	if (browse_reveal(x->browse, node, &x->row) < 0)
		abort();
}

void explore_show(struct explore *x)
{
	struct browse_row row;
	bool had = explore_row(x, &row);

	x->view.filter = x->filter;
	if (browse_show(x->browse, &x->view) < 0)
		abort();
	if (had && x->row > 0) {
		go_to(x, row.node);
		return;
	}
	x->row = 0;
}

static void move_rows(struct explore *x, long by)
{
	size_t n = browse_rows(x->browse);
	long to = (long)x->row + by;

	x->row = to < 0 || !n ? 0 : MIN((size_t)to, n - 1);
}

static void select_layer(struct explore *x, long to)
{
	size_t layer = to < 0 ? 0 : MIN((size_t)to, x->n_layers - 1);

	if (layer == x->view.layer)
		return;
	x->view.layer = layer;
	explore_show(x);
}

static void move_by(struct explore *x, long by)
{
	if (x->focus == FOCUS_TREE)
		move_rows(x, by);
	else
		select_layer(x, (long)x->view.layer + by);
}

/* Opens a directory, or goes into it. */
static void go_in(struct explore *x)
{
	struct browse_row row;

	if (!explore_row(x, &row) || !row.has_children)
		return;
	if (row.is_open)
		move_rows(x, 1);
	else if (browse_open(x->browse, row.node, true) < 0)
		abort();
}

/* Closes a directory, or goes to the one around. */
static void go_out(struct explore *x)
{
	struct browse_row row;

	if (!explore_row(x, &row))
		return;
	if (row.is_open && row.has_children) {
		if (browse_open(x->browse, row.node, false) < 0)
			abort();
	} else if (browse_parent(x->browse, row.node) != BROWSE_ROOT) {
		go_to(x, browse_parent(x->browse, row.node));
	}
}

static void toggle_open(struct explore *x)
{
	struct browse_row row;

	if (explore_row(x, &row) && row.has_children && browse_open(x->browse, row.node, !row.is_open) < 0)
		abort();
}

static void open_all(struct explore *x, unsigned depth)
{
	struct browse_row row;
	bool had = explore_row(x, &row);

	if (browse_open_all(x->browse, depth) < 0)
		abort();
	x->row = 0;
	if (!had)
		return;
	/* Closed: the directory around that is shown still. */
	while (!depth && browse_parent(x->browse, row.node) != BROWSE_ROOT)
		row.node = browse_parent(x->browse, row.node);
	go_to(x, row.node);
}

/* --- finding ------------------------------------------------------------------------------------------------------ */

static void find_next(struct explore *x, bool back)
{
	struct browse_row row;
	uint32_t found, from = explore_row(x, &row) ? row.node : BROWSE_ROOT;

	if (!*x->search)
		return;
	found = browse_find(x->browse, x->search, from, back);
	if (found == BROWSE_NONE)
		explore_say(x, "nothing has \"%s\" in its name", x->search);
	else
		go_to(x, found);
}

static void ask_search(struct explore *x)
{
	char text[EXPLORE_TEXT] = "";

	if (!tui_prompt("search: ", text, sizeof(text)))
		return;
	if (*text)
		strcpy(x->search, text);
	find_next(x, false);
}

static void ask_filter(struct explore *x)
{
	char text[EXPLORE_TEXT];

	strcpy(text, x->filter);
	if (!tui_prompt("only names with: ", text, sizeof(text)))
		return;
	strcpy(x->filter, text);
	explore_show(x);
	if (*text && !browse_rows(x->browse))
		explore_say(x, "nothing has \"%s\" in its name", text);
}

static void toggle_kind(struct explore *x, enum browse_change kind)
{
	static const char *const names[] = {"unchanged", "added", "changed", "deleted"};

	x->view.hide[kind] = !x->view.hide[kind];
	explore_say(x, "%s names are %s", names[kind], x->view.hide[kind] ? "hidden" : "shown");
	explore_show(x);
}

static void toggle_size(struct explore *x)
{
	if (x->loaded < x->n_layers) {
		explore_say(x, "not before all layers are read");
		return;
	}
	x->view.by_size = !x->view.by_size;
	explore_say(x, x->view.by_size ? "the largest first" : "by name");
	explore_show(x);
}

/* To the layer that has the next version of the name, downwards or upwards. */
static void go_to_version(struct explore *x, bool older)
{
	struct browse_row row;
	size_t n, layers[VERSIONS_MAX], found = SIZE_MAX;

	if (!explore_row(x, &row))
		return;
	n = browse_versions(x->browse, row.node, layers, ARRAY_SIZE(layers));
	for (size_t i = 0; i < MIN(n, ARRAY_SIZE(layers)); i++)
		if (older ? layers[i] > x->view.layer && found == SIZE_MAX : layers[i] < x->view.layer)
			found = layers[i];
	if (found == SIZE_MAX) {
		explore_say(x, "no %s version", older ? "older" : "newer");
		return;
	}
	select_layer(x, (long)found);
	go_to(x, row.node);
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static const char help[] =
	"MOVE\n"
	"  up, down, j, k      one line                Tab     layers or tree\n"
	"  page up, page down  one page                , .     the layer above, below\n"
	"  home, end, g, G     first, last             [ ]     older, newer version of the name\n"
	"\n"
	"TREE\n"
	"  right, left, l, h   open, close             space   open or close\n"
	"  * -                 open all, close all     m       the union, or what the layer changed\n"
	"  a c d u             show or hide what was added, changed, deleted, unchanged\n"
	"  s                   the largest first, or by name\n"
	"  / n N               search, next, previous\n"
	"  f, Escape           only names with a text, all names\n"
	"\n"
	"FILE                                          LAYER\n"
	"  Enter, v            view it                 i       its command, ids, time\n"
	"  x                   write it to a file\n"
	"\n"
	"The union is that of the layer and all below it: A was added by the layer, C changed, D deleted.\n"
	"\n"
	"q ends this.\n";

static void show_layer(struct explore *x)
{
	const struct view_layer_facts *f = view_layer_facts(x->stack, x->view.layer);
	const struct browse_layer *l = browse_layer(x->browse, x->view.layer);
	_cleanup_free_ char *text = NULL, *title = NULL;
	char size[SIZE_TEXT];
	size_t len;
	FILE *out = open_memstream(&text, &len);

	if (!out || asprintf(&title, "@%zu", x->view.layer) < 0)
		abort();
	const struct {
		const char *name, *value;
	} lines[] = {{"id", f->id},	      {"parent", f->parent},
		     {"diff_id", f->diff_id}, {"chain_id", f->chain_id},
		     {"digest", f->digest},   {"media type", f->media_type},
		     {"created", f->created}, {"directory", f->directory}};

	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		if (lines[i].value)
			fprintf(out, "%-11s %s\n", lines[i].name, lines[i].value);
	fprintf(out, "%-11s %s in %u names, %u whiteouts\n", "content", size_text(l->bytes, size), l->names,
		l->whiteouts);
	if (f->created_by)
		fprintf(out, "\n%s\n", f->created_by);
	if (fclose(out) != 0)
		abort();
	pager_show(title, text, len, false);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static bool key_moves(struct explore *x, int key)
{
	long page = (long)explore_tree_height() - 1;

	switch (key) {
	case TUI_UP:
	case 'k':
		move_by(x, -1);
		return true;
	case TUI_DOWN:
	case 'j':
		move_by(x, 1);
		return true;
	case TUI_PAGE_UP:
		move_by(x, -page);
		return true;
	case TUI_PAGE_DOWN:
		move_by(x, page);
		return true;
	case TUI_HOME:
	case 'g':
		move_by(x, -(long)INT_MAX);
		return true;
	case TUI_END:
	case 'G':
		move_by(x, INT_MAX);
		return true;
	case ',':
		select_layer(x, (long)x->view.layer - 1);
		return true;
	case '.':
		select_layer(x, (long)x->view.layer + 1);
		return true;
	case '\t':
		x->focus = x->focus == FOCUS_TREE ? FOCUS_LAYERS : FOCUS_TREE;
		return true;
	}
	return false;
}

static bool key_opens(struct explore *x, int key)
{
	struct browse_row row;

	switch (key) {
	case TUI_RIGHT:
	case 'l':
		go_in(x);
		return true;
	case TUI_LEFT:
	case 'h':
		go_out(x);
		return true;
	case ' ':
		toggle_open(x);
		return true;
	case '*':
		open_all(x, UINT_MAX);
		return true;
	case '-':
		open_all(x, 0);
		return true;
	case TUI_ENTER:
		if (x->focus == FOCUS_LAYERS)
			show_layer(x);
		else if (explore_row(x, &row) && row.is_directory)
			toggle_open(x);
		else
			explore_view_file(x);
		return true;
	}
	return false;
}

static bool key_finds(struct explore *x, int key)
{
	switch (key) {
	case '/':
		ask_search(x);
		return true;
	case 'n':
	case 'N':
		find_next(x, key == 'N');
		return true;
	case 'f':
		ask_filter(x);
		return true;
	case TUI_ESCAPE:
		*x->filter = '\0';
		explore_show(x);
		return true;
	case '[':
	case ']':
		go_to_version(x, key == '[');
		return true;
	}
	return false;
}

static void key_shows(struct explore *x, int key)
{
	static const char kinds[] = "uacd"; /* as enum browse_change */
	const char *kind = key > 0 && key < 128 ? strchr(kinds, key) : NULL;

	if (kind) {
		toggle_kind(x, (enum browse_change)(kind - kinds));
		return;
	}
	switch (key) {
	case 'm':
		x->view.merged = !x->view.merged;
		explore_show(x);
		break;
	case 's':
		toggle_size(x);
		break;
	case 'v':
		explore_view_file(x);
		break;
	case 'x':
		explore_extract(x);
		break;
	case 'i':
		show_layer(x);
		break;
	case '?':
		pager_show("keys", help, strlen(help), false);
		break;
	case 'q':
		x->ends = true;
		break;
	}
}

void explore_key(struct explore *x, int key)
{
	if (key == TUI_NONE)
		return;
	*x->message = '\0';
	if (!key_moves(x, key) && !key_opens(x, key) && !key_finds(x, key))
		key_shows(x, key);
}
