/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Writes a tar: ustar, with a pax header before each entry that ustar can't hold. Equal objects give equal bytes. Names
 * are bytes, and no user or group has a name.
 *
 * A pax header has the records, in this order, that are needed: path, linkpath, size, uid, gid, mtime, SCHILY.xattr.*.
 * The xattrs come in the order that they are given in.
 */
#ifndef ARCHIVE_TAR_WRITER_H
#define ARCHIVE_TAR_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/stat.h>

#include "image/tar.h"

/* Takes bytes: 0 or -errno, which ends the writing. */
typedef int (*archive_sink)(void *arg, const void *data, size_t len);

struct tar_object {
	const char *path; /* no slash at either end; "" is the root, and is written as "./" */
	const char *link; /* target of a symlink, path of the file for a hard link */
	bool hardlink;	  /* another name of `link`; has no content */
	uint32_t mode;	  /* with the type (S_IFMT), which is no socket */
	uint32_t uid, gid, major, minor;
	int64_t size; /* bytes of content of a file */
	int64_t mtime;
	uint32_t mtime_nsec;
	const struct tar_xattr *xattrs;
	size_t n_xattrs;
};

struct tar_writer {
	archive_sink sink;
	void *arg;
	int64_t left, filler; /* bytes of the present content that are to come, and bytes behind them */
	char *pax;	      /* owned */
	size_t pax_len, pax_room;
	char *buffer; /* of tar_writer_content(); owned; NULL before the first */
};

/* An object with the attributes and times of `stx`; without link and xattrs. */
static inline struct tar_object tar_object_of(const char *path, const struct statx *stx)
{
	return (struct tar_object){.path = path,
				   .mode = stx->stx_mode,
				   .uid = stx->stx_uid,
				   .gid = stx->stx_gid,
				   .major = stx->stx_rdev_major,
				   .minor = stx->stx_rdev_minor,
				   .size = (int64_t)stx->stx_size,
				   .mtime = stx->stx_mtime.tv_sec,
				   .mtime_nsec = stx->stx_mtime.tv_nsec};
}

void tar_writer_init(struct tar_writer *w, archive_sink sink, void *arg);
void tar_writer_finish(struct tar_writer *w);
/* Writes a header. The content of a file follows by tar_writer_content(), before the next header.
 * -EINVAL: a value that no tar holds, such as a socket. */
int tar_writer_object(struct tar_writer *w, const struct tar_object *o);
/* The first `size` bytes of the file open at fd. -EAGAIN: it is shorter. */
int tar_writer_content(struct tar_writer *w, int fd, int64_t size);
/* The end of the archive: two blocks of zeros. */
int tar_writer_end(struct tar_writer *w);

#endif
