/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inode that loses a name. The kernel may go on using it for as long as a process has it open, so an object of the
 * upper is kept (tree/keep.c) before its last known name goes. It is found by name and not through the inode, because
 * the name, under D, is what will be removed.
 */
#include "victim.h"

#include <linux/fs.h>

#include "alias.h"
#include "change/change.h"

int change_resolve(struct change *change, struct inode *parent, const char *name, struct resolved *ret)
{
	if (!change->layers->has_upper)
		return -EROFS;
	if (inode_is_unlinked(parent))
		return -ENOENT;
	return resolve_child(change->tree, parent, name, ret);
}

int change_lower_positive(struct change *change, struct inode *parent, const char *name, const struct resolved *r)
{
	/* What merges beneath a redirected directory lies elsewhere and says nothing of this name. */
	if (!r->in_upper || (r->n_lower && !(r->marks & MARK_REDIRECT)))
		return 1;
	return parent->dir->n_lower ? resolve_lower_positive(change->tree, parent, name) : 0;
}

int victim_find(struct change *change, struct inode *parent, const char *name, const struct resolved *r,
		struct victim *ret)
{
	ret->tree = change->tree;
	return inode_intern(change->tree, parent, name, r, &ret->inode);
}

void victim_finish(struct victim *v)
{
	if (v->inode)
		inode_forget(v->tree, v->inode, 1);
	v->inode = NULL;
}

/* What statx(2) says isn't enough: of an image all is immutable. */
int victim_check_flags(struct change *change, const struct victim *v, const struct resolved *r)
{
	unsigned flags;

	if (!(r->stx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) && !(r->marks & MARK_PROTECTED))
		return 0;
	if (attr_get_flags(change, v->inode, &flags) < 0)
		return 0;
	return flags & (FS_IMMUTABLE_FL | FS_APPEND_FL) ? -EPERM : 0;
}

int victim_keep(struct change *change, struct victim *v, const struct resolved *r, int dirfd, const char *name)
{
	int res;

	if (inode_is_indexed(v->inode))
		res = alias_prepare_removal(change, v->inode, r->in_upper);
	else if (!r->in_upper || !inode_in_upper(v->inode) || !inode_has_last_name(change->tree, v->inode))
		return 0;
	else
		res = inode_keep_name(change->tree, v->inode, dirfd, name);
	v->kept = res > 0;
	return res < 0 ? res : 0;
}

void victim_unkeep(struct victim *v)
{
	if (v->kept)
		inode_unkeep(v->tree, v->inode);
	v->kept = false;
}
