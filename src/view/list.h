/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One directory of a union, sorted by the bytes of the names, with all that is needed to compare its entries.
 */
#ifndef VIEW_LIST_H
#define VIEW_LIST_H

#include "merged.h"
#include "tree/walk.h"
#include "view/union.h"

/* One of `set` and `merged`; none of them: a union without anything. */
struct view_union {
	const struct view_stack *stack;
	size_t first;		  /* its topmost layer */
	struct layer_set *set;	  /* owned */
	struct tree_looks *looks; /* of the set; owned */
	struct merged *merged;	  /* owned */
};

struct view_item {
	char *name;	 /* owned */
	char *path;	 /* in its layer if that is another path than in the union, else NULL; owned */
	char *data_path; /* of the data if it isn't the object's own, else NULL; owned */
	struct statx stx;
	unsigned xattr_flags, layer, data_layer; /* layers are counted from the top of the union */
	unsigned n_parts;			 /* of a directory: the layers that merge in it */
	bool no_path;				 /* in the index: it can't be opened by a path */
	bool overmounted;
	uint32_t node; /* of `merged` */
};

struct view_list {
	struct view_item *items; /* owned */
	size_t n, room;
};

typedef int (*view_list_failed)(void *arg, const char *path, int err);

/* Lists `path`; `node` is its own if the union is merged. An entry, or the directory itself, that can't be looked at is
 * told to `failed`. A path that isn't there or no directory has no items. 0, -ENOMEM, or what `failed` returned. */
int view_list_read(struct view_union *u, const char *path, uint32_t node, view_list_failed failed, void *arg,
		   struct view_list *ret);
/* Looks at one path ("": the root) of layers that are directories, and adds it if it shows. The result is as above. */
int view_list_look(struct view_union *u, const char *path, view_list_failed failed, void *arg, struct view_list *list);
void view_list_free(struct view_list *list);
/* The topmost object of a node. */
struct view_item view_item_of_node(const struct merged *m, uint32_t node);

/* The names that the topmost layer has in a directory, whiteouts too, sorted, once each. The caller frees each and the
 * list. */
int view_top_names(const struct view_union *u, const char *path, char ***ret, size_t *ret_n);

/* --- same.c ------------------------------------------------------------------------------------------------------- */

struct view_side {
	struct view_union *u;
	const char *path; /* in the union */
	const struct view_item *item;
};

/* Whether xattrs, targets of links, or bytes differ. 1, 0 or -errno. Where one side is of an archive, the xattrs with
 * an image_xattr_digest() count. */
int view_xattrs_differ(const struct view_side *a, const struct view_side *b);
int view_targets_differ(const struct view_side *a, const struct view_side *b);
int view_bytes_differ(const struct view_side *a, const struct view_side *b);

#endif
