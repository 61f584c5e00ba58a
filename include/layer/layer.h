/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ordered, immutable set of layers of one union: root descriptors in clones of their mounts, and what was probed of
 * each.
 *
 * Index 0 is the topmost layer: the upper where there is one, else the top lower. The set is reference-counted and
 * never changes; a union points to one and could be pointed to another. Behind the n layers lie the data-only ones:
 * they show no name, are not part of any directory, and give their files' data to metadata that names them by an
 * absolute redirect.
 *
 * Mount clones. Each layer is opened once, before our own mount exists. Where the kernel permits, its root descriptor
 * lies in a private clone of its mount (`cloned`): nothing is mounted below in there, and a lower clone is read-only.
 * Else access is confined by RESOLVE_NO_XDEV, and what is overmounted is recognised by STATX_ATTR_MOUNT_ROOT:
 * layer_statx() then says so. Upper and work lie beneath ONE clone, because rename and link between two fail with
 * EXDEV.
 */
#ifndef LAYER_LAYER_H
#define LAYER_LAYER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/stat.h>
#include <sys/types.h>

#include "format/name.h"
#include "layer/stack.h"

struct layer {
	unsigned index;
	char *path;  /* as the user gave it, for messages; owned */
	int root_fd; /* O_PATH | O_DIRECTORY; owned */
	/* upper only: the same directory opened O_RDONLY in the same mount, for syncfs; it holds the lock. Else -1 */
	int real_fd;
	bool upper;		     /* the writable one */
	bool cloned;		     /* root_fd lies in a private clone without mounts below */
	bool has_xattr;		     /* private xattrs may exist here */
	bool numbers_by_name;	     /* lower only: its numbers are made of names; layer/device.h */
	uint64_t root_number;	     /* then */
	_Atomic bool lists_xattrs;   /* listxattr(2) tells those that there are; else each is asked for by its name */
	bool has_handles;	     /* name_to_handle_at works and handles can be opened */
	enum override_form override; /* where owner, mode and type of its objects are kept */
	unsigned fs;		     /* index into layer_set.fs */
	dev_t dev;		     /* of the root, and of most that is in it: layer/device.h */
	uint16_t device;	     /* the same as the set numbers it */
	const struct idmap *uidmap,
		*gidmap; /* lower only: the options', where its mount has applied them already, see below; else NULL */
	struct layer_cache *cache; /* lower only: layer/cache.h; NULL without one */
};

/* Identity of a directory while its file system is mounted. */
struct layer_id {
	dev_t dev;
	uint64_t ino;
};

/* Lower layers of a union: an index fits into 16 bits, one value of which says none. */
#define LAYERS_MAX 65534

/* A file system that holds one or more layers, with all its subvolumes. */
struct layer_fs {
	uint64_t id; /* a hash of its uuid, or what else lasts of it */
	uint8_t uuid[16];
	bool has_uuid;
	bool gives_handles; /* name_to_handle_at works; not on FUSE, whose handles are node ids */
	bool has_handles;   /* and handles can be opened */
	int handle_fd;	    /* a directory of it opened O_RDONLY, for os_open_by_handle; -1 without handles; owned */
	bool subvolumes;    /* btrfs */
	_Atomic unsigned char spans; /* a enum layer_spans, layer/device.h; rises only */
	unsigned last;		     /* layer in it */
	const struct layer *lower;   /* the first one in it that isn't the upper, or NULL */
};

/* The last is a name of its own, `.wh.NAME` beside NAME: what the upper has of NAME is shown and merges with nothing
 * below. */
enum whiteout_form { WHITEOUT_DEVICE, WHITEOUT_XATTR, WHITEOUT_AUFS };

/* What becomes of an object of the upper that is open when it loses its name or is replaced. */
enum removed_form {
	REMOVED_STAYS, /* whoever has it open by whatever descriptor can open it anew */
	REMOVED_GOES,  /* nobody can who has it open by its path alone (O_PATH) */
	/* and what is open otherwise gets another name in its directory meanwhile, which then isn't empty */
	REMOVED_HIDES,
};

struct layer_set {
	_Atomic unsigned refs;
	unsigned n;
	unsigned n_data;      /* data-only layers */
	struct layer *layers; /* n, [0] on top, then n_data */
	bool has_upper;
	/* [0] is the upper of another mount, here a lower layer, which changes, and so does its index */
	bool shows_upper;
	unsigned n_fs;
	struct layer_fs *fs;
	struct layer_devices *devices;	   /* layer/device.h */
	struct layer_caches *caches;	   /* layer/cache.h; NULL without layer_cache */
	struct layer_no_xattrs *no_xattrs; /* layer/no_xattrs.h; NULL where that isn't asked */
	enum xattr_ns ns;		   /* the namespace of private attributes that is obeyed */
	bool aufs;		 /* the aufs dialect is read beside the kernel's forms, and its names hidden */
	unsigned override_forms; /* 1 << form of each layer that has one */
	bool follow_redirects;
	bool make_redirects; /* and the upper can hold them */
	/* files whose data lies in a layer below; where there are data-only layers, files of the lowest other layer
	 * find theirs in them whether this or follow_redirects is set or not */
	bool follow_metacopy;
	bool make_metacopy; /* and the upper can hold them */

	uint8_t identity[16]; /* of layers and mountpoint: what makes two calls the same mount */

	/* Only with an upper: */
	struct layer_id upper_id; /* the upper's root and WORKDIR: met inside a lower layer, lookup answers -ELOOP */
	struct layer_id work_id;
	int clone_fd;	  /* the clone that upper and work lie in; -1 without one */
	int work_fd;	  /* WORKDIR/work, O_PATH; temp files live here */
	int workdir_fd;	  /* WORKDIR itself, locked with flock; the other mount's where its upper is shown */
	bool is_volatile; /* nothing is synced */
	bool has_tmpfile; /* O_TMPFILE works in work_fd and can be linked */
	bool has_rename_whiteout;
	bool has_upper_xattr; /* private xattrs can be written */
	bool can_reopen; /* files without permission bits can be opened at any time (CAP_DAC_OVERRIDE over the upper) */
	bool can_chown;	 /* new files can be given to their callers */
	enum removed_form removed;
	enum whiteout_form whiteout_form; /* that is written; WHITEOUT_AUFS only with `aufs` */
	struct layer_work *work;	  /* temp names and the shared whiteout, layer/work.h */
	/* layer/index.h; NULL: hard links of lower files are broken by copy-up. Also with shows_upper */
	struct layer_index *index;
};

/* Opens, checks, clones mounts, locks, cleans and probes everything that the specification names, in this order, before
 * the mount exists. `mountpoint` is checked against the work directory; NULL or "/dev/fd/N" is not. Without an upper,
 * or one that is shown, `workdir` is not looked at. On failure nothing is left behind, and *ret_error is one line in
 * the form "OPTION: PATH: cause" (allocated, the caller frees it; NULL when memory is short). 0 or -errno. -EALREADY
 * with *ret_error == NULL: the same layers, with this upper, are already mounted at this mountpoint. -EBUSY with none:
 * the upper is another mount's, but this one is to be read-only and could have it as a layer (stack_spec.shows_upper).
 * Waits up to 5 s for an upper that is in use. `spec` must outlive the set. Needs os_init(). */
int layer_set_open(const struct stack_spec *spec, const char *mountpoint, struct layer_set **ret_set, char **ret_error);
/* One more reference; one less, and with the last the descriptors, the locks and the memory go. Only who got a
 * reference may use the set. */
struct layer_set *layer_set_get(struct layer_set *set);
void layer_set_put(struct layer_set *set);
/* At the end of the session: syncs the upper (unless volatile) and leaves the work directory empty. */
void layer_set_shutdown(struct layer_set *set);

static inline struct layer *layer_upper(const struct layer_set *set)
{
	return set->has_upper ? &set->layers[0] : (struct layer *)0;
}

/* Whether it is another mount's upper, whose directories get xattrs at any time. */
static inline bool layer_is_shown(const struct layer_set *set, const struct layer *l)
{
	return set->shows_upper && l->index == 0;
}

/* Whether the index's entries are objects of this layer, the upper or one that is shown, and its names may lead to
 * them. */
static inline bool layer_is_indexed(const struct layer_set *set, const struct layer *l)
{
	return set->index && l->index == 0;
}

/* --- confined access: dirfd is a directory of this layer, name one component -------------------------------------- */

/* A descriptor that the caller closes, or as open(2); -EXDEV when the name is overmounted. */
int layer_openat(const struct layer *l, int dirfd, const char *name, int flags);
/* The same for a path from the layer's root, shorter than PATH_MAX, no symbolic link in it. */
int layer_open_path(const struct layer *l, const char *path, int flags);
/* Like os_statx. *ret_overmounted tells that `name` is overmounted, so that nothing of it may be shown but that it
 * exists and its type; with ret_overmounted NULL the answer is -EXDEV then. The file system on top is not asked, so
 * that can't hang. */
int layer_statx(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx, bool *ret_overmounted);
/* The same of what is known not to be overmounted: an object of our own making, or with name "" the one open (O_PATH)
 * at dirfd. */
int layer_statx_unchecked(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx);

/* --- owner, mode and type in an attribute (format/stat_override.h); all the statx functions above obey it --------- */

/* What such objects of the upper have instead: their own mode is nobody's business, but the daemon must get in. */
#define LAYER_OVERRIDE_MODE 0755

/* Whether the upper has stat overrides. */
static inline bool layer_overrides_stat(const struct layer_set *set)
{
	return set->has_upper && set->layers[0].override != OVERRIDE_NONE;
}
/* Writes owner, mode, type and device number of `stx` to the upper object open (O_PATH) at fd. */
int layer_write_stat_override(const struct layer_set *set, int fd, const struct statx *stx);

/* --- layers on idmapped mounts ------------------------------------------------------------------------------------ */

/*
 * With uidmapping or gidmapping a layer has ids that the fuse tier maps. Container engines map the lower layers by
 * their mounts besides: there the ids that the kernel gives are the mount's already, and are mapped back when they are
 * read, so that all ids above are the layers'. One that the map doesn't have becomes LAYER_NO_ID, which shows as any
 * other unmapped id and can't be copied up (EOVERFLOW), as with the kernel. The statx functions above do it.
 */
#define LAYER_NO_ID UINT32_MAX

/* The same for the value of attribute `name`, in place: ids in ACLs and capabilities. */
void layer_unmap_xattr(const struct layer *l, const char *name, void *value, size_t size);
static inline bool layer_has_owner(const struct statx *stx)
{
	return stx->stx_uid != LAYER_NO_ID && stx->stx_gid != LAYER_NO_ID;
}

/* --- xattr flags: which attributes one object has, read in one go ------------------------------------------------- */

enum xattr_flag {
	XATTR_FLAG_OPAQUE = 1 << 0, /* overlay.opaque = y; with the aufs dialect user.fuseoverlayfs.opaque = y too */
	XATTR_FLAG_XWHITEOUTS = 1 << 1, /* overlay.opaque = x: contains whiteouts of the xattr form */
	XATTR_FLAG_REDIRECT = 1 << 2,
	XATTR_FLAG_METACOPY = 1 << 3,
	XATTR_FLAG_ORIGIN = 1 << 4,
	XATTR_FLAG_IMPURE = 1 << 5,
	XATTR_FLAG_WHITEOUT = 1 << 6, /* overlay.whiteout: a whiteout where the directory has XATTR_FLAG_XWHITEOUTS */
	XATTR_FLAG_ACL = 1 << 7,      /* system.posix_acl_access */
	XATTR_FLAG_DEFAULT_ACL = 1 << 8,
	XATTR_FLAG_CAPABILITY = 1 << 9,
	XATTR_FLAG_OTHER_XATTR = 1 << 10, /* any attribute that users see, not named above */
	XATTR_FLAG_PROTATTR = 1 << 11,	  /* overlay.protattr; obeyed in the upper */
	XATTR_FLAGS_SHOWN = XATTR_FLAG_ACL | XATTR_FLAG_DEFAULT_ACL | XATTR_FLAG_CAPABILITY | XATTR_FLAG_OTHER_XATTR,
};
/* One listxattr, and a getxattr of overlay.opaque where it is present; more where the layer doesn't list xattrs. 0
 * where it has no xattrs. *ret_flags. */
int layer_read_xattr_flags(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
			   unsigned *ret_flags);

/* Whether overlay.metacopy of an object that has XATTR_FLAG_METACOPY is one that can be followed: 0, -ENODATA without
 * one, -EIO (format/metacopy.h). */
int layer_check_metacopy(const struct layer_set *set, int dirfd, const char *name);

/* The value of overlay.redirect of an object that has XATTR_FLAG_REDIRECT (format/redirect.h). -ENODATA without one,
 * -EINVAL for a value that isn't to be followed. */
struct redirect;
int layer_read_redirect(const struct layer_set *set, int dirfd, const char *name, struct redirect *ret);

/* Whether this is a whiteout as a character device 0:0. */
static inline bool layer_is_whiteout(const struct statx *stx)
{
	return (stx->stx_mode & 0170000) == 0020000 && stx->stx_rdev_major == 0 && stx->stx_rdev_minor == 0;
}

/* --- the aufs dialect, asked only where layer_set.aufs ------------------------------------------------------------ */

/* Whether `.wh.NAME` lies in the directory: what layers below have of `name` is hidden, what this layer has isn't. 1, 0
 * or -errno. */
int layer_aufs_hides(const struct layer *l, int dirfd, const char *name);
/* Whether `.wh..wh..opq` lies in the directory `name` ("": in dirfd itself). 1, 0 (also when it is no directory any
 * more) or -errno. */
int layer_aufs_opaque(const struct layer *l, int dirfd, const char *name);

/* Whether users of the union have no such name. */
static inline bool layer_reserves_name(const struct layer_set *set, const char *name)
{
	return set->aufs && aufs_is_reserved(name);
}
/* Whether users of the union have no such attribute. */
static inline bool layer_hides_xattr(const struct layer_set *set, const char *name)
{
	return (set->aufs && xattr_is_fuseoverlayfs(name)) || xattr_is_override(set->override_forms, name);
}
/* Whether an attribute, by its name in the layer, is an xattr and none of the user's. */
static inline bool layer_reserves_xattr(const struct layer_set *set, const char *stored)
{
	return xattr_is_private(set->ns, stored) || (set->aufs && xattr_is_fuseoverlayfs(stored));
}

/* Whether the upper or the work directory was removed below the mount. */
bool layer_upper_is_gone(const struct layer_set *set);

/* The union inode number of the lower object that this one of layer `l`, the upper or a former upper, was copied from:
 * what overlay.origin names, else what overlay.plyfs_ino says; 0 when neither is there, valid and in a lower layer. */
uint64_t layer_origin_ino(const struct layer_set *set, const struct layer *l, int dirfd, const char *name);
/* Whether several file systems have this uuid, or none of them has one: a handle of one may name something else in
 * another. */
bool layer_uuid_is_ambiguous(const struct layer_set *set, const uint8_t uuid[16]);
/* Builds the value of overlay.origin for the object open (O_PATH) at fd in lower layer `l`. Returns its length, or
 * -EOPNOTSUPP. */
ssize_t layer_make_origin(const struct layer_set *set, const struct layer *l, int fd, void *buf, size_t size);

#endif
