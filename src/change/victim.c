/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inode that loses a name. The kernel may go on using it for as long as a process has it open, so an object of the
 * upper is kept (tree/keep.c) before its last known name goes. It is found by name and not through the inode, because
 * the name, under D, is what will be removed.
 */
#include "victim.h"

#include <linux/fs.h>
#include <string.h>

#include "alias.h"
#include "base/macros.h"
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
	int res;

	if (!(r->stx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) && !(r->marks & MARK_PROTECTED))
		return 0;
	res = attr_get_flags(change, v->inode, &flags);
	if (res < 0)
		return res == -MUST_WAIT ? res : 0;
	return flags & (FS_IMMUTABLE_FL | FS_APPEND_FL) ? -EPERM : 0;
}

/* Where a descriptor doesn't keep what is removed. A link leaves the step that replaces the name a single one; where that hides what is open,
 * somebody has seen to it that hardly anything is. */
static int keep_or_move(struct victim *v, enum victim_end end)
{
	bool last = inode_has_last_name(v->tree, v->inode);
	int res = 0;

	v->moves = end == VICTIM_UNLINKED && (last || v->tree->layers->removed == REMOVED_HIDES);
	if (!last)
		work_temp_name(v->tree->layers, v->temp);
	if (!last || v->moves)
		return 0;
	res = inode_keep_name(v->tree, v->inode, v->dirfd, v->name);
	v->moves = res < 0;
	return MAX(res, 0);
}

int victim_keep(struct change *change, struct victim *v, const struct resolved *r, int dirfd, const char *name, enum victim_end end)
{
	int res;

	v->dirfd = dirfd;
	v->name = name;
	if (inode_is_indexed(v->inode))
		res = alias_prepare_removal(change, v->inode, r->in_upper);
	else if (!r->in_upper || !inode_in_upper(v->inode))
		return 0;
	else if (change->layers->removed != REMOVED_STAYS && !inode_is_dir(v->inode))
		res = keep_or_move(v, end);
	else if (!inode_has_last_name(change->tree, v->inode))
		return 0;
	else
		res = inode_keep_name(change->tree, v->inode, dirfd, name);
	v->kept = res > 0;
	return res < 0 ? res : 0;
}

int victim_move(struct victim *v)
{
	int res = 0;

	if (v->moves && v->temp[0])
		res = os_renameat2(v->dirfd, v->name, v->tree->layers->work_fd, v->temp, 0);
	else if (v->moves)
		res = inode_keep_moved(v->tree, v->inode, v->dirfd, v->name);
	v->moved = v->moves && res == 0;
	return res;
}

int victim_unlink(struct victim *v)
{
	return v->moves ? victim_move(v) : os_unlinkat(v->dirfd, v->name, 0);
}

void victim_gone(struct victim *v)
{
	int res = v->moved && v->temp[0] ? os_unlinkat(v->tree->layers->work_fd, v->temp, 0) : 0;

	if (res < 0)
		log_limited(LOG_CAUSE_WORKDIR, LOG_WARNING, "work directory: %s not removed: %s", v->temp, strerror(-res));
}

static int move_back(struct victim *v)
{
	if (!v->temp[0])
		return inode_move_back(v->tree, v->inode, v->dirfd, v->name);
	return os_renameat2(v->tree->layers->work_fd, v->temp, v->dirfd, v->name, 0);
}

void victim_unkeep(struct victim *v)
{
	int res = v->moved ? move_back(v) : 0;

	if (res < 0)
		log_limited(LOG_CAUSE_WORKDIR, LOG_ERR, "an object can't be put back to its name: %s", strerror(-res));
	v->moved = false;
	if (v->kept)
		inode_unkeep(v->tree, v->inode);
	v->kept = false;
}
