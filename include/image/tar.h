/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reads a tar from a stream: ustar, GNU and pax. Names are bytes and come as they are in the archive. The rules for odd
 * archives are those of Go's archive/tar, which is what engines unpack with: links, devices and directories have no
 * content whatever their size says; the end is two blocks of zeros, or the end of the stream.
 */
#ifndef IMAGE_TAR_H
#define IMAGE_TAR_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "image/image.h"
#include "image/stream.h"

#define TAR_BLOCK 512
/* Of a name, and of a whole pax header. */
#define TAR_NAME_MAX (64 << 10)
#define TAR_PAX_MAX (1 << 20)
#define TAR_XATTRS_MAX 1024

/* Parts of a sparse file that are data. */
#define TAR_EXTENTS_MAX (1 << 20)

struct tar_extent {
	int64_t offset, size; /* bytes, in the file */
};

struct tar_xattr {
	const char *name;
	const void *value;
	size_t len;
};

/* Values of a pax header that replace those of the entry after it. */
struct tar_pax {
	char *path, *link; /* NULL: not said */
	int64_t size, mtime, real_size;
	int64_t uid, gid;
	uint32_t mtime_nsec;
	bool has_size, has_mtime, has_uid, has_gid, has_real_size, sparse;
	bool map_in_content;	  /* the map of a sparse file is at the start of the content */
	struct tar_xattr *xattrs; /* SCHILY.xattr.*; of each name the last; all owned */
	size_t n_xattrs, xattrs_room;
	struct tar_extent *extents; /* of a sparse file, as far as the headers say; owned */
	size_t n_extents, extents_room;
	int64_t extent_offset; /* GNU.sparse.offset, until its size comes */
};

/* Valid until the next entry. */
struct tar_entry {
	const char *path; /* as in the archive */
	const char *link; /* of symlinks and hard links, else NULL */
	int64_t size;	  /* of the content as a file would have it */
	int64_t mtime;
	uint32_t mtime_nsec;
	uint32_t mode; /* with the type; S_IFREG for a hard link */
	uint32_t uid, gid;
	uint32_t major, minor;
	const struct tar_xattr *xattrs;
	size_t n_xattrs;
	bool hardlink;
	bool sparse;	/* the content in the archive is a map and the data */
	int64_t offset; /* of the content in the stream */
	int64_t stored; /* bytes of the content in the stream */
};

struct tar {
	struct stream *in; /* the caller's */
	/* Gets all bytes that aren't read by tar_read(), in order; NULL: nobody. */
	int (*tap)(void *arg, const void *data, size_t len, struct image_error *error);
	void *tap_arg;
	bool ended;	      /* its end was seen; without it the archive may have been cut off between two entries */
	size_t told;	      /* bytes of pax headers about the present entry */
	int64_t left, filler; /* of the present entry: content that isn't read, and bytes up to the next block */
	char path[257], link[101];
	struct tar_pax pax;
};

void tar_init(struct tar *tar, struct stream *in);
void tar_finish(struct tar *tar);
/* 1: the next entry; 0: there is none. */
int tar_next(struct tar *tar, struct tar_entry *ret, struct image_error *error);
/* The map of the present entry, which is sparse, before any of its content. Then tar_read() gives the content of the
 * extents, one after the other. Their sizes add up to what is left of the entry. */
int tar_sparse(struct tar *tar, const struct tar_entry *e, const struct tar_extent **ret, size_t *ret_n,
	       struct image_error *error);
/* Reads all that is behind the end of the archive. */
int tar_drain(struct tar *tar, struct image_error *error);
/* Content of the present entry; fewer bytes than `size` only at its end. */
ssize_t tar_read(struct tar *tar, void *buf, size_t size, struct image_error *error);

#endif
