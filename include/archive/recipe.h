/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A recipe: what a layer's tar has besides the contents of its files. With the recipe and the unpacked layer the bytes
 * of the tar are written again, whatever program made it. Recipe and tar are streams; neither is ever in memory as a
 * whole.
 *
 * Format: a zstd frame. In it is the line "plyfs recipe 1", then records until the end record. Numbers are
 * little-endian.
 *
 *	'b' u32 N, N bytes		these bytes of the tar
 *	'c' u64 O, u64 N, u16 P, P bytes	N bytes at offset O of the file with this path in the layer; the last
 *					of a file ends where the file ends
 *	'e'				the end
 */
#ifndef ARCHIVE_RECIPE_H
#define ARCHIVE_RECIPE_H

#include <stdint.h>

#include "archive/tar_writer.h"
#include "image/image.h"

struct recipe_writer;

/* Writes into `fd`, which stays the caller's. */
int recipe_writer_new(int fd, struct recipe_writer **ret, struct image_error *error);
int recipe_add_bytes(struct recipe_writer *w, const void *data, size_t len, struct image_error *error);
int recipe_add_content(struct recipe_writer *w, const char *path, int64_t offset, int64_t size,
		       struct image_error *error);
/* Writes the end. */
int recipe_writer_end(struct recipe_writer *w, struct image_error *error);
void recipe_writer_free(struct recipe_writer *w);

/* Writes the tar again: `recipe_fd` (it stays the caller's) is read from its start, `root_fd` is the directory of the
 * layer. -EBADMSG: the recipe is damaged, or a file isn't what it was. */
int recipe_write_tar(int recipe_fd, int root_fd, archive_sink sink, void *arg, struct image_error *error);

#endif
