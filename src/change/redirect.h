/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The xattr that a directory with lower parts gets before it is renamed, and a file without its data before it gets
 * another name: where the lower layers have it.
 */
#ifndef CHANGE_REDIRECT_H
#define CHANGE_REDIRECT_H

#include "internal.h"

/*
 * Gives the merged directory `name` in `parent` a redirect to where it is looked for in the lower layers now. Its upper
 * directory is open at dirfd. The redirect is its name, which holds as long as it stays in its parent, or with
 * `across` an absolute path. A redirect that it has already and that stays true is left alone. -EXDEV when it would be
 * too long, or where the file system doesn't take it: the caller then copies, as between file systems. Caller holds D
 * of `parent`, and R with `across`.
 */
int redirect_write(struct writer *writer, struct inode *parent, const char *name, int dirfd, bool across);

/* The same for a file that was copied up without its data, open at fd, which is `name` in `parent`: an absolute path,
 * or with `samedir` its name, if it isn't a hard link. Caller holds I of the file. */
int redirect_write_file(struct writer *writer, struct inode *inode, int fd, struct inode *parent, const char *name,
			bool samedir);
/* The same by any of its names. -ENOENT: it has none. */
int redirect_write_linked(struct writer *writer, struct inode *inode, int fd);

#endif
