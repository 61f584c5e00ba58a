/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index: what keeps the names of a lower file with several links together over copy-up and remount, in kernel
 * overlayfs's format.
 *
 *	WORKDIR/index/HEX	a link to the upper object that the lower one with this handle was copied to; every name
 *	that a lower layer
 *				has of it leads there
 *	WORKDIR/nlink/HEX	plyfs's own: a symlink `L-n`; n names of the lower object, which is in no upper yet,
 *	were removed
 *
 * HEX is format/ovl_fh.h's name of the lower object. Upper objects in the index carry overlay.origin, the same bytes,
 * and overlay.nlink (format/nlink.h): how many names the union has for the object.
 *
 * The names of both directories are known in memory, as hashes: while there are none a lookup costs nothing, and what
 * isn't among them costs the making of a handle. A name that went may stay there; then the directory is asked in vain.
 *
 * With layer_set.shows_upper the index is another mount's, which changes it: then it is asked each time and nothing is
 * known in memory, and nothing may be changed here.
 *
 * layer_set.index is NULL where the union keeps no index; the functions here must not be called then. All are
 * thread-safe; that one object's entry isn't changed by two threads is the caller's business (I of its inode).
 */
#ifndef LAYER_INDEX_H
#define LAYER_INDEX_H

#include "format/ovl_fh.h"
#include "layer/layer.h"

/* One object. */
struct index_entry {
	char name[OVL_FH_INDEX_NAME_SIZE];
	bool indexed;	  /* it is in the upper, at `name` of index_fd() */
	struct statx stx; /* of the upper object, where indexed */
	uint32_t nlink;	  /* the union's count of its names, >= 1 */
};

/* Whether objects of this type (S_IFMT bits) can have an entry: user.* xattrs exist on regular files and directories
 * only. */
bool index_takes(const struct layer_set *set, uint32_t type);
/* Whether both directories are empty, so that nothing needs to be asked. */
bool index_is_idle(const struct layer_set *set);

/* Rises after each new entry of our own: what was looked up in vain before may be there now. */
uint64_t index_generation(const struct layer_set *set);

/* The name of the lower object `name` at dirfd ("": dirfd itself, O_PATH will do). -EOPNOTSUPP when it has none. */
int index_name_of(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
		  char ret_name[static OVL_FH_INDEX_NAME_SIZE]);
/* What is known of a lower object with `nlink` links in its layer. ret->name is set in any case. -EIO for an entry that
 * can't be its copy. */
int index_look(const struct layer_set *set, const struct layer *l, int dirfd, const char *name, const struct statx *stx,
	       struct index_entry *ret);
/* The same for an upper object with overlay.origin, whose attributes are `stx`. 1 when it is the one in the index; 0
 * when it isn't. */
int index_look_upper(const struct layer_set *set, int dirfd, const char *name, const struct statx *stx,
		     struct index_entry *ret);

/* A descriptor (O_PATH) of WORKDIR/index; -ENOENT before anything is in it; another errno only of another mount's. */
int index_fd(const struct layer_set *set);
/* Gives a new upper object its entry, without replacing one (-EEXIST): `fd` that has no name yet, or where `temp` isn't
 * NULL what has this name in the work directory, which is moved. Makes the directory if there is none. */
int index_insert(struct layer_set *set, int fd, const char *temp, const char *name);
/* Sets an attribute of an object that may be in the index. Where its file has no room, the xattr that says where it
 * comes from (format/source.h), which is but a help, makes way. */
int index_setxattr(const struct layer_set *set, int fd, const char *xattr, const void *value, size_t size, int flags);
/* Gives what has the entry one more name. */
int index_link(struct layer_set *set, const char *name, int dirfd, const char *newname);
/* Takes the entry away. */
int index_remove(struct layer_set *set, const char *name);

/* Writes overlay.nlink of the upper object at fd: the union has `nlink` names for it, the upper `links`, the entry
 * included. Nothing is written when it says so already. */
int index_write_nlink(struct layer_set *set, int fd, uint32_t nlink, uint32_t links);
/* Notes that `gone` names of a lower object were removed; 0: forgets it. */
int index_write_gone(struct layer_set *set, const char *name, uint32_t gone);

#endif
