/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees that take their node ids of one space.
 */
#include "fixture.h"
#include "unit.h"

static const struct tree_limits plain_limits = {.max_dirfds = 16, .max_listing_bytes = 1 << 20, .max_pinned = 16};

struct spaced {
	struct id_space *space;
	struct tree *trees[2];
};

static void spaced_free(struct spaced *s)
{
	tree_free(s->trees[0]);
	tree_free(s->trees[1]);
	id_space_free(s->space);
}

static bool spaced_new(struct fixture *f, struct spaced *s, unsigned i)
{
	struct tree_limits limits = plain_limits;

	limits.ids = s->space;
	return tree_new(f->set, &limits, &s->trees[i]) == 0;
}

#define SPACED(s, f, apart)                                                                                            \
	struct spaced s __attribute__((cleanup(spaced_free))) = {0};                                                   \
	ASSERT_INT(id_space_new(apart, &s.space), 0);                                                                  \
	ASSERT(spaced_new(&f, &s, 0) && spaced_new(&f, &s, 1))

TEST("an id leads to its tree, and no other tree knows it")
{
	FIXTURE(f, .layers = 2);
	SPACED(s, f, true);

	for (unsigned i = 0; i < 2; i++) {
		uint64_t id = s.trees[i]->root->id;

		EXPECT(id != TREE_ROOT_ID && id_space_tree(s.space, id) == s.trees[i]);
		EXPECT(inode_find(s.trees[i], id) == s.trees[i]->root);
		EXPECT(!inode_find(s.trees[!i], id));
	}
	EXPECT(!id_space_tree(s.space, TREE_ROOT_ID));
	EXPECT(!id_space_tree(s.space, UINT64_MAX));
	EXPECT(tree_check(s.trees[0]) && tree_check(s.trees[1]));
}

TEST("the first tree of a space whose root isn't apart has the root's id")
{
	FIXTURE(f, .layers = 2);
	SPACED(s, f, false);

	EXPECT_INT(s.trees[0]->root->id, TREE_ROOT_ID);
	EXPECT(s.trees[1]->root->id != TREE_ROOT_ID);
}

TEST("an id of a tree that has ended is nobody's, and the next tree doesn't give it out again")
{
	FIXTURE(f, .layers = 2);
	SPACED(s, f, true);
	uint64_t id = s.trees[0]->root->id;

	tree_free(s.trees[0]);
	s.trees[0] = NULL;
	EXPECT(!id_space_tree(s.space, id));
	ASSERT(spaced_new(&f, &s, 0));
	EXPECT_INT((uint32_t)s.trees[0]->root->id, (uint32_t)id);
	EXPECT(s.trees[0]->root->id != id && !inode_find(s.trees[0], id));
	EXPECT(tree_check(s.trees[0]));
}
