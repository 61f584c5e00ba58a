/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The origin xattr: which lower file an upper one was copied from, as a file handle and the uuid of its file system.
 * The bytes are kernel overlayfs's struct ovl_fb (fs/overlayfs/overlayfs.h, 6.18): version 0, magic 0xfb, total length,
 * flags, handle type, uuid[16], handle. The handle is opaque: two file systems give one type different meanings, so
 * nothing here or above may look inside it.
 *
 * The same bytes, in lower-case hexadecimal, name the entries of the index directory.
 */
#ifndef FORMAT_ORIGIN_H
#define FORMAT_ORIGIN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define ORIGIN_HEADER_SIZE 21
#define ORIGIN_FID_MAX 128 /* MAX_HANDLE_SZ */
#define ORIGIN_MAX (ORIGIN_HEADER_SIZE + ORIGIN_FID_MAX)
#define ORIGIN_UUID_SIZE 16

/* Byte order of the machine that encoded the handle; a handle of the other order is "origin unknown". */
#define ORIGIN_FLAG_BIG_ENDIAN (1U << 0)
#define ORIGIN_FLAG_ANY_ENDIAN (1U << 1)
/* The handle is an upper inode's (overlay.upper), not a lower one's. */
#define ORIGIN_FLAG_PATH_UPPER (1U << 2)
#define ORIGIN_FLAGS_KNOWN (ORIGIN_FLAG_BIG_ENDIAN | ORIGIN_FLAG_ANY_ENDIAN | ORIGIN_FLAG_PATH_UPPER)

struct origin {
	uint8_t flags;
	uint8_t type; /* handle_type of struct file_handle */
	uint8_t fid_size;
	uint8_t uuid[ORIGIN_UUID_SIZE];
	uint8_t fid[ORIGIN_FID_MAX];
};

/*
 * Fills an origin from what name_to_handle_at gave. -EINVAL when the handle is empty or too long, or when its type
 * doesn't fit the byte that the format has for it.
 */
int origin_make(int type, const void *fid, size_t fid_size, const uint8_t uuid[static ORIGIN_UUID_SIZE], bool upper,
		struct origin *ret);

/*
 * Decodes an attribute's value. -ENODATA: the origin is unknown, which is no error (empty value, later version, unknown
 * flags, other byte order). -EINVAL: the bytes are none of the format's. *ret is untouched on failure.
 */
int origin_decode(const void *value, size_t size, struct origin *ret);

/* Encodes; returns the size. */
size_t origin_encode(const struct origin *origin, uint8_t ret_value[static ORIGIN_MAX]);

/* Same type, file system and handle. */
bool origin_equal(const struct origin *a, const struct origin *b);

/* The entry in the index directory. Returns its length; -ENAMETOOLONG when the handle is too long for a file name. */
#define ORIGIN_INDEX_NAME_SIZE 256
int origin_index_name(const struct origin *origin, char ret_name[static ORIGIN_INDEX_NAME_SIZE]);
/* The way back; errors as origin_decode. */
int origin_from_index_name(const char *name, struct origin *ret);

#endif
