/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seeded hash, and that uthash's tables use it.
 */
#include "base/hash.h"

#include <uthash.h>

#include "unit.h"

struct entry {
	char name[32];
	int number;
	UT_hash_handle hh;
};

TEST("the seed differs each time it is drawn, and hashes with it")
{
	hash_seed_init();
	uint64_t first = hash_bytes("name", 4);

	EXPECT(hash_bytes("name", 4) == first);
	hash_seed_init();
	EXPECT(hash_bytes("name", 4) != first);
}

TEST("the hash that gives names their order has a secret of its own, of any length of name")
{
	static const char name[300] = "name";
	uint64_t first[300];

	hash_seed_init();
	for (size_t len = 1; len < 300; len++) {
		first[len] = hash_order(name, len);
		EXPECT(first[len] == hash_order(name, len));
		EXPECT(first[len] != hash_bytes(name, len));
	}
	hash_seed_init();
	for (size_t len = 1; len < 300; len++)
		EXPECT(first[len] != hash_order(name, len));
}

TEST("a name hashes differently in each directory")
{
	hash_seed_init();
	EXPECT(hash_name(1, "name", 4) == hash_name(1, "name", 4));
	EXPECT(hash_name(1, "name", 4) != hash_name(2, "name", 4));
	EXPECT(hash_name(1, "name", 4) != hash_name(1, "nam", 3));
	EXPECT(hash_name(0, "name", 4) == hash_bytes("name", 4));
}

TEST("hashes of names in neighbouring directories don't collide in their low bits")
{
	enum { SLOTS = 4096 };
	static unsigned char slot[SLOTS];
	unsigned longest = 0;

	hash_seed_init();
	for (unsigned parent = 0; parent < SLOTS; parent++) {
		unsigned n = ++slot[hash_name(parent, "Makefile", 8) % SLOTS];

		longest = n > longest ? n : longest;
	}
	EXPECT(longest < 16); /* 6 or 7 are usual; 16 has a chance of 1e-10 */
}

TEST("a table of uthash finds what was added under the hash")
{
	static struct entry entries[500];
	struct entry *table = NULL, *found;

	hash_seed_init();
	for (int i = 0; i < 500; i++) {
		snprintf(entries[i].name, sizeof(entries[i].name), "entry-%d", i);
		entries[i].number = i;
		HASH_ADD_STR(table, name, &entries[i]);
		EXPECT_INT(entries[i].hh.hashv, (unsigned)hash_bytes(entries[i].name, strlen(entries[i].name)));
	}
	HASH_FIND_STR(table, "entry-321", found);
	ASSERT(found);
	EXPECT_INT(found->number, 321);
	HASH_FIND_STR(table, "entry-500", found);
	EXPECT(!found);
	HASH_CLEAR(hh, table);
}
