/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The origin xattr: the lower object that an upper one was copied from, as a file handle and the uuid of its file
 * system. The bytes are kernel overlayfs's struct ovl_fb (fs/overlayfs/overlayfs.h, 6.18): version 0, magic 0xfb, total
 * length, flags, handle type, uuid[16], handle. The handle is opaque. Two file systems give one type different
 * meanings, so no code here or above may look into it.
 *
 * The same bytes, in lower-case hexadecimal, are the names of the entries of the index directory.
 */
#ifndef FORMAT_OVL_FH_H
#define FORMAT_OVL_FH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define OVL_FH_HEADER_SIZE 21
#define OVL_FH_FID_MAX 128 /* MAX_HANDLE_SZ */
#define OVL_FH_MAX (OVL_FH_HEADER_SIZE + OVL_FH_FID_MAX)
#define OVL_FH_UUID_SIZE 16

/* Byte order of the machine that encoded the handle. With the other byte order the origin is unknown. */
#define OVL_FH_FLAG_BIG_ENDIAN (1U << 0)
#define OVL_FH_FLAG_ANY_ENDIAN (1U << 1)
/* The handle is that of an upper inode (overlay.upper), not of a lower one. */
#define OVL_FH_FLAG_PATH_UPPER (1U << 2)
#define OVL_FH_FLAGS_KNOWN (OVL_FH_FLAG_BIG_ENDIAN | OVL_FH_FLAG_ANY_ENDIAN | OVL_FH_FLAG_PATH_UPPER)

struct ovl_fh {
	uint8_t flags;
	uint8_t type; /* handle_type of struct file_handle */
	uint8_t fid_size;
	uint8_t uuid[OVL_FH_UUID_SIZE];
	uint8_t fid[OVL_FH_FID_MAX];
};

/*
 * Fills *ret from the result of name_to_handle_at. -EINVAL: the handle is empty or too long, or its type doesn't fit
 * into the byte of the format.
 */
int ovl_fh_make(int type, const void *fid, size_t fid_size, const uint8_t uuid[static OVL_FH_UUID_SIZE], bool upper,
		struct ovl_fh *ret);

/*
 * Decodes the value of an xattr. -ENODATA: the origin is unknown, which is no error (empty value, later version,
 * unknown flags, other byte order). -EINVAL: the bytes are not in this format. *ret is untouched on failure.
 */
int ovl_fh_decode(const void *value, size_t size, struct ovl_fh *ret);

/* Encodes; returns the size. */
size_t ovl_fh_encode(const struct ovl_fh *fh, uint8_t ret_value[static OVL_FH_MAX]);

/* Same type, file system and handle. */
bool ovl_fh_equal(const struct ovl_fh *a, const struct ovl_fh *b);

/* The name of the entry in the index directory. Returns its length. -ENAMETOOLONG: the handle is too long for a file
 * name. */
#define OVL_FH_INDEX_NAME_SIZE 256
int ovl_fh_index_name(const struct ovl_fh *fh, char ret_name[static OVL_FH_INDEX_NAME_SIZE]);
/* The way back. Errors as ovl_fh_decode. */
int ovl_fh_from_index_name(const char *name, struct ovl_fh *ret);

#endif
