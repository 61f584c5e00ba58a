/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The waste of a stack is the bytes of files that don't show, because a layer above deletes or replaces them. Bytes are
 * those of the content, as a tar has them; a file with several names counts once, and is wasted when none of its names
 * shows. Links, devices and directories have no bytes.
 *
 *	shown + wasted == bytes		score == shown / bytes, 1 without any bytes
 *
 * Two files are compared by size, and those of equal size by the XXH3-128 of their content. Times and xattrs never
 * count. Duplicates are files that show, and are no part of `wasted`.
 *
 * With a base its layers, the lowest ones, are given: their bytes count nowhere. A file that is the same as one of the
 * base is itself what is wasted.
 *
 * dive's figures are those of its version 0.13, which look at the leaves of each layer: directories without entries and
 * everything else. Of each path that several layers have, all bytes are wasted, also those that show. The bytes of a
 * whiteout are those of the directory that it removes, and 0 if it removes something else. With a base only the layers
 * above it are looked at.
 *
 * Memory is about 150 bytes a path and its last component.
 */
#ifndef VIEW_WASTE_H
#define VIEW_WASTE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "view/stack.h"

enum view_waste_kind {
	VIEW_WASTE_HIDDEN,    /* replaced by other content */
	VIEW_WASTE_DELETED,   /* by a whiteout, an opaque directory, or an object of another type */
	VIEW_WASTE_REWRITTEN, /* replaced by the same content, with the same mode and owner */
	VIEW_WASTE_METADATA,  /* replaced by the same content, with another mode or owner */
	VIEW_WASTE_DUPLICATE, /* shows, and a file elsewhere has the same content */
	VIEW_WASTE_KINDS,
};
/* "hidden", "deleted", .. */
const char *view_waste_kind_name(enum view_waste_kind kind);

/* Bytes of one kind at one path. */
struct view_waste_path {
	enum view_waste_kind kind;
	uint32_t path;	 /* for view_waste_text(); of what is deleted, the topmost path that is */
	uint32_t origin; /* of a duplicate: the path of the first file with this content */
	uint32_t files;	 /* how many lie there */
	uint32_t layer;	 /* the one that holds the bytes, counted from the top of the stack */
	uint32_t by;	 /* the layer that hides them; of a duplicate as `layer` */
	uint64_t bytes;
};

/* The figures of one formula. */
struct view_waste_score {
	double score;
	uint64_t wasted;
	double user_wasted; /* wasted / user_bytes; 0 without any */
};

struct view_waste_dive_path {
	uint32_t path, count; /* how many layers have it */
	uint64_t bytes;
};

struct view_waste {
	uint64_t bytes, shown;
	uint64_t user_bytes; /* of the layers above the base, or above the lowest one */
	struct view_waste_score own, dive;
	uint64_t kinds[VIEW_WASTE_KINDS];      /* bytes */
	struct view_waste_path *paths;	       /* most bytes first; owned */
	struct view_waste_dive_path *repeated; /* as dive lists them, most bytes first; owned */
	size_t n_paths, n_repeated;
	uint64_t *layer_bytes, *layer_wasted; /* of each layer, topmost first; owned */
	size_t n_layers;
	struct view_waste_state *state; /* waste.c's own */
};

/* Something can't be looked at: 0 goes on without it. */
typedef int (*view_waste_failed)(void *arg, const char *error);

/* `base` is the number of layers that are given, less than all. With `dive` its figures are made too. *ret is to be
 * freed also after a failure. `ret_error` as in view/stack.h. */
int view_waste_find(const struct view_stack *stack, size_t base, bool dive, view_waste_failed failed, void *arg,
		    struct view_waste *ret, char **ret_error);
void view_waste_free(struct view_waste *waste);
/* The text of a path, from the root and without a slash at its ends. The caller frees it. */
char *view_waste_text(const struct view_waste *waste, uint32_t path);

#endif
