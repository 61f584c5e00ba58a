/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index. It keeps the names of a lower file with several links together over copy-up and remount, in kernel
 * overlayfs's format.
 *
 *	WORKDIR/index/HEX	a link to the upper object that was copied from the lower object with this handle; all
 *				names that lower layers have of the lower object lead there
 *	WORKDIR/nlink/HEX	plyfs's own: a symlink `L-n`; n names of the lower object, which was never copied up,
 *				were removed
 *
 * HEX is the name of the lower object in format/ovl_fh.h. Upper objects in the index have overlay.origin, the same
 * bytes, and overlay.nlink (format/nlink.h): how many names the union has for the object.
 *
 * Hashes of the names in both directories are in memory. While there are none a lookup costs nothing. Otherwise a
 * lookup costs the making of a handle. The hash of a removed name may stay; then the directory is asked in vain.
 *
 * With layer_set.shows_upper the index belongs to another mount, which changes it. It is then asked each time, nothing
 * is kept in memory, and nothing may be changed here.
 *
 * layer_set.index is NULL if the union keeps no index. The functions here must not be called then. All are thread-safe.
 * The caller makes sure that two threads don't change the entry of one object (I of its inode).
 */
#ifndef LAYER_INDEX_H
#define LAYER_INDEX_H

#include "format/ovl_fh.h"
#include "layer/layer.h"

/* The index's knowledge of one object. */
struct index_entry {
	char name[OVL_FH_INDEX_NAME_SIZE];
	bool indexed;	  /* the object is in the upper, at `name` of index_fd() */
	struct statx stx; /* of the upper object, if indexed */
	uint32_t nlink;	  /* the union's count of its names, >= 1 */
};

/* Whether objects of this type (S_IFMT bits) can have an entry. Only regular files and directories can have user.*
 * xattrs. */
bool index_takes(const struct layer_set *set, uint32_t type);
/* Whether both directories are empty, so that no lookup is necessary. */
bool index_is_idle(const struct layer_set *set);

/* Rises after each new entry of this mount: a former lookup without result may find one now. */
uint64_t index_generation(const struct layer_set *set);

/* The index name of the lower object `name` at dirfd ("": dirfd itself, O_PATH is enough). -EOPNOTSUPP if it has
 * none. */
int index_name_of(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
		  char ret_name[static OVL_FH_INDEX_NAME_SIZE]);
/* Looks up a lower object with `nlink` links in its layer. ret->name is set in any case. -EIO: the entry can't be its
 * copy. */
int index_look(const struct layer_set *set, const struct layer *l, int dirfd, const char *name, const struct statx *stx,
	       struct index_entry *ret);
/* The same for an upper object with overlay.origin and the attributes `stx`. 1: it is the object in the index. 0: it
 * isn't. */
int index_look_upper(const struct layer_set *set, int dirfd, const char *name, const struct statx *stx,
		     struct index_entry *ret);

/* A descriptor (O_PATH) of WORKDIR/index. -ENOENT: there is no entry yet. Another errno only for the index of another
 * mount. */
int index_fd(const struct layer_set *set);
/* Gives a new upper object its entry, without replacing one (-EEXIST). The object is `fd`, which has no name yet, or
 * the object `temp` of the work directory if `temp` isn't NULL; it is moved. Makes the directory if there is none. */
int index_insert(struct layer_set *set, int fd, const char *temp, const char *name);
/* Sets an xattr of an object that may be in the index. If the file has no room for it, the source xattr
 * (format/source.h) is removed first; it is only a help. */
int index_setxattr(const struct layer_set *set, int fd, const char *xattr, const void *value, size_t size, int flags);
/* Gives the object of the entry one more name. */
int index_link(struct layer_set *set, const char *name, int dirfd, const char *newname);
/* Removes the entry. */
int index_remove(struct layer_set *set, const char *name);

/* Writes overlay.nlink of the upper object at fd. The union has `nlink` names for it, the upper has `links`, the entry
 * included. Writes nothing if the xattr says so already. */
int index_write_nlink(struct layer_set *set, int fd, uint32_t nlink, uint32_t links);
/* Stores that `gone` names of a lower object were removed; 0 removes the note. */
int index_write_gone(struct layer_set *set, const char *name, uint32_t gone);

#endif
