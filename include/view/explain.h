/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Why a stack of any kind shows what it shows at a path. Layers of archives say the same as directories do, by the
 * rules of OCI images.
 */
#ifndef VIEW_EXPLAIN_H
#define VIEW_EXPLAIN_H

#include "tree/walk.h"
#include "view/stack.h"

/* One component of the path, as tree_explain() tells it; valid during the call. Of an archive's layer the members that
 * only a directory has are 0: numbers of inodes and devices, link counts. */
struct view_explained {
	const struct tree_walk_entry *entry;
	/* The path of the content of what is shown, from the root of layer `entry->data_layer`. NULL: nothing is shown,
	 * its content has no path in a layer, or is missing. */
	const char *content;
	/* The path of the file with the content in the index, which is in no layer; else NULL. */
	const char *index_path;
	const char *link; /* the target of a symlink that is shown; else NULL */
};

/* Looks at one path of an open stack: `step` gets the root and each component of the path. 0, -errno, or the result of
 * `step`. -ENOENT: no layer has an entry at the path. `ret_error` gets a line where there is more to say than the
 * errno; the caller frees it. */
int view_explain(const struct view_stack *stack, const char *path,
		 int (*step)(void *arg, const struct view_explained *explained), void *arg, char **ret_error);

/* The path with the symlinks of the directories on the way followed, within the union: an absolute target begins at the
 * union's root, and `..` doesn't lead above it. A symlink at the end isn't followed, and what isn't there stays as it
 * is. The caller frees it. -ELOOP: too many. */
int view_follow(const struct view_stack *stack, const char *path, char **ret_path, char **ret_error);

#endif
