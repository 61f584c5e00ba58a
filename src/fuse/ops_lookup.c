/* SPDX-License-Identifier: Apache-2.0 */
/*
 * LOOKUP and FORGET. What is known of (parent, name) is answered from the inode table and one statx; else the resolver is asked.
 */
#include "internal.h"

#define PLUS_BIAS 16

static int lookup_known(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode,
			struct statx *ret_stx)
{
	struct inode *inode = inode_lookup_known(fs->tree, parent, name);
	int r;

	if (!inode)
		return -ENOENT;
	r = inode_statx(fs->tree, inode, ret_stx);
	if (r < 0) {
		inode_forget(fs->tree, inode, 1);
		return r;
	}
	counter_add(COUNTER_LOOKUP_CACHED, 1);
	*ret_inode = inode;
	return 0;
}

/* timeout=0: a name that leads elsewhere now, because somebody changed a layer, is forgotten. */
static void drop_changed_name(struct fs *fs, struct inode *parent, const char *name, const struct resolved *r)
{
	struct inode *known = inode_peek(fs->tree, parent, name);
	struct inode_place place;

	if (!known)
		return;
	inode_locate(fs->tree, known, &place);
	if (!r || known->type != (r->stx.stx_mode & S_IFMT) ||
	    (!inode_is_dir(known) && (place.layer != r->layer || place.real_ino != r->stx.stx_ino)))
		inode_name_removed(fs->tree, parent, name);
	inode_place_finish(fs->tree, &place);
	inode_put(fs->tree, known);
}

static int lookup_resolve(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode,
			  struct statx *ret_stx)
{
	struct resolved r;
	int err;

	if (fs->opt.revalidate)
		listing_drop(fs->tree, parent);
	err = resolve_child(fs->tree, parent, name, &r);
	if (err == -ENOENT && fs->opt.revalidate)
		drop_changed_name(fs, parent, name, NULL);
	if (err < 0)
		return err;
	if (fs->opt.revalidate)
		drop_changed_name(fs, parent, name, &r);
	err = inode_intern(fs->tree, parent, name, &r, ret_inode);
	if (err == 0) {
		*ret_stx = r.stx;
		inode_fix_statx(fs->tree, *ret_inode, ret_stx);
	}
	resolved_finish(&r);
	return err;
}

int lookup_child(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode, struct statx *ret_stx)
{
	int r;

	if (strlen(name) > TREE_NAME_MAX)
		return -ENAMETOOLONG;
	if (!inode_is_dir(parent))
		return -ENOTDIR;
	if (inode_is_unlinked(parent))
		return -ENOENT;
	if (!fs->opt.revalidate) {
		r = lookup_known(fs, parent, name, ret_inode, ret_stx);
		if (r == 0)
			return 0;
	}
	return lookup_resolve(fs, parent, name, ret_inode, ret_stx);
}

/* A reader that lists a directory and then asks for each name's attributes gets them with the next listings. Directories don't count: a
 * walk that reads names alone looks them up as well. */
static void note_lookup_after_listing(struct fs *fs, struct inode *parent, const struct statx *stx, const char *name)
{
	unsigned layer;

	if (S_ISDIR(stx->stx_mode) || atomic_load_explicit(&parent->dir->plus, memory_order_relaxed))
		return;
	if (listing_find(fs->tree, parent, name, &layer) != LISTING_PRESENT)
		return;
	atomic_store_explicit(&parent->dir->plus, true, memory_order_relaxed);
	atomic_store_explicit(&fs->plus_bias, PLUS_BIAS, memory_order_relaxed);
}

void op_lookup(fuse_req_t req, fuse_ino_t parent_id, const char *name)
{
	struct fs *fs = fs_of(req);
	struct inode *parent = inode_or_reply(req, parent_id);
	struct inode *inode;
	struct statx stx;
	int r;

	if (!parent)
		return;
	counter_add(COUNTER_LOOKUP, 1);
	r = lookup_child(fs, parent, name, &inode, &stx);
	if (r == -ENOENT) {
		reply_negative(req);
	} else if (r < 0) {
		reply_result(req, r);
	} else {
		note_lookup_after_listing(fs, parent, &stx, name);
		reply_entry(req, inode, &stx);
	}
}

static void forget_one(struct fs *fs, fuse_ino_t id, uint64_t n)
{
	struct inode *inode = inode_find(fs->tree, id);

	if (inode)
		inode_forget(fs->tree, inode, n);
}

void op_forget(fuse_req_t req, fuse_ino_t id, uint64_t n)
{
	counter_add(COUNTER_FORGET, 1);
	forget_one(fs_of(req), id, n);
	fuse_reply_none(req);
}

void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets)
{
	counter_add(COUNTER_FORGET, count);
	for (size_t i = 0; i < count; i++)
		forget_one(fs_of(req), forgets[i].ino, forgets[i].nlookup);
	fuse_reply_none(req);
}
