/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where a directory lies in a layer. Mostly as in the union: in its parent's directory of that layer, by its own name.
 * A redirect breaks that, and so does a rename in this mount; then the ref carries its path from the layer's root.
 *
 * Such a path is composed of names that were found in the layer and is walked one name at a time, never through a
 * symbolic link (dirfd.c), so its length has no limit and it can't lead out. Lower layers don't change, so it stays
 * true.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

/* One step up from `at`: its own piece of the path. *ret_next is the parent, or NULL when the piece begins at the
 * layer's root. */
static int layer_path_piece(struct tree *tree, struct inode *at, unsigned layer, const char **ret_piece,
			    struct inode **ret_next)
{
	const struct dirref *ref = dir_ref_of_layer(at->dir, layer);

	*ret_next = NULL;
	*ret_piece = "";
	if (!CHECK(ref))
		return -EIO;
	if (at == tree->root)
		return 0;
	if (ref->path) {
		*ret_piece = ref->path;
		return 0;
	}
	if (!at->names)
		return -ESTALE;
	*ret_piece = at->names->name;
	*ret_next = at->names->parent;
	return 0;
}

/* Length of the path of `dir`, with a slash behind it if it isn't empty. */
static int layer_path_length(struct tree *tree, struct inode *dir, unsigned layer, size_t *ret_len)
{
	size_t len = 0;

	while (dir) {
		const char *piece;
		int r = layer_path_piece(tree, dir, layer, &piece, &dir);

		if (r < 0)
			return r;
		len += *piece ? strlen(piece) + 1 : 0;
	}
	*ret_len = len;
	return 0;
}

int layer_path_compose_locked(struct tree *tree, struct inode *dir, unsigned layer, const char *name, char **ret_path)
{
	size_t name_len = strlen(name), at;
	char *path;
	int r = layer_path_length(tree, dir, layer, &at);

	(void)CHECK(lock_held(&tree->table));
	if (r < 0)
		return r;
	path = malloc(at + name_len + 1);
	if (!path)
		return -ENOMEM;
	memcpy(path + at, name, name_len + 1);
	/* T is held: the pieces are those that were measured. */
	while (dir && at) {
		const char *piece;
		size_t len;

		if (layer_path_piece(tree, dir, layer, &piece, &dir) < 0)
			break;
		len = strlen(piece);
		if (!len)
			continue;
		path[--at] = '/';
		at -= len;
		memcpy(path + at, piece, len);
	}
	*ret_path = path;
	return 0;
}

int layer_path_compose(struct tree *tree, struct inode *dir, unsigned layer, const char *name, char **ret_path)
{
	LOCK_SCOPE(&tree->table);
	return layer_path_compose_locked(tree, dir, layer, name, ret_path);
}

int inode_lower_path(struct tree *tree, struct inode *inode, unsigned *ret_layer, char **ret_path)
{
	struct inode_name *n;

	LOCK_SCOPE(&tree->table);
	n = inode->names;
	if (!n || inode_in_upper(inode))
		return -ESTALE;
	/* The names of a file with several links may lie in several layers. */
	*ret_layer = n->layer;
	return layer_path_compose_locked(tree, n->parent, n->layer, n->name, ret_path);
}

int dir_settle_lower(struct tree *tree, struct inode *inode)
{
	if (!CHECK(inode_is_dir(inode) && inode != tree->root))
		return -EIO;
	LOCK_SCOPE(&tree->table);
	for (unsigned i = 0; i < inode->dir->n_lower; i++) {
		struct dirref *ref = &inode->dir->lower[i];
		int r;

		if (ref->path)
			continue;
		if (!inode->names)
			return -ESTALE;
		r = layer_path_compose_locked(tree, inode->names->parent, ref->layer, inode->names->name, &ref->path);
		if (r < 0)
			return r;
	}
	return 0;
}
