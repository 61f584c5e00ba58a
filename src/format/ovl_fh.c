/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origin xattrs. The checks follow ovl_check_fb_len(), and add the one that it lacks: a length smaller than the header.
 */
#include "format/ovl_fh.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"

#define OVL_FH_VERSION 0
#define OVL_FH_MAGIC 0xfb
#define TYPE_INVALID 0xff /* FILEID_INVALID */

enum { AT_VERSION, AT_MAGIC, AT_LEN, AT_FLAGS, AT_TYPE, AT_UUID };

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FLAG_CPU_ENDIAN OVL_FH_FLAG_BIG_ENDIAN
#else
#define FLAG_CPU_ENDIAN 0U
#endif

int ovl_fh_make(int type, const void *fid, size_t fid_size, const uint8_t uuid[static OVL_FH_UUID_SIZE], bool upper,
		struct ovl_fh *ret)
{
	if (type < 0 || type >= TYPE_INVALID || !fid_size || fid_size > OVL_FH_FID_MAX)
		return -EINVAL;
	*ret = (struct ovl_fh){
		.flags = (uint8_t)(FLAG_CPU_ENDIAN | (upper ? OVL_FH_FLAG_PATH_UPPER : 0)),
		.type = (uint8_t)type,
		.fid_size = (uint8_t)fid_size,
	};
	memcpy(ret->uuid, uuid, sizeof(ret->uuid));
	memcpy(ret->fid, fid, fid_size);
	return 0;
}

int ovl_fh_decode(const void *value, size_t size, struct ovl_fh *ret)
{
	const uint8_t *bytes = value;
	size_t len;

	if (!size)
		return -ENODATA;
	if (size < OVL_FH_HEADER_SIZE || bytes[AT_MAGIC] != OVL_FH_MAGIC)
		return -EINVAL;
	if (bytes[AT_VERSION] > OVL_FH_VERSION || bytes[AT_FLAGS] & ~OVL_FH_FLAGS_KNOWN)
		return -ENODATA;
	len = bytes[AT_LEN];
	if (len <= OVL_FH_HEADER_SIZE || len > size || len > OVL_FH_MAX || bytes[AT_TYPE] == TYPE_INVALID)
		return -EINVAL;
	if (!(bytes[AT_FLAGS] & OVL_FH_FLAG_ANY_ENDIAN) &&
	    (bytes[AT_FLAGS] & OVL_FH_FLAG_BIG_ENDIAN) != FLAG_CPU_ENDIAN)
		return -ENODATA;
	*ret = (struct ovl_fh){
		.flags = bytes[AT_FLAGS],
		.type = bytes[AT_TYPE],
		.fid_size = (uint8_t)(len - OVL_FH_HEADER_SIZE),
	};
	memcpy(ret->uuid, bytes + AT_UUID, sizeof(ret->uuid));
	memcpy(ret->fid, bytes + OVL_FH_HEADER_SIZE, ret->fid_size);
	return 0;
}

size_t ovl_fh_encode(const struct ovl_fh *fh, uint8_t ret_value[static OVL_FH_MAX])
{
	size_t size = OVL_FH_HEADER_SIZE + (size_t)fh->fid_size;

	(void)CHECK(fh->fid_size > 0 && size <= OVL_FH_MAX);
	ret_value[AT_VERSION] = OVL_FH_VERSION;
	ret_value[AT_MAGIC] = OVL_FH_MAGIC;
	ret_value[AT_LEN] = (uint8_t)size;
	ret_value[AT_FLAGS] = fh->flags;
	ret_value[AT_TYPE] = fh->type;
	memcpy(ret_value + AT_UUID, fh->uuid, sizeof(fh->uuid));
	memcpy(ret_value + OVL_FH_HEADER_SIZE, fh->fid, fh->fid_size);
	return size;
}

bool ovl_fh_equal(const struct ovl_fh *a, const struct ovl_fh *b)
{
	return a->type == b->type && a->fid_size == b->fid_size && !memcmp(a->uuid, b->uuid, sizeof(a->uuid)) &&
	       !memcmp(a->fid, b->fid, a->fid_size);
}

int ovl_fh_index_name(const struct ovl_fh *fh, char ret_name[static OVL_FH_INDEX_NAME_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t value[OVL_FH_MAX];
	size_t size = ovl_fh_encode(fh, value);

	if (2 * size >= OVL_FH_INDEX_NAME_SIZE)
		return -ENAMETOOLONG;
	for (size_t i = 0; i < size; i++) {
		ret_name[2 * i] = digits[value[i] >> 4];
		ret_name[2 * i + 1] = digits[value[i] & 15];
	}
	ret_name[2 * size] = '\0';
	return (int)(2 * size);
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

int ovl_fh_from_index_name(const char *name, struct ovl_fh *ret)
{
	uint8_t value[OVL_FH_MAX];
	size_t len = strnlen(name, 2 * OVL_FH_MAX + 1);

	if (!len || len % 2 || len > 2 * OVL_FH_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len / 2; i++) {
		int high = hex_digit(name[2 * i]), low = hex_digit(name[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		value[i] = (uint8_t)(high << 4 | low);
	}
	return ovl_fh_decode(value, len / 2, ret);
}
