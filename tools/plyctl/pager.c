/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shows bytes as lines of text, or in hexadecimal digits if they have a null byte.
 */
#include "explore.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "tui.h"

#define HEX_BYTES 16U
#define LINE_MAX_BYTES 4096
#define TAB 8

struct pager {
	const char *title, *bytes;
	size_t len;
	bool is_cut, is_hex;
	size_t *starts; /* owned; of lines */
	size_t n_lines, first;
	size_t skipped; /* columns at the left */
	char search[EXPLORE_TEXT];
	bool is_missing; /* what was sought */
};

static void find_lines(struct pager *p)
{
	size_t n = 1, i = 0;

	for (const char *c = p->bytes; (c = memchr(c, '\n', p->len - (size_t)(c - p->bytes))); c++)
		n++;
	p->starts = malloc((n + 1) * sizeof(*p->starts));
	if (!p->starts)
		abort();
	for (size_t at = 0; at < p->len; i++) {
		const char *end = memchr(p->bytes + at, '\n', p->len - at);

		p->starts[i] = at;
		at = end ? (size_t)(end - p->bytes) + 1 : p->len;
	}
	p->starts[i] = p->len;
	p->n_lines = i;
}

static size_t line_count(const struct pager *p)
{
	return p->is_hex ? (p->len + HEX_BYTES - 1) / HEX_BYTES : p->n_lines;
}

/* Tabs become blanks, null bytes an escape; the rest is what tui_text() makes of it. */
static void text_line(const struct pager *p, size_t line, char *out)
{
	size_t at = p->starts[line], end = p->starts[line + 1], column = 0;
	const char *limit = out + LINE_MAX_BYTES - TAB - 1;

	if (end > at && p->bytes[end - 1] == '\n')
		end--;
	for (; at < end && out < limit; at++, column++) {
		char c = p->bytes[at];

		if (c == '\t') {
			size_t blanks = TAB - column % TAB;

			memset(out, ' ', blanks);
			out += blanks;
			column += blanks - 1;
		} else if (!c) {
			out = stpcpy(out, "\\000");
		} else {
			*out++ = c;
		}
		/* Of a character of several bytes the first one counts. */
		column -= ((unsigned char)c & 0xc0) == 0x80;
	}
	*out = '\0';
}

static void hex_line(const struct pager *p, size_t line, char *out)
{
	size_t at = line * HEX_BYTES, n = MIN(p->len - at, (size_t)HEX_BYTES);

	out += sprintf(out, "%08zx ", at);
	for (size_t i = 0; i < HEX_BYTES; i++)
		out += i < n ? sprintf(out, " %02x", (unsigned char)p->bytes[at + i]) : sprintf(out, "   ");
	out = stpcpy(out, "  ");
	for (size_t i = 0; i < n; i++)
		*out++ = isprint((unsigned char)p->bytes[at + i]) && (unsigned char)p->bytes[at + i] < 0x80
				 ? p->bytes[at + i]
				 : '.';
	*out = '\0';
}

static const char *skip_columns(const char *text, size_t columns)
{
	while (columns > 0 && *text) {
		text++;
		while (((unsigned char)*text & 0xc0) == 0x80)
			text++;
		columns--;
	}
	return text;
}

static void pager_draw(struct pager *p)
{
	int height = tui_height() - 2;
	size_t n = line_count(p);

	p->first = MIN(p->first, n > (size_t)height ? n - (size_t)height : 0);
	tui_clear();
	tui_format(0, 0, tui_width(), TUI_BAR, "%s%s", p->title, p->is_cut ? "  (its beginning)" : "");
	for (int i = 0; i < height && p->first + (size_t)i < n; i++) {
		char line[LINE_MAX_BYTES + 1];

		if (p->is_hex)
			hex_line(p, p->first + (size_t)i, line);
		else
			text_line(p, p->first + (size_t)i, line);
		tui_text(1 + i, 0, tui_width(), TUI_PLAIN, skip_columns(line, p->skipped));
	}
	if (!n)
		tui_text(1, 0, tui_width(), TUI_DIM, "empty");
	if (p->is_missing)
		tui_format(tui_height() - 1, 0, tui_width(), TUI_BAR, "no line below has \"%s\"", p->search);
	else
		tui_format(tui_height() - 1, 0, tui_width(), TUI_BAR,
			   "q back  line %zu of %zu  x %s  / search  n next  left right", MIN(p->first + 1, n), n,
			   p->is_hex ? "text" : "hex");
	tui_refresh();
}

static void pager_find(struct pager *p, size_t from)
{
	size_t start = from < p->n_lines ? p->starts[from] : p->len, n = strlen(p->search);
	const char *found = n ? memmem(p->bytes + start, p->len - start, p->search, n) : NULL;

	p->is_missing = n && !found;
	if (!found)
		return;
	for (size_t i = from; i < p->n_lines; i++)
		if (p->starts[i + 1] > (size_t)(found - p->bytes)) {
			p->first = i;
			return;
		}
}

static void ask_pager(struct pager *p)
{
	char text[EXPLORE_TEXT] = "";

	if (!tui_prompt("search: ", text, sizeof(text)))
		return;
	if (*text)
		strcpy(p->search, text);
	pager_find(p, p->first);
}

/* Whether it goes on. */
static bool pager_key(struct pager *p, int key)
{
	size_t page = (size_t)MAX(tui_height() - 3, 1);

	if (key == TUI_NONE)
		return true;
	p->is_missing = false;
	switch (key) {
	case 'q':
	case TUI_ESCAPE:
		return false;
	case TUI_UP:
	case 'k':
		p->first -= p->first > 0;
		break;
	case TUI_DOWN:
	case 'j':
	case TUI_ENTER:
		p->first++;
		break;
	case TUI_PAGE_UP:
		p->first -= MIN(p->first, page);
		break;
	case TUI_PAGE_DOWN:
	case ' ':
		p->first += page;
		break;
	case TUI_HOME:
	case 'g':
		p->first = p->skipped = 0;
		break;
	case TUI_END:
	case 'G':
		p->first = line_count(p);
		break;
	case TUI_LEFT:
		p->skipped -= MIN(p->skipped, (size_t)TAB);
		break;
	case TUI_RIGHT:
		p->skipped += TAB;
		break;
	case 'x':
		p->is_hex = !p->is_hex;
		p->first = p->skipped = 0;
		break;
	case '/':
		if (!p->is_hex)
			ask_pager(p);
		break;
	case 'n':
		pager_find(p, p->first + 1);
		break;
	}
	return true;
}

void pager_show(const char *title, const char *bytes, size_t len, bool is_cut)
{
	struct pager p = {.title = title, .bytes = bytes, .len = len, .is_cut = is_cut};

	p.is_hex = memchr(bytes, '\0', MIN(len, (size_t)LINE_MAX_BYTES)) != NULL;
	find_lines(&p);
	do
		pager_draw(&p);
	while (pager_key(&p, tui_key(-1)));
	free(p.starts);
}
