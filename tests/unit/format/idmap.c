/* SPDX-License-Identifier: Apache-2.0 */
#include "format/idmap.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static struct idmap_error error;

TEST("the form that container tools send is taken, empty fields and all")
{
	static const char *const same[] = {
		"0:1000:1:1:110000:65536",	":0:1000:1:1:110000:65536", "0:1000:1:1:110000:65536:",
		"::0::1000:1:::1:110000:65536", "0:1000:1::1:110000:65536",
	};

	for (size_t i = 0; i < sizeof(same) / sizeof(same[0]); i++) {
		struct idmap map;

		ASSERT_INT(idmap_parse(same[i], &map, &error), 0);
		ASSERT_INT(map.count, 2);
		EXPECT_INT(map.ranges[0].layer, 0);
		EXPECT_INT(map.ranges[0].mount, 1000);
		EXPECT_INT(map.ranges[0].len, 1);
		EXPECT_INT(map.ranges[1].layer, 1);
		EXPECT_INT(map.ranges[1].mount, 110000);
		EXPECT_INT(map.ranges[1].len, 65536);
		idmap_free(&map);
	}
}

TEST("a map without numbers is empty and maps nothing")
{
	struct idmap map;
	uint32_t id;

	ASSERT_INT(idmap_parse("", &map, &error), 0);
	EXPECT(idmap_is_empty(&map));
	ASSERT_INT(idmap_parse(":::", &map, &error), 0);
	EXPECT(idmap_is_empty(&map));
	ASSERT_INT(idmap_to_mount(&map, 4294967294U, &id), 0);
	EXPECT_INT(id, 4294967294U);
	EXPECT_INT(idmap_to_layer(&map, 5, &id), 0);
	EXPECT_INT(id, 5);
	idmap_free(&map);
}

TEST("a copy has the ranges of its map and outlives it")
{
	struct idmap map, copy, empty = {.count = 0};
	uint32_t id;

	ASSERT_INT(idmap_parse("0:1000:10:70:5000:2", &map, &error), 0);
	ASSERT_INT(idmap_copy(&map, &copy), 0);
	memset(map.ranges, 0xff, map.count * sizeof(*map.ranges));
	idmap_free(&map);
	ASSERT_INT(idmap_to_mount(&copy, 71, &id), 0);
	EXPECT_INT(id, 5001);
	EXPECT_INT(idmap_to_mount(&copy, 72, &id), -EOVERFLOW);
	idmap_free(&copy);
	ASSERT_INT(idmap_copy(&empty, &copy), 0);
	EXPECT(idmap_is_empty(&copy));
	idmap_free(&copy);
}

TEST("a bad map is refused with its place and its cause")
{
	static const struct {
		const char *text, *where, *cause;
	} bad[] = {
		{"0:x:1", "0:x:1", "not a number"},
		{"0:1000:1:5:x:1", "5:x:1", "not a number"},
		{":0:1000:1:5:7:x:1:2:3", "5:7:x", "not a number"},
		{"-1:0:1", "-1:0:1", "not a number"},
		{" 1:0:1", " 1:0:1", "not a number"},
		{"0x1:0:1", "0x1:0:1", "not a number"},
		{"0:1000", "0:1000", "not a triple HOST:MAPPED:LEN"},
		{"0:1000:1:7", "7", "not a triple HOST:MAPPED:LEN"},
		{"0:0:0", "0:0:0", "length is zero"},
		{"4294967295:0:1", "4294967295:0:1", "number too large"},
		{"99999999999999999999999:0:1", "99999999999999999999999:0:1", "number too large"},
		{"0:0:4294967296", "0:0:4294967296", "number too large"},
		{"1:1:4294967295", "1:1:4294967295", "range goes beyond the largest id"},
		{"4294967294:0:2", "4294967294:0:2", "range goes beyond the largest id"},
		{"0:4294967290:10", "0:4294967290:10", "range goes beyond the largest id"},
		{"0:0:10:9:100:1", "9:100:1", "overlaps an earlier range"},
		{"0:0:10:20:9:5", "20:9:5", "overlaps an earlier range"},
		{"0,1:2:3", "0,1:2:3", "not a number"},
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct idmap map = {.count = 42};

		EXPECT_INT(idmap_parse(bad[i].text, &map, &error), -EINVAL);
		EXPECT_STR(error.where, bad[i].where);
		EXPECT_STR(error.cause, bad[i].cause);
		EXPECT_INT(map.count, 42);
	}
}

TEST("a long bad map is cut in the message, not in memory")
{
	char text[2000];
	struct idmap map;

	memset(text, '1', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	EXPECT_INT(idmap_parse(text, &map, &error), -EINVAL);
	EXPECT_INT(strlen(error.where), sizeof(error.where) - 1);
}

TEST("ids go to the mount and back, the edges of ranges included")
{
	static const uint32_t pairs[][2] = {{0, 1000}, {1, 110000}, {65536, 175535}, {4294967294U, 7}};
	struct idmap map;
	uint32_t id;

	ASSERT_INT(idmap_parse("0:1000:1:1:110000:65536:4294967294:7:1", &map, &error), 0);
	for (size_t i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		ASSERT_INT(idmap_to_mount(&map, pairs[i][0], &id), 0);
		EXPECT_INT(id, pairs[i][1]);
		ASSERT_INT(idmap_to_layer(&map, pairs[i][1], &id), 0);
		EXPECT_INT(id, pairs[i][0]);
	}
	idmap_free(&map);
}

TEST("the map of all ids is taken")
{
	struct idmap map;
	uint32_t id;

	ASSERT_INT(idmap_parse("0:0:4294967295", &map, &error), 0);
	ASSERT_INT(idmap_to_mount(&map, 4294967294U, &id), 0);
	EXPECT_INT(id, 4294967294U);
	EXPECT_INT(idmap_to_layer(&map, UINT32_MAX, &id), -EOVERFLOW);
	idmap_free(&map);
}

TEST("an id outside the map can neither be shown nor stored")
{
	static const uint32_t unknown[] = {0, 999, 1001, 109999, 175536, 65534, UINT32_MAX};
	struct idmap map;
	uint32_t id = 42;

	ASSERT_INT(idmap_parse("0:1000:1:1:110000:65536", &map, &error), 0);
	EXPECT_INT(idmap_to_mount(&map, 65537, &id), -EOVERFLOW);
	EXPECT_INT(idmap_to_mount(&map, UINT32_MAX, &id), -EOVERFLOW);
	for (size_t i = 0; i < sizeof(unknown) / sizeof(unknown[0]); i++)
		EXPECT_INT(idmap_to_layer(&map, unknown[i], &id), -EOVERFLOW);
	EXPECT_INT(id, 42);
	idmap_free(&map);
}
