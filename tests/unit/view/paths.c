/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The tree of paths: a name that was added is found again, however often the table has grown.
 */
#include "paths.h"

#include "unit.h"

#define NAMES 20000U

static unsigned lost_of(const struct paths *paths, unsigned n)
{
	char name[32];
	unsigned lost = 0;

	for (unsigned i = 0; i < n; i++) {
		snprintf(name, sizeof(name), "etc/name%u", i);
		lost += paths_find(paths, name) == PATHS_NONE;
	}
	return lost;
}

TEST("each name is found again after each growth of the table")
{
	struct paths paths;
	char name[32];
	uint32_t buckets;

	ASSERT_INT(paths_init(&paths), 0);
	buckets = paths.n_buckets;
	for (unsigned i = 0; i < NAMES; i++) {
		snprintf(name, sizeof(name), "etc/name%u", i);
		EXPECT(paths_add(&paths, name) != PATHS_NONE);
		if (paths.n_buckets != buckets)
			EXPECT_INT(lost_of(&paths, i + 1), 0);
		buckets = paths.n_buckets;
	}
	EXPECT_INT(lost_of(&paths, NAMES), 0);
	paths_free(&paths);
}
