/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Origin xattrs. The checks follow ovl_check_fb_len(), and add the one that it lacks: a length smaller than the header.
 */
#include "format/origin.h"

#include <errno.h>
#include <string.h>

#define ORIGIN_VERSION 0
#define ORIGIN_MAGIC 0xfb
#define TYPE_INVALID 0xff /* FILEID_INVALID */

enum { AT_VERSION, AT_MAGIC, AT_LEN, AT_FLAGS, AT_TYPE, AT_UUID };

#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
#define FLAG_CPU_ENDIAN ORIGIN_FLAG_BIG_ENDIAN
#else
#define FLAG_CPU_ENDIAN 0U
#endif

int origin_make(int type, const void *fid, size_t fid_size, const uint8_t uuid[static ORIGIN_UUID_SIZE], bool upper,
		struct origin *ret)
{
	if (type < 0 || type >= TYPE_INVALID || !fid_size || fid_size > ORIGIN_FID_MAX)
		return -EINVAL;
	*ret = (struct origin){
		.flags = (uint8_t)(FLAG_CPU_ENDIAN | (upper ? ORIGIN_FLAG_PATH_UPPER : 0)),
		.type = (uint8_t)type,
		.fid_size = (uint8_t)fid_size,
	};
	memcpy(ret->uuid, uuid, sizeof(ret->uuid));
	memcpy(ret->fid, fid, fid_size);
	return 0;
}

int origin_decode(const void *value, size_t size, struct origin *ret)
{
	const uint8_t *bytes = value;
	size_t len;

	if (!size)
		return -ENODATA;
	if (size < ORIGIN_HEADER_SIZE || bytes[AT_MAGIC] != ORIGIN_MAGIC)
		return -EINVAL;
	if (bytes[AT_VERSION] > ORIGIN_VERSION || bytes[AT_FLAGS] & ~ORIGIN_FLAGS_KNOWN)
		return -ENODATA;
	len = bytes[AT_LEN];
	if (len <= ORIGIN_HEADER_SIZE || len > size || len > ORIGIN_MAX || bytes[AT_TYPE] == TYPE_INVALID)
		return -EINVAL;
	if (!(bytes[AT_FLAGS] & ORIGIN_FLAG_ANY_ENDIAN) &&
	    (bytes[AT_FLAGS] & ORIGIN_FLAG_BIG_ENDIAN) != FLAG_CPU_ENDIAN)
		return -ENODATA;
	*ret = (struct origin){
		.flags = bytes[AT_FLAGS],
		.type = bytes[AT_TYPE],
		.fid_size = (uint8_t)(len - ORIGIN_HEADER_SIZE),
	};
	memcpy(ret->uuid, bytes + AT_UUID, sizeof(ret->uuid));
	memcpy(ret->fid, bytes + ORIGIN_HEADER_SIZE, ret->fid_size);
	return 0;
}

size_t origin_encode(const struct origin *origin, uint8_t ret_value[static ORIGIN_MAX])
{
	size_t size = ORIGIN_HEADER_SIZE + (size_t)origin->fid_size;

	ret_value[AT_VERSION] = ORIGIN_VERSION;
	ret_value[AT_MAGIC] = ORIGIN_MAGIC;
	ret_value[AT_LEN] = (uint8_t)size;
	ret_value[AT_FLAGS] = origin->flags;
	ret_value[AT_TYPE] = origin->type;
	memcpy(ret_value + AT_UUID, origin->uuid, sizeof(origin->uuid));
	memcpy(ret_value + ORIGIN_HEADER_SIZE, origin->fid, origin->fid_size);
	return size;
}

bool origin_equal(const struct origin *a, const struct origin *b)
{
	return a->type == b->type && a->fid_size == b->fid_size && !memcmp(a->uuid, b->uuid, sizeof(a->uuid)) &&
	       !memcmp(a->fid, b->fid, a->fid_size);
}

int origin_index_name(const struct origin *origin, char ret_name[static ORIGIN_INDEX_NAME_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	uint8_t value[ORIGIN_MAX];
	size_t size = origin_encode(origin, value);

	if (2 * size >= ORIGIN_INDEX_NAME_SIZE)
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

int origin_from_index_name(const char *name, struct origin *ret)
{
	uint8_t value[ORIGIN_MAX];
	size_t len = strnlen(name, 2 * ORIGIN_MAX + 1);

	if (!len || len % 2 || len > 2 * ORIGIN_MAX)
		return -EINVAL;
	for (size_t i = 0; i < len / 2; i++) {
		int high = hex_digit(name[2 * i]), low = hex_digit(name[2 * i + 1]);

		if (high < 0 || low < 0)
			return -EINVAL;
		value[i] = (uint8_t)(high << 4 | low);
	}
	return origin_decode(value, len / 2, ret);
}
