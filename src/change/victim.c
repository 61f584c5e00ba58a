/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inode that loses a name. The kernel may go on using it for as long as a process has it open, so an object of the
 * upper is opened before its last known name goes. It is opened by name and not through the inode, because the name,
 * under D, is what will be removed.
 */
#include "victim.h"

#include "alias.h"

#include <fcntl.h>

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

int victim_pin(struct change *change, const struct victim *v, const struct resolved *r, int dirfd, const char *name)
{
	int fd;

	if (inode_is_indexed(v->inode))
		return alias_prepare_removal(change, v->inode, r->in_upper);
	if (!r->in_upper || !inode_in_upper(v->inode) || !inode_has_last_name(change->tree, v->inode))
		return 0;
	fd = layer_openat(layer_upper(change->layers), dirfd, name, O_PATH);
	if (fd == -EMFILE && dirfd_shrink(change->tree))
		fd = layer_openat(layer_upper(change->layers), dirfd, name, O_PATH);
	if (fd < 0)
		return fd;
	inode_pin(change->tree, v->inode, fd);
	return 0;
}
