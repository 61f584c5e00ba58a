/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A union as an object: making it, ending it, and the check of its invariants.
 *
 * The root is made like any other directory from a value that the resolver gives; its lookup count never falls, because
 * the kernel holds it as long as the mount lives and sends no FORGET for it.
 */
#include "view/view.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/check.h"

static int tree_make_root(struct tree *tree)
{
	struct resolved resolved;
	int r = resolve_root(tree->layers, &resolved);

	if (r < 0)
		return r;
	lock_take(&tree->table);
	tree->root = inode_new_locked(tree, &resolved, 0);
	if (tree->root)
		tree->root->nlookup = 1;
	lock_drop(&tree->table);
	resolved_finish(&resolved);
	if (!tree->root)
		return -ENOMEM;
	return CHECK(tree->root->id == TREE_ROOT_ID || !tree->inodes->owns_space) ? 0 : -EIO;
}

static int tree_make_parts(struct tree *tree, const struct tree_limits *limits)
{
	int r = inode_table_new(tree, limits->ids);

	if (r == 0)
		r = dirfd_cache_new(tree, limits->max_dirfds, limits->dirfds);
	if (r == 0)
		r = listing_cache_new(tree, limits->max_listing_bytes);
	if (r == 0)
		r = tree_make_root(tree);
	return r;
}

/* What the rooms above the table, and the tiers above, have of an inode that is being freed; no lock held. */
static void end_of_inode(struct tree *tree, struct inode *inode)
{
	if (tree->on_evict)
		tree->on_evict(inode, tree->on_evict_arg);
	if (inode_is_dir(inode)) {
		listing_drop(tree, inode);
		dirfd_drop(tree, inode->dir);
	}
	orphan_finish(tree, inode);
}

int tree_new(struct layer_set *set, const struct tree_limits *limits, struct tree **ret_tree)
{
	struct tree *tree;
	int r;

	if (!CHECK(set->n > 0 && set->n <= UINT16_MAX))
		return -EINVAL;
	tree = calloc(1, sizeof(*tree));
	if (!tree)
		return -ENOMEM;
	lock_init(&tree->rename, LOCK_RENAME);
	rwlock_init(&tree->names, LOCK_NAMES);
	lock_init(&tree->table, LOCK_TABLE);
	for (unsigned i = 0; i < INODE_LOCKS; i++)
		lock_init(&tree->inode_locks[i], LOCK_INODE);
	tree->layers = layer_set_get(set);
	tree->own_pinned.max = limits->max_pinned;
	tree->pinned = limits->pinned ? limits->pinned : &tree->own_pinned;
	tree->end_of_inode = end_of_inode;
	r = tree_make_parts(tree, limits);
	if (r < 0) {
		tree_free(tree);
		return r;
	}
	*ret_tree = tree;
	return 0;
}

void tree_free(struct tree *tree)
{
	if (!tree)
		return;
	inode_table_free(tree);
	listing_cache_free(tree);
	dirfd_cache_free(tree);
	for (unsigned i = 0; i < INODE_LOCKS; i++)
		lock_finish(&tree->inode_locks[i]);
	lock_finish(&tree->table);
	rwlock_finish(&tree->names);
	lock_finish(&tree->rename);
	layer_set_put(tree->layers);
	free(tree);
}

/* I1: what is in the table is held by something. */
static bool check_held(const struct inode *inode)
{
	return CHECK(inode->nlookup > 0 || inode->refs > 0);
}

/* I2: every name in the inode's list leads back to it, alone; what has no name in the table is unlinked. */
static bool tree_check_names(struct tree *tree, struct inode *inode)
{
	unsigned linked = 0;
	bool good = true;

	for (struct inode_name *n = inode->names; n; n = n->next) {
		good &= CHECK(name_inode(n) == inode && inode_is_dir(n->parent) && n->parent->refs > 0);
		if (!n->in_table)
			continue;
		linked++;
		good &= CHECK(name_find_locked(tree, n->parent, n->name) == n);
	}
	if (inode != tree->root)
		good &= CHECK((linked == 0) == inode_is_unlinked(inode));
	if (inode_is_dir(inode) && linked)
		good &= CHECK(linked == 1 && atomic_load(&inode->dir->parent) == inode->names->parent);
	return good;
}

/* I3 and I4: an upper object is in the upper layer, and when it has no name it is an orphan, which is held. */
static bool check_upper(struct tree *tree, struct inode *inode)
{
	bool good = true;

	if (!inode_in_upper(inode))
		return CHECK(inode_is_dir(inode) || !tree->layers->layers[inode->layer].upper);
	good &= CHECK(tree->layers->has_upper);
	if (!inode_is_dir(inode))
		good &= CHECK(inode->layer == layer_upper(tree->layers)->index);
	if (inode_is_unlinked(inode) && !(atomic_load(&inode->flags) & INODE_HARDLINKED))
		good &= CHECK(atomic_load(&inode->pinned_fd) != INODE_NOT_PINNED);
	return good;
}

/* I5: a directory in layer L has its parent in layer L, or its path there; its lower refs are in layer order. */
static bool check_stack(struct inode *inode)
{
	struct dir *dir = inode_is_dir(inode) ? inode->dir : NULL;
	struct inode *parent = dir ? atomic_load(&dir->parent) : NULL;
	bool good = true;

	if (!dir)
		return true;
	good &= CHECK(atomic_load(&dir->in_upper) == inode_in_upper(inode));
	for (unsigned i = 0; i < dir_depth(dir); i++) {
		struct dirref *ref = dir_ref(dir, i);

		if (parent && !ref->path)
			good &= CHECK(dir_ref_of_layer(parent->dir, ref->layer) != NULL);
		if (i > 0)
			good &= CHECK(dir_ref(dir, i - 1)->layer < ref->layer);
	}
	return good;
}

/* Pinned descriptors are counted, and directories have no other way to be held. */
static bool check_pins(struct tree *tree)
{
	unsigned pinned = 0;
	bool good = true;

	for (uint32_t i = slot_first(tree); i; i = slot_after(tree, i)) {
		struct inode *inode = atomic_load(&inode_slot(tree, i)->inode);

		if (!inode)
			continue;
		pinned += atomic_load(&inode->pinned_fd) >= 0;
		good &= CHECK(!inode_is_dir(inode) || !orphan_is_held_by_name(inode));
	}
	good &= CHECK(pinned == atomic_load(&tree->n_pinned));
	return good;
}

/* References that names hold are all there is when nothing else runs. */
static bool check_counts(struct tree *tree)
{
	size_t in_table = tree->inodes->names.n, inodes = 0;
	bool good = true;

	for (uint32_t i = slot_first(tree); i; i = slot_after(tree, i)) {
		struct inode *inode = atomic_load(&inode_slot(tree, i)->inode);

		if (!inode)
			continue;
		inodes++;
		if ((uint32_t)inode->id != i)
			continue; /* a node id */
		for (struct inode_name *n = inode->names; n; n = n->next)
			in_table -= n->in_table;
	}
	good &= CHECK(in_table == 0);
	good &= CHECK(inodes == tree->inodes->n_inodes);
	return good;
}

bool tree_check(struct tree *tree)
{
	bool good;

	LOCK_SCOPE(&tree->table);
	good = check_counts(tree);
	good &= check_pins(tree);
	for (uint32_t i = slot_first(tree); i; i = slot_after(tree, i)) {
		struct inode *inode = atomic_load(&inode_slot(tree, i)->inode);

		if (!inode || ((uint32_t)inode->id != i && inode_has_node_ids(inode)))
			continue;
		good &= CHECK((uint32_t)inode->id == i && inode_find(tree, inode->id) == inode);
		good &= check_held(inode);
		good &= tree_check_names(tree, inode);
		good &= check_upper(tree, inode);
		good &= check_stack(inode);
		good &= lowerdata_check_locked(tree, inode); /* I7 */
	}
	return good;
}
