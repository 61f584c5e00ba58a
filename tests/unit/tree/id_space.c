/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Trees that take their node ids of one space.
 */
#include "fixture.h"
#include "tree/resolve.h"
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

static struct inode *look_up(struct tree *tree, const char *name)
{
	struct resolved resolved;
	struct inode *inode;
	int r = resolve_child(tree, tree->root, name, &resolved);

	if (r < 0)
		return NULL;
	r = inode_intern(tree, tree->root, name, &resolved, &inode);
	resolved_finish(&resolved);
	return r < 0 ? NULL : inode;
}

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

/* More files than two chunks have slots. */
#define FILES 9000U

TEST("trees that take turns at making inodes find each of their own, and each once")
{
	FIXTURE(f, .layers = 1, .no_upper = true, .in_memory = true);
	SPACED(s, f, true);

	for (unsigned i = 0; i < FILES; i++) {
		char name[32];

		snprintf(name, sizeof(name), "f%u", i);
		ASSERT(fixture_make_one(&f, 0, 'f', name));
	}
	for (unsigned i = 0; i < 2 * FILES; i++) {
		struct tree *tree = s.trees[i % 2];
		struct inode *inode;
		char name[32];

		snprintf(name, sizeof(name), "f%u", i / 2);
		inode = look_up(tree, name);
		ASSERT(inode && id_space_tree(s.space, inode->id) == tree);
		EXPECT(inode_find(tree, inode->id) == inode && !inode_find(s.trees[!(i % 2)], inode->id));
	}
	EXPECT_INT(tree_inode_count(s.trees[0]), FILES + 1);
	EXPECT_INT(tree_inode_count(s.trees[1]), FILES + 1);
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
