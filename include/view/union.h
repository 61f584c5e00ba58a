/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The union of the layers of a stack from one of them down to the lowest, to be compared (view/compare.h).
 *
 * Layers that are directories are looked at where they are (tree/walk.h). Those of archives and layouts are merged in
 * memory by the rules of OCI images: a whiteout hides what the layers below have, wherever it is in its layer; nothing
 * of the layers below shows in an opaque directory; attributes of a directory are those of its topmost entry. A hard
 * link has the attributes and the content of its file. Such a union takes 72 bytes an object, and its name. Tables of
 * contents are freed one by one when they are merged.
 */
#ifndef VIEW_UNION_H
#define VIEW_UNION_H

#include "view/stack.h"

struct view_union;

/* Of an open stack, which stays open until the union is freed. `first` is the topmost layer of the union; the number of
 * layers means a union without anything. -errno, with one line that the caller frees. */
int view_union_open(const struct view_stack *stack, size_t first, struct view_union **ret, char **ret_error);
/* Of the same stack, with one layer more on top of `below`. Layers in archives aren't read again but for that one. */
int view_union_open_above(const struct view_union *below, struct view_union **ret, char **ret_error);
void view_union_free(struct view_union *u);
static inline void view_union_cleanup(struct view_union **u)
{
	view_union_free(*u);
}

#endif
