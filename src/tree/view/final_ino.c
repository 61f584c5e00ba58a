/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The numbers (d_ino) of entries that a merge leaves pending: those of what may have been copied up. They are asked for
 * when the entry is first read, and are what a lookup would show.
 */
#include "view.h"

#include <errno.h>

#include "base/check.h"
#include "base/macros.h"
#include "os/fs.h"

/* What the xattr leads to has the number; an xattr that can't be followed leaves it as it is, and the lookup tells. */
static int final_ino_by_lookup(struct tree *tree, struct inode *dir, const char *name, uint64_t *ino)
{
	struct resolved resolved;
	int r = resolve_child(tree, dir, name, &resolved);

	if (r == 0)
		*ino = resolved.in_upper
			       ? number_of_upper(tree, resolved.ino, layer_union_ino(tree->layers, resolved.id))
			       : resolved.ino;
	resolved_finish(&resolved);
	return r == -ENOENT || r == -ENOMEM ? r : 0;
}

static int own_ino(struct tree *tree, int dirfd, const char *name, uint64_t *ret_ino)
{
	struct object_id id;
	struct statx stx;
	int r = os_statx(dirfd, name, &stx);

	if (r == 0)
		r = layer_object(tree->layers, layer_upper(tree->layers), dirfd, name, &stx, &id);
	if (r == 0)
		*ret_ino = layer_union_ino(tree->layers, id);
	return r;
}

/* The number of the lower directory that was noted, unless another one in the upper has that: only then the own one is
 * asked for. */
static int final_ino_of_merged(struct tree *tree, int dirfd, const char *name, uint64_t *ino)
{
	uint64_t own;
	int r;

	if (!number_is_taken(tree, *ino, 0))
		return 0;
	r = own_ino(tree, dirfd, name, &own);
	if (r == 0)
		*ino = number_of_upper(tree, *ino, own);
	return r;
}

/* The xattrs that count in a number. */
static int final_xattr_flags(struct tree *tree, int dirfd, const char *name, unsigned flags, unsigned *ret_flags)
{
	const struct layer *upper = layer_upper(tree->layers);
	int r = layer_read_xattr_flags(tree->layers, upper, dirfd, name, ret_flags);

	if (r < 0 || !tree->layers->aufs || (*ret_flags & XATTR_FLAG_OPAQUE))
		return r;
	if (!(flags & LISTED_MERGES) && !(*ret_flags & XATTR_FLAG_REDIRECT))
		return 0;
	r = layer_aufs_opaque(upper, dirfd, name);
	if (r > 0)
		*ret_flags |= XATTR_FLAG_OPAQUE;
	return MIN(r, 0);
}

/* Of an object of the upper. 1: a redirect leads to it. */
static int final_ino_by_xattrs(struct tree *tree, int dirfd, const char *name, unsigned flags, uint64_t *ino)
{
	uint64_t origin = 0;
	unsigned xattr_flags;
	int r = final_xattr_flags(tree, dirfd, name, flags, &xattr_flags);

	if (r < 0)
		return r;
	if ((xattr_flags & XATTR_FLAG_REDIRECT) && !(xattr_flags & XATTR_FLAG_OPAQUE))
		return 1;
	if ((flags & LISTED_MERGES) && !(xattr_flags & XATTR_FLAG_OPAQUE))
		return final_ino_of_merged(tree, dirfd, name, ino);
	/* Opaque: the number that was noted is that of a directory it hides. */
	if (flags & LISTED_MERGES)
		r = own_ino(tree, dirfd, name, ino);
	if (xattr_flags & XATTR_FLAG_ORIGIN)
		origin = layer_origin_ino(tree->layers, layer_upper(tree->layers), dirfd, name);
	*ino = number_of_upper(tree, origin, *ino);
	return r;
}

/* Where the upper's numbers don't last an inode keeps the one that it was met with. */
static bool known_ino(struct tree *tree, struct inode *dir, const char *name, uint64_t *ret_ino)
{
	struct inode *inode = inode_peek(tree, dir, name);

	if (inode)
		*ret_ino = inode_ino(inode);
	inode_put(tree, inode);
	return inode;
}

/* As resolve_child() numbers it, with fewer calls: the listing has seen what lies beneath. */
int final_ino(struct tree *tree, struct inode *dir, const char *name, unsigned flags, uint64_t *ino)
{
	struct dirfd fd;
	int r = 1;

	if (layer_upper_is_vague(tree->layers) && known_ino(tree, dir, name, ino))
		return 0;
	if (!(flags & LISTED_FORMER) && !layer_upper_is_vague(tree->layers)) {
		if (!CHECK(tree->layers->has_upper))
			return -EIO;
		r = dirfd_get_upper(tree, dir, &fd);
		if (r < 0)
			return r;
		r = final_ino_by_xattrs(tree, fd.fd, name, flags, ino);
		dirfd_put(tree, &fd);
	}
	return r > 0 ? final_ino_by_lookup(tree, dir, name, ino) : r;
}
