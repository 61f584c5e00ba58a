/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ordered, immutable set of layers of one union: root descriptors in mount clones, and the probed features of each
 * layer.
 *
 * Index 0 is the topmost layer: the upper, or without an upper the top lower. The set is reference-counted and never
 * changes. A union points to one set and could be pointed to another. After the n layers come the data-only ones. They
 * show no name and are not part of any directory. They give data to metacopy files with an absolute redirect.
 *
 * Mount clones. Each layer is opened once, before the union's own mount exists. If the kernel permits, its root
 * descriptor lies in a private clone of its mount (`cloned`). Nothing is mounted below in a clone, and a lower clone is
 * read-only. Otherwise RESOLVE_NO_XDEV confines access, and STATX_ATTR_MOUNT_ROOT shows that an object is overmounted:
 * layer_statx() then says so. The upper and the work directory are beneath ONE clone, because rename and link between
 * two clones fail with EXDEV.
 */
#ifndef LAYER_LAYER_H
#define LAYER_LAYER_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <linux/stat.h>
#include <sys/types.h>

#include "base/error.h"
#include "format/idmap.h"
#include "format/name.h"
#include "layer/stack.h"

struct layer {
	unsigned index;
	char *path;  /* as the user gave it, for messages; owned */
	int root_fd; /* O_PATH | O_DIRECTORY; owned */
	/* Upper only: the same directory opened O_RDONLY in the same mount, for syncfs; it holds the lock. Otherwise
	 * -1. */
	int real_fd;
	bool upper;		     /* the writable one */
	bool cloned;		     /* root_fd lies in a private clone without mounts below */
	bool has_xattr;		     /* private xattrs may exist here */
	bool numbers_by_name;	     /* lower only: its numbers are made of names, layer/device.h */
	uint64_t root_number;	     /* the root's number, with numbers_by_name */
	_Atomic bool lists_xattrs;   /* listxattr(2) lists all xattrs; otherwise each is asked for by name */
	bool has_handles;	     /* name_to_handle_at works and handles can be opened */
	enum override_form override; /* the form of its stat overrides */
	unsigned fs;		     /* index into layer_set.fs */
	dev_t dev;		     /* of the root, and of most objects in the layer: layer/device.h */
	uint16_t device;	     /* the number of `dev` in the set */
	/* lower only: the maps of the options, if the layer's mount has applied them already, see below; else NULL */
	const struct idmap *uidmap, *gidmap;
	struct layer_cache *cache; /* lower only: layer/cache.h; NULL without one */
};

/* Identity of a directory while its file system is mounted. */
struct layer_id {
	dev_t dev;
	uint64_t ino;
};

/* The largest number of lower layers: an index fits into 16 bits, with one value that means none. */
#define LAYERS_MAX 65534

/* A file system that holds one or more layers, with all its subvolumes. */
struct layer_fs {
	uint64_t id; /* a hash of its uuid, or of another lasting property */
	uint8_t uuid[16];
	bool has_uuid;
	bool gives_handles; /* name_to_handle_at works; not on FUSE, whose handles are node ids */
	bool has_handles;   /* name_to_handle_at works and handles can be opened */
	int handle_fd;	    /* a directory of it opened O_RDONLY, for os_open_by_handle; -1 without handles; owned */
	bool subvolumes;    /* btrfs */
	_Atomic unsigned char spans; /* enum layer_spans, layer/device.h; atomic, only rises */
	unsigned last;		     /* the last layer in it */
	const struct layer *lower;   /* the first layer in it that isn't the upper, or NULL */
};

/* WHITEOUT_AUFS is a name of its own, `.wh.NAME` beside NAME. The upper's NAME is shown and merges with nothing
 * below. */
enum whiteout_form { WHITEOUT_DEVICE, WHITEOUT_XATTR, WHITEOUT_AUFS };

#define LAYER_IDENTITY_SIZE 16

/* The fate of an open upper object that loses its name or is replaced. */
enum removed_form {
	REMOVED_STAYS, /* every descriptor of it can open it anew */
	REMOVED_GOES,  /* a descriptor that was opened by the path alone (O_PATH) can't open it anew */
	/* in addition, other open objects get another name in their directory, which then isn't empty */
	REMOVED_HIDES,
};

struct layer_set {
	_Atomic unsigned refs;
	unsigned n;
	unsigned n_data;      /* data-only layers */
	struct layer *layers; /* n, [0] on top, then n_data */
	bool has_upper;
	/* [0] is the upper of another mount, here a lower layer; it changes, and so does its index */
	bool shows_upper;
	unsigned n_fs;
	struct layer_fs *fs;
	struct layer_devices *devices;	   /* layer/device.h */
	struct layer_caches *caches;	   /* layer/cache.h; NULL without layer_cache */
	struct layer_no_xattrs *no_xattrs; /* layer/no_xattrs.h; NULL if this isn't looked at */
	enum xattr_ns ns;		   /* the namespace of private xattrs */
	bool aufs;			   /* the aufs dialect is read too, and its names are hidden */
	unsigned override_forms;	   /* 1 << form of each layer that has one */
	bool follow_redirects;
	bool make_redirects; /* and the upper can hold them */
	/* Metacopy files are followed. With data-only layers, files of the lowest other layer find their data there,
	 * whatever this and follow_redirects are. */
	bool follow_metacopy;
	bool make_metacopy; /* and the upper can hold them */

	struct idmap uidmap, gidmap; /* those of the union, owned; empty without any */

	/* of layers and mountpoint: equal for two calls that mean the same mount */
	uint8_t identity[LAYER_IDENTITY_SIZE];

	/* Only with an upper */
	/* the upper's root and WORKDIR: a lookup that meets them inside a lower layer answers -ELOOP */
	struct layer_id upper_id;
	struct layer_id work_id;
	int clone_fd;	  /* the mount clone of upper and work directory; -1 without one */
	int work_fd;	  /* WORKDIR/work, O_PATH; temp files live here */
	int workdir_fd;	  /* WORKDIR itself, locked with flock; that of the other mount if its upper is shown */
	bool is_volatile; /* nothing is synced */
	bool has_tmpfile; /* O_TMPFILE works in work_fd and can be linked */
	bool has_rename_whiteout;
	bool has_upper_xattr; /* private xattrs can be written */
	bool can_reopen; /* files without permission bits can be opened at any time (CAP_DAC_OVERRIDE over the upper) */
	bool can_chown;	 /* new files can be given to their callers */
	enum removed_form removed;
	enum whiteout_form whiteout_form; /* the form that is written; WHITEOUT_AUFS only with `aufs` */
	struct layer_work *work;	  /* temp names and the shared whiteout, layer/work.h */
	/* layer/index.h, with shows_upper too; NULL: copy-up breaks hard links of lower files */
	struct layer_index *index;
};

/* Opens, checks, clones mounts, locks, cleans and probes all layers of the specification, in this order, before the
 * mount exists. `mountpoint` is checked against the work directory, unless it is NULL or "/dev/fd/N". `workdir` is only
 * looked at with an upper of this mount, or one that is shown. Nothing of `spec` is kept. Needs os_init(). It waits
 * up to 5 s for an upper that is in use.
 *
 * 0 or -errno. On failure nothing is left behind. The text of *ret_error has the form "OPTION: PATH: cause". Without a
 * text memory is short, but for two results. -EALREADY: the same layers, with this upper, are already mounted at this
 * mountpoint. -EBUSY: the upper belongs to another mount, but this one is read_only and could have it as a layer
 * (stack_spec.shows_upper). */
int layer_set_open(const struct stack_spec *spec, const char *mountpoint, struct layer_set **ret_set,
		   struct error *ret_error);
/* The identity (layer_set.identity) of the mount at `mountpoint` that the specification means, where that mount itself
 * covers some of the directories. Asks nothing of the mount but where the paths lead to it. -ENOENT: it would cover
 * none. Other errors: a directory elsewhere can't be opened. */
int layer_overmounted_identity(const struct stack_spec *spec, const char *mountpoint, uint8_t ret_identity[static 16]);
/* layer_set_get() takes a reference, layer_set_put() drops one. With the last reference the descriptors, the locks and
 * the memory are released. Only a holder of a reference may use the set. */
struct layer_set *layer_set_get(struct layer_set *set);
void layer_set_put(struct layer_set *set);
/* At the end of the session: syncs the upper (unless volatile) and leaves the work directory empty. */
void layer_set_shutdown(struct layer_set *set);

static inline struct layer *layer_upper(const struct layer_set *set)
{
	return set->has_upper ? &set->layers[0] : (struct layer *)0;
}

/* Whether the layer is the upper of another mount, whose directories get xattrs at any time. */
static inline bool layer_is_shown(const struct layer_set *set, const struct layer *l)
{
	return set->shows_upper && l->index == 0;
}

/* Whether the entries of the index are objects of this layer (the upper, or one that is shown), and its names may lead
 * to them. */
static inline bool layer_is_indexed(const struct layer_set *set, const struct layer *l)
{
	return set->index && l->index == 0;
}

/* --- confined access: dirfd is a directory of this layer, name one component -------------------------------------- */

/* Returns a descriptor that the caller closes, or an error of open(2). -EXDEV: the name is overmounted. */
int layer_openat(const struct layer *l, int dirfd, const char *name, int flags);
/* The same for a path from the root of the layer, shorter than PATH_MAX and without symbolic links. */
int layer_open_path(const struct layer *l, const char *path, int flags);
/* Like os_statx. *ret_overmounted: `name` is overmounted, so only its existence and its type may be shown. With
 * ret_overmounted NULL the answer is -EXDEV then. The file system on top is not asked, so it can't make this call
 * hang. */
int layer_statx(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx, bool *ret_overmounted);
/* The same for an object that is certainly not overmounted: one that plyfs made, or with name "" the one open (O_PATH)
 * at dirfd. */
int layer_statx_unchecked(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx);

/* --- owner, mode and type in an attribute (format/stat_override.h); all the statx functions above obey it --------- */

/* The real mode of upper objects with a stat override. The mode protects nothing, but the daemon must get in. */
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
 * With uidmapping or gidmapping a layer has ids that the fuse tier maps. Container engines also map the lower layers by
 * their mounts. There the kernel returns ids of the mount. They are mapped back when they are read, so all ids above
 * are those of the layers. An id that the map lacks becomes LAYER_NO_ID. It shows as any other unmapped id and can't be
 * copied up (EOVERFLOW), as in the kernel. The statx functions above do this.
 */
#define LAYER_NO_ID UINT32_MAX

/* The same for the value of xattr `name`, in place: ids in ACLs and capabilities. */
void layer_unmap_xattr(const struct layer *l, const char *name, void *value, size_t size);
static inline bool layer_has_owner(const struct statx *stx)
{
	return stx->stx_uid != LAYER_NO_ID && stx->stx_gid != LAYER_NO_ID;
}

/* --- xattr flags: which attributes one object has, read in one go ------------------------------------------------- */

enum xattr_flag {
	XATTR_FLAG_OPAQUE = 1 << 0, /* overlay.opaque = y; with the aufs dialect user.fuseoverlayfs.opaque = y too */
	XATTR_FLAG_XWHITEOUTS = 1 << 1, /* overlay.opaque = x: may hold xattr whiteouts */
	XATTR_FLAG_REDIRECT = 1 << 2,
	XATTR_FLAG_METACOPY = 1 << 3,
	XATTR_FLAG_ORIGIN = 1 << 4,
	XATTR_FLAG_IMPURE = 1 << 5,
	/* overlay.whiteout: an xattr whiteout if the directory has XATTR_FLAG_XWHITEOUTS */
	XATTR_FLAG_WHITEOUT = 1 << 6,
	XATTR_FLAG_ACL = 1 << 7, /* system.posix_acl_access */
	XATTR_FLAG_DEFAULT_ACL = 1 << 8,
	XATTR_FLAG_CAPABILITY = 1 << 9,
	XATTR_FLAG_OTHER_XATTR = 1 << 10, /* any xattr that users see and that isn't named above */
	XATTR_FLAG_PROTATTR = 1 << 11,	  /* overlay.protattr; obeyed in the upper */
	XATTR_FLAGS_SHOWN = XATTR_FLAG_ACL | XATTR_FLAG_DEFAULT_ACL | XATTR_FLAG_CAPABILITY | XATTR_FLAG_OTHER_XATTR,
};
/* Reads *ret_flags with one listxattr, and a getxattr of overlay.opaque if it is there. More calls if the layer doesn't
 * list its xattrs. 0 if the layer has no xattrs. */
int layer_read_xattr_flags(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
			   unsigned *ret_flags);

/* Whether overlay.metacopy of an object with XATTR_FLAG_METACOPY can be followed: 0. -ENODATA: there is none. -EIO: it
 * is malformed (format/metacopy.h). */
int layer_check_metacopy(const struct layer_set *set, int dirfd, const char *name);

/* The value of overlay.redirect of an object with XATTR_FLAG_REDIRECT (format/redirect.h). -ENODATA: there is none.
 * -EINVAL: the value must not be followed. */
struct redirect;
int layer_read_redirect(const struct layer_set *set, int dirfd, const char *name, struct redirect *ret);

/* Whether this is a whiteout in the form of a character device 0:0. */
static inline bool layer_is_whiteout(const struct statx *stx)
{
	return (stx->stx_mode & 0170000) == 0020000 && stx->stx_rdev_major == 0 && stx->stx_rdev_minor == 0;
}

/* --- the aufs dialect, asked only where layer_set.aufs ------------------------------------------------------------ */

/* Whether the directory has `.wh.NAME`. Then `name` of the layers below is hidden; that of this layer isn't. 1, 0 or
 * -errno. */
int layer_aufs_hides(const struct layer *l, int dirfd, const char *name);
/* Whether `.wh..wh..opq` is in the directory `name` ("": in dirfd itself). 1, 0 or -errno; 0 also if `name` is no
 * directory any more. */
int layer_aufs_opaque(const struct layer *l, int dirfd, const char *name);

/* Whether the name is hidden from users of the union. */
static inline bool layer_reserves_name(const struct layer_set *set, const char *name)
{
	return set->aufs && aufs_is_reserved(name);
}
/* Whether the xattr is hidden from users of the union. */
static inline bool layer_hides_xattr(const struct layer_set *set, const char *name)
{
	return (set->aufs && xattr_is_fuseoverlayfs(name)) || xattr_is_override(set->override_forms, name);
}
/* Whether an xattr, by its name in the layer, is one of the format and not one of a user. */
static inline bool layer_reserves_xattr(const struct layer_set *set, const char *stored)
{
	return xattr_is_private(set->ns, stored) || (set->aufs && xattr_is_fuseoverlayfs(stored));
}

/* Whether the upper or the work directory was removed below the mount. */
bool layer_upper_is_gone(const struct layer_set *set);

/* The union's inode number of the lower object that this object of layer `l` (the upper or a former upper) was copied
 * from. overlay.origin tells it, else overlay.plyfs_ino. 0 if neither is there, valid, and of a lower layer. */
uint64_t layer_origin_ino(const struct layer_set *set, const struct layer *l, int dirfd, const char *name);
/* Whether several file systems have this uuid, or none has one: a handle may then name different objects. */
bool layer_uuid_is_ambiguous(const struct layer_set *set, const uint8_t uuid[16]);
/* Makes the value of overlay.origin for the object open (O_PATH) at fd in lower layer `l`. Returns its length, or
 * -EOPNOTSUPP. */
ssize_t layer_make_origin(const struct layer_set *set, const struct layer *l, int fd, void *buf, size_t size);

#endif
