/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ino xattr: st_ino of a copied-up object. It is used where file handles can't be made or opened, so that the
 * origin xattr (format/ovl_fh.h) can't give st_ino back. Kernel overlayfs hides the xattr and doesn't know it. The
 * xattr is plyfs's own, so it has a magic, a version and a checksum, all little-endian. An unknown value counts as
 * none, which only changes the number.
 *
 *	 0  4  magic "plyi"
 *	 4  4  version
 *	 8  8  st_ino
 *	16  8  XXH3-64 of the 16 bytes before
 */
#ifndef FORMAT_INO_XATTR_H
#define FORMAT_INO_XATTR_H

#include <stddef.h>
#include <stdint.h>

#define INO_XATTR_VERSION 1
#define INO_XATTR_SIZE 24

void ino_xattr_encode(uint64_t ino, uint8_t ret_bytes[static INO_XATTR_SIZE]);
/* The number, or 0 if the bytes are no ino xattr of a known version. */
uint64_t ino_xattr_decode(const void *bytes, size_t size);

#endif
