/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose own object has metadata alone: where their data lies.
 *
 * It is a regular file of a lower or a data-only layer, by its path from the layer's root. Lower layers don't change,
 * so once known it stays true, and it is remembered until the inode is freed, also when the data has been copied into
 * the upper meanwhile: then the inode's flag is gone and nobody asks any more. Such inodes are few, so what is known of
 * them lies in a table of its own and costs the others nothing.
 *
 * This is what is known; open_data.c opens it.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"

/* --- the table ---------------------------------------------------------------------------------------------------- */

static struct lowerdata *lowerdata_find_locked(struct tree *tree, const struct inode *inode)
{
	struct lowerdata *d = NULL;

	(void)CHECK(lock_held(&tree->table));
	HASH_FIND(hh, tree->inodes->lowerdata, &inode, sizeof(inode), d);
	return d;
}

struct lowerdata *lowerdata_of(struct tree *tree, const struct inode *inode)
{
	if (!inode_is_metacopy(inode))
		return NULL;
	LOCK_SCOPE(&tree->table);
	return lowerdata_find_locked(tree, inode);
}

static int lowerdata_add_locked(struct tree *tree, struct inode *inode, unsigned layer, const char *path, uint64_t size,
				uint64_t blocks, bool linked)
{
	struct lowerdata *d = malloc(sizeof(*d) + strlen(path) + 1);

	/* I7: it is known once, and before the object is in the table as one of the upper. */
	(void)CHECK(lock_held(&tree->table) && !lowerdata_find_locked(tree, inode));
	(void)CHECK(!inode_in_upper(inode) || !inode->names);
	if (!d)
		return -ENOMEM;
	memset(d, 0, sizeof(*d));
	d->inode = inode;
	d->size = size;
	d->linked = linked;
	atomic_init(&d->blocks, blocks);
	atomic_init(&d->layer, layer);
	strcpy(d->path, path);
	HASH_ADD(hh, tree->inodes->lowerdata, inode, sizeof(d->inode), d);
	if (!d->hh.tbl) {
		free(d);
		return -ENOMEM;
	}
	atomic_fetch_or_explicit(&inode->flags, INODE_METACOPY | INODE_HAS_LOWERDATA, memory_order_release);
	return 0;
}

int lowerdata_take_locked(struct tree *tree, struct inode *inode, const struct resolved *resolved)
{
	uint64_t blocks = resolved->data_layer == LOWERDATA_LAZY ? LOWERDATA_BLOCKS_UNKNOWN : resolved->data_blocks;

	(void)CHECK(lock_held(&tree->table));
	return lowerdata_add_locked(tree, inode, resolved->data_layer, resolved->data_path, resolved->stx.stx_size,
				    blocks, resolved->lower_linked);
}

void lowerdata_drop_locked(struct tree *tree, struct inode *inode)
{
	struct lowerdata *d;

	(void)CHECK(lock_held(&tree->table));
	if (!(atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_HAS_LOWERDATA))
		return;
	d = lowerdata_find_locked(tree, inode);
	if (!CHECK(d))
		return;
	HASH_DELETE(hh, tree->inodes->lowerdata, d);
	free(d);
}

bool lowerdata_check_locked(struct tree *tree, const struct inode *inode)
{
	bool has = atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_HAS_LOWERDATA;
	const struct lowerdata *d = lowerdata_find_locked(tree, inode);
	const struct layer_set *set = tree->layers;
	bool good = CHECK(lock_held(&tree->table));
	unsigned layer;

	good &= CHECK(has == (d != NULL));
	good &= CHECK(has || !inode_is_metacopy(inode));
	if (!d)
		return good;
	layer = atomic_load_explicit(&d->layer, memory_order_relaxed);
	good &= CHECK(S_ISREG(inode->type) && *d->path);
	return good & CHECK(layer == LOWERDATA_LAZY || (layer < set->n + set->n_data && !set->layers[layer].upper));
}

/* --- copy-up ------------------------------------------------------------------------------------------------------ */

int inode_note_lowerdata(struct tree *tree, struct inode *inode, const struct statx *stx)
{
	_cleanup_free_ char *path = NULL;
	struct inode_name *n;
	int r;

	LOCK_SCOPE(&tree->table);
	if (inode_is_metacopy(inode))
		return 0;
	if (!CHECK(S_ISREG(inode->type) && !inode_in_upper(inode)))
		return -EIO;
	n = inode->names;
	if (!n)
		return -ESTALE;
	/* The names of a file with several links may lie in several layers. */
	r = layer_path_compose_locked(tree, n->parent, n->layer, n->name, &path);
	return r < 0 ? r
		     : lowerdata_add_locked(tree, inode, n->layer, path, stx->stx_size, stx->stx_blocks,
					    stx->stx_nlink > 1);
}

bool inode_lower_is_linked(struct tree *tree, struct inode *inode)
{
	struct lowerdata *d = lowerdata_of(tree, inode);

	return d && d->linked;
}

void inode_publish_data(struct tree *tree, struct inode *inode)
{
	LOCK_SCOPE(&tree->table);
	(void)CHECK(inode_in_upper(inode) && inode_is_metacopy(inode)); /* I7 */
	atomic_fetch_and_explicit(&inode->xattr_flags, ~(unsigned)XATTR_FLAG_METACOPY, memory_order_relaxed);
	atomic_fetch_and_explicit(&inode->flags, (uint16_t)~INODE_METACOPY, memory_order_release);
}

void lowerdata_fix_statx(struct tree *tree, const struct inode *inode, struct statx *stx)
{
	struct lowerdata *d = lowerdata_of(tree, inode);
	uint64_t blocks, block;

	if (!d)
		return;
	blocks = atomic_load_explicit(&d->blocks, memory_order_relaxed);
	block = stx->stx_blksize ? stx->stx_blksize : 512;
	stx->stx_blocks =
		blocks != LOWERDATA_BLOCKS_UNKNOWN ? blocks : (stx->stx_size + block - 1) / block * block / 512;
}
