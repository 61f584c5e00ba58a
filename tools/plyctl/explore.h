/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl explore. verb_explore.c reads the layers one by one, the topmost first, and answers keys meanwhile.
 * explore_keys.c says what keys do, explore_file.c reads files, explore_draw.c draws, and pager.c shows texts. The tree
 * is that of view/browse.h.
 */
#ifndef PLYCTL_EXPLORE_H
#define PLYCTL_EXPLORE_H

#include "plyctl.h"
#include "view/browse.h"
#include "view/contents.h"

#define EXPLORE_TEXT 256

enum explore_focus { FOCUS_LAYERS, FOCUS_TREE };

struct explore {
	struct view_stack *stack;
	struct browse *browse;
	struct browse_view view;
	size_t n_layers, loaded; /* layers; those that are read, from the top */
	bool *failed;		 /* owned; layers that couldn't be read whole */
	enum explore_focus focus;
	size_t first_layer;    /* the first on the screen */
	size_t row, first_row; /* of the cursor, and the first on the screen */
	char filter[EXPLORE_TEXT], search[EXPLORE_TEXT], message[EXPLORE_TEXT];
	bool ends;
};

/* Makes the rows anew; the cursor stays on its name. */
void explore_show(struct explore *x);
/* Answers a key: one of enum tui_key or a character. */
void explore_key(struct explore *x, int key);
void explore_draw(struct explore *x);
/* Lines of the tree on the screen. */
size_t explore_tree_height(void);
/* Whether the cursor is on a row. */
bool explore_row(const struct explore *x, struct browse_row *ret);
void explore_say(struct explore *x, const char *fmt, ...) PRINTF_FORMAT(2, 3);

/* A file's content, or a text: until a key ends it. */
void pager_show(const char *title, const char *bytes, size_t len, bool is_cut);
/* The content of the file under the cursor: views it, or writes it to a new file. */
void explore_view_file(struct explore *x);
void explore_extract(struct explore *x);

#endif
