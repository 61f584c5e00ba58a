/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths for messages.
 */
#include "fixture.h"

#include <stdio.h>
#include <string.h>

#include "unit.h"

TEST("a message names an object by the union's path")
{
	FIXTURE(f, .layers = 2);
	char buf[TREE_PATH_SHOWN];
	struct inode *sub, *file;

	ASSERT(fixture_make(&f, "1d/d 1d/d/sub 1f/d/sub/file"));
	sub = fixture_get(&f, "d/sub");
	file = fixture_get(&f, "d/sub/file");
	ASSERT(sub && file);
	EXPECT_STR(tree_path(f.tree, TREE_ROOT_ID, NULL, buf), ".");
	EXPECT_STR(tree_path(f.tree, TREE_ROOT_ID, "d", buf), "d");
	EXPECT_STR(tree_path(f.tree, sub->id, NULL, buf), "d/sub");
	EXPECT_STR(tree_path(f.tree, sub->id, "new", buf), "d/sub/new");
	EXPECT_STR(tree_path(f.tree, file->id, NULL, buf), "d/sub/file");
	/* its last name */
	lock_take(&sub->dir->lock);
	inode_name_removed(f.tree, sub, "file");
	lock_drop(&sub->dir->lock);
	EXPECT_STR(tree_path(f.tree, file->id, NULL, buf), "d/sub/file");
}

TEST("of what isn't known, or too long, a message has the end")
{
	FIXTURE(f, .layers = 1);
	char buf[TREE_PATH_SHOWN], path[4 * 260] = "", name[TREE_NAME_MAX + 1], item[sizeof(path) + 2];
	struct inode *deep;

	memset(name, 'n', TREE_NAME_MAX);
	name[TREE_NAME_MAX] = '\0';
	for (int i = 0; i < 4; i++) {
		sprintf(path + strlen(path), "%s%.*s", i ? "/" : "", 200 + i, name);
		ASSERT(fixture_make_one(&f, 0, 'd', path));
	}
	deep = fixture_get(&f, path);
	ASSERT(deep);
	snprintf(item, sizeof(item), ".../%.203s", path + strlen(path) - 203);
	EXPECT_STR(tree_path(f.tree, deep->id, name, buf) + strlen(".../") + 204, name);
	EXPECT(!strncmp(tree_path(f.tree, deep->id, name, buf), item, strlen(item)));
	EXPECT_STR(tree_path(f.tree, deep->id + 99, "x", buf), ".../x");
	EXPECT_STR(tree_path(f.tree, deep->id + 99, NULL, buf), ".../");
}
