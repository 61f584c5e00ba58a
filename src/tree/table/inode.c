/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inode table, and the life of an inode: made, counted, freed.
 *
 * Freeing an inode drops the references of its names to their parents, which may free those in turn. That runs as a
 * loop over a list, because a chain of directories can be longer than any stack. What belongs to the inode outside of
 * the table is let go of by tree->end_of_inode(), which tree.c has: the table knows nothing of it.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/macros.h"

int inode_table_new(struct tree *tree, struct id_space *space)
{
	struct inode_table *t = calloc(1, sizeof(*t));

	if (!t)
		return -ENOMEM;
	t->space = space;
	t->owns_space = !space;
	if ((!space && id_space_new(false, &t->space) < 0) || name_table_init(&t->names) < 0) {
		if (t->owns_space)
			id_space_free(t->space);
		free(t);
		return -ENOMEM;
	}
	t->chunks = t->space->chunks;
	t->newest_chunk = CHUNK_NONE;
	tree->inodes = t;
	return 0;
}

static void give_back_chunks(struct inode_table *t)
{
	while (t->newest_chunk != CHUNK_NONE) {
		uint32_t number = t->newest_chunk;

		t->newest_chunk = t->chunks[number]->next;
		id_space_give_back(t->space, number);
	}
	if (t->owns_space)
		id_space_free(t->space);
}

/* Frees every inode, whatever holds it. */
void inode_table_free(struct tree *tree)
{
	struct inode_table *t = tree->inodes;
	struct inode *dead = NULL;

	if (!t)
		return;
	lock_take(&tree->table);
	node_id_forget_all_locked(tree);
	for (uint32_t i = slot_first(tree); i; i = slot_after(tree, i)) {
		struct inode *inode = atomic_load(&inode_slot(tree, i)->inode);

		if (inode)
			inode->nlookup = 0;
	}
	/* Without lookup counts the childless inodes go first and take their ancestors along. */
	for (uint32_t i = slot_first(tree); i; i = slot_after(tree, i)) {
		struct inode *inode = atomic_load(&inode_slot(tree, i)->inode);

		if (inode)
			inode_reap_locked(tree, inode, &dead);
	}
	lock_drop(&tree->table);
	inode_bury(tree, dead);
	(void)CHECK(t->n_inodes == 0);
	give_back_chunks(t);
	name_table_finish(&t->names);
	(void)CHECK(!t->links);
	HASH_CLEAR(hh, t->links);
	(void)CHECK(!t->numbers.cells);
	(void)CHECK(!t->lowerdata);
	free(t);
	tree->inodes = NULL;
}

static void inode_fill(struct tree *tree, struct inode *inode, const struct resolved *resolved)
{
	bool upper = resolved_in_upper(tree, resolved);
	unsigned flags = (upper ? INODE_IN_UPPER : 0) | (upper && !resolved->has_origin ? INODE_NO_ORIGIN : 0) |
			 (resolved->overmounted ? 0 : INODE_XATTR_FLAGS_KNOWN);

	inode->ino = resolved->ino;
	inode->real_ino = resolved->id.ino;
	inode->device = resolved->id.device;
	inode->layer = resolved->layer;
	inode->type = resolved->stx.stx_mode & S_IFMT;
	atomic_store_explicit(&inode->pinned_fd, INODE_NOT_PINNED, memory_order_relaxed);
	atomic_store_explicit(&inode->xattr_flags, (uint16_t)resolved->xattr_flags, memory_order_relaxed);
	atomic_store_explicit(&inode->flags, (uint16_t)flags, memory_order_release);
}

static struct inode *inode_alloc(size_t name_len)
{
	size_t size = offsetof(struct named_inode, name.name) + name_len + 1;

	return calloc(1, name_len ? MAX(size, sizeof(struct named_inode)) : sizeof(struct inode));
}

struct inode *inode_new_locked(struct tree *tree, const struct resolved *resolved, size_t name_len)
{
	struct inode *inode = inode_alloc(name_len);

	(void)CHECK(lock_held(&tree->table));
	if (!inode)
		return NULL;
	inode_fill(tree, inode, resolved);
	if (S_ISDIR(inode->type)) {
		inode->dir = dir_new(resolved);
		if (!inode->dir)
			goto fail;
	}
	if (resolved->metacopy && lowerdata_take_locked(tree, inode, resolved) < 0)
		goto fail;
	if (slot_take_locked(tree, inode, &inode->id) < 0)
		goto fail;
	if (inode_in_upper(inode) && !resolved->has_origin)
		number_own_locked(tree, inode);
	else if (inode_in_upper(inode) && !number_claim_locked(tree, inode))
		number_use_own_locked(tree, inode);
	return inode;
fail:
	lowerdata_drop_locked(tree, inode);
	if (inode_is_dir(inode) && inode->dir)
		dir_free(inode->dir);
	free(inode);
	return NULL;
}

/* Out of the tables; its names go to *names, where their references to the parents still count. */
static void inode_unhook_locked(struct tree *tree, struct inode *inode, struct inode_name **names, struct inode **dead)
{
	struct inode_name *n = inode->names;

	(void)CHECK(lock_held(&tree->table));
	slot_release_locked(tree, inode->id);
	node_id_drop_locked(tree, inode);
	link_remove_locked(tree, inode);
	number_release_locked(tree, inode);
	lowerdata_drop_locked(tree, inode);
	while (n) {
		struct inode_name *next = n->next;

		n->next = *names;
		*names = n;
		n = next;
	}
	inode->next_dead = *dead;
	*dead = inode;
}

void inode_reap_locked(struct tree *tree, struct inode *inode, struct inode **dead)
{
	struct inode_name *names = NULL;

	(void)CHECK(lock_held(&tree->table));
	if (inode->nlookup || inode->refs)
		return;
	inode_unhook_locked(tree, inode, &names, dead);
	while (names) {
		struct inode_name *n = names;
		struct inode *parent;

		names = n->next;
		parent = name_free_locked(tree, n);
		if (!CHECK(parent->refs > 0))
			continue;
		if (--parent->refs == 0 && parent->nlookup == 0)
			inode_unhook_locked(tree, parent, &names, dead);
	}
}

void inode_bury(struct tree *tree, struct inode *dead)
{
	while (dead) {
		struct inode *inode = dead;

		dead = inode->next_dead;
		inode->names = NULL;
		tree->end_of_inode(tree, inode);
		if (inode_is_dir(inode))
			dir_free(inode->dir);
		free(inode);
	}
}

struct inode *inode_get(struct tree *tree, struct inode *inode)
{
	LOCK_SCOPE(&tree->table);
	inode->refs++;
	return inode;
}

void inode_put(struct tree *tree, struct inode *inode)
{
	struct inode *dead = NULL;

	if (!inode)
		return;
	lock_take(&tree->table);
	if (CHECK(inode->refs > 0)) {
		inode->refs--;
		inode_reap_locked(tree, inode, &dead);
	}
	lock_drop(&tree->table);
	inode_bury(tree, dead);
}

void inode_forget(struct tree *tree, struct inode *inode, uint64_t n)
{
	struct inode *dead = NULL;

	if (inode == tree->root)
		return;
	lock_take(&tree->table);
	/* More than was ever given out would free an inode that is in use. The kernel counts right, and nobody else
	 * sends a FORGET: too many are a fault of our own count. */
	if (CHECK(inode->nlookup >= n))
		inode->nlookup -= n;
	else
		inode->nlookup = 0;
	inode_reap_locked(tree, inode, &dead);
	lock_drop(&tree->table);
	inode_bury(tree, dead);
}

static void forget_node_id(struct tree *tree, struct inode *inode, uint64_t id, uint64_t n)
{
	bool gone;

	lock_take(&tree->table);
	gone = node_id_forget_locked(tree, id, n);
	lock_drop(&tree->table);
	if (gone)
		inode_put(tree, inode);
}

void inode_forget_id(struct tree *tree, uint64_t id, uint64_t n)
{
	struct inode *inode = inode_find(tree, id);

	if (!inode)
		return;
	if (id == inode->id)
		inode_forget(tree, inode, n);
	else
		forget_node_id(tree, inode, id, n);
}

struct lock *inode_lock(struct tree *tree, const struct inode *inode)
{
	return &tree->inode_locks[(uint32_t)inode->id % INODE_LOCKS];
}

static void inode_lock_order(struct tree *tree, struct inode *a, struct inode *b, struct lock **ret_a,
			     struct lock **ret_b)
{
	struct lock *la = inode_lock(tree, a), *lb = b ? inode_lock(tree, b) : la;

	*ret_a = la < lb ? la : lb;
	*ret_b = la < lb ? lb : la;
}

void inode_lock_pair(struct tree *tree, struct inode *a, struct inode *b)
{
	struct lock *first, *second;

	inode_lock_order(tree, a, b, &first, &second);
	lock_take_pair(first, second);
}

void inode_unlock_pair(struct tree *tree, struct inode *a, struct inode *b)
{
	struct lock *first, *second;

	inode_lock_order(tree, a, b, &first, &second);
	lock_drop_pair(first, second);
}
