/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks: what the kernel will ask next.
 *
 * Whoever looks up names that were just listed wants attributes: listings come with those from then on. Whoever reads a
 * directory right after its parent, or after another directory of the same parent, walks a tree and looks up each
 * directory, whether or not he wants attributes: entries of directories come with them. All of this is a guess; a wrong
 * one costs work and nothing else.
 */
#include "walk.h"
#include "state.h"

#include "base/check.h"

/* Directories that are read with more than they were asked for, after the last sign that it is wanted. */
#define PLUS_BIAS 16

static bool take_bias(_Atomic int *bias)
{
	(void)CHECK(atomic_load_explicit(bias, memory_order_relaxed) <= PLUS_BIAS);
	if (atomic_load_explicit(bias, memory_order_relaxed) <= 0)
		return false;
	atomic_fetch_sub_explicit(bias, 1, memory_order_relaxed);
	return true;
}

enum dir_plus walk_plus(struct fs *fs, struct dir *dir, bool start)
{
	if (start && dir_plus(dir) < DIR_PLUS_ALL) {
		if (take_bias(&fs->walk.plus_bias))
			dir_raise_plus(dir, DIR_PLUS_ALL);
		else if (dir_plus(dir) < DIR_PLUS_DIRS && take_bias(&fs->walk.walk_bias))
			dir_raise_plus(dir, DIR_PLUS_DIRS);
	}
	return dir_plus(dir);
}

/* Directories don't count: a walk that reads names alone looks them up as well. */
void walk_note_lookup(struct fs *fs, struct inode *parent, const struct statx *stx, const char *name)
{
	unsigned layer;

	(void)CHECK(inode_is_dir(parent));
	if (S_ISDIR(stx->stx_mode) || dir_plus(parent->dir) == DIR_PLUS_ALL)
		return;
	if (listing_find(fs->tree, parent, name, &layer) != LISTING_PRESENT)
		return;
	dir_raise_plus(parent->dir, DIR_PLUS_ALL);
	atomic_store_explicit(&fs->walk.plus_bias, PLUS_BIAS, memory_order_relaxed);
}

void walk_note(struct fs *fs, const struct inode *dir, const struct inode *parent)
{
	uint64_t parent_id = parent ? parent->id : 0;
	uint64_t last = atomic_exchange_explicit(&fs->walk.dir, dir->id, memory_order_relaxed);
	uint64_t last_parent = atomic_exchange_explicit(&fs->walk.parent, parent_id, memory_order_relaxed);

	(void)CHECK(inode_is_dir(dir) && (!parent || inode_is_dir(parent)));
	/* With timeout=0 the kernel would look directories up all the same. */
	if (fs->opt.revalidate || !parent || (parent_id != last && parent_id != last_parent))
		return;
	atomic_store_explicit(&fs->walk.walk_bias, PLUS_BIAS, memory_order_relaxed);
	dir_raise_plus(parent->dir, DIR_PLUS_DIRS);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

void walk_file_found(struct fs *fs, struct inode *inode, const struct statx *stx)
{
	if (!S_ISREG(stx->stx_mode))
		return;
	atomic_store_explicit(&fs->walk.file_found, inode->id, memory_order_relaxed);
	if (stx->stx_size > 0 && take_bias(&fs->walk.found_bias))
		data_read_ahead(fs->data, inode);
}

/* The file after this one in a directory that was listed with attributes, as far as it is known; referenced. */
static struct inode *next_file(struct fs *fs, struct inode *inode)
{
	struct inode_location location;
	struct inode *next = NULL;
	char name[TREE_NAME_MAX + 1];

	inode_locate(fs->tree, inode, &location);
	if (location.parent && dir_plus(location.parent->dir) == DIR_PLUS_ALL &&
	    listing_next(fs->tree, location.parent, location.name, name))
		next = inode_peek(fs->tree, location.parent, name);
	inode_location_finish(fs->tree, &location);
	if (!next || S_ISREG(next->type))
		return next;
	inode_put(fs->tree, next);
	return NULL;
}

void walk_file_read(struct fs *fs, struct inode *inode)
{
	struct inode *next;

	if (atomic_load_explicit(&fs->walk.file_found, memory_order_relaxed) == inode->id) {
		atomic_store_explicit(&fs->walk.found_bias, PLUS_BIAS, memory_order_relaxed);
		return;
	}
	next = next_file(fs, inode);
	if (!next)
		return;
	if (atomic_load_explicit(&fs->walk.file_next, memory_order_relaxed) == inode->id)
		data_read_ahead(fs->data, next);
	atomic_store_explicit(&fs->walk.file_next, next->id, memory_order_relaxed);
	inode_put(fs->tree, next);
}
