/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where directories lie with respect to each other, as values: no directory is needed.
 */
#include "../../../src/layer/internal.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "unit.h"

#define MANY 60000

/* Lower layers, each two directories below the root of the file system. */
struct made {
	struct layer_set set;
	struct layer_opening lo;
	struct layer_location *locations;
	char (*paths)[16];
	struct error error;
};

static const struct stack_spec no_policies;

static bool made_new(struct made *m, unsigned n)
{
	*m = (struct made){
		.set.n = n, .locations = calloc(n, sizeof(*m->locations)), .paths = calloc(n, sizeof(*m->paths))};
	m->lo = (struct layer_opening){
		.set = &m->set, .locations = m->locations, .n_locations = n, .spec = &no_policies, .error = &m->error};
	for (unsigned i = 0; m->locations && m->paths && i < n; i++) {
		struct layer_location *p = &m->locations[i];

		*p = (struct layer_location){
			.option = "lowerdir", .n_chain = 3, .n_mount = 3, .mnt_id = 1, .sb_dev = 7};
		p->chain = calloc(3, sizeof(*p->chain));
		snprintf(m->paths[i], sizeof(m->paths[i]), "/in/%u", i);
		p->path = m->paths[i];
		p->sb_path = strdup(p->path);
		if (!p->chain || !p->sb_path)
			return false;
		p->chain[0] = (struct layer_id){.dev = 7, .ino = 100 + i};
		p->chain[1] = (struct layer_id){.dev = 7, .ino = 3};
		p->chain[2] = (struct layer_id){.dev = 7, .ino = 2};
	}
	return m->locations && m->paths;
}

static void made_free(struct made *m)
{
	for (unsigned i = 0; m->locations && i < m->set.n; i++)
		location_finish(&m->locations[i]);
	free(m->locations);
	free(m->paths);
	error_finish(&m->error);
}

#define MADE(m, n)                                                                                                     \
	struct made m __attribute__((cleanup(made_free)));                                                             \
	ASSERT(made_new(&m, n))

static void move(struct made *m, unsigned location, const char *sb_path)
{
	free(m->locations[location].sb_path);
	m->locations[location].sb_path = strdup(sb_path);
}

TEST("a directory that is there twice is found by its identity, wherever the two stand")
{
	MADE(m, 50);

	m.locations[40].chain[0] = m.locations[7].chain[0];
	EXPECT_INT(overlap_check(&m.lo), -ELOOP);
	EXPECT_STR(m.error.text, "lowerdir: /in/40: the same directory as lowerdir /in/7");
}

TEST("a directory inside another one is found by its parents")
{
	MADE(m, 50);

	m.locations[7].chain[1] = m.locations[40].chain[0];
	EXPECT_INT(overlap_check(&m.lo), -ELOOP);
	EXPECT_STR(m.error.text, "lowerdir: /in/7: lies inside lowerdir /in/40");
}

TEST("parents beyond the mount are no reason")
{
	MADE(m, 50);

	m.locations[7].chain[1] = m.locations[40].chain[0];
	m.locations[7].n_mount = 1;
	EXPECT_INT(overlap_check(&m.lo), 0);
}

TEST("a directory inside another one is found by its path in the file system")
{
	static const char *const inside[] = {"/in/40/x", "/in/40/x/y/z", "/in/40/!", "/in/40/~/x"};
	static const char *const beside[] = {"/in/40!", "/in/40.d/x", "/in/4", "/in/400", "/inner", "/im", "/in!"};

	for (size_t i = 0; i < ARRAY_SIZE(inside); i++) {
		MADE(m, 50);

		move(&m, 7, inside[i]);
		EXPECT_INT(overlap_check(&m.lo), -ELOOP);
		EXPECT_STR(m.error.text, "lowerdir: /in/7: lies inside lowerdir /in/40");
	}
	for (size_t i = 0; i < ARRAY_SIZE(beside); i++) {
		MADE(m, 50);

		move(&m, 4, beside[i]);
		EXPECT_INT(overlap_check(&m.lo), 0);
		EXPECT_STR(m.error.text, NULL);
	}
}

TEST("the root of a file system holds all of it, and nothing of another one")
{
	MADE(m, 50);

	move(&m, 7, "");
	m.locations[7].sb_dev = 8;
	EXPECT_INT(overlap_check(&m.lo), 0);
	m.locations[7].sb_dev = 7;
	EXPECT_INT(overlap_check(&m.lo), -ELOOP);
}

TEST("a directory without a path is compared by its parents alone")
{
	MADE(m, 50);

	free(m.locations[7].sb_path);
	m.locations[7].sb_path = NULL;
	EXPECT_INT(overlap_check(&m.lo), 0);
	m.locations[20].chain[2] = m.locations[7].chain[0];
	EXPECT_INT(overlap_check(&m.lo), -ELOOP);
}

/* Each with each, it would take a minute. */
TEST("the time for many layers doesn't grow with their square")
{
	clock_t start;

	MADE(m, MANY);
	start = clock();
	EXPECT_INT(overlap_check(&m.lo), 0);
	EXPECT(clock() - start < 10 * CLOCKS_PER_SEC);
	m.locations[MANY / 2].chain[0] = m.locations[MANY - 1].chain[0];
	EXPECT_INT(overlap_check(&m.lo), -ELOOP);
}
