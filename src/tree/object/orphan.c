/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Orphans: an upper object whose inode has no name is held for as long as the kernel knows the inode: somebody may have
 * it open.
 *
 * A descriptor does it and costs nothing on disk, but descriptors are few. Beyond a share of them, or when there are
 * none, the object gets a further link in the work directory. Its name follows from the inode's id, so that nothing is
 * stored. It goes when the inode is freed, and after a crash with all that the next mount finds there. It is made
 * before the object's own name goes, so no change of names has to know of it.
 *
 * A directory can't have two names: it is held by a descriptor always.
 *
 * Where a descriptor doesn't keep what is removed (layer_set.removed) the object always gets the name; and where a link
 * can't be had, or what is open is hidden in its directory, it moves there in the place of losing its own.
 */
#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "layer/work.h"
#include "os/fs.h"

/* What is to be held: a name in a directory of the upper, or, with an empty name, the object itself. */
struct orphan_source {
	int fd;
	const char *name;
};

static void count_pinned(struct tree *tree)
{
	atomic_fetch_add(&tree->n_pinned, 1);
	fd_budget_take(tree->pinned, 1);
}

/* Whether a further one may be held by a descriptor. */
static bool may_pin(struct tree *tree)
{
	unsigned pinned = atomic_load(&tree->n_pinned);

	return pinned < fd_budget_limit(tree->pinned, pinned);
}

void inode_pin(struct tree *tree, struct inode *inode, int fd)
{
	int none = INODE_NOT_PINNED;

	if (fd < 0)
		return;
	if (atomic_compare_exchange_strong(&inode->pinned_fd, &none, fd))
		count_pinned(tree);
	else
		os_close(fd);
}

static int source_open_once(struct tree *tree, const struct orphan_source *s)
{
	return *s->name ? layer_openat(layer_upper(tree->layers), s->fd, s->name, O_PATH) : os_dup(s->fd);
}

static int pin_source(struct tree *tree, struct inode *inode, const struct orphan_source *s)
{
	int fd = source_open_once(tree, s);

	if ((fd == -EMFILE || fd == -ENFILE) && dirfd_shrink(tree))
		fd = source_open_once(tree, s);
	if (fd < 0)
		return fd;
	inode_pin(tree, inode, fd);
	return 0;
}

/* Makes the name in the work directory; 1. */
static int link_source(struct tree *tree, struct inode *inode, const struct orphan_source *s)
{
	char orphan[WORK_NAME_MAX];
	int work_fd = tree->layers->work_fd, r;

	work_orphan_name(inode->id, orphan);
	r = *s->name ? os_linkat(s->fd, s->name, work_fd, orphan) : os_link_fd(s->fd, work_fd, orphan);
	if (r < 0)
		return r;
	atomic_store_explicit(&inode->pinned_fd, INODE_HELD_BY_NAME, memory_order_release);
	return 1;
}

/* The one way, else the other; an error is that of the way that is tried first. */
static int orphan_source(struct tree *tree, struct inode *inode, const struct orphan_source *s)
{
	int r, other;

	if (atomic_load_explicit(&inode->pinned_fd, memory_order_relaxed) != INODE_NOT_PINNED)
		return 0;
	if (inode_is_dir(inode))
		return pin_source(tree, inode, s);
	if (tree->layers->removed != REMOVED_STAYS)
		return link_source(tree, inode, s);
	if (may_pin(tree)) {
		r = pin_source(tree, inode, s);
		if (r != -EMFILE && r != -ENFILE)
			return r;
		other = link_source(tree, inode, s);
	} else {
		/* The upper may be full, or have no right or no room for a further link. */
		r = link_source(tree, inode, s);
		if (r >= 0)
			return r;
		other = pin_source(tree, inode, s);
	}
	return other < 0 ? r : other;
}

int orphan_hold(struct tree *tree, struct inode *inode, int dirfd, const char *name)
{
	return orphan_source(tree, inode, &(struct orphan_source){.fd = dirfd, .name = name});
}

int orphan_hold_fd(struct tree *tree, struct inode *inode, int fd)
{
	return orphan_source(tree, inode, &(struct orphan_source){.fd = fd, .name = ""});
}

int orphan_moved(struct tree *tree, struct inode *inode, int dirfd, const char *name)
{
	char orphan[WORK_NAME_MAX];
	int r;

	work_orphan_name(inode->id, orphan);
	r = os_renameat2(dirfd, name, tree->layers->work_fd, orphan, 0);
	if (r == 0)
		atomic_store_explicit(&inode->pinned_fd, INODE_HELD_BY_NAME, memory_order_release);
	return r;
}

int inode_move_back(struct tree *tree, struct inode *inode, int dirfd, const char *name)
{
	char orphan[WORK_NAME_MAX];
	int r;

	work_orphan_name(inode->id, orphan);
	r = os_renameat2(tree->layers->work_fd, orphan, dirfd, name, 0);
	if (r == 0)
		atomic_store_explicit(&inode->pinned_fd, INODE_NOT_PINNED, memory_order_release);
	return r;
}

static void unlink_orphan(struct tree *tree, const struct inode *inode)
{
	char orphan[WORK_NAME_MAX];
	int r;

	work_orphan_name(inode->id, orphan);
	r = os_unlinkat(tree->layers->work_fd, orphan, 0);
	if (r < 0)
		log_limited(LOG_CAUSE_WORKDIR, LOG_WARNING, "work directory: %s not removed: %s", orphan, strerror(-r));
}

void orphan_let_go(struct tree *tree, struct inode *inode)
{
	if (!orphan_is_held_by_name(inode))
		return;
	/* Whoever reaches for the name in between finds it missing and looks again. */
	atomic_store_explicit(&inode->pinned_fd, INODE_NOT_PINNED, memory_order_release);
	unlink_orphan(tree, inode);
}

void orphan_finish(struct tree *tree, struct inode *inode)
{
	int pinned = atomic_load_explicit(&inode->pinned_fd, memory_order_relaxed);

	if (pinned == INODE_HELD_BY_NAME)
		unlink_orphan(tree, inode);
	if (pinned < 0)
		return;
	os_close(pinned);
	atomic_fetch_sub(&tree->n_pinned, 1);
	fd_budget_give_back(tree->pinned, 1);
}

int inode_intern_nameless(struct tree *tree, const struct statx *stx, int fd, struct inode **ret_inode)
{
	struct resolved resolved = {.stx = *stx, .in_upper = true};
	_cleanup_close_ int owned = fd;
	struct inode *inode;
	int r;

	if (!CHECK(tree->layers->has_upper && !S_ISDIR(stx->stx_mode)))
		return -EIO;
	r = layer_object(tree->layers, layer_upper(tree->layers), fd, "", stx, &resolved.id);
	if (r < 0)
		return r;
	resolved.ino = layer_union_ino(tree->layers, resolved.id);
	lock_take(&tree->table);
	inode = inode_new_locked(tree, &resolved, 0);
	if (inode) {
		atomic_fetch_or(&inode->flags, INODE_UNLINKED | INODE_TMPFILE);
		atomic_fetch_and(&inode->flags, (uint16_t)~INODE_XATTR_FLAGS_KNOWN);
		inode->nlookup = 1;
	}
	lock_drop(&tree->table);
	if (!inode)
		return -ENOMEM;
	/* Nobody knows its id yet, so it needs no I. */
	if (may_pin(tree) || orphan_hold_fd(tree, inode, owned) <= 0)
		inode_pin(tree, inode, TAKE_FD(owned));
	*ret_inode = inode;
	return 0;
}
