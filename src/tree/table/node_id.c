/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes that the kernel knows by several node ids.
 *
 * Where the kernel reads a lower file by itself (passthrough), the kernel's inode is bound to that file for as long as
 * somebody has it open. What is opened after the copy-up has to be another inode to the kernel, though it is the same
 * one here: it gets a new id, which every reply with a lookup carries from then on. Each id counts its own lookups, and
 * a node id with some holds a reference, so the inode lives until the last id is forgotten. The first id is inode->id,
 * and stays what names the inode here.
 *
 * The node id that is given out stays also while the kernel has it not: upon ESTALE the kernel looks up twice, and
 * forgets the first answer before it asks again.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/macros.h"

struct node_id {
	UT_hash_handle hh;	  /* table->node_ids */
	UT_hash_handle hh_newest; /* table->newest, while it is the inode's last */
	uint64_t id;
	uint64_t nlookup;
	struct inode *inode; /* a reference, while nlookup > 0 */
	bool is_newest;
};

static struct node_id *node_id_find_locked(struct tree *tree, uint64_t id)
{
	struct node_id *a;

	(void)CHECK(lock_held(&tree->table));
	HASH_FIND(hh, tree->inodes->node_ids, &id, sizeof(id), a);
	return a;
}

static struct node_id *newest_locked(struct tree *tree, const struct inode *inode)
{
	struct node_id *a;

	(void)CHECK(lock_held(&tree->table));
	HASH_FIND(hh_newest, tree->inodes->newest, &inode, sizeof(inode), a);
	return a;
}

static void newest_leave_locked(struct tree *tree, struct node_id *a)
{
	(void)CHECK(lock_held(&tree->table));
	if (a->is_newest)
		HASH_DELETE(hh_newest, tree->inodes->newest, a);
	a->is_newest = false;
}

static void node_id_free_locked(struct tree *tree, struct node_id *a)
{
	(void)CHECK(lock_held(&tree->table));
	newest_leave_locked(tree, a);
	HASH_DELETE(hh, tree->inodes->node_ids, a);
	slot_release_locked(tree, a->id);
	free(a);
}

/* Enters it under its id and its inode; false without memory, and it is in neither. */
static bool node_id_enter_locked(struct tree *tree, struct node_id *a)
{
	struct node_id *before = newest_locked(tree, a->inode);

	(void)CHECK(lock_held(&tree->table));
	HASH_ADD(hh, tree->inodes->node_ids, id, sizeof(a->id), a);
	if (!a->hh.tbl)
		return false;
	if (before) {
		newest_leave_locked(tree, before);
		if (before->nlookup == 0)
			node_id_free_locked(tree, before);
	}
	HASH_ADD(hh_newest, tree->inodes->newest, inode, sizeof(a->inode), a);
	a->is_newest = a->hh_newest.tbl != NULL;
	if (!a->is_newest)
		HASH_DELETE(hh, tree->inodes->node_ids, a);
	return a->is_newest;
}

int inode_add_node_id(struct tree *tree, struct inode *inode)
{
	struct node_id *a = calloc(1, sizeof(*a));

	if (!a)
		return -ENOMEM;
	a->inode = inode;
	LOCK_SCOPE(&tree->table);
	if (slot_take_locked(tree, inode, &a->id) < 0) {
		free(a);
		return -ENOMEM;
	}
	if (!node_id_enter_locked(tree, a)) {
		slot_release_locked(tree, a->id);
		free(a);
		return -ENOMEM;
	}
	atomic_fetch_or(&inode->flags, INODE_HAS_NODE_IDS);
	return 0;
}

uint64_t inode_give_id(struct tree *tree, struct inode *inode)
{
	struct node_id *a;

	if (!inode_has_node_ids(inode))
		return inode->id;
	LOCK_SCOPE(&tree->table);
	a = newest_locked(tree, inode);
	if (!a || !CHECK(inode->nlookup > 0))
		return inode->id;
	inode->nlookup--;
	if (a->nlookup++ == 0)
		inode->refs++;
	return a->id;
}

bool inode_id_is_current(struct tree *tree, struct inode *inode, uint64_t id)
{
	struct node_id *a;

	if (!inode_has_node_ids(inode))
		return id == inode->id;
	LOCK_SCOPE(&tree->table);
	a = newest_locked(tree, inode);
	return id == (a ? a->id : inode->id);
}

bool node_id_forget_locked(struct tree *tree, uint64_t id, uint64_t n)
{
	struct node_id *a = node_id_find_locked(tree, id);
	bool gone = a && a->nlookup > 0 && a->nlookup <= n;

	(void)CHECK(lock_held(&tree->table));
	if (a)
		a->nlookup -= MIN(n, a->nlookup);
	if (gone && !a->is_newest)
		node_id_free_locked(tree, a);
	return gone;
}

void node_id_drop_locked(struct tree *tree, const struct inode *inode)
{
	struct node_id *a = inode_has_node_ids(inode) ? newest_locked(tree, inode) : NULL;

	(void)CHECK(lock_held(&tree->table));
	if (a)
		node_id_free_locked(tree, a);
}

void node_id_forget_all_locked(struct tree *tree)
{
	struct node_id *a, *next;

	(void)CHECK(lock_held(&tree->table));
	HASH_ITER(hh, tree->inodes->node_ids, a, next) {
		if (a->nlookup > 0)
			a->inode->refs--;
		node_id_free_locked(tree, a);
	}
}
