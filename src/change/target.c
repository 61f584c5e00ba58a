/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The inode that loses a name. The kernel may go on using it for as long as a process has it open, so an object of the
 * upper is held (tree/object/orphan.c) before its last known name goes. It is found by name and not through the inode,
 * because the name, under D, is what will be removed.
 */
#include "target.h"

#include <linux/fs.h>
#include <string.h>

#include "nlink.h"
#include "base/macros.h"
#include "change/change.h"

int change_resolve(struct writer *writer, struct inode *parent, const char *name, struct resolved *ret)
{
	(void)CHECK(change_holds_dir(parent));
	if (!writer->layers->has_upper)
		return -EROFS;
	if (inode_is_unlinked(parent))
		return -ENOENT;
	return resolve_child(writer->tree, parent, name, ret);
}

int change_lower_positive(struct writer *writer, struct inode *parent, const char *name,
			  const struct resolved *resolved)
{
	/* What merges beneath a redirected directory lies elsewhere and says nothing of this name. */
	if (!resolved->in_upper || (resolved->n_lower && !(resolved->xattr_flags & XATTR_FLAG_REDIRECT)))
		return 1;
	return parent->dir->n_lower ? resolve_lower_positive(writer->tree, parent, name) : 0;
}

int target_find(struct writer *writer, struct inode *parent, const char *name, const struct resolved *resolved,
		struct target *ret)
{
	(void)CHECK(!ret->inode && change_holds_dir(parent));
	ret->tree = writer->tree;
	return inode_intern(writer->tree, parent, name, resolved, &ret->inode);
}

void target_finish(struct target *t)
{
	if (t->inode)
		inode_forget(t->tree, t->inode, 1);
	t->inode = NULL;
}

/* What statx(2) says isn't enough: of an image all is immutable. */
int target_check_flags(struct writer *writer, const struct target *t, const struct resolved *resolved)
{
	unsigned flags;
	int r;

	if (!(resolved->stx.stx_attributes & (STATX_ATTR_IMMUTABLE | STATX_ATTR_APPEND)) &&
	    !(resolved->xattr_flags & XATTR_FLAG_PROTATTR))
		return 0;
	r = attr_get_flags(writer, t->inode, &flags);
	if (r < 0)
		return r == -MUST_WAIT ? r : 0;
	return flags & (FS_IMMUTABLE_FL | FS_APPEND_FL) ? -EPERM : 0;
}

/* Where a descriptor doesn't keep what is removed. A link leaves the step that replaces the name a single one; where
 * that hides what is open, somebody has seen to it that hardly anything is. */
static int hold_or_move(struct target *t, enum target_end end)
{
	bool last = inode_has_last_name(t->tree, t->inode);
	int r = 0;

	t->moves = end == TARGET_UNLINKED && (last || t->tree->layers->removed == REMOVED_HIDES);
	if (!last)
		work_temp_name(t->tree->layers, t->temp);
	if (!last || t->moves)
		return 0;
	r = orphan_hold(t->tree, t->inode, t->dirfd, t->name);
	t->moves = r < 0;
	return MAX(r, 0);
}

int target_hold(struct writer *writer, struct target *t, const struct resolved *resolved, int dirfd, const char *name,
		enum target_end end)
{
	int r;

	(void)CHECK(dirfd >= 0 && !t->held && !t->moved && change_holds_inode(writer, t->inode));
	t->dirfd = dirfd;
	t->name = name;
	if (inode_is_indexed(t->inode))
		r = nlink_prepare_removal(writer, t->inode, resolved->in_upper);
	else if (!resolved->in_upper || !inode_in_upper(t->inode))
		return 0;
	else if (writer->layers->removed != REMOVED_STAYS && !inode_is_dir(t->inode))
		r = hold_or_move(t, end);
	else if (!inode_has_last_name(writer->tree, t->inode))
		return 0;
	else
		r = orphan_hold(writer->tree, t->inode, dirfd, name);
	t->held = r > 0;
	return r < 0 ? r : 0;
}

int target_move(struct target *t)
{
	int r = 0;

	(void)CHECK(!t->moved && (!t->moves || t->dirfd >= 0));
	if (t->moves && t->temp[0])
		r = os_renameat2(t->dirfd, t->name, t->tree->layers->work_fd, t->temp, 0);
	else if (t->moves)
		r = orphan_moved(t->tree, t->inode, t->dirfd, t->name);
	t->moved = t->moves && r == 0;
	return r;
}

int target_unlink(struct target *t)
{
	return t->moves ? target_move(t) : os_unlinkat(t->dirfd, t->name, 0);
}

void target_gone(struct target *t)
{
	int r = t->moved && t->temp[0] ? os_unlinkat(t->tree->layers->work_fd, t->temp, 0) : 0;

	if (r < 0)
		log_limited(LOG_CAUSE_WORKDIR, LOG_WARNING, "work directory: %s not removed: %s", t->temp,
			    strerror(-r));
}

static int move_back(struct target *t)
{
	(void)CHECK(t->moved && t->dirfd >= 0);
	if (!t->temp[0])
		return inode_move_back(t->tree, t->inode, t->dirfd, t->name);
	return os_renameat2(t->tree->layers->work_fd, t->temp, t->dirfd, t->name, 0);
}

void target_let_go(struct target *t)
{
	int r = t->moved ? move_back(t) : 0;
	char shown[TREE_PATH_SHOWN];

	if (r < 0)
		log_limited(LOG_CAUSE_WORKDIR, LOG_ERR, "%s: the object can't be put back to its name: %s",
			    tree_path(t->tree, t->inode->id, NULL, shown), strerror(-r));
	t->moved = false;
	if (t->held)
		orphan_let_go(t->tree, t->inode);
	t->held = false;
}
