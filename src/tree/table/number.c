/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Numbers that an upper object has from its origin, the lower object it was copied from: each belongs to one upper
 * object.
 *
 * Copy-up gives an origin to one copy. Who duplicates that copy in the upper while it isn't mounted, with its
 * attributes (cp -a, rsync -X), makes a second one with the same origin, and two files of one number are one file to
 * cp, diff and tar. So the first that is met keeps the number and others show that of their own object. Kernel
 * overlayfs answers ESTALE for them.
 *
 * There may be as many as files that were copied up, so the table is of inodes alone, by open addressing, an eighth to
 * three quarters full: 11 to 21 bytes each when it has grown, where uthash takes 83.
 */
#include "table.h"
#include "base/check.h"

#include <stdlib.h>

#define TABLE_MIN 64u

static uint32_t home_of(const struct number_table *t, uint64_t ino)
{
	return (uint32_t)hash_bytes(&ino, sizeof(ino)) & t->mask;
}

/* The cell of the number, or the free one where it would be. There is a table. */
static uint32_t cell_of(const struct number_table *t, uint64_t ino)
{
	uint32_t at = home_of(t, ino);

	while (t->cells[at] && inode_ino(t->cells[at]) != ino)
		at = (at + 1) & t->mask;
	return at;
}

static struct inode *number_find(struct tree *tree, uint64_t ino)
{
	const struct number_table *t = &tree->inodes->numbers;

	return t->cells ? t->cells[cell_of(t, ino)] : NULL;
}

/* Moves to a table of so many cells. False without memory. */
static bool number_table_resize(struct number_table *t, uint32_t size)
{
	struct number_table fresh = {.cells = calloc(size, sizeof(*fresh.cells)), .mask = size - 1, .n = t->n};

	if (!fresh.cells)
		return false;
	for (uint32_t i = 0; t->cells && i <= t->mask; i++)
		if (t->cells[i])
			fresh.cells[cell_of(&fresh, inode_ino(t->cells[i]))] = t->cells[i];
	free(t->cells);
	*t = fresh;
	return true;
}

static void table_add(struct number_table *t, struct inode *inode)
{
	uint32_t size = t->cells ? t->mask + 1 : 0;

	/* Without memory it is fuller than it should be, and at last a duplicate isn't told from the copy. */
	if ((t->n + 1) * 4ULL > size * 3ULL && !number_table_resize(t, size ? 2 * size : TABLE_MIN) && t->n + 1 >= size)
		return;
	t->cells[cell_of(t, inode_ino(inode))] = inode;
	t->n++;
}

/* What comes behind and isn't at home moves up, so that no search ends before it. */
static void table_remove(struct number_table *t, uint32_t at)
{
	uint32_t size = t->mask + 1;

	for (uint32_t i = (at + 1) & t->mask; t->cells[i]; i = (i + 1) & t->mask) {
		uint32_t home = home_of(t, inode_ino(t->cells[i]));

		if (((i - home) & t->mask) < ((i - at) & t->mask))
			continue;
		t->cells[at] = t->cells[i];
		at = i;
	}
	t->cells[at] = NULL;
	t->n--;
	if (t->n == 0) {
		free(t->cells);
		*t = (struct number_table){0};
	} else if (size > TABLE_MIN && t->n < size / 8) {
		(void)number_table_resize(t, size / 2);
	}
}

static struct object_id upper_object(const struct inode *inode)
{
	return inode_is_dir(inode) ? dirref_object(&inode->dir->upper) : inode_object(inode);
}

bool number_claim_locked(struct tree *tree, struct inode *inode)
{
	struct inode *owner = number_find(tree, inode_ino(inode));

	(void)CHECK(lock_held(&tree->table));
	/* The same object, known by two names while a layer is changed underneath, is no duplicate. */
	if (owner)
		return object_id_equal(upper_object(owner), upper_object(inode));
	table_add(&tree->inodes->numbers, inode);
	return true;
}

void number_own_locked(struct tree *tree, struct inode *inode)
{
	(void)CHECK(lock_held(&tree->table));
	if (!layer_upper_is_vague(tree->layers))
		return;
	while (!number_claim_locked(tree, inode))
		__atomic_store_n(&inode->ino, layer_other_ino(inode_ino(inode)), __ATOMIC_RELAXED);
}

void number_use_own_locked(struct tree *tree, struct inode *inode)
{
	uint64_t ino = layer_union_ino(tree->layers, inode_object(inode));

	(void)CHECK(lock_held(&tree->table));
	atomic_fetch_or(&inode->flags, INODE_NO_ORIGIN);
	__atomic_store_n(&inode->ino, ino, __ATOMIC_RELAXED);
	number_own_locked(tree, inode);
}

bool number_is_taken(struct tree *tree, uint64_t ino, uint64_t own_ino)
{
	struct inode *owner;

	LOCK_SCOPE(&tree->table);
	owner = number_find(tree, ino);
	return owner && layer_union_ino(tree->layers, upper_object(owner)) != own_ino;
}

uint64_t number_of_upper(struct tree *tree, uint64_t origin, uint64_t own_ino)
{
	return origin && !number_is_taken(tree, origin, own_ino) ? origin : own_ino;
}

void number_release_locked(struct tree *tree, struct inode *inode)
{
	struct number_table *t = &tree->inodes->numbers;

	(void)CHECK(lock_held(&tree->table));
	if (t->cells && inode_in_upper(inode) && number_find(tree, inode_ino(inode)) == inode)
		table_remove(t, cell_of(t, inode_ino(inode)));
}
