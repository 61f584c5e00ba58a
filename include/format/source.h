/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The source xattr, on an upper object with an entry in the index: where the lower file is that it was copied from, and
 * the state of that file. The name of the entry is a handle, which changes as soon as the layers are copied elsewhere.
 * This xattr leads to the file there. Kernel overlayfs hides the xattr and doesn't know it. It is plyfs's own, so it
 * has a magic, a version and a checksum, all little-endian. An unknown value counts as none.
 *
 *	 0  4  magic "plys"
 *	 4  4  version
 *	 8  8  XXH3-64 of the bytes from 16 on
 *	16  4  which lower layer, 1 is the topmost
 *	20  4  number of lower layers
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
/* File systems have room for little more than this path. */
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
/* -EINVAL if the bytes are no source xattr of a known version, with *ret untouched. */
int source_decode(const void *value, size_t size, struct source *ret);

#endif
