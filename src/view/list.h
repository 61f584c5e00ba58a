/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One directory of a union, sorted by the bytes of the names, with all that is needed to compare its entries.
 */
#ifndef VIEW_LIST_H
#define VIEW_LIST_H

#include "tree/walk.h"

struct view_item {
	char *name;	 /* owned */
	char *path;	 /* in its layer if that is another path than in the union, else NULL; owned */
	char *data_path; /* of the data if it isn't the object's own, else NULL; owned */
	struct statx stx;
	unsigned xattr_flags, layer, data_layer;
	bool no_path; /* in the index: it can't be opened by a path */
	bool overmounted;
};

struct view_list {
	struct view_item *items; /* owned */
	size_t n, room;
};

/* Lists `path`. An entry, or the directory itself, that can't be looked at is told to `failed`. A path that isn't there
 * or no directory has no items. 0, -ENOMEM, or what `failed` returned. */
int view_list_read(struct layer_set *set, const char *path, int (*failed)(void *arg, const char *path, int err),
		   void *arg, struct view_list *ret);
void view_list_free(struct view_list *list);

/* --- same.c ------------------------------------------------------------------------------------------------------- */

struct view_side {
	struct layer_set *set;
	const char *path; /* in the union */
	const struct view_item *item;
};

/* Whether xattrs, targets of links, or bytes differ. 1, 0 or -errno. */
int view_xattrs_differ(const struct view_side *a, const struct view_side *b);
int view_targets_differ(const struct view_side *a, const struct view_side *b);
int view_bytes_differ(const struct view_side *a, const struct view_side *b);

#endif
