/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A full screen, by ncursesw. Texts have any bytes: control characters and bytes that are no character of the locale
 * are shown as a backslash and three octal digits, and nothing is drawn beyond its width. A wide character that would
 * be cut is left out.
 */
#ifndef PLYCTL_TUI_H
#define PLYCTL_TUI_H

#include <stdbool.h>
#include <stddef.h>

enum tui_style {
	TUI_PLAIN,
	TUI_DIM,
	TUI_BOLD,
	TUI_ADDED,
	TUI_CHANGED,
	TUI_DELETED,
	TUI_DIRECTORY,
	TUI_BAR, /* title and last line */
	TUI_STYLES,
};
/* Added to a style: the line of the cursor. */
#define TUI_CURSOR 0x100

/* Takes the terminal. EXIT_FINE, or EXIT_FAILED after one line: there is none, or it can't move its cursor. */
int tui_start(const char *verb);
void tui_end(void);
int tui_height(void);
int tui_width(void);
void tui_clear(void);
void tui_refresh(void);
/* Draws a text in `width` columns, filled with blanks; returns the columns that the text has. */
int tui_text(int y, int x, int width, unsigned style, const char *text);
int tui_format(int y, int x, int width, unsigned style, const char *fmt, ...) __attribute__((format(printf, 5, 6)));
void tui_vertical(int x, int y, int height);
/* Columns that a text takes. */
int tui_columns(const char *text);

/* The next key within `ms` (-1: whenever it comes): a character of the locale, or one of these. */
enum tui_key {
	TUI_NONE = 0,
	TUI_UP = -1,
	TUI_DOWN = -2,
	TUI_LEFT = -3,
	TUI_RIGHT = -4,
	TUI_PAGE_UP = -5,
	TUI_PAGE_DOWN = -6,
	TUI_HOME = -7,
	TUI_END = -8,
	TUI_ENTER = -9,
	TUI_ESCAPE = -10,
	TUI_BACKSPACE = -11,
	TUI_RESIZE = -12,
	TUI_OTHER = -13,
};
int tui_key(int ms);
/* Asks for a line at the bottom. `text` has the line that is offered, and takes the answer. False: given up. */
bool tui_prompt(const char *label, char *text, size_t size);

#endif
