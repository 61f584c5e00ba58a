/* SPDX-License-Identifier: Apache-2.0 */
#include "tui.h"

#include <limits.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <wchar.h>
#include <wctype.h>

#include "plyctl.h"

/* These define short words of their own, so they come last. */
#include <ncursesw/curses.h>
#include <ncursesw/term.h>
#undef columns
#undef lines

#define LINE_COLUMNS 1024
#define ESCAPE_DELAY_MS 25

/* --- the terminal ------------------------------------------------------------------------------------------------- */

static const struct {
	short colour;
	attr_t attributes;
} styles[TUI_STYLES] = {
	[TUI_PLAIN] = {-1, A_NORMAL},
	[TUI_DIM] = {-1, A_DIM},
	[TUI_BOLD] = {-1, A_BOLD},
	[TUI_ADDED] = {COLOR_GREEN, A_NORMAL},
	[TUI_CHANGED] = {COLOR_YELLOW, A_NORMAL},
	[TUI_DELETED] = {COLOR_RED, A_NORMAL},
	[TUI_DIRECTORY] = {COLOR_BLUE, A_BOLD},
	[TUI_BAR] = {-1, A_REVERSE},
};

static SCREEN *screen;

int tui_start(const char *verb)
{
	const char *name = getenv("TERM");
	int found = 0;
	bool moves;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO))
		return fail("%s: it wants a terminal", verb);
	moves = setupterm(NULL, STDOUT_FILENO, &found) == OK && tigetstr("cup") && tigetstr("cup") != (char *)-1;
	if (cur_term)
		del_curterm(cur_term);
	if (!moves)
		return fail("%s: the terminal \"%s\" can't move its cursor (TERM)", verb, name ? name : "");
	screen = newterm(NULL, stdout, stdin);
	if (!screen)
		return fail("%s: the terminal can't be used", verb);
	cbreak();
	noecho();
	nonl();
	keypad(stdscr, TRUE);
	set_escdelay(ESCAPE_DELAY_MS);
	curs_set(0);
	if (has_colors()) {
		start_color();
		use_default_colors();
		for (short i = 1; i < TUI_STYLES; i++)
			init_pair(i, styles[i].colour, -1);
	}
	return EXIT_FINE;
}

void tui_end(void)
{
	endwin();
	delscreen(screen);
	screen = NULL;
}

int tui_height(void)
{
	return LINES;
}

int tui_width(void)
{
	return COLS;
}

void tui_clear(void)
{
	erase();
}

void tui_refresh(void)
{
	refresh();
}

/* --- texts -------------------------------------------------------------------------------------------------------- */

static bool is_drawn(wchar_t c)
{
	return !is_direction(c) && iswprint((wint_t)c) && wcwidth(c) >= 0;
}

/* The next character of a text, or the escape of its next byte. Returns the bytes that it had; *ret_columns is its
 * width. */
static size_t next_cell(const char *text, size_t len, bool after_base, wchar_t ret[5], int *ret_columns)
{
	mbstate_t state = {0};
	wchar_t c;
	size_t n = mbrtowc(&c, text, len, &state);

	/* A combining character needs something to stand on. */
	if (n > 0 && n <= len && is_drawn(c) && (wcwidth(c) > 0 || after_base)) {
		ret[0] = c;
		ret[1] = 0;
		*ret_columns = wcwidth(c);
		return n;
	}
	swprintf(ret, 5, L"\\%03o", (unsigned char)*text);
	*ret_columns = 4;
	return 1;
}

static int put_cells(const char *text, int width, wchar_t *out, size_t room)
{
	size_t len = strlen(text), used = 0;
	int columns = 0;

	for (size_t i = 0; i < len;) {
		wchar_t cell[5];
		int own;
		size_t n = next_cell(text + i, len - i, used > 0, cell, &own), wide = wcslen(cell);

		if (columns + own > width || used + wide + 1 > room)
			break;
		wmemcpy(out + used, cell, wide);
		used += wide;
		columns += own;
		i += n;
	}
	out[used] = 0;
	return columns;
}

int tui_columns(const char *text)
{
	wchar_t cells[LINE_COLUMNS];

	return put_cells(text, LINE_COLUMNS, cells, ARRAY_SIZE(cells));
}

/* A character at a time, with all that combines with it: added one by one, those behind a wide character get lost. */
static void draw_cells(int y, int x, const wchar_t *cells, attr_t attributes, short pair)
{
	move(y, x);
	while (*cells) {
		wchar_t one[CCHARW_MAX + 1] = {*cells++};
		size_t n = 1;
		cchar_t cell;

		for (; *cells && wcwidth(*cells) == 0; cells++)
			if (n < CCHARW_MAX)
				one[n++] = *cells;
		if (setcchar(&cell, one, attributes, pair, NULL) == OK)
			add_wch(&cell);
	}
}

int tui_text(int y, int x, int width, unsigned style, const char *text)
{
	unsigned s = style & ~(unsigned)TUI_CURSOR;
	wchar_t cells[2 * LINE_COLUMNS];
	int columns;

	if (width <= 0 || y < 0 || y >= LINES || x >= COLS)
		return 0;
	width = MIN(width, COLS - x);
	width = MIN(width, LINE_COLUMNS);
	columns = put_cells(text, width, cells, ARRAY_SIZE(cells));
	draw_cells(y, x, cells, styles[s].attributes | (style & TUI_CURSOR ? A_REVERSE : 0),
		   has_colors() ? (short)s : 0);
	if (columns < width)
		mvhline(y, x + columns, ' ' | (attr_t)(style & TUI_CURSOR || s == TUI_BAR ? A_REVERSE : 0),
			width - columns);
	return columns;
}

int tui_format(int y, int x, int width, unsigned style, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		abort();
	va_end(ap);
	return tui_text(y, x, width, style, text);
}

void tui_vertical(int x, int y, int height)
{
	mvvline(y, x, ACS_VLINE, height);
}

/* --- keys --------------------------------------------------------------------------------------------------------- */

static int special_key(wint_t c)
{
	static const struct {
		int curses, own;
	} keys[] = {{KEY_UP, TUI_UP},
		    {KEY_DOWN, TUI_DOWN},
		    {KEY_LEFT, TUI_LEFT},
		    {KEY_RIGHT, TUI_RIGHT},
		    {KEY_PPAGE, TUI_PAGE_UP},
		    {KEY_NPAGE, TUI_PAGE_DOWN},
		    {KEY_HOME, TUI_HOME},
		    {KEY_END, TUI_END},
		    {KEY_ENTER, TUI_ENTER},
		    {KEY_RESIZE, TUI_RESIZE},
		    {KEY_BACKSPACE, TUI_BACKSPACE}};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if ((int)c == keys[i].curses)
			return keys[i].own;
	return TUI_OTHER;
}

/* A terminal that hung up has no keys any more, and where SIGHUP is ignored nothing else ends the program. */
static void end_without_terminal(void)
{
	struct pollfd fd = {.fd = STDIN_FILENO, .events = POLLIN};

	if (poll(&fd, 1, 0) <= 0 || !(fd.revents & (POLLHUP | POLLERR | POLLNVAL)))
		return;
	tui_end();
	exit(fail("the terminal is gone"));
}

int tui_key(int ms)
{
	wint_t c;
	int r;

	timeout(ms);
	r = get_wch(&c);
	if (r == ERR) {
		end_without_terminal();
		return TUI_NONE;
	}
	if (r == KEY_CODE_YES)
		return special_key(c);
	if (c == '\r' || c == '\n')
		return TUI_ENTER;
	if (c == 27)
		return TUI_ESCAPE;
	if (c == 8 || c == 127)
		return TUI_BACKSPACE;
	return (int)c;
}

/* Without its last character. */
static void cut_last(char *text)
{
	size_t n = strlen(text);

	while (n > 0 && ((unsigned char)text[n - 1] & 0xc0) == 0x80)
		n--;
	text[n ? n - 1 : 0] = '\0';
}

static void append_character(char *text, size_t size, int key)
{
	char bytes[MB_LEN_MAX];
	int n = wctomb(bytes, (wchar_t)key);
	size_t len = strlen(text);

	if (n <= 0 || len + (size_t)n >= size)
		return;
	memcpy(text + len, bytes, (size_t)n);
	text[len + (size_t)n] = '\0';
}

bool tui_prompt(const char *label, char *text, size_t size)
{
	for (;;) {
		int y = LINES - 1, x = tui_text(y, 0, COLS, TUI_BAR, label), key;
		/* The end of a long text is what is worked on. */
		const char *shown = text;

		while (x + tui_columns(shown) + 1 > COLS && *shown)
			shown++;
		x += tui_text(y, x, COLS - x, TUI_BAR, shown);
		move(y, MIN(x, COLS - 1));
		curs_set(1);
		refresh();
		key = tui_key(-1);
		curs_set(0);
		if (key == TUI_ENTER)
			return true;
		if (key == TUI_ESCAPE || key == 3 || key == TUI_NONE)
			return false;
		if (key == TUI_BACKSPACE)
			cut_last(text);
		else if (key == 21) /* ^U */
			*text = '\0';
		else if (key >= ' ')
			append_character(text, size, key);
	}
}
