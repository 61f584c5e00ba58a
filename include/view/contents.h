/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of one layer of a stack, without a look at the other layers: of a directory, or of a layer in an archive
 * or layout. Both are told in the same way, so that one image says the same from every source.
 *
 * Order: parents before children, by the bytes of the components. So everything in a directory follows it at once. A
 * file with several names is told in full at the first of them; the others are `hardlink`.
 *
 * Whiteouts of all forms are told by their meaning, and private names aren't told. A name with a whiteout and an object
 * is told as the object, and a directory is `opaque` then.
 *
 * A directory needs memory for the names of the directories between the root and the present path, and for files with
 * several names. An archive's table of contents (image/toc.h) is kept until the stack is freed.
 *
 * Errors are -errno, with one line that the caller frees. An archive of a wrong digest is an error before anything is
 * told.
 */
#ifndef VIEW_CONTENTS_H
#define VIEW_CONTENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "view/stack.h"

/* Valid during the call. */
struct view_object {
	const char *path; /* from the root of the layer, "" for the root, no slash at either end */
	const char *link; /* a symlink's target; a hard link's path of the file; else NULL */
	/* Of an archive: the path of the entry with the content if the object's own is a hard link, else NULL. */
	const char *content;
	uint64_t size;	    /* bytes of the content of a file; 0 for a hard link and everything else */
	uint64_t allocated; /* bytes on disk, 0 for a hard link; of an archive: size */
	/* with the type (S_IFMT); 0 for a whiteout */
	uint32_t mode, uid, gid;
	uint32_t major, minor; /* of a device */
	uint64_t xattrs;       /* image_xattr_digest() of all, of an archive; 0 of a directory's object */
	int64_t mtime;
	uint32_t mtime_nsec;
	bool whiteout; /* nothing of `path` shows from the layers below; it is no object */
	bool opaque;   /* a directory of which nothing shows from the layers below */
	/* Another name of a file that was told before as `link`. A file of an archive may be in a layer below instead:
	 * then only its type is known. */
	bool hardlink;
	bool implied;  /* a directory that the archive doesn't list: only its path is known */
	bool redirect; /* it has private xattrs: it was renamed */
	bool metacopy; /* it has private xattrs: its content is in a layer below */
	uint64_t ino;  /* 0 in an archive */
	dev_t dev;
};

typedef int (*view_object_each)(void *arg, const struct view_object *o);

/* Calls `each` for all objects of a layer, the root first, until one call returns non-zero, which is the result.
 * Objects that can't be looked at are left out, and an error tells of them at the end. */
int view_contents_each(const struct view_stack *stack, size_t layer, view_object_each each, void *arg,
		       char **ret_error);

/* The objects of this layer will be asked for soon: of an archive the table of contents is read by a thread meanwhile.
 * Only a few layers at once: each table takes memory. */
void view_contents_expect(const struct view_stack *stack, size_t layer);

/* The content of a regular file of this layer, in pieces. A non-zero result of `each` ends the reading and is its
 * result. The data of a file without data of its own is that of the layer below in which it lies. -ENOENT: the layer
 * has no such file. -EISDIR, -EINVAL: it is no regular file. */
int view_contents_read(const struct view_stack *stack, size_t layer, const char *path,
		       int (*each)(void *arg, const void *data, size_t len), void *arg, char **ret_error);

/* Frees the table of contents of an archive's layer, which is read again when it is wanted. */
void view_contents_forget(const struct view_stack *stack, size_t layer);

#endif
