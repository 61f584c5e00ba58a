/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first line is the title, the last one the keys or a message. Between them the layers and what is known of the
 * selected one are at the left, the tree is at the right.
 */
#include "explore.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "tui.h"

#define LEFT_LEAST 26
#define LEFT_MOST 64
/* The width from which modes and owners are shown. */
#define WIDE_TREE 62

static int left_width(void)
{
	int width = tui_width() * 3 / 8, least = MIN(LEFT_LEAST, tui_width() / 2);

	width = MAX(width, least);
	return MIN(width, LEFT_MOST);
}

size_t explore_tree_height(void)
{
	return (size_t)MAX(tui_height() - 3, 1);
}

/* --- left --------------------------------------------------------------------------------------------------------- */

static void layer_size(const struct explore *x, size_t layer, char buf[SIZE_TEXT])
{
	if (x->failed[layer])
		strcpy(buf, "?");
	else if (layer < x->loaded)
		size_text(browse_layer(x->browse, layer)->bytes, buf);
	else
		strcpy(buf, "..");
}

/* What tells people most of a layer: its command, or its directory. */
static const char *layer_text(const struct view_layer_facts *f)
{
	return f->created_by ? f->created_by : f->directory ? f->directory : f->id ? f->id : "";
}

static void draw_layer(const struct explore *x, size_t layer, int y, int width)
{
	const struct view_layer_facts *f = view_layer_facts(x->stack, layer);
	unsigned style = layer == x->view.layer ? (x->focus == FOCUS_LAYERS ? TUI_CURSOR : TUI_BOLD) : TUI_PLAIN;
	const char *text = layer_text(f);
	char size[SIZE_TEXT], name[24];
	int used;

	layer_size(x, layer, size);
	snprintf(name, sizeof(name), "@%zu", layer);
	used = tui_format(y, 0, width, style, "%c%-4s %7s ", layer == x->view.layer ? '>' : ' ', name, size);
	/* Of a directory the end tells more. */
	while (!f->created_by && tui_columns(text) > width - used && *text)
		text++;
	tui_text(y, used, width - used, style, text);
}

/* A text in lines of its own, broken at blanks where that is possible. Returns the line behind it. */
static int draw_wrapped(const char *text, int y, int end, int width, unsigned style)
{
	while (*text && y < end) {
		char line[512];
		size_t n = strcspn(text, "\n"), blank = 0;

		n = MIN(n, sizeof(line) - 1);
		snprintf(line, n + 1, "%s", text);
		while (tui_columns(line) > width && n > 1)
			line[--n] = '\0';
		for (size_t i = 1; text[n] && text[n] != '\n' && i < n; i++)
			if (line[i] == ' ')
				blank = i;
		if (blank > n / 2)
			line[n = blank] = '\0';
		tui_text(y++, 0, width, style, line);
		text += n;
		text += strspn(text, " \n");
	}
	return y;
}

static void draw_facts(const struct explore *x, int y, int end, int width)
{
	const struct view_layer_facts *f = view_layer_facts(x->stack, x->view.layer);
	const struct browse_layer *l = browse_layer(x->browse, x->view.layer);

	if (y >= end)
		return;
	tui_text(y++, 0, width, TUI_BOLD, "LAYER");
	if (y < end)
		tui_format(y++, 0, width, TUI_PLAIN, "id      %.12s", f->id ? f->id : "-");
	if (y < end && f->created)
		tui_format(y++, 0, width, TUI_PLAIN, "created %s", f->created);
	if (y < end)
		tui_format(y++, 0, width, TUI_PLAIN, "names   %u, deletes %u", l->names, l->whiteouts);
	if (f->created_by)
		y = draw_wrapped(f->created_by, y, end, width, TUI_PLAIN);
	if (f->directory)
		draw_wrapped(f->directory, y, end, width, TUI_DIM);
}

static void draw_left(struct explore *x, int width)
{
	int most = MAX((tui_height() - 3) * 3 / 5, 1), list = (int)MIN(x->n_layers, (size_t)most);

	x->first_layer = MIN(x->first_layer, x->view.layer);
	if (x->view.layer >= x->first_layer + (size_t)list)
		x->first_layer = x->view.layer - (size_t)list + 1;
	tui_format(1, 0, width, TUI_BOLD, " %-4s %7s %s", "", "SIZE", "LAYER");
	for (int i = 0; i < list && x->first_layer + (size_t)i < x->n_layers; i++)
		draw_layer(x, x->first_layer + (size_t)i, 2 + i, width);
	draw_facts(x, 3 + list, tui_height() - 1, width);
}

/* --- right -------------------------------------------------------------------------------------------------------- */

static void mode_text(const struct browse_row *row, char buf[11])
{
	static const char letters[] = "rwxrwxrwx";

	buf[0] = row->mode ? type_letter((uint16_t)row->mode) : '?';
	for (int i = 0; i < 9; i++)
		buf[i + 1] = row->mode & (0400U >> i) ? letters[i] : '-';
	if (row->mode & S_ISUID)
		buf[3] = row->mode & 0100 ? 's' : 'S';
	if (row->mode & S_ISGID)
		buf[6] = row->mode & 0010 ? 's' : 'S';
	if (row->mode & S_ISVTX)
		buf[9] = row->mode & 0001 ? 't' : 'T';
	buf[10] = '\0';
}

static unsigned row_style(const struct browse_row *row)
{
	static const unsigned styles[] = {TUI_PLAIN, TUI_ADDED, TUI_CHANGED, TUI_DELETED};

	return row->change == BROWSE_SAME && row->is_directory ? TUI_DIRECTORY : styles[row->change];
}

/* Deep names begin at the left again: their depth is told by a number. */
static int draw_indent(const struct browse_row *row, int y, int x, int width, unsigned style)
{
	int indent = 2 * (int)MIN(row->depth, 1000U);

	if (indent > width / 2)
		return tui_format(y, x, width, style, "%u>", row->depth);
	return indent ? tui_format(y, x, indent, style, "%*s", indent, "") : 0;
}

static const char *row_suffix(const struct browse_row *row)
{
	if (row->is_directory)
		return "/";
	return row->link ? row->is_hardlink ? " = /" : " -> " : "";
}

static void draw_row(const struct browse_row *row, int y, int x, int width, bool is_cursor)
{
	static const char changes[] = " ACD";
	unsigned style = row_style(row) | (is_cursor ? TUI_CURSOR : 0);
	char size[SIZE_TEXT], mode[11];
	int at = x, end = x + width;

	mode_text(row, mode);
	at += tui_format(y, at, end - at, style, "%c ", changes[row->change]);
	if (width >= WIDE_TREE)
		at += tui_format(y, at, end - at, style, "%s %5u:%-5u ", row->is_whiteout ? "" : mode, row->uid,
				 row->gid);
	at += tui_format(y, at, end - at, style, "%7s ", row->is_whiteout ? "" : size_text(row->bytes, size));
	at += draw_indent(row, y, at, end - at, style);
	at += tui_text(y, at, end - at, style, !row->has_children ? "  " : row->is_open ? "- " : "+ ");
	at += tui_text(y, at, end - at, style, row->name);
	at += tui_text(y, at, end - at, style, row_suffix(row));
	if (row->link && !row->is_directory)
		at += tui_text(y, at, end - at, style, row->link);
	if (row->is_redirect)
		tui_text(y, at, end - at, style, "  (renamed)");
}

static void draw_tree(struct explore *x, int left, int width)
{
	size_t height = explore_tree_height(), n = browse_rows(x->browse);
	char total[SIZE_TEXT];

	x->row = n ? MIN(x->row, n - 1) : 0;
	x->first_row = MIN(x->first_row, x->row);
	if (x->row >= x->first_row + height)
		x->first_row = x->row - height + 1;
	if (n <= height)
		x->first_row = 0;
	tui_format(1, left, width, TUI_BOLD, "%s @%zu: %s%s%s", x->view.merged ? "UNION of" : "CHANGES of",
		   x->view.layer, size_text(browse_total(x->browse), total), *x->filter ? "  only " : "", x->filter);
	for (size_t i = 0; i < height && x->first_row + i < n; i++) {
		struct browse_row row;

		browse_row(x->browse, x->first_row + i, &row);
		draw_row(&row, 2 + (int)i, left, width, x->first_row + i == x->row && x->focus == FOCUS_TREE);
	}
	if (!n)
		tui_text(2, left, width, TUI_DIM, x->loaded < x->n_layers ? "reading .." : "nothing");
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static void draw_title(const struct explore *x)
{
	const struct view_stack *s = x->stack;
	char state[64] = "";
	int used;

	if (x->loaded < x->n_layers)
		snprintf(state, sizeof(state), "reading @%zu of %zu: %zu names ", x->loaded, x->n_layers,
			 browse_count(x->browse));
	used = tui_width() - (int)strlen(state);
	tui_format(0, 0, used, TUI_BAR, "plyctl explore  %s (%s)", s->found ? s->found : s->name,
		   view_kind_name(s->kind));
	tui_text(0, MAX(used, 0), tui_width(), TUI_BAR, state);
}

static void versions_text(const struct explore *x, char *buf, size_t size)
{
	struct browse_row row;
	size_t layers[8], n, len = 0;

	*buf = '\0';
	if (!explore_row(x, &row))
		return;
	n = browse_versions(x->browse, row.node, layers, ARRAY_SIZE(layers));
	for (size_t i = 0; n > 1 && i < MIN(n, ARRAY_SIZE(layers)) && len < size; i++)
		len += (size_t)snprintf(buf + len, size - len, " @%zu", layers[i]);
	if (n > ARRAY_SIZE(layers) && len < size)
		snprintf(buf + len, size - len, " ..");
}

void explore_draw(struct explore *x)
{
	int left = left_width(), last = tui_height() - 1;
	char versions[128];

	tui_clear();
	draw_left(x, left);
	tui_vertical(left, 1, tui_height() - 2);
	draw_tree(x, left + 1, tui_width() - left - 1);
	draw_title(x);
	versions_text(x, versions, sizeof(versions));
	if (*x->message)
		tui_text(last, 0, tui_width(), TUI_BAR, x->message);
	else if (*versions)
		tui_format(last, 0, tui_width(), TUI_BAR, "? keys  q quit   versions in%s: [ older ] newer", versions);
	else
		tui_text(last, 0, tui_width(), TUI_BAR,
			 "? keys  q quit  Tab layers  m union/changes  / search  f filter  Enter view");
	tui_refresh();
}
