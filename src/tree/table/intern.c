/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a name, and what the resolver found of it, to the inode: found in the table, or made.
 */
#include "table.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "layer/index.h"

static struct inode *inode_by_name_locked(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode_name *n = name_find_locked(tree, parent, name);

	(void)CHECK(lock_held(&tree->table));
	return n ? name_inode(n) : NULL;
}

struct inode *inode_lookup_known(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode *inode;

	LOCK_SCOPE(&tree->table);
	inode = inode_by_name_locked(tree, parent, name);
	if (inode)
		inode->nlookup++;
	return inode;
}

struct inode *inode_lookup_root(struct tree *tree)
{
	LOCK_SCOPE(&tree->table);
	tree->root->nlookup++;
	return tree->root;
}

struct inode *inode_peek(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode *inode;

	LOCK_SCOPE(&tree->table);
	inode = inode_by_name_locked(tree, parent, name);
	if (inode)
		inode->refs++;
	return inode;
}

/* Another mount may have given the same object its data, or taken its entry in the index away. */
static bool is_as_before(const struct tree *tree, const struct inode *inode, const struct resolved *resolved)
{
	return !tree->layers->shows_upper ||
	       (inode_is_metacopy(inode) == resolved->metacopy && inode_is_indexed(inode) == resolved->indexed);
}

static bool dirref_same(const struct dirref *a, const struct dirref *b)
{
	return object_id_fits(dirref_object(a), dirref_object(b));
}

/* Whether the known inode is what the resolver found. A difference means that a layer was changed underneath, except
 * that one of the two may be older than a copy-up. */
static bool intern_name_matches(const struct tree *tree, const struct inode_name *n, const struct resolved *resolved)
{
	const struct inode *inode = name_inode(n);
	bool upper = resolved_in_upper(tree, resolved);

	if (inode->type != (resolved->stx.stx_mode & S_IFMT))
		return false;
	if (inode_is_dir(inode)) {
		const struct dir *dir = inode->dir;

		if (resolved->in_upper && atomic_load_explicit(&dir->in_upper, memory_order_acquire) &&
		    !dirref_same(&dir->upper, &resolved->upper_ref))
			return false;
		return !resolved->n_lower || !dir->n_lower || dir->lower[0].layer != resolved->lower[0].layer ||
		       dirref_same(&dir->lower[0], &resolved->lower[0]);
	}
	if (inode_in_upper(inode) != upper)
		return true;
	return (upper || n->layer == resolved->layer) && object_id_fits(inode_object(inode), resolved->id) &&
	       is_as_before(tree, inode, resolved);
}

/* A file with several links that is known by another name. */
static struct inode *intern_by_link_locked(struct tree *tree, const struct resolved *resolved)
{
	struct inode *inode;

	(void)CHECK(lock_held(&tree->table));
	/* Whatever the link count is now: all names but one may have gone since the inode got into this table. */
	if (S_ISDIR(resolved->stx.stx_mode))
		return NULL;
	inode = link_find_locked(tree, resolved);
	if (!inode || inode->type != (resolved->stx.stx_mode & S_IFMT) || !is_as_before(tree, inode, resolved))
		return NULL;
	/* A number in the upper whose inode lost its names and isn't held may be in use for another file by now. */
	if (inode_is_unlinked(inode) && inode_in_upper(inode) &&
	    !(atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_INDEXED) &&
	    atomic_load_explicit(&inode->pinned_fd, memory_order_relaxed) == INODE_NOT_PINNED)
		return NULL;
	return inode;
}

static int intern_new_locked(struct tree *tree, struct inode *parent, const char *name, const struct resolved *resolved,
			     struct inode **ret_inode, struct inode **dead)
{
	size_t len = strlen(name);
	struct inode *inode;

	(void)CHECK(lock_held(&tree->table));
	if (!CHECK(len > 0 && len <= TREE_NAME_MAX))
		return -EIO;
	inode = inode_new_locked(tree, resolved, len);
	if (!inode)
		return -ENOMEM;
	if (resolved->nlink && link_count_locked(tree, inode, resolved) < 0) {
		inode_reap_locked(tree, inode, dead);
		return -ENOMEM;
	}
	name_attach_first_locked(tree, inode, parent, name, resolved->layer);
	if (resolved->in_upper && !resolved->nlink && !inode_is_dir(inode) && resolved->stx.stx_nlink > 1)
		link_add_locked(tree, inode);
	*ret_inode = inode;
	return 0;
}

/* Whether the lower file that was found may have been copied up since, by another name, and forgotten: then it isn't
 * what the name shows. */
static bool is_outdated(const struct tree *tree, const struct resolved *resolved)
{
	return resolved->nlink && !resolved->in_upper && !resolved->indexed && tree->layers->index &&
	       index_generation(tree->layers) != resolved->index_generation;
}

static int intern_locked(struct tree *tree, struct inode *parent, const char *name, const struct resolved *resolved,
			 struct inode **ret_inode, struct inode **dead)
{
	struct inode_name *n = name_find_locked(tree, parent, name);
	struct inode *inode;
	int r;

	(void)CHECK(lock_held(&tree->table));
	if (n && intern_name_matches(tree, n, resolved)) {
		*ret_inode = name_inode(n);
		link_recount_locked(tree, *ret_inode, resolved);
		return 0;
	}
	if (n)
		name_remove_locked(tree, n, dead);
	inode = intern_by_link_locked(tree, resolved);
	if (!inode && is_outdated(tree, resolved))
		return -LOOK_AGAIN;
	if (!inode)
		return intern_new_locked(tree, parent, name, resolved, ret_inode, dead);
	link_recount_locked(tree, inode, resolved);
	name_forget_last_locked(tree, inode, dead);
	r = name_attach_locked(tree, inode, parent, name, resolved->layer);
	if (r == 0)
		*ret_inode = inode;
	return r;
}

int inode_intern(struct tree *tree, struct inode *parent, const char *name, const struct resolved *resolved,
		 struct inode **ret_inode)
{
	struct inode *dead = NULL, *inode = NULL;
	int r;

	if (!CHECK(inode_is_dir(parent)))
		return -EIO;
	lock_take(&tree->table);
	r = intern_locked(tree, parent, name, resolved, &inode, &dead);
	if (r == 0) {
		inode->nlookup++;
		*ret_inode = inode;
	}
	lock_drop(&tree->table);
	inode_bury(tree, dead);
	return r;
}
