/* SPDX-License-Identifier: Apache-2.0 */
#include "format/ovl_fh.h"

#include <errno.h>

#include "unit.h"

/* Written by kernel overlayfs 6.18 over ext4 without a uuid: type 1, 8 bytes of handle. */
static const uint8_t from_kernel[] = {0x00, 0xfb, 0x1d, 0x00, 0x01, 0x00, 0x00, 0x00, 0x00, 0x00,
				      0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00, 0x00,
				      0x00, 0xb1, 0x21, 0xa7, 0x00, 0xce, 0x3a, 0x52, 0x91};
static const uint8_t uuid[OVL_FH_UUID_SIZE] = {0xde, 0xad, 0xbe, 0xef};

TEST("what kernel overlayfs wrote is understood, and written again byte by byte")
{
	uint8_t value[OVL_FH_MAX], zero[OVL_FH_UUID_SIZE] = {0};
	struct ovl_fh fh, made;

	ASSERT_INT(ovl_fh_decode(from_kernel, sizeof(from_kernel), &fh), 0);
	EXPECT_INT(fh.type, 1);
	EXPECT_INT(fh.flags, 0);
	EXPECT_INT(fh.fid_size, 8);
	EXPECT_MEM(fh.uuid, zero, sizeof(zero));
	ASSERT_INT(ovl_fh_encode(&fh, value), sizeof(from_kernel));
	EXPECT_MEM(value, from_kernel, sizeof(from_kernel));
	ASSERT_INT(ovl_fh_make(1, from_kernel + 21, 8, zero, false, &made), 0);
	EXPECT(ovl_fh_equal(&fh, &made));
	ASSERT_INT(ovl_fh_encode(&made, value), sizeof(from_kernel));
	EXPECT_MEM(value, from_kernel, sizeof(from_kernel));
}

TEST("an empty value means: origin unknown")
{
	struct ovl_fh fh;

	EXPECT_INT(ovl_fh_decode(NULL, 0, &fh), -ENODATA);
}

TEST("later versions, unknown flags and the other byte order mean: origin unknown")
{
	uint8_t value[sizeof(from_kernel)];
	struct ovl_fh fh;

	memcpy(value, from_kernel, sizeof(value));
	value[0] = 1;
	EXPECT_INT(ovl_fh_decode(value, sizeof(value), &fh), -ENODATA);
	value[0] = 0;
	value[3] = 8;
	EXPECT_INT(ovl_fh_decode(value, sizeof(value), &fh), -ENODATA);
	value[3] = OVL_FH_FLAG_BIG_ENDIAN;
#if __BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__
	EXPECT_INT(ovl_fh_decode(value, sizeof(value), &fh), -ENODATA);
#endif
	value[3] = OVL_FH_FLAG_BIG_ENDIAN | OVL_FH_FLAG_ANY_ENDIAN | OVL_FH_FLAG_PATH_UPPER;
	EXPECT_INT(ovl_fh_decode(value, sizeof(value), &fh), 0);
}

TEST("truncated values, lengths that lie and a wrong magic are refused")
{
	uint8_t value[sizeof(from_kernel)];
	struct ovl_fh fh = {.fid_size = 99};

	memcpy(value, from_kernel, sizeof(value));
	for (size_t size = 1; size < sizeof(value); size++)
		EXPECT_INT(ovl_fh_decode(value, size, &fh), -EINVAL);
	for (int len = 0; len < 256; len++) {
		value[2] = (uint8_t)len;
		if (len <= OVL_FH_HEADER_SIZE || len > (int)sizeof(value))
			EXPECT_INT(ovl_fh_decode(value, sizeof(value), &fh), -EINVAL);
	}
	value[2] = from_kernel[2];
	value[1] = 0xfa;
	EXPECT_INT(ovl_fh_decode(value, sizeof(value), &fh), -EINVAL);
	value[1] = 0xfb;
	value[4] = 0xff;
	EXPECT_INT(ovl_fh_decode(value, sizeof(value), &fh), -EINVAL);
	EXPECT_INT(fh.fid_size, 99);
}

TEST("a handle of 128 bytes is the longest")
{
	uint8_t fid[OVL_FH_FID_MAX + 1] = {7}, value[255] = {0, 0xfb, 0, 0, 1};
	struct ovl_fh fh, back;

	ASSERT_INT(ovl_fh_make(0x81, fid, OVL_FH_FID_MAX, uuid, true, &fh), 0);
	ASSERT_INT(ovl_fh_encode(&fh, value), OVL_FH_MAX);
	ASSERT_INT(ovl_fh_decode(value, OVL_FH_MAX, &back), 0);
	EXPECT(ovl_fh_equal(&fh, &back));
	EXPECT_INT(back.flags & OVL_FH_FLAG_PATH_UPPER, OVL_FH_FLAG_PATH_UPPER);
	value[2] = OVL_FH_MAX + 1;
	EXPECT_INT(ovl_fh_decode(value, sizeof(value), &back), -EINVAL);
	EXPECT_INT(ovl_fh_make(1, fid, OVL_FH_FID_MAX + 1, uuid, false, &fh), -EINVAL);
	EXPECT_INT(ovl_fh_make(1, fid, 0, uuid, false, &fh), -EINVAL);
}

TEST("a type that doesn't fit its byte is refused, not cut")
{
	struct ovl_fh fh;

	EXPECT_INT(ovl_fh_make(0x10001, "x", 1, uuid, false, &fh), -EINVAL);
	EXPECT_INT(ovl_fh_make(-1, "x", 1, uuid, false, &fh), -EINVAL);
	EXPECT_INT(ovl_fh_make(0xff, "x", 1, uuid, false, &fh), -EINVAL);
	EXPECT_INT(ovl_fh_make(0xfe, "x", 1, uuid, false, &fh), 0);
}

TEST("the index name goes there and back, and is refused where no file name could hold it")
{
	char name[OVL_FH_INDEX_NAME_SIZE];
	uint8_t fid[OVL_FH_FID_MAX] = {1};
	struct ovl_fh fh, back;

	ASSERT_INT(ovl_fh_decode(from_kernel, sizeof(from_kernel), &fh), 0);
	ASSERT_INT(ovl_fh_index_name(&fh, name), 2 * sizeof(from_kernel));
	EXPECT_STR(name, "00fb1d000100000000000000000000000000000000b121a700ce3a5291");
	ASSERT_INT(ovl_fh_from_index_name(name, &back), 0);
	EXPECT(ovl_fh_equal(&fh, &back));
	ASSERT_INT(ovl_fh_make(1, fid, 106, uuid, false, &fh), 0);
	EXPECT_INT(ovl_fh_index_name(&fh, name), 254);
	EXPECT_INT(ovl_fh_from_index_name(name, &back), 0);
	ASSERT_INT(ovl_fh_make(1, fid, 107, uuid, false, &fh), 0);
	EXPECT_INT(ovl_fh_index_name(&fh, name), -ENAMETOOLONG);
}

TEST("names that are no index names are refused")
{
	struct ovl_fh fh;
	char longer[400];

	EXPECT_INT(ovl_fh_from_index_name("", &fh), -EINVAL);
	EXPECT_INT(ovl_fh_from_index_name("#1", &fh), -EINVAL);
	EXPECT_INT(ovl_fh_from_index_name("00fb1", &fh), -EINVAL);
	EXPECT_INT(ovl_fh_from_index_name("00FB1D00", &fh), -EINVAL);
	memset(longer, '0', sizeof(longer));
	longer[399] = '\0';
	EXPECT_INT(ovl_fh_from_index_name(longer, &fh), -EINVAL);
	longer[398] = '\0';
	EXPECT_INT(ovl_fh_from_index_name(longer, &fh), -EINVAL);
}

TEST("random bytes decode to what encodes to the same bytes, or not at all")
{
	unsigned state = 7;

	for (int round = 0; round < 200000; round++) {
		uint8_t bytes[160], again[OVL_FH_MAX];
		struct ovl_fh fh;
		size_t size;

		for (size_t i = 0; i < sizeof(bytes); i++)
			bytes[i] = (uint8_t)((state = state * 1103515245 + 12345) >> 16);
		bytes[0] = 0;
		bytes[1] = 0xfb;
		bytes[3] &= 7;
		size = (state >> 8) % (sizeof(bytes) + 1);
		if (ovl_fh_decode(bytes, size, &fh) < 0)
			continue;
		ASSERT(ovl_fh_encode(&fh, again) <= size);
		ASSERT(!memcmp(again, bytes, bytes[2]));
	}
}
