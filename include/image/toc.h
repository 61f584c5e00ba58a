/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of contents of a layer that isn't unpacked. It is made in one pass over the layer's blob: compressed or
 * not, in a folder or in an archive. Both digests are checked on the way; a table with wrong ones is never returned.
 *
 * Whiteouts are reported by their meaning, as in layer/walk.h. Aufs's own names (`.wh..wh.plnk` and the like) and the
 * entries of zstd:chunked and stargz are passed over. A later entry of a path replaces an earlier one. Directories that
 * have no entry of their own are added with `implied`.
 *
 * Names with a component "..", absolute names, and whiteouts of "", "." and ".." are refused. So are more than
 * IMAGE_TOC_ENTRIES entries and more than IMAGE_TOC_NAMES bytes of names. A blob may inflate to IMAGE_INFLATE_FREE
 * bytes, and beyond that to IMAGE_INFLATE_TIMES its size. Names are bytes; newlines and invalid UTF-8 are kept.
 *
 * Memory is about 64 bytes and the path an entry. A table is constant once made, and several threads may read it.
 */
#ifndef IMAGE_TOC_H
#define IMAGE_TOC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "image/image.h"

#define IMAGE_TOC_ENTRIES 2000000
#define IMAGE_TOC_NAMES (256 << 20)
#define IMAGE_INFLATE_TIMES 200
#define IMAGE_INFLATE_FREE (256 << 20)

struct image_toc_entry {
	const char *path; /* from the root of the layer, "" for the root, no slash at either end */
	const char *link; /* a symlink's target; a hard link's path of the file; else NULL */
	int64_t size;	  /* of the content; 0 for a hard link and everything but files */
	int64_t mtime;
	uint32_t mtime_nsec;
	uint32_t mode; /* with the type (S_IFMT); 0 for a whiteout; S_IFREG for a hard link */
	uint32_t uid, gid;
	uint32_t major, minor; /* of a device */
	uint64_t xattrs;       /* the sum of image_xattr_digest(); 0: none that count */
	bool hardlink;	       /* another name of `link`, which is in this layer or below */
	bool whiteout;	       /* nothing of `path` shows from the layers below; it is no object */
	bool opaque;	       /* a directory of which nothing shows from the layers below */
	bool implied;	       /* a directory that the tar doesn't list: only its path is known */
};

struct image_toc {
	/* Sorted by path, "/" before all other bytes: so everything in a directory follows it. */
	struct image_toc_entry *entries;
	size_t n_entries;
	int64_t tar, compressed, apparent; /* bytes, as in struct image_layer */
	size_t n_whiteouts, n_opaque;
	struct names *names; /* toc.c's own: the memory of the paths */
};

/* The table of a layer that has no directory. -EOPNOTSUPP: it has one (layer/walk.h walks it). */
int image_toc_read(const struct image *image, size_t layer, struct image_toc **ret, struct image_error *error);
void image_toc_free(struct image_toc *toc);
static inline void image_toc_cleanup(struct image_toc **toc)
{
	image_toc_free(*toc);
}

/* A hash of an xattr, the same for the life of the process. 0 for private xattrs and all but user.* and file
 * capabilities, which not every archive has. */
uint64_t image_xattr_digest(const char *name, const void *value, size_t len);

/* The entry of a path, or NULL. */
const struct image_toc_entry *image_toc_find(const struct image_toc *toc, const char *path);

/* The content of a file of a layer that has no directory, in pieces. `path` is that of an entry that is a file; a hard
 * link is followed within the layer. The content is handed on before its digest is known: a wrong digest is an error at
 * the end. A non-zero result of `each` ends the reading and is its result. -ENOENT: the layer has no such file. -E2BIG:
 * a sparse file is larger than what the blob may inflate to. */
int image_toc_content(const struct image *image, size_t layer, const char *path,
		      int (*each)(void *arg, const void *data, size_t len), void *arg, struct image_error *error);
/* The content of all files of such a layer in one pass, in the order of its tar. `at` is the offset of a piece in its
 * file: 0 begins another file, or the same one again if the tar has its path twice. Files without content, hard links
 * and sparse files are passed over. */
int image_toc_contents(const struct image *image, size_t layer,
		       int (*each)(void *arg, const char *path, uint64_t at, const void *data, size_t len), void *arg,
		       struct image_error *error);

struct tar_entry;
struct image_entry_calls {
	/* `path` is as in struct image_toc_entry, but names of the aufs dialect are told as they are. 1: the content of
	 * the file is wanted. 0: it is passed over. -errno ends the reading. */
	int (*entry)(void *arg, const char *path, const struct tar_entry *e);
	/* A piece of the content. Holes of a sparse file have none. */
	int (*data)(void *arg, uint64_t at, const void *data, size_t len);
	int (*end)(void *arg); /* the content is complete */
};
/* All entries of such a layer in one pass, in the order of its tar (image/tar.h). They are handed on before the digests
 * are known: a wrong digest is an error at the end. */
int image_toc_entries(const struct image *image, size_t layer, const struct image_entry_calls *calls, void *arg,
		      struct image_error *error);

#endif
