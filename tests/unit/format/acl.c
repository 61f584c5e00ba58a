/* SPDX-License-Identifier: Apache-2.0 */
#include "format/acl.h"

#include <errno.h>
#include <stdint.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "unit.h"

enum { UO = 1, U = 2, GO = 4, G = 8, M = 16, O = 32 };

struct bytes {
	uint8_t value[256];
	size_t size;
};

/* From a short text: `u7 U5:1000 g5 m5 o0`, where U and G are the named ones. */
static struct bytes make(const char *text)
{
	struct bytes acl = {.value = {2, 0, 0, 0}, .size = 4};

	for (const char *p = text; *p;) {
		static const char letters[] = "uUgGmo";
		static const uint8_t tags[] = {UO, U, GO, G, M, O};
		uint32_t id = UINT32_MAX;
		uint8_t *entry = acl.value + acl.size;

		entry[0] = tags[strchr(letters, *p++) - letters];
		entry[2] = (uint8_t)(*p++ - '0');
		if (*p == ':')
			id = (uint32_t)strtoul(p + 1, (char **)&p, 10);
		for (int i = 0; i < 4; i++)
			entry[4 + i] = (uint8_t)(id >> (8 * i));
		acl.size += 8;
		p += *p == ' ';
	}
	return acl;
}

/* 0, or the error of a value that is no ACL. */
static int check(const struct bytes *acl, size_t size)
{
	struct bytes access;
	mode_t mode;

	return MIN(acl_create(acl->value, size, 0777, access.value, &mode), 0);
}

TEST("valid ACLs are taken")
{
	static const char *const good[] = {"u7 g5 o0",
					   "u7 g5 m7 o0",
					   "u7 U5:1000 g5 m5 o0",
					   "u7 g5 G4:9 m5 o0",
					   "u7 U5:1000 U1:3 g5 G4:9 G4:9 m7 o7",
					   "u0 g0 o0"};

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		struct bytes acl = make(good[i]);

		if (check(&acl, acl.size) != 0)
			UNIT_FAIL("%s is refused", good[i]);
	}
}

TEST("ACLs with entries missing, twice, out of order or without a mask are refused")
{
	static const char *const bad[] = {"",
					  "u7",
					  "u7 g5",
					  "g5 o0",
					  "u7 o0",
					  "u7 u7 g5 o0",
					  "u7 g5 g5 o0",
					  "u7 g5 o0 o0",
					  "u7 g5 m7 m7 o0",
					  "u7 U5:1 g5 o0",
					  "u7 g5 G5:1 o0",
					  "g5 u7 o0",
					  "u7 g5 U5:1 m5 o0",
					  "u7 G5:1 g5 m5 o0",
					  "u7 g5 m5 G5:1 o0",
					  "u7 g5 o0 m5",
					  "u8 g5 o0",
					  "u7 U5 g5 m5 o0",
					  "u7 g5 G5 m5 o0"};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		struct bytes acl = make(bad[i]);

		if (check(&acl, acl.size) != -EINVAL)
			UNIT_FAIL("\"%s\" is taken", bad[i]);
	}
}

TEST("other versions, unknown tags and truncated values are refused")
{
	struct bytes acl = make("u7 U5:1000 g5 m5 o0");

	for (size_t size = 0; size < acl.size; size++)
		EXPECT_INT(check(&acl, size), -EINVAL);
	acl.value[4] = 0x40;
	EXPECT_INT(check(&acl, acl.size), -EINVAL);
	acl.value[0] = 3;
	EXPECT_INT(check(&acl, acl.size), -EOPNOTSUPP);
}

TEST("a new object gets the access ACL and mode that the kernel would give it")
{
	static const struct {
		const char *dflt;
		mode_t mode;
		int needs;
		const char *access;
		mode_t want;
	} table[] = {
		{"u7 g7 o7", 0666, 0, "u6 g6 o6", 0666},
		{"u7 g5 o0", 0666, 0, "u6 g4 o0", 0640},
		{"u7 g5 o0", 0777, 0, "u7 g5 o0", 0750},
		{"u7 U7:1000 g5 m7 o0", 0666, 1, "u6 U7:1000 g5 m6 o0", 0660},
		{"u7 U7:1000 g5 m7 o0", 0600, 1, "u6 U7:1000 g5 m0 o0", 0600},
		{"u7 g7 m5 o5", 0777, 1, "u7 g7 m5 o5", 0755},
		{"u7 g5 G7:9 m7 o5", 0644, 1, "u6 g5 G7:9 m4 o4", 0644},
		{"u0 g0 m0 o0", 0777, 1, "u0 g0 m0 o0", 0},
		{"u7 g5 o5", S_IFREG | 04711, 0, "u7 g1 o1", S_IFREG | 04711},
		{"u6 g5 m5 o5", S_IFDIR | 02777, 1, "u6 g5 m5 o5", S_IFDIR | 02655},
	};

	for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
		struct bytes dflt = make(table[i].dflt), want = make(table[i].access);
		uint8_t access[256];
		mode_t mode = 0;

		EXPECT_INT(acl_create(dflt.value, dflt.size, table[i].mode, access, &mode), table[i].needs);
		EXPECT_INT(mode, table[i].want);
		EXPECT_MEM(access, want.value, want.size);
		/* in place as well */
		EXPECT_INT(acl_create(dflt.value, dflt.size, table[i].mode, dflt.value, &mode), table[i].needs);
		EXPECT_MEM(dflt.value, want.value, want.size);
	}
}

/* Ids below 100 get 1000 more, those of groups 2000. */
static int shift(void *arg, bool group, uint32_t *id)
{
	++*(int *)arg;
	if (*id >= 100)
		return -EOVERFLOW;
	*id += group ? 2000 : 1000;
	return 0;
}

TEST("the ids of named entries, and no others, are mapped in place")
{
	struct bytes acl = make("u7 U5:1 U4:99 g5 G1:1 m7 o0"), want = make("u7 U5:1001 U4:1099 g5 G1:2001 m7 o0");
	struct bytes minimal = make("u7 g5 o1"), same = make("u7 g5 o1");
	int calls = 0;

	EXPECT_INT(acl_map_ids(acl.value, acl.size, shift, &calls), 0);
	EXPECT_INT(calls, 3);
	EXPECT_MEM(acl.value, want.value, want.size);
	EXPECT_INT(acl_map_ids(minimal.value, minimal.size, shift, &calls), 0);
	EXPECT_INT(calls, 3);
	EXPECT_MEM(minimal.value, same.value, same.size);
}

TEST("an id that can't be mapped, and what is no ACL, are reported")
{
	struct bytes unmapped = make("u7 U5:100 g5 m7 o0"), broken = make("u7 U5:1 g5 o0"),
		     same = make("u7 U5:1 g5 o0");
	int calls = 0;

	EXPECT_INT(acl_map_ids(unmapped.value, unmapped.size, shift, &calls), -EOVERFLOW);
	EXPECT_INT(acl_map_ids(broken.value, broken.size, shift, &calls), -EINVAL);
	EXPECT_INT(acl_map_ids(broken.value, 3, shift, &calls), -EINVAL);
	EXPECT_MEM(broken.value, same.value, same.size);
	EXPECT_INT(calls, 1);
}
