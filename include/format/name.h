/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that plyfs reserves: private xattrs, `.wh.` names, temporary names of the work directory.
 *
 * A mount uses one overlay namespace, `trusted.overlay.` or `user.overlay.`. It obeys, hides and escapes the names of
 * this namespace. Names of the other one are ordinary xattrs. The escape is that of kernel overlayfs
 * (fs/overlayfs/xattrs.c): a user of the mount who asks for trusted.overlay.X reaches the stored
 * trusted.overlay.overlay.X. So an overlay can keep its layers on another one.
 *
 * Everything here is pure. Strings are NUL-terminated unless a length comes with them.
 */
#ifndef FORMAT_NAME_H
#define FORMAT_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Limits of the kernel: XATTR_NAME_MAX and NAME_MAX, and the sizes of buffers for such a name with its NUL. */
#define XATTR_NAME_LIMIT 255
#define XATTR_NAME_SIZE (XATTR_NAME_LIMIT + 1)
#define NAME_LIMIT 255
#define NAME_SIZE (NAME_LIMIT + 1)

enum xattr_ns {
	XATTR_NS_TRUSTED,
	XATTR_NS_USER,
	XATTR_NS_COUNT,
};

enum xattr_overlay {
	XATTR_OVERLAY_OPAQUE,	    /* on a directory: `y` hides the layers below, `x`: has xattr whiteouts */
	XATTR_OVERLAY_REDIRECT,	    /* format/redirect.h */
	XATTR_OVERLAY_ORIGIN,	    /* format/ovl_fh.h */
	XATTR_OVERLAY_IMPURE,	    /* `y` on a directory that may hold copied-up children */
	XATTR_OVERLAY_NLINK,	    /* the kernel's `L+N`/`U+N`, written with an index */
	XATTR_OVERLAY_UPPER,	    /* on the index directory: handle of the upper's root */
	XATTR_OVERLAY_UUID,	    /* uuid of the union, on the upper's root */
	XATTR_OVERLAY_METACOPY,	    /* format/metacopy.h */
	XATTR_OVERLAY_PROTATTR,	    /* immutable and append flags that the upper can't carry */
	XATTR_OVERLAY_WHITEOUT,	    /* xattr whiteout, on an empty regular file */
	XATTR_OVERLAY_PLYFS_INO,    /* plyfs's own: st_ino, where file handles can't be opened */
	XATTR_OVERLAY_PLYFS_SOURCE, /* plyfs's own, on objects in the index: format/source.h */
	XATTR_OVERLAY_COUNT,
};

/* The full name, such as "trusted.overlay.opaque". */
const char *xattr_overlay_name(enum xattr_ns ns, enum xattr_overlay which);

/* Whether a stored name is a private xattr: in the namespace of the mount and not escaped. Such names are never shown
 * and never passed on. */
bool xattr_is_private(enum xattr_ns ns, const char *stored);

/*
 * The stored name for a name that a user of the mount gave: escaped if it is in the namespace of the mount, otherwise
 * the same. Returns its length. -EINVAL: `name` is the bare prefix. -ERANGE: it is longer than the kernel allows.
 * -EOPNOTSUPP: only its escaped form is longer.
 */
int xattr_escape(enum xattr_ns ns, const char *name, char ret_stored[static XATTR_NAME_SIZE]);

/*
 * Turns the result of listxattr (names, each with its NUL) into the names that the mount shows, in place. Private names
 * are removed; escaped ones are unescaped. Returns the new size. -EIO: the last name has no NUL.
 */
ssize_t xattr_list_filter(enum xattr_ns ns, char *list, size_t size);

/* user.fuseoverlayfs.*: xattrs of the aufs dialect, written by fuse-overlayfs. */
bool xattr_is_fuseoverlayfs(const char *stored);
#define XATTR_FUSEOVERLAYFS_OPAQUE "user.fuseoverlayfs.opaque"

/*
 * Forms of the stat override (format/stat_override.h). A layer has one form. The xattr on its root tells which.
 */
enum override_form {
	OVERRIDE_NONE,
	OVERRIDE_PRIVILEGED, /* security.fuseoverlayfs.override_stat */
	/* user.containers.override_stat. Xattrs that an unprivileged owner can't set, security.* and trusted.*, are
	 * kept as user.containers.override_NAME. */
	OVERRIDE_CONTAINERS,
	OVERRIDE_USER, /* user.fuseoverlayfs.override_stat */
	OVERRIDE_COUNT,
};

/* The name of the xattr. */
const char *xattr_override_stat(enum override_form form);
/* Whether a name belongs to one of the forms in `forms` (1 << form). Users neither see nor make such names. */
bool xattr_is_override(unsigned forms, const char *name);
/* The name under which a layer of this form keeps `name`. Returns its length, or -EOPNOTSUPP if it would be too
 * long. */
int xattr_override_encode(enum override_form form, const char *name, char ret_stored[static XATTR_NAME_SIZE]);
/* The way back: the name that is kept as `stored` (it points into `stored`), or NULL if `stored` is not to be shown. */
const char *xattr_override_decode(enum override_form form, const char *stored);
/* Decodes a result of listxattr in place; the last name ends with a NUL. Returns the new size. */
size_t xattr_override_decode_list(enum override_form form, char *list, size_t size);

/* The aufs dialect: `.wh.NAME` hides NAME, `.wh..wh..opq` makes its directory opaque. Other `.wh..wh.*` are aufs's
 * own. */
#define AUFS_PREFIX ".wh."
#define AUFS_OPAQUE ".wh..wh..opq"

/* Whether the dialect takes this name away from users. */
bool aufs_is_reserved(const char *name);
/* The name that `name` hides (it points into `name`), or NULL if `name` is no whiteout. */
const char *aufs_whiteout_target(const char *name);
/* Makes `.wh.NAME`; returns its length or -ENAMETOOLONG. */
int aufs_whiteout_name(const char *name, char ret_name[static NAME_SIZE]);

/*
 * Names of temp files in the work directory: `#` and hexadecimal digits, as in kernel overlayfs. So plyfs and the
 * kernel each remove temp files that the other left after a crash.
 */
#define TEMP_NAME_SIZE 18
void temp_name_make(uint64_t number, char ret_name[static TEMP_NAME_SIZE]);

#endif
