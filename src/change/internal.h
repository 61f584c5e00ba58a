/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the change tier: the bracket around every change, opening upper directories, and the few
 * attributes of a directory that several kinds of change have to keep right.
 */
#ifndef CHANGE_INTERNAL_H
#define CHANGE_INTERNAL_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/fault.h"
#include "base/lock.h"
#include "base/log.h"
#include "change/change.h"
#include "layer/work.h"
#include "os/fs.h"

/* --- the bracket -------------------------------------------------------------------------------------------------- */

/* How often a thread looks whether a freeze has come, or can. */
#define CHANGE_FREEZE_LOOK_US 500U

static inline struct rwlock *change_start(struct writer *writer)
{
	rwlock_read(&writer->gate);
	return &writer->gate;
}
static inline void change_end(struct rwlock **gate)
{
	if (*gate)
		rwlock_drop(*gate);
}

/* The rest of the block is one change: it passes the gate (shared) and its system calls count in `scope`. Must not be
 * nested, and no other lock may be held: the gate is the outermost. */
#define CHANGE_SCOPE(writer, scope)                                                                                    \
	FAULT_SCOPE(scope);                                                                                            \
	struct rwlock *_change_gate __attribute__((cleanup(change_end), unused)) = change_start(writer)

/* For CHECK(): whether this thread holds D of the directory, I of the inode; true, and no code, in release builds. */
static inline bool change_holds_dir(const struct inode *dir)
{
	return lock_held(&dir->dir->lock);
}
static inline bool change_holds_inode(struct writer *writer, struct inode *inode)
{
#ifdef PLYFS_DEBUG
	return lock_held(inode_lock(writer->tree, inode));
#else
	(void)writer;
	(void)inode;
	return true;
#endif
}

/* --- upper directories -------------------------------------------------------------------------------------------- */

/* A pinned O_PATH descriptor of an upper directory that is put when it leaves scope; initialise with {.dirfd.fd =
 * -1}. */
struct change_dirfd {
	struct tree *tree; /* NULL: nothing to put */
	struct dirfd dirfd;
};
#define CHANGE_DIRFD_INIT                                                                                              \
	{                                                                                                              \
		.tree = NULL, .dirfd = {.fd = -1 }                                                                     \
	}
#define _cleanup_dirfd_ _cleanup_(change_dirfd_finish)

/* -LOOK_AGAIN when `dir` is still in a lower layer; -ESTALE when it is gone. The number is d->dirfd.fd. */
int change_dirfd_open(struct writer *writer, struct inode *dir, struct change_dirfd *d);
void change_dirfd_finish(struct change_dirfd *d);

/* Opens the upper object of an inode (O_PATH, O_RDONLY ..., as inode_open): -LOOK_AGAIN when it is still in a lower
 * layer. */
int change_open_upper(struct writer *writer, struct inode *inode, int flags);

/* Writes overlay.impure to the upper directory `dir`, open at dirfd, once: readers of it then look for origins of its
 * entries. For copied-up and renamed objects. A file system without attributes is no error. Caller holds D of `dir`. */
int change_set_impure(struct writer *writer, struct inode *dir, int dirfd);

/* Access and modification time of a directory before an entry is published in it that, for the user, was there all the
 * time. */
struct change_times {
	struct timespec ts[2];
	bool valid;
};
/* Access and modification time of `stx`, as utimensat(2) takes them. */
void change_times_of(const struct statx *stx, struct timespec ret[2]);
void change_times_save(int dirfd, struct change_times *ret);
/* The entry is there: gives `dir`, open at dirfd, its times back, best effort, as in the kernel, and says that its
 * change time is a new one. */
void change_published(struct writer *writer, struct inode *dir, int dirfd, const struct change_times *times);

/* The inode has other attributes, and no answer tells of it. */
void change_tell(struct writer *writer, struct inode *inode);
/* A change of the name in `dir` could neither be made whole nor be taken back: nothing that is known of it holds.
 * Caller holds D of `dir`. */
void change_doubt(struct writer *writer, struct inode *dir, const char *name);

/* The default ACL of the upper directory `dir`, open at dirfd: its length with the value in *ret_acl (the caller
 * frees), or 0 and NULL when it has none or ACLs are off. That there is none is remembered in dir->default_acl. Caller
 * holds D of `dir`. */
ssize_t change_default_acl(struct writer *writer, struct inode *dir, int dirfd, void **ret_acl);
/* Sets one of ACL_XATTR_ACCESS, ACL_XATTR_DEFAULT on the object open (O_PATH will do) at fd. */
int change_set_acl(int fd, const char *which, const void *acl, size_t size);

/* --- owners (owner.c) --------------------------------------------------------------------------------------------- */

/* For upper objects open (O_PATH will do) at fd; -1 leaves the owner or the group as it is. */
int change_set_owner(struct writer *writer, int fd, uid_t uid, gid_t gid);
int change_set_mode(struct writer *writer, int fd, mode_t mode);
/* Attributes of a new object: owner, group, mode with its type, and the device number of a node. */
struct change_new_attrs {
	uid_t uid;
	gid_t gid;
	mode_t mode;
	dev_t rdev;
};
/* Makes it that, all at once; where owners are in a stat override (layer_overrides_stat) a special file is a regular
 * one until then. */
int change_set_new_attrs(struct writer *writer, int fd, const struct change_new_attrs *id);
/* The type to make a new object with: S_IFREG for special files in a stat override. */
mode_t change_real_type(const struct writer *writer, mode_t mode);
/* Attributes of the upper object at fd. */
int change_statx(struct writer *writer, int fd, struct statx *ret_stx);

/* --- the work directory ------------------------------------------------------------------------------------------- */

/* Removes temp file or directory `name` of the work directory after a change failed; what can't be removed is logged
 * and left to the next mount. */
void change_drop_temp(struct writer *writer, const char *name, bool dir);

/* --- what is known of an inode's attributes ----------------------------------------------------------------------- */

/* A bit of inode->xattr_flags beside those of enum xattr_flag: known to have no setuid or setgid bit that a write would
 * remove. Set and cleared under I; whoever replaces the flags loses no more than a look. */
#define CHANGE_FLAG_NO_PRIV (1U << 15)

_Static_assert(XATTR_FLAG_PROTATTR < CHANGE_FLAG_NO_PRIV, "the bits of enum xattr_flag end below that of this tier");

/* The xattr flags of the topmost object (enum xattr_flag), read when they aren't known yet. Caller holds I, so that no
 * change of them runs. */
int change_xattr_flags_locked(struct writer *writer, struct inode *inode, unsigned *ret_flags);
/* Whether the object has one of `xattr_flags`; true when that isn't known. */
static inline bool change_may_have(const struct inode *inode, unsigned xattr_flags)
{
	return !inode_xattr_flags_known(inode) ||
	       (atomic_load_explicit(&inode->xattr_flags, memory_order_relaxed) & xattr_flags) != 0;
}

/* Writes overlay.protattr of an upper object as the kernel does, one letter for each of FS_APPEND_FL and
 * FS_IMMUTABLE_FL in `flags`, or removes it. A file system without attributes is no error. */
int change_set_protattr(struct writer *writer, int fd, unsigned flags);
/* And reads it: these flags. The kernel keeps them there, because the upper object itself couldn't be renamed with such
 * a flag. */
unsigned change_protattr_flags(struct writer *writer, int fd);

/* Directories that were copied up have them there alone (copyup_meta_published()), so what the file system would say is
 * said here. -EPERM where names may not be added to `dir`, or not be removed from it; before it is in the upper its
 * copy-up answers. */
int change_check_names(struct writer *writer, struct inode *dir, bool removes);
/* The flags of a directory, open at fd in the upper, that forbid to change its attributes; 0 of anything else. */
unsigned change_dir_flags(struct writer *writer, struct inode *inode, int fd);

#endif
