/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The names that plyfs reserves: attributes of the overlay namespace, `.wh.` names, temporary names of the work
 * directory.
 *
 * One overlay namespace is active for a mount, `trusted.overlay.` or `user.overlay.`; its names are obeyed, hidden and
 * escaped, those of the other one are ordinary attributes. The escape is kernel overlayfs's (fs/overlayfs/xattrs.c): a
 * user of the mount who asks for trusted.overlay.X reaches the stored trusted.overlay.overlay.X, so that an overlay can
 * keep its layers on another one.
 *
 * Everything here is pure; strings are NUL-terminated unless a length comes with them.
 */
#ifndef FORMAT_NAME_H
#define FORMAT_NAME_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Limits of the kernel: XATTR_NAME_MAX and NAME_MAX, and buffers that hold such a name with its NUL. */
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
	XATTR_OVERLAY_OPAQUE, /* on a directory: `y` hides what lies below, `x` holds whiteouts in the attribute form */
	XATTR_OVERLAY_REDIRECT,	    /* format/redirect.h */
	XATTR_OVERLAY_ORIGIN,	    /* format/ovl_fh.h */
	XATTR_OVERLAY_IMPURE,	    /* `y` on a directory that may hold copied-up children */
	XATTR_OVERLAY_NLINK,	    /* kernel's `L+N`/`U+N`, written with an index */
	XATTR_OVERLAY_UPPER,	    /* on an index entry: handle of the upper directory */
	XATTR_OVERLAY_UUID,	    /* uuid of the union, on the upper's root */
	XATTR_OVERLAY_METACOPY,	    /* format/metacopy.h */
	XATTR_OVERLAY_PROTATTR,	    /* immutable and append flags that the upper can't carry */
	XATTR_OVERLAY_WHITEOUT,	    /* whiteout in the attribute form, on an empty regular file */
	XATTR_OVERLAY_PLYFS_INO,    /* ours: st_ino, where file handles can't be opened */
	XATTR_OVERLAY_PLYFS_SOURCE, /* ours, on what is in the index: format/source.h */
	XATTR_OVERLAY_COUNT,
};

/* The full name, such as "trusted.overlay.opaque". */
const char *xattr_overlay_name(enum xattr_ns ns, enum xattr_overlay which);

/* A stored name that is plyfs's own business: in the active namespace and not escaped. Never shown, never passed on. */
bool xattr_is_private(enum xattr_ns ns, const char *stored);

/*
 * The stored name for the name a user of the mount gave: escaped when it lies in the active namespace, else the same.
 * Returns its length; -EINVAL when `name` is the bare prefix, -ERANGE when it is longer than the kernel allows,
 * -EOPNOTSUPP when only its escaped form is.
 */
int xattr_escape(enum xattr_ns ns, const char *name, char ret_stored[static XATTR_NAME_SIZE]);

/*
 * Turns the result of listxattr (names, each with its NUL) into what the mount shows, in place: private names go,
 * escaped ones are unescaped. Returns the new size; -EIO when the last name has no NUL.
 */
ssize_t xattr_list_filter(enum xattr_ns ns, char *list, size_t size);

/* user.fuseoverlayfs.*: xattrs of the aufs dialect's other writer. */
bool xattr_is_fuseoverlayfs(const char *stored);
#define XATTR_FUSEOVERLAYFS_OPAQUE "user.fuseoverlayfs.opaque"

/*
 * Owner and mode kept in an attribute (format/stat_override.h). A layer has one form, the attribute on its root tells
 * which.
 */
enum override_form {
	OVERRIDE_NONE,
	OVERRIDE_PRIVILEGED, /* security.fuseoverlayfs.override_stat */
	/* user.containers.override_stat; and what an unprivileged owner can't set, security.* and trusted.*, is kept as
	 * user.containers.override_NAME */
	OVERRIDE_CONTAINERS,
	OVERRIDE_USER, /* user.fuseoverlayfs.override_stat */
	OVERRIDE_COUNT,
};

/* The attribute's name. */
const char *xattr_override_stat(enum override_form form);
/* Whether a name belongs to one of the forms in `forms` (1 << form), so that users neither see nor make it. */
bool xattr_is_override(unsigned forms, const char *name);
/* The name by which a layer of this form keeps `name`: its length, or -EOPNOTSUPP when that would be too long. */
int xattr_override_encode(enum override_form form, const char *name, char ret_stored[static XATTR_NAME_SIZE]);
/* Back: the name that is kept as `stored` (it points into `stored`), or NULL when that is nothing to be shown. */
const char *xattr_override_decode(enum override_form form, const char *stored);
/* A result of listxattr, decoded in place; the last name ends with a NUL. Returns the new size. */
size_t xattr_override_decode_list(enum override_form form, char *list, size_t size);

/* The aufs dialect: `.wh.NAME` hides NAME, `.wh..wh..opq` makes its directory opaque, other `.wh..wh.*` are aufs's
 * own. */
#define AUFS_PREFIX ".wh."
#define AUFS_OPAQUE ".wh..wh..opq"

/* Any name that the dialect takes away from users. */
bool aufs_is_reserved(const char *name);
/* The name that `name` hides (it points into `name`), or NULL when it is no whiteout. */
const char *aufs_whiteout_target(const char *name);
/* Makes `.wh.NAME`; returns its length or -ENAMETOOLONG. */
int aufs_whiteout_name(const char *name, char ret_name[static NAME_SIZE]);

/*
 * Temporary names of the work directory: `#` and hexadecimal digits, as kernel overlayfs makes them, so that either
 * removes what the other left behind after a crash.
 */
#define TEMP_NAME_SIZE 18
void temp_name_make(uint64_t number, char ret_name[static TEMP_NAME_SIZE]);

#endif
