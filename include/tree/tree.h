/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One union: its layers, its known inodes, and the locks over them. There is no global state: a process can hold
 * several unions. This header has the object, the inode table and directory descriptors. resolve.h answers names,
 * listing.h lists.
 *
 * An inode is an object that the kernel knows by a node id. A directory has a stack: the layers that really hold it,
 * topmost first. Any other object lives in one layer. The layer changes once, from a lower to the upper, by copy-up.
 *
 * Invariants
 *  I1  An inode lives while nlookup > 0 (the kernel holds it) or refs > 0 (children, running work). Then it is freed.
 *  I2  (parent, name) leads to at most one inode. A hard-linked upper inode has all its known names.
 *  I3  in_upper goes from false to true once and never back. A lower file is never opened for writing.
 *  I4  An unlinked inode with an upper object is held from before its last name went: by a pinned descriptor, or by a
 *      name in the work directory that goes with the inode. That name may be the last name itself, moved there.
 *  I5  A directory in layer L has its parent in layer L, and lies there beneath it by its own name, or its ref carries
 *      its path in layer L. The location of a lower ref never changes. Before a directory with lower refs is renamed,
 *      all of them get their paths.
 *  I6  A descriptor opened by name is checked by device and inode number before it is used, so a racing rename can't
 *      swap files. If the upper's numbers tell nothing (layer/device.h) nothing is opened by name while names of the
 *      upper are moved: N.
 *  I7  A file's data is in its own object, or (INODE_METACOPY) in a lower one, whose location doesn't change. The flag
 *      is set before the object is published in the upper, and is cleared once. A file with the flag is never opened
 *      for writing.
 *
 * Life of an inode
 *
 *	      inode_intern()                                   inode_intern_nameless()
 *	            |                                                    |
 *	            v              name_remove_locked()                  v
 *	        +-------+  ------------------------------------>  +------------+
 *	        | TABLE |                                         |   ORPHAN   |
 *	        +-------+  <------------------------------------  +------------+
 *	            |               name_attach_locked()                 |
 *	            |                                                    |
 *	            +----------------->  FREED  <------------------------+
 *	                       inode_reap_locked(), inode_bury()
 *
 *	from    to      by                                           when
 *	        TABLE   inode_intern(): name_attach_first_locked()   a name is looked up, listed with attributes, made
 *	        ORPHAN  inode_intern_nameless()                      O_TMPFILE
 *	TABLE   TABLE   inode_name_added(), inode_name_moved()       link, rename
 *	TABLE   TABLE   inode_intern(): name_attach_locked()         a lookup meets another name of the file
 *	TABLE   TABLE   inode_publish_upper(), dir_publish_upper(),  copy-up
 *	                inode_publish_indexed()
 *	TABLE   ORPHAN  name_remove_locked() of the last known name  removal, rename over it; before it, for an upper
 *	                                                             object, orphan_hold() or orphan_moved()
 *	TABLE   ORPHAN  inode_intern(): name_remove_locked()         a lookup meets another object: a layer was changed
 *	ORPHAN  ORPHAN  inode_publish_upper()                        copy-up, after orphan_hold_fd() or orphan_moved()
 *	ORPHAN  ORPHAN  inode_publish_indexed()                      copy-up into the index, whose entry holds it
 *	ORPHAN  TABLE   inode_name_added(): name_attach_locked()     link(2) of an O_TMPFILE file
 *	ORPHAN  TABLE   inode_intern(): name_attach_locked()         a lookup meets a name that wasn't known
 *	TABLE   FREED   inode_reap_locked(), inode_bury()            the kernel forgot it, and nothing holds it (I1)
 *	ORPHAN  FREED   the same, and orphan_finish()                the same; its descriptor or its name in the work
 *	                                                             directory is released
 *
 * In TABLE an inode has a name in the table or is the root. In ORPHAN it has INODE_UNLINKED. tree_check() checks the
 * invariants of all inodes, inode_check_locked() (tree/table/name.c) those of an inode whose names change.
 * open_real_check() (tree/object/open_real.c) checks I6 of each descriptor that is handed out.
 *
 * Locks: legend letters at the fields; order in base/lock.h.
 *  R tree.rename   D dir.lock   I inode_lock()   N tree.names   T tree.table   c constant after creation   a atomic
 */
#ifndef TREE_TREE_H
#define TREE_TREE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/stat.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "base/again.h"
#include "base/error.h"
#include "base/fd_budget.h"
#include "base/lock.h"
#include "format/ovl_fh.h"
#include "layer/device.h"
#include "layer/layer.h"
#include "tree/id_space.h"

#define TREE_NAME_MAX 255
/* The root's, of the first union of an id space. */
#define TREE_ROOT_ID 1
#define INODE_LOCKS 256

struct tree;
struct inode;
struct inode_name;     /* tree/table/name.c: a (parent, name) -> inode entry of the table */
struct listing;	       /* tree/listing.h */
struct name_set;       /* tree/view/nameset.c */
struct position_notes; /* tree/view/cookie.c */
struct dirfd_entry;    /* tree/object/dirfd_cache.c */

enum dirref_flag {
	DIRREF_OVERMOUNTED = 1 << 0, /* overmounted: shown empty, never opened */
	DIRREF_XWHITEOUTS = 1 << 1,  /* may hold xattr whiteouts */
	DIRREF_IMPURE = 1 << 2,	     /* of a former upper: may hold copied-up objects */
};

/* A directory in one layer. */
struct dirref {
	uint16_t layer;	      /* c index in the layer set */
	uint16_t device;      /* c its device, by the layer set's number */
	uint32_t record : 28; /* c number in the layer's cache (layer/cache.h), whose size bounds it, or 0 */
	uint32_t flags : 4;   /* c enum dirref_flag */
	uint64_t ino;	      /* c its inode number there */
	uint64_t checked;     /* a time when it was last confirmed as recorded, os_now_ms() (relaxed) */
	/* T set once: the target of a redirect, "a/b" from the layer's root; NULL: the parent's ref and its own name */
	char *path;
	struct dirfd_entry *fd; /* dirfd lock */
};

static inline struct object_id dirref_object(const struct dirref *ref)
{
	return (struct object_id){.ino = ref->ino, .device = ref->device};
}

/* The entries for which READDIRPLUS is answered with attributes. */
enum dir_plus { DIR_PLUS_NONE, DIR_PLUS_DIRS, DIR_PLUS_ALL };

enum dir_acl { DIR_ACL_UNKNOWN, DIR_ACL_NONE, DIR_ACL_PRESENT };

struct dir {
	struct lock lock;      /* D */
	_Atomic bool in_upper; /* a `upper` is valid (release/acquire) */
	struct dirref upper;
	/* a enum dir_acl of the upper directory; xattr changes set it back to UNKNOWN */
	_Atomic unsigned char default_acl;
	_Atomic bool impure_set;      /* a overlay.impure was written or found */
	_Atomic unsigned char plus;   /* a enum dir_plus; rises only */
	_Atomic unsigned misses;      /* a lookups in layers without a result since the last listing */
	struct listing *listing;      /* leaf: tree/view/listing.c */
	struct name_set *names;	      /* leaf: the rest of a listing that was dropped for memory; NULL with a listing */
	struct position_notes *notes; /* leaf: tree/view/cookie.c */
	/* leaf: number of changes, with or without a listing; a build during a change is void */
	uint32_t patches;
	bool changed;		      /* leaf: there was a change since the last stream began */
	uint8_t generation;	      /* leaf: generation of streams that begin now */
	uint8_t steady_from;	      /* leaf: since this generation began what is listed has been the same */
	struct inode *_Atomic parent; /* a written under T, for moves across parents under R too; NULL: root or gone */
	unsigned n_lower;	      /* c */
	struct dirref lower[];	      /* topmost first */
};

enum inode_flag {
	INODE_UNLINKED = 1 << 0,  /* T no name left */
	INODE_NO_ORIGIN = 1 << 1, /* T st_ino is that of the upper object */
	/* T has or had several links: found by inode number, its link count is that of the layer */
	INODE_HARDLINKED = 1 << 2,
	/* T its object, in any layer, has metadata only: the data lies in a lower layer */
	INODE_METACOPY = 1 << 3,
	INODE_HAS_LOWERDATA = 1 << 4, /* T has or had INODE_METACOPY */
	INODE_COUNTED = 1 << 5,	      /* T a lower file with several links, with an index: the union counts its names */
	INODE_INDEXED = 1 << 6,	      /* T in the upper, with an entry in the index, by which it is reached */
	INODE_TMPFILE = 1 << 7,	      /* T has had no name yet, so it may get one */
	INODE_HAS_NODE_IDS = 1 << 8,  /* T the kernel has or had several ids of it, see inode_add_node_id() */
	INODE_IN_UPPER = 1 << 9,      /* T non-directories: layer is the upper; directories: equals dir->in_upper */
	INODE_XATTR_FLAGS_KNOWN = 1 << 10, /* I `xattr_flags` were read */
	INODE_PAGES = 1 << 11,		   /* a the kernel may have pages of its data */
	INODE_TIME_SET = 1 << 12,	   /* a its modification time was set while the kernel had pages: data/data.h */
};

/* Values of pinned_fd that are no descriptor. */
enum inode_pinned {
	INODE_NOT_PINNED = -1,
	INODE_HELD_BY_NAME = -2, /* work_orphan_name() of its id */
};

/* 64 bytes, followed by its first name (tree/table/table.h): there may be millions. */
struct inode {
	uint64_t id;  /* c node id: generation << 32 | slot */
	uint64_t ino; /* a st_ino and d_ino of the union (relaxed) */
	/* T inode number in `layer` (directories: of the topmost ref at creation) */
	uint64_t real_ino;
	uint64_t nlookup : 48; /* T the kernel's lookup count */
	uint64_t device : 16;  /* T device of the object, by the layer set's number */
	union {
		/* T known names, primary first; an unlinked inode with a lower object keeps its last one, out of the
		 * table */
		struct inode_name *names;
		struct inode *next_dead; /* for inodes that are being freed */
	};
	union {
		struct dir *dir;    /* c directories */
		void *_Atomic data; /* others: the data tier's descriptor entry */
	};
	uint32_t refs; /* T references of children and running work */
	/* I, read without it: descriptor of an unlinked or nameless object, O_PATH or better, owned; or enum
	 * inode_pinned */
	_Atomic int pinned_fd;
	uint16_t layer;		/* T layer of the object; not for directories */
	uint16_t type;		/* c S_IFMT bits */
	_Atomic uint16_t flags; /* a each bit is written under the lock of its letter */
	/* a known enum xattr_flag of the topmost object, and the change tier's own bits */
	_Atomic uint16_t xattr_flags;
};

struct tree {
	struct layer_set *layers;			  /* c */
	struct lock rename;				  /* R */
	struct rwlock names;				  /* N */
	struct lock table;				  /* T */
	struct lock inode_locks[INODE_LOCKS];		  /* I, striped by slot */
	struct inode *root;				  /* c */
	struct fd_budget *pinned;			  /* c of pinned descriptors */
	struct fd_budget own_pinned;			  /* that of this tree alone */
	_Atomic unsigned n_pinned;			  /* a pinned descriptors */
	void (*on_evict)(struct inode *inode, void *arg); /* c called before an inode is freed, with no lock held */
	void *on_evict_arg;
	void *owner; /* c of the tier above: whose tree it is */
	/* c tree/tree.c: releases everything outside of the table */
	void (*end_of_inode)(struct tree *tree, struct inode *inode);
	bool revalidate;		/* c timeout=0: every lookup asks the layers again */
	struct inode_table *inodes;	/* tree/table/inode.c */
	struct dirfd_cache *dirfds;	/* tree/object/dirfd_cache.c */
	struct listing_cache *listings; /* tree/view/listing.c */
};

/* Limits of the caches. */
struct tree_limits {
	unsigned max_dirfds;	  /* directory descriptors kept open, */
	struct fd_budget *dirfds; /* or the budget that they share with those of other trees */
	size_t max_listing_bytes; /* listings kept */
	/* descriptors of objects without a name; further objects are held by name in the work directory */
	unsigned max_pinned;
	struct fd_budget *pinned; /* the same as a budget */
	struct id_space *ids;	  /* whose node ids it takes; NULL: a space of its own */
};

/* Makes a tree, which takes a reference to the set. 0 or -errno. The root is then there, with a lookup count that is
 * never forgotten. */
int tree_new(struct layer_set *set, const struct tree_limits *limits, struct tree **ret_tree);
void tree_free(struct tree *tree);

/* Lock N around locating and opening an inode by its name (read), and around a change of names on disk and in the table
 * (write). They return the lock, which is dropped at the end of a scope. NULL if numbers tell objects apart. */
static inline struct rwlock *tree_names_read(struct tree *tree)
{
	if (!layer_upper_is_vague(tree->layers))
		return NULL;
	rwlock_read(&tree->names);
	return &tree->names;
}
static inline struct rwlock *tree_names_write(struct tree *tree)
{
	if (!layer_upper_is_vague(tree->layers))
		return NULL;
	rwlock_write(&tree->names);
	return &tree->names;
}
/* For CHECK(): the calling thread holds N, where N is needed (I6). */
static inline bool tree_names_held(const struct tree *tree)
{
	return !layer_upper_is_vague(tree->layers) || rwlock_held(&tree->names);
}
static inline void tree_names_end(struct rwlock **names)
{
	if (*names)
		rwlock_drop(*names);
	*names = NULL;
}
#define _cleanup_tree_names_ __attribute__((cleanup(tree_names_end), unused))

/* --- inodes ------------------------------------------------------------------------------------------------------- */

/* The inode of a node id. NULL for an unknown id (the caller answers ESTALE). The kernel's lookup count keeps the
 * result alive during a request. Work that outlives the request holds inode_get(). */
struct inode *inode_find(struct tree *tree, uint64_t id);
struct inode *inode_get(struct tree *tree, struct inode *inode);
void inode_put(struct tree *tree, struct inode *inode);
/* The root, lookup count raised: of a union that isn't the root of its session. */
struct inode *inode_lookup_root(struct tree *tree);
/* Takes back lookups that were counted and not given to the kernel. */
void inode_forget(struct tree *tree, struct inode *inode, uint64_t n);

/* Node ids of inodes that have several: tree/table/node_id.c. */

/* From now on the kernel gets the inode by a new id, as another object. Its earlier ids lead to the same inode until it
 * forgets them. -ENOMEM. */
int inode_add_node_id(struct tree *tree, struct inode *inode);
/* The id for a reply that hands one counted lookup to the kernel. */
uint64_t inode_give_id(struct tree *tree, struct inode *inode);
/* Whether `id`, which leads to the inode, is its current one. */
bool inode_id_is_current(struct tree *tree, struct inode *inode, uint64_t id);
/* The kernel forgot n lookups of an id. An unknown id is ignored. */
void inode_forget_id(struct tree *tree, uint64_t id, uint64_t n);
static inline bool inode_has_node_ids(const struct inode *inode)
{
	return (atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_HAS_NODE_IDS) != 0;
}

static inline bool inode_is_dir(const struct inode *inode)
{
	return S_ISDIR(inode->type);
}
/* The present st_ino and d_ino. A copy-up may change the number at any time. */
static inline uint64_t inode_ino(const struct inode *inode)
{
	return __atomic_load_n(&inode->ino, __ATOMIC_RELAXED);
}
/* Its object; under T. */
static inline struct object_id inode_object(const struct inode *inode)
{
	return (struct object_id){.ino = inode->real_ino, .device = inode->device};
}
static inline bool inode_in_upper(const struct inode *inode)
{
	return (atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_IN_UPPER) != 0;
}
static inline bool inode_xattr_flags_known(const struct inode *inode)
{
	return (atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_XATTR_FLAGS_KNOWN) != 0;
}
static inline bool inode_is_metacopy(const struct inode *inode)
{
	return (atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_METACOPY) != 0;
}
/* Not for directories. Whether the object is in the upper and has its data there. Once true it stays true. */
static inline bool inode_data_in_upper(const struct inode *inode)
{
	return inode_in_upper(inode) && !inode_is_metacopy(inode);
}
static inline bool inode_is_unlinked(const struct inode *inode)
{
	return (atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_UNLINKED) != 0;
}
/* Whether it has or had several names, of which one may be removed while others stay. */
static inline bool inode_is_hardlinked(const struct inode *inode)
{
	return (atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_HARDLINKED) != 0;
}
/* The I lock of an inode. */
struct lock *inode_lock(struct tree *tree, const struct inode *inode);
/* Takes the I locks of both (b may be NULL or equal a) in the right order. */
void inode_lock_pair(struct tree *tree, struct inode *a, struct inode *b);
void inode_unlock_pair(struct tree *tree, struct inode *a, struct inode *b);

struct resolved; /* tree/resolve.h */

/* The known inode of (parent, name), lookup count raised by one; NULL when not known. */
struct inode *inode_lookup_known(struct tree *tree, struct inode *parent, const char *name);
/* The same without raising the lookup count but with a reference (inode_put). */
struct inode *inode_peek(struct tree *tree, struct inode *parent, const char *name);
/* Finds or inserts the inode of (parent, name) in one critical section of T, lookup count raised by one. An upper
 * non-directory with several links is found by its inode number and gets the name; with an index a lower one too.
 * -ENOMEM. -LOOK_AGAIN: resolve the name again, it may be in the index by now. */
int inode_intern(struct tree *tree, struct inode *parent, const char *name, const struct resolved *resolved,
		 struct inode **ret_inode);
/* Makes an inode without a name (O_TMPFILE), in the upper. Takes fd as the pinned descriptor, or closes it if the
 * object is held by name. Lookup count 1. */
int inode_intern_nameless(struct tree *tree, const struct statx *stx, int fd, struct inode **ret_inode);

/* For messages: where the union shows the inode with this id, or `name` (may be NULL) in that directory, from the root
 * on; of what is long or isn't known ".../" and the end. The text is in `buf`. Takes T. */
#define TREE_PATH_SHOWN 512
const char *tree_path(struct tree *tree, uint64_t id, const char *name, char buf[TREE_PATH_SHOWN]);

/* The location of a lower non-directory: one of its names, as a path from the root of *ret_layer. The caller frees it.
 * -ESTALE: no name is known, or it isn't lower any more. */
int inode_lower_path(struct tree *tree, struct inode *inode, unsigned *ret_layer, char **ret_path);

/* Called before a directory is renamed. Gives each lower ref a path of its own, so that it doesn't depend on the name
 * any more. This holds whether the rename succeeds or not. -ENOMEM, -ESTALE. */
int dir_settle_lower(struct tree *tree, struct inode *inode);

/* Tell the tree of changes of names, after they were made on disk. The caller holds D of the parents. Unknown names are
 * ignored. */
void inode_name_removed(struct tree *tree, struct inode *parent, const char *name);
/* Whether at most one name of the inode is known. With I of it and D of a parent held, it loses no name meanwhile. */
bool inode_has_last_name(struct tree *tree, const struct inode *inode);
void inode_name_added(struct tree *tree, struct inode *inode, struct inode *parent, const char *name);
/* exchange: both names are exchanged. */
void inode_name_moved(struct tree *tree, struct inode *oldparent, const char *oldname, struct inode *newparent,
		      const char *newname, bool exchange);

/* Called before a regular file is published in the upper without its data. Stores where the data is, unless this is
 * known, and sets the inode's flag. `stx` is that of the lower file. -ENOMEM, -ESTALE. */
int inode_note_lowerdata(struct tree *tree, struct inode *inode, const struct statx *stx);
/* Whether the topmost lower object of a metacopy file has several links. */
bool inode_lower_is_linked(struct tree *tree, struct inode *inode);
/* The upper object has its data now. Caller holds I. */
void inode_publish_data(struct tree *tree, struct inode *inode);
/* Publishes a copied-up non-directory: from now on the inode is this object of the upper. Caller holds I. An orphan is
 * held before. */
void inode_publish_upper(struct tree *tree, struct inode *inode, struct object_id copy, bool has_origin);
/* Publishes a copied-up directory. Caller holds D of its parent. */
void dir_publish_upper(struct tree *tree, struct inode *inode, struct object_id copy);

/* Orphans: inodes whose upper object has no name (tree/object/orphan.c). The caller holds I. An orphan that is held
 * already stays held in the same way. Lower objects are never held, so it is the same object. */

/* Called before its last known name, `name` in the directory dirfd of the upper, is removed. Pins the object. If too
 * many objects are pinned, or no descriptor is left, a non-directory gets its name in the work directory instead. 1: it
 * has got such a name now. */
int orphan_hold(struct tree *tree, struct inode *inode, int dirfd, const char *name);
/* The same for a non-directory, by moving it: its name is then removed already. inode_move_back() moves it back. */
int orphan_moved(struct tree *tree, struct inode *inode, int dirfd, const char *name);
int inode_move_back(struct tree *tree, struct inode *inode, int dirfd, const char *name);
/* The same for an object without a name, open at fd, which remains the caller's. */
int orphan_hold_fd(struct tree *tree, struct inode *inode, int fd);
/* Removes the name in the work directory again: the object's own name has stayed. */
void orphan_let_go(struct tree *tree, struct inode *inode);
static inline bool orphan_is_held_by_name(const struct inode *inode)
{
	return atomic_load_explicit(&inode->pinned_fd, memory_order_acquire) == INODE_HELD_BY_NAME;
}

/* The present location of an inode's object: a consistent copy. */
struct inode_location {
	struct inode *parent; /* referenced; inode_location_finish() puts it; NULL for the root and nameless inodes */
	char name[TREE_NAME_MAX + 1];
	unsigned layer;
	struct object_id object;
	bool unlinked;
};
void inode_locate(struct tree *tree, struct inode *inode, struct inode_location *ret_location);
void inode_location_finish(struct tree *tree, struct inode_location *location);

/* --- files whose names the union counts: tree/table/link.c, layer/index.h ----------------------------------------- */

static inline bool inode_is_counted(const struct inode *inode)
{
	return (atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_COUNTED) != 0;
}
static inline bool inode_is_indexed(const struct inode *inode)
{
	return (atomic_load_explicit(&inode->flags, memory_order_acquire) & INODE_INDEXED) != 0;
}
/* The number of names in the union, known or not. Changed under I. 0 also for an inode that isn't counted, and for one
 * whose object was replaced beneath the mount: its count is lost. */
uint32_t inode_nlink(struct tree *tree, struct inode *inode);
/* Without effect where the count is lost. */
void inode_set_nlink(struct tree *tree, struct inode *inode, uint32_t nlink);
/* The name of the object's entry in the index, whether there is an entry or not. False: the name isn't known yet. */
bool inode_index_name(struct tree *tree, struct inode *inode, char ret_name[static OVL_FH_INDEX_NAME_SIZE]);
int inode_set_index_name(struct tree *tree, struct inode *inode, const char *name);
/* Copy-up of a counted inode, whose index name is known, in two steps. inode_prepare_indexed() comes before the copy
 * gets its entry, so that nothing can fail afterwards. inode_publish_indexed() comes after it (as inode_publish_upper).
 * inode_forget_prepared() takes the first step back. -ESTALE: the object was replaced beneath the mount. */
int inode_prepare_indexed(struct tree *tree, struct inode *inode, struct object_id copy);
void inode_forget_prepared(struct tree *tree, struct inode *inode, struct object_id copy);
void inode_publish_indexed(struct tree *tree, struct inode *inode, struct object_id copy);
/* The entry is about to be removed; the object is pinned. */
void inode_leave_index(struct tree *tree, struct inode *inode);

/* Whether the directory `maybe_ancestor` is the directory `inode` or one of its ancestors (under R). */
bool inode_is_ancestor(struct tree *tree, const struct inode *maybe_ancestor, const struct inode *inode);

/* --- the real object ---------------------------------------------------------------------------------------------- */

/* Opens the object (a directory: in its topmost layer) with O_PATH, O_RDONLY, O_RDWR or O_WRONLY|O_APPEND. The object
 * is checked (I6). *ret_layer is the layer of the opened object. The inode itself doesn't tell it, because a copy-up
 * may have published the inode since. -EROFS: write flags on a lower object. -ESTALE: the object is gone from its
 * layer. -MUST_WAIT, but not with O_PATH. */
int inode_open(struct tree *tree, struct inode *inode, int flags, const struct layer **ret_layer);
/* Likewise; *ret_stx: the object as its layer has it, which was looked at to compare it. */
int inode_open_seen(struct tree *tree, struct inode *inode, int flags, const struct layer **ret_layer,
		    struct statx *ret_stx);
/* Opens the data of a regular file: that of inode_open(), or for a metacopy file the lower file with the data. Its size
 * is checked against the metadata. *ret_upper: the data is in the upper. -EROFS: write flags, and the data isn't in the
 * upper. -EIO: no data, or data of another size, which is logged. */
int inode_open_data(struct tree *tree, struct inode *inode, int flags, bool *ret_upper);
/* Likewise; *ret_error says what is wrong with the data, and nothing is logged. */
int inode_open_data_or_say(struct tree *tree, struct inode *inode, int flags, bool *ret_upper, struct error *ret_error);
/* os_reopen() that doesn't wait for leases: -MUST_WAIT. */
int reopen_at_once(int fd, int flags);
/* Attributes as the union shows them: st_ino, and nlink (1 for merged directories and the root, 0 for unlinked
 * objects). */
int inode_statx(struct tree *tree, struct inode *inode, struct statx *ret_stx);
/* Turns attributes read from `layer` into the union's. */
void inode_fix_statx(struct tree *tree, struct inode *inode, struct statx *stx);

/* --- directory descriptors ---------------------------------------------------------------------------------------- */

/* The present number of layers in a directory's stack, and its i-th ref (0 = topmost). */
unsigned dir_depth(const struct dir *dir);
struct dirref *dir_ref(struct dir *dir, unsigned i);
static inline enum dir_plus dir_plus(const struct dir *dir)
{
	return atomic_load_explicit(&dir->plus, memory_order_relaxed);
}
/* Two concurrent calls may leave the lower of both values. */
static inline void dir_raise_plus(struct dir *dir, enum dir_plus plus)
{
	if (dir_plus(dir) < plus)
		atomic_store_explicit(&dir->plus, (unsigned char)plus, memory_order_relaxed);
}
/* The ref of one layer, or NULL. */
struct dirref *dir_ref_of_layer(struct dir *dir, unsigned layer);

/* An O_PATH descriptor of a directory in one layer, pinned: it stays open until dirfd_put(). */
struct dirfd {
	int fd;
	struct dirfd_entry *entry;
};
/* -ESTALE: the directory is no longer there. Never -ENOENT. -EXDEV: the ref is overmounted. */
int dirfd_get(struct tree *tree, struct inode *dir, struct dirref *ref, struct dirfd *ret_fd);
/* The same for the upper. -EROFS: the directory is not in the upper. */
int dirfd_get_upper(struct tree *tree, struct inode *dir, struct dirfd *ret_fd);
void dirfd_put(struct tree *tree, struct dirfd *fd);
/* Closes some unused descriptors, for a caller that met EMFILE. Returns their number. */
unsigned dirfd_shrink(struct tree *tree);

/* --- inspection --------------------------------------------------------------------------------------------------- */

/* Number of inodes in the table, the root included. */
size_t tree_inode_count(struct tree *tree);
/* Number of descriptors in the cache of directories. */
unsigned dirfd_count(struct tree *tree);
/* Verifies I1 to I5 over the whole table and reports each breach through CHECK(). For tests; no other thread may use
 * the tree. */
bool tree_check(struct tree *tree);

#endif
