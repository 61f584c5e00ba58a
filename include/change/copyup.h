/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copy-up: an object of a lower layer gets its copy in the upper, after its parents. The copy is published there in one
 * step.
 *
 * Request threads only ask for a copy-up, unless it is no more work than a read. copyup_request() starts a copy-up on
 * the pool, or joins the running one of this inode. It calls back when the object is in the upper or can't be. Data is
 * copied with the inode marked as copying and no lock held. Then D of the parent and I of the object are taken. Parent,
 * name and "unlinked?" are read again, and the copy is linked without replacing anything. A big copy-up only stalls
 * requests that wait for this very file. A crash leaves a temp file in the work directory.
 *
 * An unlinked object is copied into a nameless file that is held for the inode (tree/object/orphan.c).
 *
 * With metacopy=on a request that only needs the object in the upper copies a file's metadata only. A request that
 * needs the data there asks again, and the data is copied into the upper object (copyup_late.c).
 */
#ifndef CHANGE_COPYUP_H
#define CHANGE_COPYUP_H

#include "change/change.h"

enum copyup_how {
	COPYUP_FULL,
	COPYUP_NO_DATA, /* the file is about to be truncated to nothing */
	/* as FULL, before a change of its flags: the only change that an immutable object permits (else -EPERM) */
	COPYUP_FLAGS,
	COPYUP_META, /* the data is not changed: copies no data if the mount makes metacopy files, else as FULL */
};

/* Whether the inode is in the upper in the state that such a request needs. Once true it stays true. */
static inline bool copyup_is_done(const struct inode *inode, enum copyup_how how)
{
	return inode_in_upper(inode) && (how == COPYUP_META || !inode_is_metacopy(inode));
}

/* A waiter. It lives in the caller's request and is untouched after the call of done(). */
struct copyup_waiter {
	struct copyup_waiter *prev, *next; /* the queue's */
	/* Called once, without locks, on a pool thread or in copyup_request(): 0 (in the upper), -errno, -MUST_WAIT. */
	void (*done)(struct copyup_waiter *waiter, int err);
	struct inode *inode; /* set by copyup_request */
};

/* Never blocks for long. The inode is kept alive meanwhile. A copy-up that takes no longer than a read (a small object,
 * nothing to sync) is made at once. done() is then called before this returns. Two wake-ups of pool and request thread
 * would take longer than the copy. No lock is held. */
void copyup_request(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_waiter *waiter);
/* Takes a waiter back. True if done() was not and will not be called. After the last waiter has left the copying stops
 * at its next chunk. Then nothing new stays in the upper except parent directories. */
bool copyup_cancel(struct writer *writer, struct copyup_waiter *waiter);
/* Whether a wanted copy-up of the inode waits or runs. It ends some time after the copy was published. */
bool copyup_is_running(struct writer *writer, const struct inode *inode);

#endif
