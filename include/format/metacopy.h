/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metacopy xattr: a regular file that holds metadata only, its data in the layer below. Its value is empty, or
 * kernel overlayfs's struct ovl_metacopy (6.6 and later): version 0, length, flags, digest algorithm, digest of the
 * data file.
 */
#ifndef FORMAT_METACOPY_H
#define FORMAT_METACOPY_H

#include <stddef.h>
#include <stdint.h>

#define METACOPY_DIGEST_MAX 64 /* FS_VERITY_MAX_DIGEST_SIZE */
#define METACOPY_MAX (4 + METACOPY_DIGEST_MAX)

struct metacopy {
	uint8_t flags;
	uint8_t digest_algorithm; /* FS_VERITY_HASH_ALG_*, 0 for none */
	uint8_t digest_size;
	uint8_t digest[METACOPY_DIGEST_MAX];
};

/* Decodes an attribute's value; -EIO when the kernel would refuse it, with *ret untouched. */
int metacopy_decode(const void *value, size_t size, struct metacopy *ret);

#endif
