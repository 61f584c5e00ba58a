/* SPDX-License-Identifier: Apache-2.0 */
/*
 * All names of all layers in memory, to be looked at layer by layer: the model of plyctl explore. It knows no terminal.
 *
 * Names are added layer by layer, in any order of layers (view/contents.h). At every moment, also before all layers are
 * there, a view of them can be asked for. It has the names that one layer has changed, or all that the union of this
 * layer and those below shows. Both have the names that the layer deletes, with all that was in them.
 *
 * A view has rows, as a tree on a screen has: directories are open or closed. A node is a name of the union of all
 * layers; its number stays the same. The root is node 0 and has no row.
 *
 * A directory that was renamed in the union (a redirect) isn't followed: it shows what the layer itself has.
 *
 * About 120 bytes a name with one version. Nothing is thread-safe. -ENOMEM is the only error where no other is named.
 */
#ifndef VIEW_BROWSE_H
#define VIEW_BROWSE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view/contents.h"

#define BROWSE_ROOT 0U
#define BROWSE_NONE UINT32_MAX
#define BROWSE_LAYERS_MAX 60000U

enum browse_change { BROWSE_SAME, BROWSE_ADDED, BROWSE_CHANGED, BROWSE_DELETED };

struct browse;

/* NULL without memory. The first layer is the topmost one. */
struct browse *browse_new(size_t layers);
void browse_free(struct browse *b);

/* Objects of one layer come between two calls of this. */
void browse_begin_layer(struct browse *b, size_t layer);
/* -EINVAL: a path that isn't one. -E2BIG: too many names. A name without a directory around it is taken, and shown by
 * no view. */
int browse_add(struct browse *b, const struct view_object *o);

/* A layer as its objects make it. */
struct browse_layer {
	uint64_t bytes; /* of files */
	uint32_t names, whiteouts;
};
const struct browse_layer *browse_layer(const struct browse *b, size_t layer);
/* Names of all layers. */
size_t browse_count(const struct browse *b);

/* --- a view ------------------------------------------------------------------------------------------------------- */

struct browse_view {
	size_t layer;
	bool merged;	    /* what the layer left as it was, too */
	bool hide[4];	    /* enum browse_change: files and directories without others in them aren't shown */
	const char *filter; /* only names with this text, and the way to them; NULL or "": all */
	bool by_size;	    /* the largest first; only when all layers are there */
};

/* Makes the rows of a view. */
int browse_show(struct browse *b, const struct browse_view *view);

struct browse_row {
	uint32_t node;
	unsigned depth; /* 0: in the root */
	const char *name;
	enum browse_change change;
	bool is_directory, is_open, has_children;
	bool is_whiteout; /* that hides nothing */
	bool is_hardlink, is_redirect, is_metacopy, is_opaque;
	uint32_t mode, uid, gid; /* mode 0: not known */
	uint64_t bytes;		 /* of a directory: of all that the view shows in it */
	int64_t mtime;
	const char *link; /* or NULL */
	size_t layer;	  /* whose version it is */
};

size_t browse_rows(const struct browse *b);
void browse_row(const struct browse *b, size_t row, struct browse_row *ret);
/* Bytes of the whole view. */
uint64_t browse_total(const struct browse *b);

/* The rows are made anew by these. */
int browse_open(struct browse *b, uint32_t node, bool open);
/* Down to `depth` directories are open; 0: none, UINT_MAX: all. */
int browse_open_all(struct browse *b, unsigned depth);
/* The row of a node, for which directories are opened; if the view doesn't show it, the row of the directory that would
 * have it. 0 if there is none. */
int browse_reveal(struct browse *b, uint32_t node, size_t *ret_row);
/* The next node of the view behind `from` (BROWSE_ROOT: from the start), open or not, whose name has the text; before
 * it if `back`. It goes on at the other end. BROWSE_NONE: there is none. */
uint32_t browse_find(const struct browse *b, const char *text, uint32_t from, bool back);

uint32_t browse_parent(const struct browse *b, uint32_t node);
/* From the root, no slash at either end. The caller frees it; NULL without memory. */
char *browse_path(const struct browse *b, uint32_t node);
/* The layers that have a version of the node, topmost first; up to `max` of them. Returns how many there are. */
size_t browse_versions(const struct browse *b, uint32_t node, size_t *ret_layers, size_t max);

#endif
