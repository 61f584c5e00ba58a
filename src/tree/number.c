/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that an upper object has from its origin, the lower object it was copied from: each belongs to one upper object.
 *
 * Copy-up gives an origin to one copy. Who duplicates that copy in the upper while it isn't mounted, with its attributes (cp -a, rsync -X),
 * makes a second one with the same origin, and two files of one number are one file to cp, diff and tar. So the first that is met keeps
 * the number and others show that of their own object. Kernel overlayfs answers ESTALE for them.
 */
#include "internal.h"

#include <stdlib.h>

struct inode_number {
	UT_hash_handle hh;
	uint64_t ino; /* st_ino of the union */
	struct inode *inode;
};

static struct inode_number *number_find(struct tree *tree, uint64_t ino)
{
	struct inode_number *number;

	HASH_FIND(hh, tree->inodes->numbers, &ino, sizeof(ino), number);
	return number;
}

/* The object's number in the upper. */
static uint64_t upper_ino(const struct inode *inode)
{
	return inode_is_dir(inode) ? inode->dir->upper.ino : inode->real_ino;
}

bool number_claim_locked(struct tree *tree, struct inode *inode)
{
	struct inode_number *number = number_find(tree, inode->ino);

	/* The same object, known by two names while a layer is changed underneath, is no duplicate. */
	if (number)
		return upper_ino(number->inode) == upper_ino(inode);
	number = calloc(1, sizeof(*number));
	/* Without memory a duplicate isn't told from the copy. */
	if (!number)
		return true;
	number->ino = inode->ino;
	number->inode = inode;
	HASH_ADD(hh, tree->inodes->numbers, ino, sizeof(number->ino), number);
	if (!number->hh.tbl)
		free(number);
	return true;
}

bool number_is_taken(struct tree *tree, uint64_t ino, uint64_t own_ino)
{
	const struct layer *upper = layer_upper(tree->layers);
	struct inode_number *number;

	LOCK_SCOPE(&tree->table);
	number = number_find(tree, ino);
	return number && layer_union_ino(tree->layers, upper, upper_ino(number->inode)) != own_ino;
}

void number_release_locked(struct tree *tree, struct inode *inode)
{
	struct inode_number *number = inode_in_upper(inode) ? number_find(tree, inode->ino) : NULL;

	if (!number || number->inode != inode)
		return;
	HASH_DELETE(hh, tree->inodes->numbers, number);
	free(number);
}
