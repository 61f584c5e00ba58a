/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names of inodes: one table of (parent, name).
 *
 * A name holds a reference to its parent, so that an object that is known by name can always be reached through open
 * directories. A file or directory of a lower layer that was unlinked keeps its last name beside the table, because in
 * its layer it is still there.
 *
 * Redirects move a directory of a lower layer away from its name there: then the reference into that layer carries
 * its own path (layer_path.c), and the name isn't the same in all layers.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/log.h"
#include "base/macros.h"

struct inode_name *name_find_locked(struct tree *tree, const struct inode *parent, const char *name)
{
	(void)CHECK(lock_held(&tree->table));
	return name_table_find(&tree->inodes->names, parent, name, strlen(name));
}

/* Into the table, but into no inode's list; it holds the parent. */
static void name_enter_locked(struct tree *tree, struct inode_name *n, struct inode *parent, const char *name,
			      size_t len)
{
	(void)CHECK(lock_held(&tree->table));
	n->parent = parent;
	n->len = (uint8_t)len;
	memcpy(n->name, name, len + 1);
	name_table_add(&tree->inodes->names, n);
	parent->refs++;
}

/* A name in the table but in no inode's list; it holds the parent. */
static struct inode_name *name_new_locked(struct tree *tree, struct inode *inode, struct inode *parent,
					  const char *name)
{
	size_t len = strlen(name);
	struct name_apart *a;

	(void)CHECK(lock_held(&tree->table));
	if (!CHECK(len > 0 && len <= TREE_NAME_MAX))
		return NULL;
	a = calloc(1, MAX(offsetof(struct name_apart, name.name) + len + 1, sizeof(*a)));
	if (!a)
		return NULL;
	a->inode = inode;
	a->name.apart = true;
	name_enter_locked(tree, &a->name, parent, name, len);
	return &a->name;
}

/* Of an inode with thousands of names the first ones are looked at. */
#define NAMES_CHECKED 16

/* I1 and I2 of one inode. */
static bool inode_check_locked(struct tree *tree, struct inode *inode)
{
	bool good = CHECK(lock_held(&tree->table)), linked = false;
	const struct inode_name *n = inode->names;

	good &= CHECK(inode->nlookup > 0 || inode->refs > 0); /* I1 */
	for (unsigned i = 0; n && i < NAMES_CHECKED; i++, n = n->next) {
		good &= CHECK(name_inode(n) == inode && inode_is_dir(n->parent) && n->parent->refs > 0); /* I2 */
		good &= CHECK(!n->in_table || name_find_locked(tree, n->parent, n->name) == n);		 /* I2 */
		linked |= n->in_table;
	}
	good &= CHECK(!inode_is_dir(inode) || !inode->names || !inode->names->next);
	return good && CHECK(inode == tree->root || linked != inode_is_unlinked(inode));
}

/* The same of the inode that the name leads to, if any. */
static bool name_check_locked(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode_name *n = name_find_locked(tree, parent, name);

	return CHECK(lock_held(&tree->table) && inode_is_dir(parent)) &&
	       (!n || inode_check_locked(tree, name_inode(n)));
}

static void name_unlist_locked(struct inode_name *n)
{
	struct inode_name **at = &name_inode(n)->names;

	while (*at && *at != n)
		at = &(*at)->next;
	if (CHECK(*at == n))
		*at = n->next;
}

static void name_drop_locked(struct tree *tree, struct inode_name *n, struct inode **dead)
{
	struct inode *parent = name_free_locked(tree, n);

	(void)CHECK(lock_held(&tree->table));
	if (!CHECK(parent->refs > 0))
		return;
	parent->refs--;
	inode_reap_locked(tree, parent, dead);
}

static void dir_set_parent(struct inode *inode, struct inode *parent)
{
	if (inode_is_dir(inode))
		atomic_store_explicit(&inode->dir->parent, parent, memory_order_release);
}

void name_attach_first_locked(struct tree *tree, struct inode *inode, struct inode *parent, const char *name,
			      unsigned layer)
{
	struct inode_name *n = &container_of(inode, struct named_inode, inode)->name;

	(void)CHECK(lock_held(&tree->table));
	name_enter_locked(tree, n, parent, name, strlen(name));
	n->layer = (uint16_t)layer;
	inode->names = n;
	dir_set_parent(inode, parent);
}

int name_attach_locked(struct tree *tree, struct inode *inode, struct inode *parent, const char *name, unsigned layer)
{
	struct inode_name *n = name_new_locked(tree, inode, parent, name), *first = inode->names;

	(void)CHECK(lock_held(&tree->table));
	if (!n)
		return -ENOMEM;
	n->layer = (uint16_t)layer;
	/* Behind the primary one; the others have no order, and there may be thousands. */
	n->next = first ? first->next : NULL;
	if (first)
		first->next = n;
	else
		inode->names = n;
	dir_set_parent(inode, parent);
	atomic_fetch_and(&inode->flags, (uint16_t) ~(INODE_UNLINKED | INODE_TMPFILE));
	return 0;
}

/* Whether the object is still in a lower layer where its name leads to it. */
static bool inode_keeps_last_name(const struct inode *inode)
{
	return inode_is_dir(inode) ? inode->dir->n_lower > 0 : !inode_in_upper(inode);
}

void name_remove_locked(struct tree *tree, struct inode_name *n, struct inode **dead)
{
	struct inode *inode = name_inode(n);

	(void)CHECK(lock_held(&tree->table));
	if (inode->names != n || n->next) {
		name_unlist_locked(n);
		name_drop_locked(tree, n, dead);
		return;
	}
	atomic_fetch_or_explicit(&inode->flags, INODE_UNLINKED, memory_order_release);
	if (inode_keeps_last_name(inode)) {
		if (n->in_table)
			name_table_remove(&tree->inodes->names, n);
		return;
	}
	inode->names = NULL;
	dir_set_parent(inode, NULL);
	name_drop_locked(tree, n, dead);
}

void inode_name_removed(struct tree *tree, struct inode *parent, const char *name)
{
	struct inode *dead = NULL;
	struct inode_name *n;

	lock_take(&tree->table);
	CHECK_DEBUG(name_check_locked(tree, parent, name));
	n = name_find_locked(tree, parent, name);
	if (n)
		name_remove_locked(tree, n, &dead);
	lock_drop(&tree->table);
	inode_bury(tree, dead);
}

bool inode_has_last_name(struct tree *tree, const struct inode *inode)
{
	LOCK_SCOPE(&tree->table);
	return !inode->names || !inode->names->next;
}

/* A name that an unlinked inode kept makes way for a real one. */
void name_forget_last_locked(struct tree *tree, struct inode *inode, struct inode **dead)
{
	struct inode_name *n = inode->names;

	(void)CHECK(lock_held(&tree->table));
	if (!n || n->in_table)
		return;
	inode->names = n->next;
	name_drop_locked(tree, n, dead);
}

static void name_added_locked(struct tree *tree, struct inode *inode, struct inode *parent, const char *name,
			      struct inode **dead)
{
	struct inode_name *n = name_find_locked(tree, parent, name);
	char shown[TREE_PATH_SHOWN];

	(void)CHECK(lock_held(&tree->table));
	if (n && name_inode(n) == inode)
		return;
	if (n)
		name_remove_locked(tree, n, dead);
	if (inode->names && inode->names->in_table && !inode_is_dir(inode) && inode_in_upper(inode))
		link_add_locked(tree, inode);
	name_forget_last_locked(tree, inode, dead);
	if (name_attach_locked(tree, inode, parent, name, 0) < 0)
		log_limited(LOG_CAUSE_LAYER, LOG_ERR,
			    "%s: no memory for the name: its inode is reached by its other names only",
			    tree_path_locked(tree, parent, name, shown));
}

void inode_name_added(struct tree *tree, struct inode *inode, struct inode *parent, const char *name)
{
	struct inode *dead = NULL;

	lock_take(&tree->table);
	CHECK_DEBUG(inode_check_locked(tree, inode) && name_check_locked(tree, parent, name));
	name_added_locked(tree, inode, parent, name, &dead);
	lock_drop(&tree->table);
	inode_bury(tree, dead);
}

/* Gives a name another place; it keeps its rank among the inode's names. */
static void name_rekey_locked(struct tree *tree, struct inode_name *n, struct inode *parent, const char *name,
			      struct inode **dead)
{
	struct inode *inode = name_inode(n);
	struct inode_name *fresh = name_new_locked(tree, inode, parent, name), **at = &inode->names;
	char shown[TREE_PATH_SHOWN];

	(void)CHECK(lock_held(&tree->table));
	if (!fresh) {
		log_limited(LOG_CAUSE_LAYER, LOG_ERR, "%s: no memory for the name: its inode is out of reach",
			    tree_path_locked(tree, parent, name, shown));
		name_remove_locked(tree, n, dead);
		return;
	}
	while (*at != n)
		at = &(*at)->next;
	fresh->layer = n->layer;
	fresh->next = n->next;
	*at = fresh;
	dir_set_parent(inode, parent);
	name_drop_locked(tree, n, dead);
}

static void name_exchange_locked(struct tree *tree, struct inode *oldparent, const char *oldname,
				 struct inode *newparent, const char *newname, struct inode **dead)
{
	struct inode_name *a = name_find_locked(tree, oldparent, oldname);
	struct inode_name *b = name_find_locked(tree, newparent, newname);

	(void)CHECK(lock_held(&tree->table));
	if (a && b && name_inode(a) == name_inode(b))
		return;
	if (a)
		name_rekey_locked(tree, a, newparent, newname, dead);
	if (b)
		name_rekey_locked(tree, b, oldparent, oldname, dead);
}

static void name_move_locked(struct tree *tree, struct inode *oldparent, const char *oldname, struct inode *newparent,
			     const char *newname, struct inode **dead)
{
	struct inode_name *a = name_find_locked(tree, oldparent, oldname);
	struct inode_name *b = name_find_locked(tree, newparent, newname);

	(void)CHECK(lock_held(&tree->table));
	if (a && a == b)
		return;
	if (b)
		name_remove_locked(tree, b, dead);
	if (a)
		name_rekey_locked(tree, a, newparent, newname, dead);
}

void inode_name_moved(struct tree *tree, struct inode *oldparent, const char *oldname, struct inode *newparent,
		      const char *newname, bool exchange)
{
	struct inode *dead = NULL;

	lock_take(&tree->table);
	CHECK_DEBUG(name_check_locked(tree, oldparent, oldname) && name_check_locked(tree, newparent, newname));
	if (exchange)
		name_exchange_locked(tree, oldparent, oldname, newparent, newname, &dead);
	else
		name_move_locked(tree, oldparent, oldname, newparent, newname, &dead);
	lock_drop(&tree->table);
	inode_bury(tree, dead);
}

void inode_locate(struct tree *tree, struct inode *inode, struct inode_location *ret_location)
{
	struct inode_name *n;

	LOCK_SCOPE(&tree->table);
	n = inode->names;
	ret_location->parent = n ? n->parent : NULL;
	ret_location->name[0] = '\0';
	if (n) {
		n->parent->refs++;
		memcpy(ret_location->name, n->name, n->len + 1u);
	}
	/* The names of a lower file with several links may lie in several layers. */
	ret_location->layer = n && !inode_is_dir(inode) && !inode_in_upper(inode) ? n->layer : inode->layer;
	ret_location->object = inode_object(inode);
	ret_location->unlinked = inode_is_unlinked(inode);
}

void inode_location_finish(struct tree *tree, struct inode_location *location)
{
	inode_put(tree, location->parent);
	location->parent = NULL;
}

bool inode_is_ancestor(struct tree *tree, const struct inode *maybe_ancestor, const struct inode *inode)
{
	if (!CHECK(inode_is_dir(inode)))
		return false;
	/* A name may be replaced by a rename within one directory, which holds no R; the parent of a directory may
	 * not. */
	while (inode && inode != maybe_ancestor)
		inode = atomic_load_explicit(&inode->dir->parent, memory_order_acquire);
	return inode != NULL;
}
