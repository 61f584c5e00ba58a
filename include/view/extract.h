/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects that a stack of packed layers shows at a path and below it, to be made elsewhere, with attributes, xattrs
 * and content. Each layer is read twice: for its table of contents, when its digests are checked, and for what it
 * gives. So nothing is told of an archive of a wrong digest.
 *
 * Order of the calls: `directory` for each directory, parents before children; the files, layer by layer in the order
 * of their tars; `other` for each link, device and fifo; `link` for each further name of an object; `leave` for each
 * directory, children before parents.
 *
 * Xattrs are those of a user: private ones and labels of SELinux are left out, and escaped names are unescaped.
 *
 * Memory is that of the union (view/union.h). Each object below the path takes about 100 bytes and its path besides.
 * The xattrs of all but files are kept; more than VIEW_EXTRACT_XATTRS bytes of them are refused.
 */
#ifndef VIEW_EXTRACT_H
#define VIEW_EXTRACT_H

#include "image/tar.h"
#include "view/contents.h"

#define VIEW_EXTRACT_XATTRS (64 << 20)

/* Objects are as in view/contents.h, with the path in the union. A call ends the extraction by a result that isn't 0.
 */
struct view_extract_calls {
	int (*directory)(void *arg, const struct view_object *o);
	/* A file begins. Its content comes in pieces; holes have none. `again`: it was begun before, and what that call
	 * made is replaced. */
	int (*file)(void *arg, const struct view_object *o, bool again);
	int (*data)(void *arg, uint64_t at, const void *data, size_t len);
	int (*file_end)(void *arg, const struct view_object *o, const struct tar_xattr *xattrs, size_t n);
	int (*other)(void *arg, const struct view_object *o, const struct tar_xattr *xattrs, size_t n);
	int (*link)(void *arg, const char *path, const char *to);
	int (*leave)(void *arg, const struct view_object *o, const struct tar_xattr *xattrs, size_t n);
	/* An object that can't be made: a hard link to a file that no layer has. */
	int (*failed)(void *arg, const char *path, const char *cause);
};

/* Of an open stack; `first` is the topmost layer of the union. `own`: the object at the path must be of this layer. 0,
 * -errno, or the result of a call. -ENOENT: nothing shows at the path. `ret_error` as in view/contents.h; a call tells
 * its errors itself. */
int view_extract(const struct view_stack *stack, size_t first, bool own, const char *path,
		 const struct view_extract_calls *calls, void *arg, char **ret_error);

#endif
