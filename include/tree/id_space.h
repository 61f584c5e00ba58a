/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The node ids of one session. Several unions may be behind it: then their trees take ids from one space, so that no id
 * is two unions', and each id tells its tree. Ids are handed to trees in chunks of slots (tree/table/slot.c). A tree
 * that ends gives its chunks back. The next tree that takes one goes on with its generations, so an id is never used
 * again.
 *
 * Finding the tree of an id takes no lock. The lock of a space is a leaf, taken once for a chunk.
 */
#ifndef TREE_ID_SPACE_H
#define TREE_ID_SPACE_H

#include <stdbool.h>
#include <stdint.h>

struct id_space;
struct tree;

/* root_is_apart: TREE_ROOT_ID is no tree's; otherwise it is the root's of the first tree. 0 or -ENOMEM. */
int id_space_new(bool root_is_apart, struct id_space **ret_space);
/* After its trees. NULL is fine. */
void id_space_free(struct id_space *space);
/* The tree that the id was taken by, or NULL. The id may be stale: see inode_find(). */
struct tree *id_space_tree(const struct id_space *space, uint64_t id);

#endif
