/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Telling the table that a copy-up is done: from then on an inode is the object in the upper.
 */
#include "table.h"

#include "base/check.h"

static void publish_object_locked(struct tree *tree, struct inode *inode, struct object_id copy, bool has_origin)
{
	(void)CHECK(lock_held(&tree->table));
	inode->layer = layer_upper(tree->layers)->index;
	inode->real_ino = copy.ino;
	inode->device = copy.device;
	if (has_origin)
		atomic_fetch_or(&inode->xattr_flags, XATTR_FLAG_ORIGIN);
	if (!has_origin || !number_claim_locked(tree, inode))
		number_use_own_locked(tree, inode);
	atomic_fetch_or_explicit(&inode->flags, INODE_IN_UPPER, memory_order_release);
}

void inode_publish_upper(struct tree *tree, struct inode *inode, struct object_id copy, bool has_origin)
{
	LOCK_SCOPE(&tree->table);
	if (!CHECK(!inode_is_dir(inode) && !inode_in_upper(inode)))
		return;
	/* A copy without an entry in the index is another file than what the number led to. */
	link_remove_locked(tree, inode);
	atomic_fetch_and(&inode->flags, (uint16_t) ~(INODE_HARDLINKED | INODE_COUNTED));
	publish_object_locked(tree, inode, copy, has_origin);
}

void dir_publish_upper(struct tree *tree, struct inode *inode, struct object_id copy)
{
	LOCK_SCOPE(&tree->table);
	if (!CHECK(inode_is_dir(inode) && !inode_in_upper(inode)))
		return;
	inode->dir->upper =
		(struct dirref){.layer = layer_upper(tree->layers)->index, .device = copy.device, .ino = copy.ino};
	/* A directory keeps its number, whoever has taken it. */
	(void)number_claim_locked(tree, inode);
	atomic_store_explicit(&inode->dir->in_upper, true, memory_order_release);
	atomic_fetch_or_explicit(&inode->flags, INODE_IN_UPPER, memory_order_release);
}

void inode_publish_indexed(struct tree *tree, struct inode *inode, struct object_id copy)
{
	LOCK_SCOPE(&tree->table);
	if (!CHECK(!inode_is_dir(inode) && !inode_in_upper(inode)))
		return;
	/* Somebody put another object in the place of the copy: no other name leads here. */
	if (!link_publish_locked(tree, inode, copy))
		atomic_fetch_and(&inode->flags, (uint16_t) ~(INODE_HARDLINKED | INODE_COUNTED));
	publish_object_locked(tree, inode, copy, true);
}
