/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of the union: create, remove, rename, attributes, xattrs. Every function here acts on the upper only, and
 * expects the objects that it changes in the upper. It answers -LOOK_AGAIN for a parent directory or an object that is
 * still in a lower layer, before anything was touched. The caller calls copyup_request() first (change/copyup.h), on
 * any thread. The functions here neither copy up nor sync, so request threads may call them.
 *
 * Each change passes the gate once, takes D of the directories and I of the objects, and resolves the names again. It
 * decides by a pure plan, and has one commit point: one renameat2, linkat, mkdirat or unlinkat. After the commit the
 * tree is told. A later failure takes the change back, or is logged. If neither is possible on_doubt is called.
 *
 * All functions return 0 (or the result that the text gives), or the negative errno of kernel overlayfs.
 */
#ifndef CHANGE_CHANGE_H
#define CHANGE_CHANGE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

#include "base/pool.h"
#include "tree/tree.h"

/* Threads that make the copy-ups of one writer, or of several. */
struct writer_pools {
	struct pool *copy_large; /* copy-ups of big files */
	struct pool *copy_small; /* copy-ups of directories and small files, and jobs that waited for one */
};

struct writer {
	struct tree *tree;	    /* c */
	struct layer_set *layers;   /* c the tree's */
	struct rwlock gate;	    /* shared by every change */
	_Atomic bool freezes;	    /* a writer_freeze() waits for the gate: what can wait doesn't pass it */
	bool syncs_at_once;	    /* c nothing is synced, or the upper is in memory, where a sync is no work */
	bool sync;		    /* c data is synced before it becomes visible (not volatile, fsync != 0) */
	bool sync_strictly;	    /* c with metacopy too, copy-up syncs everything else that it makes */
	bool acl;		    /* c POSIX ACLs are honoured (not noacl) */
	bool squash;		    /* c */
	bool as_caller;		    /* c new objects are made with the ids of their callers */
	struct pool *copy_large;    /* c see writer_pools */
	struct pool *copy_small;    /* c */
	struct writer_pools own;    /* c those that no other writer has */
	struct copyup_queue *queue; /* change/copyup_queue.c: leaf */
	void (*on_changed)(struct inode *inode, void *arg);		  /* c NULL, or see writer_options */
	void (*on_doubt)(struct inode *dir, const char *name, void *arg); /* c NULL, or see writer_options */
	void *arg;							  /* c */
};

/* copy_threads: at most, for big files; at least 1. 0 or -errno. */
int writer_pools_new(unsigned copy_threads, struct writer_pools *ret_pools);
/* After its writers. One that wasn't made is fine. */
void writer_pools_free(struct writer_pools *pools);

struct writer_options {
	bool sync;
	bool sync_strictly; /* needs sync */
	bool acl;
	bool squash; /* the mount shows other owners than the layers: an owner that can't be set is no error */
	/* A thread that takes a caller's ids loses capabilities, or can't take them: new objects get their owner by
	 * chown. */
	bool give_away;
	const struct writer_pools *pools; /* outlive the writer; NULL: it makes its own */
	unsigned copy_threads;		  /* of its own pools */
	/* Called when an inode has other attributes and no answer tells the kernel: a directory that got a copy or is a
	 * copy itself, or a file whose names were miscounted. On any thread, with locks up to I. May be NULL. */
	void (*on_changed)(struct inode *inode, void *arg);
	/* Called when a change could be neither completed nor taken back: the name shows another state than the answer.
	 * D of `dir` is held. May be NULL. */
	void (*on_doubt)(struct inode *dir, const char *name, void *arg);
	void *arg; /* of both */
};

int writer_new(struct tree *tree, const struct writer_options *opt, struct writer **ret_change);
/* Makes all changes wait. 0 when none runs: then the calling thread must call writer_thaw(), and makes no change itself
 * until then. -ETIMEDOUT: one ran until `until_ms` (os_now_ms()). -ESHUTDOWN: *ends became true meanwhile. `ends` may
 * be NULL. */
int writer_freeze(struct writer *writer, unsigned long long until_ms, const _Atomic bool *ends);
void writer_thaw(struct writer *writer);
/* Waits for running copy-ups, and for the calls at their ends. */
void writer_drain(struct writer *writer);
/* Cancels and drains the pools first. */
void writer_free(struct writer *writer);

/* The process for which an object is created. */
struct caller {
	uid_t uid;
	gid_t gid;
	mode_t umask;
	pid_t pid;
};

/* --- create ------------------------------------------------------------------------------------------------------- */

struct create_spec {
	mode_t mode;	    /* type and permission bits, umask not applied yet */
	dev_t rdev;	    /* device nodes */
	const char *target; /* symlinks */
	bool want_fd;	    /* regular files: return an O_RDWR descriptor */
};

/* Creates parent/name. Returns the inode with its lookup count raised by one, its attributes, and for regular files a
 * descriptor if wanted (else *ret_fd = -1). Owner and group are as in the kernel (setgid directories, fsuid). A default
 * ACL is inherited, and the umask is then ignored. Over a whiteout the new object replaces it atomically; a directory
 * is then opaque. mknod of a character device 0:0: -EPERM. -EEXIST, -ENOENT (parent removed). */
int create_entry(struct writer *writer, const struct caller *caller, struct inode *parent, const char *name,
		 const struct create_spec *spec, struct inode **ret_inode, struct statx *ret_stx, int *ret_fd);
/* newparent/newname becomes another name of the inode, which is in the upper. The inode may be nameless (O_TMPFILE). */
int create_link(struct writer *writer, struct inode *inode, struct inode *newparent, const char *newname,
		struct statx *ret_stx);
/* Makes a nameless regular file. If a descriptor holds it, the descriptor is O_RDWR. *ret_fd is another one, which the
 * caller owns, because the daemon may be unable to open the file again; -1 where there is none left. */
int create_tmpfile(struct writer *writer, const struct caller *caller, struct inode *parent, mode_t mode,
		   struct inode **ret_inode, struct statx *ret_stx, int *ret_fd);

/* --- remove ------------------------------------------------------------------------------------------------------- */

/* Removes a non-directory. Copies nothing: a whiteout hides the name in lower layers. An object that the kernel knows
 * stays usable. */
int remove_file(struct writer *writer, struct inode *parent, const char *name);
/* Removes a directory that shows no entry; -ENOTEMPTY. */
int remove_dir(struct writer *writer, struct inode *parent, const char *name);
/* Called after a directory was read and showed nothing. With no lower parts it needs no overlay.impure any more, and
 * loses it. */
void change_found_empty(struct writer *writer, struct inode *dir);

/* --- rename ------------------------------------------------------------------------------------------------------- */

/* flags: 0, RENAME_NOREPLACE, RENAME_EXCHANGE; RENAME_WHITEOUT and others: -EINVAL. A lower or merged directory: -EXDEV
 * unless redirects are made, and if the redirect would be longer than 256 bytes. Both parents and the old object must
 * be in the upper, with EXCHANGE the new one too. */
int rename_entry(struct writer *writer, struct inode *oldparent, const char *oldname, struct inode *newparent,
		 const char *newname, unsigned flags);

/* --- attributes --------------------------------------------------------------------------------------------------- */

enum attr_valid {
	ATTR_SET_MODE = 1 << 0,
	ATTR_SET_UID = 1 << 1,
	ATTR_SET_GID = 1 << 2,
	ATTR_SET_SIZE = 1 << 3,
	ATTR_SET_ATIME = 1 << 4, /* times.tv_nsec may be UTIME_NOW */
	ATTR_SET_MTIME = 1 << 5,
	ATTR_KILL_PRIV = 1 << 6, /* removes setuid, and setgid if the group may execute */
	ATTR_KILL_SGID = 1 << 7, /* removes setgid */
};

struct attr_change {
	unsigned valid;
	mode_t mode;
	uid_t uid;
	gid_t gid;
	off_t size;
	struct timespec atime, mtime;
	/* TIMES_OF_CALL: the given time is that of the call, as the kernel with its write-back cache saw it.
	 * TIMES_OF_DATA: it is that of a change of data. An append-only file can't be given a time. In these two cases
	 * it is touched, or left as it is. */
	enum { TIMES_GIVEN, TIMES_OF_CALL, TIMES_OF_DATA } times;
};

/* The order is: removed bits, size, owner, mode, times. `fd` may be a descriptor of the object open for writing (else
 * -1). */
int attr_set(struct writer *writer, struct inode *inode, const struct attr_change *attr, int fd, struct statx *ret_stx);
/* The flags of FS_IOC_SETFLAGS and FS_IOC_FSSETXATTR. Getters work on any layer. */
int attr_get_flags(struct writer *writer, struct inode *inode, unsigned *ret_flags);
int attr_set_flags(struct writer *writer, struct inode *inode, unsigned flags);
struct fsxattr;
int attr_get_fsxattr(struct writer *writer, struct inode *inode, struct fsxattr *ret);
int attr_set_fsxattr(struct writer *writer, struct inode *inode, const struct fsxattr *xa);
/* Those of FS_IMMUTABLE_FL and FS_APPEND_FL that protect the object, in any layer. It costs little if none does. 0,
 * -errno, -MUST_WAIT. */
int attr_protection(struct writer *writer, struct inode *inode, unsigned *ret_flags);
/* Whether the object may have bits that attr_kill_priv() would remove; false costs nothing. */
bool attr_may_have_priv(const struct inode *inode);
/* Called before a process that may not keep the bits changes data. `kill` is ATTR_KILL_PRIV, or ATTR_KILL_PRIV |
 * ATTR_KILL_SGID if the process is not in the object's group. 1: a bit was removed, and the kernel's knowledge of the
 * mode is stale. File capabilities are removed by the change itself, in the upper's file system. */
int attr_kill_priv(struct writer *writer, struct inode *inode, unsigned kill);

/* --- extended attributes ------------------------------------------------------------------------------------------ */

/* As getxattr(2) and listxattr(2): size 0 asks for the length. Private names are hidden; escaped ones are shown without
 * the escape. */
ssize_t xattr_get(struct writer *writer, struct inode *inode, const char *name, void *value, size_t size);
ssize_t xattr_list(struct writer *writer, struct inode *inode, char *list, size_t size);
/* The same for a caller without CAP_SYS_ADMIN, which must not see trusted.*: the kernel's FUSE side doesn't hide
 * these. */
ssize_t xattr_list_untrusted(struct writer *writer, struct inode *inode, char *list, size_t size);
/* clear_sgid: a process outside the group sets an access ACL (FUSE_SETXATTR_ACL_KILL_SGID) or, as in kernel overlayfs,
 * removes it. */
int xattr_set(struct writer *writer, struct inode *inode, const char *name, const void *value, size_t size, int flags,
	      bool clear_sgid);
int xattr_remove(struct writer *writer, struct inode *inode, const char *name, bool clear_sgid);

#endif
