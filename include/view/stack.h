/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stack that somebody names, to be looked at. There are these forms of names:
 *
 *	TRANSPORT:REST	an image or a container, as image/image.h has them
 *	A:B:C		directories, topmost first; `\:` is a colon within a name, and `::D` a data-only layer
 *	MOUNTPOINT	of a live union: kernel overlayfs, plyfs, fuse-overlayfs
 *	X.mstack	a directory as systemd has it: `layer@ID`, lowest first by version, and `rw/data` with `rw/work`
 *	NAME		of an image in plyctl's store, of one or a container in containers-storage, or the beginning of
 *			its id
 *
 * A name without a slash is looked for in this order: a mountpoint, plyctl's store, containers-storage (the user's,
 * then root's), a directory. Whiteouts of all forms are read. Private xattrs of
 * directories are read in user.* in three cases: the root of one of the layers has one there, a user owns the engine's
 * store, or the caller asks for it.
 *
 * Layers of images in archives and layouts have no directories. Such a stack has no `set`, and view/contents.h looks at
 * its layers. So has an image in a store of which a layer's directory is missing.
 *
 * Live unions. Kernel overlayfs tells its layers in mountinfo. A FUSE mount tells none there, so its server is looked
 * for: /proc/PID/fdinfo of a descriptor of /dev/fuse has the number of the connection, which is st_dev of the mount.
 * Older kernels tell no number, and other users' descriptors can't be read. Then the server is the one whose command
 * line has the mountpoint. The command line is read by the option table of cli/option.h. Paths are taken in the mount
 * namespace and the working directory of the server.
 *
 * A stack is looked at and never changed: an upper is its topmost layer, and nothing locks it. Errors are -errno, with
 * one line "NAME: cause" that the caller frees.
 */
#ifndef VIEW_STACK_H
#define VIEW_STACK_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "cli/option.h"
#include "image/image.h"
#include "layer/layer.h"

enum view_kind {
	VIEW_DIRECTORIES,
	VIEW_MSTACK,
	VIEW_OVERLAY,
	VIEW_PLYFS,
	VIEW_FUSE_OVERLAYFS,
	VIEW_IMAGE,
	VIEW_CONTAINER,
};

/* Facts of a layer that need no look at its contents. Strings belong to the stack; NULL and VIEW_UNKNOWN: not
 * known. */
#define VIEW_UNKNOWN (-1)
struct view_layer_facts {
	/* Hex digits, never empty: of the diff_id; of the id of a container for its own layer; of view_layer_id() for a
	 * directory alone. */
	const char *id;
	const char *parent; /* id of the layer below */
	const char *diff_id, *chain_id;
	const char *digest, *media_type; /* of the blob */
	/* RFC 3339 in UTC; of an image as its history has it, of a directory the time when it was made */
	const char *created;
	const char *created_by;
	const char *directory; /* of a layer that is one */
	/* Bytes: of the uncompressed tar, of the blob. */
	int64_t tar, compressed;
	bool upper;	/* it is written to: of a live union, or a container */
	bool data_only; /* it shows no names */
};

struct view_stack {
	enum view_kind kind;
	char *name;		    /* as it was given, or the mountpoint; owned */
	char *mountpoint;	    /* of a live union, else NULL; owned */
	dev_t dev;		    /* st_dev of a live union */
	pid_t pid;		    /* of its server; 0: none, or not known */
	time_t since;		    /* when the server was started; 0: not known */
	pid_t seen_by;		    /* a process in whose mount namespace the mountpoint is; 0: it is in our own */
	char *mount_flags;	    /* of a live union, as mountinfo has them: "rw,relatime"; owned */
	char *super_options;	    /* the same of its file system; owned */
	char **command;		    /* command line of the server, ends with NULL; NULL: not known; owned */
	bool has_upper;		    /* the first layer is an upper */
	struct options options;	    /* the layers, topmost first, and the policies; owned. No layers without `set` */
	struct layer_set *set;	    /* once it is open; owned; NULL: not all layers are directories */
	struct image *image;	    /* of an image or a container, else NULL; owned */
	char *found;		    /* the full name that a name without a transport means, else NULL; owned */
	struct view_memory *memory; /* the tier's own: facts, tables of contents */
};

/* "directories", "overlay", .. */
const char *view_kind_name(enum view_kind kind);

/* The stack of a name. It isn't opened: no layer was looked at. */
int view_stack_find(const char *name, struct view_stack **ret, char **ret_error);
/* The live union in which an absolute path lies. *ret_path is the rest of the path, a part of `path`. -ENOENT: there is
 * none. */
int view_stack_containing(const char *path, struct view_stack **ret, const char **ret_path, char **ret_error);
/* The stack of an image, which it takes, also after a failure. It isn't opened. */
int view_stack_of_image(struct image *image, const char *name, struct view_stack **ret, char **ret_error);
/* Opens the layers. `userxattr`: private xattrs are in user.*, without a look at the roots. */
int view_stack_open(struct view_stack *stack, bool userxattr, char **ret_error);
/* Opens the layers from `first` to `last` (counted from the top) as a stack of their own. NULL in *ret_set: there are
 * none. `ret_error` as above. */
int view_stack_open_range(const struct view_stack *stack, size_t first, size_t last, struct layer_set **ret_set,
			  char **ret_error);
void view_stack_free(struct view_stack *stack);

/* Layers of any kind, topmost first: index 0 is `@0`. */
size_t view_layer_count(const struct view_stack *stack);
/* Of a layer of an open stack. */
const struct view_layer_facts *view_layer_facts(const struct view_stack *stack, size_t layer);

/* A time in RFC 3339 in UTC: with an offset of its own it is converted. Anything else is copied. */
#define VIEW_TIME_SIZE 48
void view_time_utc(const char *time, char ret[VIEW_TIME_SIZE]);

/* An id of a layer, in lower-case hex. It tells directories of this machine apart, and stays the same while the
 * directory exists. */
#define VIEW_ID_HEX 32
int view_layer_id(const struct layer *l, char ret_id[VIEW_ID_HEX + 1]);
/* The layer of an open stack that a text names: `@N` from the top, four or more digits of its id (also of its diff_id,
 * which may begin with "sha256:"), or its directory.
 * Its number, or -ENOENT, or -EINVAL for a text that means several. */
int view_stack_layer(const struct view_stack *stack, const char *text);
/* The present path of the layer's directory, which the caller frees; that of the options if it isn't known. */
int view_layer_directory(const struct layer *l, char **ret_path);

/* Calls `each` for each live union of this mount namespace, once however often it is mounted, until one call returns
 * non-zero. The stack belongs to the call-back, which frees it. A union whose layers can't be found out has none in
 * `options`, and can't be opened; `cause` says why. Else `cause` is NULL. Without memory the stack is NULL. The caller
 * gets the last result. */
int view_each_live(int (*each)(void *arg, struct view_stack *stack, const char *cause), void *arg);
/* The same for all mount namespaces of processes that /proc shows, our own first. */
int view_each_live_anywhere(int (*each)(void *arg, struct view_stack *stack, const char *cause), void *arg);

#endif
