/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The resolver: which layers hold a name. It takes a directory's stack and a name and returns a value. It knows no
 * inode of the child. It takes no lock but the leaf locks of the descriptor and listing caches.
 *
 * Rules (kernel overlayfs): the search begins with the topmost layer. A whiteout ends it. A non-directory ends it and
 * hides everything below. Directories merge down to an opaque one. A directory with a redirect changes the name, or the
 * path from the layers' roots, by which the layers below it are searched. So its lower refs may lie elsewhere; they
 * carry their path (tree/tree.h, I5). If the directory's merged listing is known, a missing name costs no system call,
 * and the search for a present name starts at its layer.
 */
#ifndef TREE_RESOLVE_H
#define TREE_RESOLVE_H

#include "tree/resolved.h"
#include "tree/tree.h"

/* Errors:
 *
 *	-ENOENT        there is no such name; upper_whiteout is set even then
 *	-ENAMETOOLONG
 *	-EPERM         a redirect or metacopy object, which this mount doesn't follow
 *	-EINVAL        a redirect that climbs or is malformed
 *	-EIO           also a metacopy object without data or with an invalid xattr
 *	-ELOOP         the root of the upper or of the work directory inside a lower layer
 *	-ENOMEM */
int resolve_child(struct tree *tree, struct inode *dir, const char *name, struct resolved *ret);
void resolved_finish(struct resolved *resolved);

/* Whether a lower layer of the directory's stack shows `name` (an object that is no whiteout). If so, the removal of
 * the upper object needs a whiteout. Returns 1, 0 or -errno. */
int resolve_lower_positive(struct tree *tree, struct inode *dir, const char *name);

#endif
