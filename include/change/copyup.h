/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy-up: an object of a lower layer gets its copy in the upper, with its parents first, and is published there in one
 * step.
 *
 * Request threads only ask, but for what is no more work than a read: copyup_request() starts a copy-up on the pool, or
 * joins the one that runs for this inode, and calls back when the object is in the upper or can't be. Data is copied
 * with the inode marked as copying and no lock held; then D of the parent and I of the object are taken, parent, name
 * and "unlinked?" are read again, and the copy is linked without replacing anything. A big copy-up stalls nobody but
 * those who wait for this very file. What a crash leaves is a temp file in the work directory.
 *
 * An unlinked object is copied into a nameless file that is held for the inode (tree/object/orphan.c).
 *
 * With metacopy=on what needs no more than the object in the upper copies a file's metadata alone. Whoever needs the
 * data there asks again, and it is copied into the upper object (copyup_late.c).
 */
#ifndef CHANGE_COPYUP_H
#define CHANGE_COPYUP_H

#include "change/change.h"

enum copyup_how {
	COPYUP_FULL,
	COPYUP_NO_DATA, /* the file is about to be truncated to nothing */
	/* as FULL, before a change of its flags: the only one that an immutable object permits (else -EPERM) */
	COPYUP_FLAGS,
	COPYUP_META, /* the data stays as it is: without it where the mount makes such copies, else as FULL */
};

/* Whether the inode is in the upper as such a request wants it. Once true it stays so. */
static inline bool copyup_is_done(const struct inode *inode, enum copyup_how how)
{
	return inode_in_upper(inode) && (how == COPYUP_META || !inode_is_metacopy(inode));
}

/* One who waits. Lives in the caller's request; untouched after done() was called. */
struct copyup_waiter {
	struct copyup_waiter *prev, *next; /* the queue's */
	/* Called once, on a pool thread or in copyup_request(), without locks: 0 (in the upper), -errno, -MUST_WAIT. */
	void (*done)(struct copyup_waiter *waiter, int err);
	struct inode *inode; /* set by copyup_request */
};

/* Never blocks for long; the inode is kept alive meanwhile. What takes no longer than a read (a small object, and
 * nothing to be synced) is done at once, and done() called before this returns: waking a thread of the pool and being
 * woken by it takes longer than the copy. No lock is held. */
void copyup_request(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_waiter *waiter);
/* Takes a waiter back, true if done() was not and will not be called. The last one to leave stops the copying at its
 * next chunk, and nothing new stays in the upper but parent directories. */
bool copyup_cancel(struct writer *writer, struct copyup_waiter *waiter);
/* Whether a copy-up of the inode waits or runs that somebody wants: it ends some time after the copy was published. */
bool copyup_is_running(struct writer *writer, const struct inode *inode);

#endif
