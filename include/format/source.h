/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source xattr: where the lower file lies that an upper one with an entry in the index was copied from, and what it
 * looked like. Its handle, by which the entry is called, is another one as soon as the layers are copied elsewhere;
 * this leads to it there. Kernel overlayfs hides the attribute and doesn't know it. plyfs's own, so it has a magic, a
 * version and a checksum, all little-endian; one that isn't understood counts as none.
 *
 *	 0  4  magic "plys"
 *	 4  4  version
 *	 8  8  XXH3-64 of the bytes from 16 on
 *	16  4  which lower layer, 1 is the topmost
 *	20  4  how many there are
 *	24  4  links of the file
 *	28  4  0
 *	32  8  its size
 *	40  8  its modification time, in seconds: archives keep no more
 *	48     its path from the layer's root, not terminated
 */
#ifndef FORMAT_SOURCE_H
#define FORMAT_SOURCE_H

#include <stddef.h>
#include <stdint.h>

#define SOURCE_VERSION 1
#define SOURCE_PATH_OFFSET 48
/* File systems have room for little more than that. */
#define SOURCE_PATH_MAX 1024
#define SOURCE_MAX (SOURCE_PATH_OFFSET + SOURCE_PATH_MAX)

struct source {
	uint32_t layer, layers, nlink;
	uint64_t size;
	int64_t mtime;
	char path[SOURCE_PATH_MAX + 1];
};

/* Encodes; returns the size. */
size_t source_encode(const struct source *source, uint8_t ret_value[static SOURCE_MAX]);
/* -EINVAL when the bytes are no source xattr of a known version, with *ret untouched. */
int source_decode(const void *value, size_t size, struct source *ret);

#endif
