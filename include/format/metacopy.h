/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The metacopy xattr. It marks a regular file that has metadata only; its data is in a layer below. The value is empty,
 * or it is kernel overlayfs's struct ovl_metacopy (6.6 and later): version 0, length, flags, digest algorithm, digest
 * of the data file.
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

/* Decodes the value of an xattr. -EIO if the kernel would refuse it, with *ret untouched. */
int metacopy_decode(const void *value, size_t size, struct metacopy *ret);

#endif
