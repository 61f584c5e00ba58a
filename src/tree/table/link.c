/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Inodes that are found by their object, because several names lead to it: hard-linked files in the upper, and with an
 * index those of lower layers too, so that all their names are one inode.
 *
 * Of a lower file with an index the union counts the names itself: neither the lower's link count, which stays when a
 * name is hidden, nor the upper's, which has the index entry and lacks the names that are in the lower layer alone, is
 * the right one.
 *
 * Copy-up gives the inode another object. The old one goes on leading to the inode, for a lookup that saw it just
 * before.
 *
 * A layer that is changed beneath the mount may give the number of an object to another one. Then the younger inode has
 * the entry. The older one has none, and nothing is known of its count any more.
 */
#include "table.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"

static struct link_key link_key_of(struct object_id id, bool upper)
{
	return (struct link_key){.ino = id.ino, .device = id.device, .upper = upper};
}

static struct inode_link *link_at(struct tree *tree, struct link_key key)
{
	struct inode_link *link = NULL;

	HASH_FIND(hh, tree->inodes->links, &key, sizeof(key), link);
	return link;
}

static void link_delete(struct tree *tree, struct inode_link *link)
{
	HASH_DELETE(hh, tree->inodes->links, link);
	free(link->index_name);
	free(link);
}

/* What was known of the object before is forgotten. NULL: no memory. */
static struct inode_link *link_put(struct tree *tree, struct link_key key, struct inode *inode)
{
	struct inode_link *link = link_at(tree, key), *old;

	if (link) {
		old = link->was.ino ? link_at(tree, link->was) : NULL;
		if (old && old->inode == link->inode)
			link_delete(tree, old);
		free(link->index_name);
		link->index_name = NULL;
		link->was = (struct link_key){0};
		link->nlink = 0;
		link->inode = inode;
		return link;
	}
	link = calloc(1, sizeof(*link));
	if (!link)
		return NULL;
	link->key = key;
	link->inode = inode;
	HASH_ADD(hh, tree->inodes->links, key, sizeof(link->key), link);
	if (!link->hh.tbl) {
		free(link);
		return NULL;
	}
	return link;
}

/* The entry of an inode by the object that it has now. */
static struct inode_link *link_of(struct tree *tree, const struct inode *inode)
{
	struct inode_link *link;

	if (!(atomic_load_explicit(&inode->flags, memory_order_relaxed) & INODE_HARDLINKED))
		return NULL;
	link = link_at(tree, link_key_of(inode_object(inode), inode_in_upper(inode)));
	return link && link->inode == inode ? link : NULL;
}

struct inode *link_find_locked(struct tree *tree, const struct resolved *resolved)
{
	struct inode_link *link = NULL;

	(void)CHECK(lock_held(&tree->table));
	if ((resolved->in_upper || resolved->nlink) && !object_id_is_vague(resolved->id))
		link = link_at(tree, link_key_of(resolved->id, resolved_in_upper(tree, resolved)));
	/* Where another mount removes files, its number may be another copy's by now. */
	if (link && resolved->indexed && tree->layers->shows_upper &&
	    (!link->index_name || strcmp(link->index_name, resolved->index_name)))
		return NULL;
	return link ? link->inode : NULL;
}

void link_add_locked(struct tree *tree, struct inode *inode)
{
	struct inode_link *link = link_of(tree, inode);
	bool vague = object_id_is_vague(inode_object(inode));

	(void)CHECK(lock_held(&tree->table));
	/* Without memory it isn't found, which costs coherence of its names only; and where a number tells nothing it
	 * can't be. */
	if (!vague && !link && !link_put(tree, link_key_of(inode_object(inode), true), inode))
		return;
	atomic_fetch_or(&inode->flags, INODE_HARDLINKED);
}

int link_count_locked(struct tree *tree, struct inode *inode, const struct resolved *resolved)
{
	char *name = resolved->index_name ? strdup(resolved->index_name) : NULL;
	struct link_key key = link_key_of(resolved->id, resolved_in_upper(tree, resolved));
	struct inode_link *link = !resolved->index_name || name ? link_put(tree, key, inode) : NULL;

	(void)CHECK(lock_held(&tree->table));
	if (!link) {
		free(name);
		return -ENOMEM;
	}
	link->nlink = resolved->nlink;
	link->index_name = name;
	atomic_fetch_or(&inode->flags,
			(uint16_t)(INODE_HARDLINKED | INODE_COUNTED | (resolved->indexed ? INODE_INDEXED : 0)));
	return 0;
}

void link_recount_locked(struct tree *tree, struct inode *inode, const struct resolved *resolved)
{
	struct inode_link *link = tree->layers->shows_upper && resolved->nlink ? link_of(tree, inode) : NULL;

	(void)CHECK(lock_held(&tree->table));
	if (link)
		link->nlink = resolved->nlink;
}

void link_remove_locked(struct tree *tree, struct inode *inode)
{
	struct inode_link *link = link_of(tree, inode), *old;

	(void)CHECK(lock_held(&tree->table));
	/* The object's number may belong to a younger inode by now. */
	if (!link)
		return;
	old = link->was.ino ? link_at(tree, link->was) : NULL;
	if (old && old->inode == inode)
		link_delete(tree, old);
	link_delete(tree, link);
}

/* --- what the union knows of a counted inode ---------------------------------------------------------------------- */

uint32_t inode_nlink(struct tree *tree, struct inode *inode)
{
	struct inode_link *link;

	LOCK_SCOPE(&tree->table);
	link = link_of(tree, inode);
	return link ? link->nlink : 0;
}

void inode_set_nlink(struct tree *tree, struct inode *inode, uint32_t nlink)
{
	struct inode_link *link;

	LOCK_SCOPE(&tree->table);
	link = link_of(tree, inode);
	if (link)
		link->nlink = nlink;
}

bool inode_index_name(struct tree *tree, struct inode *inode, char ret_name[static OVL_FH_INDEX_NAME_SIZE])
{
	struct inode_link *link;

	LOCK_SCOPE(&tree->table);
	link = link_of(tree, inode);
	if (!link || !link->index_name)
		return false;
	memcpy(ret_name, link->index_name, strlen(link->index_name) + 1);
	return true;
}

int inode_set_index_name(struct tree *tree, struct inode *inode, const char *name)
{
	char *copy = strdup(name);
	struct inode_link *link;

	if (!copy)
		return -ENOMEM;
	lock_take(&tree->table);
	link = link_of(tree, inode);
	if (link && !link->index_name) {
		link->index_name = copy;
		copy = NULL;
	}
	lock_drop(&tree->table);
	free(copy);
	return 0;
}

/* --- copy-up into the index --------------------------------------------------------------------------------------- */

int inode_prepare_indexed(struct tree *tree, struct inode *inode, struct object_id copy)
{
	struct inode_link *link, *now;

	LOCK_SCOPE(&tree->table);
	if (!CHECK(!inode_in_upper(inode)))
		return -EIO;
	now = link_of(tree, inode);
	if (!now || !now->index_name)
		return -ESTALE;
	link = link_put(tree, link_key_of(copy, true), inode);
	if (!link)
		return -ENOMEM;
	link->index_name = strdup(now->index_name);
	if (!link->index_name) {
		link_delete(tree, link);
		return -ENOMEM;
	}
	link->was = now->key;
	link->nlink = now->nlink;
	return 0;
}

void inode_forget_prepared(struct tree *tree, struct inode *inode, struct object_id copy)
{
	struct inode_link *link;

	LOCK_SCOPE(&tree->table);
	link = link_at(tree, link_key_of(copy, true));
	if (link && link->inode == inode)
		link_delete(tree, link);
}

bool link_publish_locked(struct tree *tree, struct inode *inode, struct object_id copy)
{
	struct inode_link *now = link_of(tree, inode), *link = link_at(tree, link_key_of(copy, true));

	(void)CHECK(lock_held(&tree->table) && !inode_in_upper(inode));
	if (!link || link->inode != inode) {
		link_remove_locked(tree, inode);
		return false;
	}
	if (now) {
		free(now->index_name);
		now->index_name = NULL;
	}
	atomic_fetch_or(&inode->flags, INODE_INDEXED);
	return true;
}

void inode_leave_index(struct tree *tree, struct inode *inode)
{
	LOCK_SCOPE(&tree->table);
	atomic_fetch_and(&inode->flags, (uint16_t)~INODE_INDEXED);
}
