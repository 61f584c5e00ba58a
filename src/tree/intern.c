/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a name, and what the resolver found of it, to the inode: found in the table, or made.
 */
#include "internal.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "layer/index.h"

static struct inode *inode_by_name_locked(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode_name *n = name_find_locked(tree, parent, name);

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
static bool is_as_before(const struct tree *tree, const struct inode *inode, const struct resolved *r)
{
	return !tree->layers->shows_upper ||
	       (inode_is_metacopy(inode) == r->metacopy && inode_is_indexed(inode) == r->indexed);
}

static bool dirref_same(const struct dirref *a, const struct dirref *b)
{
	return object_id_fits(dirref_object(a), dirref_object(b));
}

/* Whether the known inode is what the resolver found. A difference means that a layer was changed underneath, except
 * that one of the two may be older than a copy-up. */
static bool intern_name_matches(const struct tree *tree, const struct inode_name *n, const struct resolved *r)
{
	const struct inode *inode = name_inode(n);
	bool upper = resolved_in_upper(tree, r);

	if (inode->type != (r->stx.stx_mode & S_IFMT))
		return false;
	if (inode_is_dir(inode)) {
		const struct dir *dir = inode->dir;

		if (r->in_upper && atomic_load_explicit(&dir->in_upper, memory_order_acquire) &&
		    !dirref_same(&dir->upper, &r->upper_ref))
			return false;
		return !r->n_lower || !dir->n_lower || dir->lower[0].layer != r->lower[0].layer ||
		       dirref_same(&dir->lower[0], &r->lower[0]);
	}
	if (inode_in_upper(inode) != upper)
		return true;
	return (upper || n->layer == r->layer) && object_id_fits(inode_object(inode), r->id) && is_as_before(tree, inode, r);
}

/* A file with several links that is known by another name. */
static struct inode *intern_by_link_locked(struct tree *tree, const struct resolved *r)
{
	struct inode *inode;

	/* Whatever the link count is now: all names but one may have gone since the inode got into this table. */
	if (S_ISDIR(r->stx.stx_mode))
		return NULL;
	inode = link_find_locked(tree, r);
	if (!inode || inode->type != (r->stx.stx_mode & S_IFMT) || !is_as_before(tree, inode, r))
		return NULL;
	/* A number in the upper whose inode lost its names and isn't held may be in use for another file by now. */
	if (inode_is_unlinked(inode) && inode_in_upper(inode) &&
	    !(atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_INDEXED) &&
	    atomic_load_explicit(&inode->pinned_fd, memory_order_relaxed) == INODE_NOT_PINNED)
		return NULL;
	return inode;
}

static int intern_new_locked(struct tree *tree, struct inode *parent, const char *name, const struct resolved *r,
			     struct inode **ret_inode, struct inode **dead)
{
	size_t len = strlen(name);
	struct inode *inode;

	if (!CHECK(len > 0 && len <= TREE_NAME_MAX))
		return -EIO;
	inode = inode_new_locked(tree, r, len);
	if (!inode)
		return -ENOMEM;
	if (r->nlink && link_count_locked(tree, inode, r) < 0) {
		inode_reap_locked(tree, inode, dead);
		return -ENOMEM;
	}
	name_attach_first_locked(tree, inode, parent, name, r->layer);
	if (r->in_upper && !r->nlink && !inode_is_dir(inode) && r->stx.stx_nlink > 1)
		link_add_locked(tree, inode);
	*ret_inode = inode;
	return 0;
}

/* Whether the lower file that was found may have been copied up since, by another name, and forgotten: then it isn't what the name shows. */
static bool is_outdated(const struct tree *tree, const struct resolved *r)
{
	return r->nlink && !r->in_upper && !r->indexed && tree->layers->index &&
	       index_generation(tree->layers) != r->index_generation;
}

static int intern_locked(struct tree *tree, struct inode *parent, const char *name, const struct resolved *r,
			 struct inode **ret_inode, struct inode **dead)
{
	struct inode_name *n = name_find_locked(tree, parent, name);
	struct inode *inode;
	int res;

	if (n && intern_name_matches(tree, n, r)) {
		*ret_inode = name_inode(n);
		link_recount_locked(tree, *ret_inode, r);
		return 0;
	}
	if (n)
		name_remove_locked(tree, n, dead);
	inode = intern_by_link_locked(tree, r);
	if (!inode && is_outdated(tree, r))
		return -LOOK_AGAIN;
	if (!inode)
		return intern_new_locked(tree, parent, name, r, ret_inode, dead);
	link_recount_locked(tree, inode, r);
	name_forget_last_locked(tree, inode, dead);
	res = name_attach_locked(tree, inode, parent, name, r->layer);
	if (res == 0)
		*ret_inode = inode;
	return res;
}

int inode_intern(struct tree *tree, struct inode *parent, const char *name, const struct resolved *r,
		 struct inode **ret_inode)
{
	struct inode *dead = NULL, *inode = NULL;
	int res;

	if (!CHECK(inode_is_dir(parent)))
		return -EIO;
	lock_take(&tree->table);
	res = intern_locked(tree, parent, name, r, &inode, &dead);
	if (res == 0) {
		inode->nlookup++;
		*ret_inode = inode;
	}
	lock_drop(&tree->table);
	inode_bury(tree, dead);
	return res;
}
