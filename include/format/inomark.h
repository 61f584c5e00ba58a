/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The number mark: st_ino of a copied-up object, where the origin mark (format/origin.h) can't give it back because file handles can't be
 * made or opened. Kernel overlayfs hides the attribute and doesn't know it. plyfs's own, so it has a magic, a version and a checksum, all
 * little-endian; one that isn't understood counts as none, which costs no more than a changed number.
 *
 *	 0  4  magic "plyi"
 *	 4  4  version
 *	 8  8  st_ino
 *	16  8  XXH3-64 of the 16 bytes before
 */
#ifndef FORMAT_INOMARK_H
#define FORMAT_INOMARK_H

#include <stddef.h>
#include <stdint.h>

#define INOMARK_VERSION 1
#define INOMARK_SIZE 24

void inomark_encode(uint64_t ino, uint8_t ret_bytes[static INOMARK_SIZE]);
/* The number, or 0 when the bytes are no number mark of a known version. */
uint64_t inomark_decode(const void *bytes, size_t size);

#endif
