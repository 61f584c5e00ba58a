/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Named files, in a folder or in an archive. Names are relative, such as "blobs/sha256/ab..". A folder isn't left: no
 * symbolic link is followed. In an archive links lead to other members.
 */
#ifndef IMAGE_BLOBS_H
#define IMAGE_BLOBS_H

#include <stdint.h>

#include "image/image.h"
#include "image/stream.h"

/* Files that an archive may have. */
#define BLOBS_MEMBERS_MAX 100000
#define BLOBS_NAMES_MAX (64 << 20)

struct blobs;

int blobs_open_folder(const char *path, struct blobs **ret, struct image_error *error);
/* Reads the names of all members in one pass; contents are skipped. */
int blobs_open_archive(const char *path, struct blobs **ret, struct image_error *error);
void blobs_free(struct blobs *b);

/* Calls `each` for each name in a folder of a folder, in no order. Its first non-zero result is the result. -ENOENT:
 * there is none. */
struct os_dirent;
int blobs_each(const struct blobs *b, const char *folder, int (*each)(void *arg, const struct os_dirent *d), void *arg);
/* Bytes of the file, or -ENOENT. */
int64_t blobs_size(const struct blobs *b, const char *name);
/* Whether a file of an archive begins like gzip or zstd. */
bool blobs_is_packed(const struct blobs *b, const char *name);
int blobs_stream(const struct blobs *b, const char *name, struct stream **ret, struct image_error *error);
/* The whole file, terminated. The caller frees it. -E2BIG beyond `max` bytes. */
int blobs_text(const struct blobs *b, const char *name, size_t max, char **ret, size_t *ret_len,
	       struct image_error *error);
/* The same for a file whose digest is known and checked. */
int blobs_checked(const struct blobs *b, const char *name, const char *digest, char **ret, size_t *ret_len,
		  struct image_error *error);

#endif
