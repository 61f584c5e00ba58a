/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver: which layers hold a name. It takes a directory's stack and a name and returns a value; it knows no
 * inode of the child and takes no lock but the leaf ones of the descriptor and listing caches.
 *
 * Rules (kernel overlayfs): topmost first; a whiteout ends the search; a non-directory ends it and hides all below;
 * directories merge until an opaque one. A directory with a redirect changes the name, or the path from the layers'
 * roots, by which the layers below it are searched; so its lower refs may lie elsewhere and carry their path
 * (tree/tree.h, I5). Where the directory's merged listing is known, a missing name costs no system call and a present
 * one starts at the layer that has it.
 */
#ifndef TREE_RESOLVE_H
#define TREE_RESOLVE_H

#include "tree/resolved.h"
#include "tree/tree.h"

/* -ENOENT: nothing of this name (upper_whiteout is set even then); -ENAMETOOLONG; -EPERM: a redirect or metacopy
 * object, which this mount doesn't follow; -EINVAL: a redirect that climbs or is malformed; -EIO: also a metacopy
 * object without data or with an xattr that isn't valid; -ELOOP: the upper's or work's own root inside a lower layer;
 * -ENOMEM; -EIO. */
int resolve_child(struct tree *tree, struct inode *dir, const char *name, struct resolved *ret);
void resolved_finish(struct resolved *resolved);

/* Whether a lower layer of the directory's stack shows `name` (an object that is no whiteout): what decides if removing
 * the upper object needs a whiteout. Returns 1, 0 or -errno. */
int resolve_lower_positive(struct tree *tree, struct inode *dir, const char *name);

#endif
