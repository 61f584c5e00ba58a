/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes: files with several links and shared layers are there once.
 */
#include "view/size.h"

#include "dirs.h"

static int ignore(void *arg, const struct layer *l, const char *path, int err)
{
	return 0;
}

static void filled(const char *path, size_t size)
{
	char *bytes = malloc(size + 1);

	memset(bytes, 'x', size);
	bytes[size] = '\0';
	dirs_file(path, bytes);
	free(bytes);
}

TEST("a file with several links counts once, in its layer and between layers")
{
	struct view_stack *stacks[2];
	const struct view_stack *const *sets = (const struct view_stack *const *)stacks;
	char *error = NULL;
	struct view_stack_size sizes[2];
	struct view_total_size total, before;
	struct view_layer_size layer;

	ASSERT(dirs_init());
	dirs_dir("a");
	dirs_dir("b");
	filled("a/one", 100000);
	stacks[0] = dirs_open("a");
	stacks[1] = dirs_open("b");
	ASSERT(stacks[0] && stacks[1]);
	EXPECT_INT(view_stacks_measure(sets, 2, ignore, NULL, sizes, &before, &error), 0);
	EXPECT_INT(sizes[0].shared, 0);
	ASSERT(link("a/one", "a/two") == 0 && link("a/one", "b/three") == 0);
	EXPECT_INT(view_stacks_measure(sets, 2, ignore, NULL, sizes, &total, &error), 0);
	EXPECT_INT(total.on_disk, before.on_disk);
	EXPECT_INT(sizes[0].shared, sizes[1].shared);
	EXPECT(sizes[0].shared >= 100000);
	EXPECT_INT(sizes[0].unique + sizes[0].shared, sizes[0].bytes);
	EXPECT_INT(sizes[0].bytes + sizes[1].bytes, total.unshared);
	EXPECT_INT(view_layer_measure(sets[0]->set, &sets[0]->set->layers[0], ignore, NULL, &layer), 0);
	EXPECT_INT(layer.files, 2);
	EXPECT_INT(layer.dirs, 1);
	EXPECT_INT(layer.apparent, 100000);
	view_stack_free(stacks[0]);
	view_stack_free(stacks[1]);
	dirs_finish();
}

TEST("a layer of two stacks is there once")
{
	struct view_stack *stacks[2];
	const struct view_stack *const *sets = (const struct view_stack *const *)stacks;
	char *error = NULL;
	struct view_stack_size sizes[2];
	struct view_total_size total;

	ASSERT(dirs_init());
	dirs_dir("base");
	dirs_dir("a");
	dirs_dir("b");
	filled("base/f", 50000);
	filled("a/f", 20000);
	stacks[0] = dirs_open("a:base");
	stacks[1] = dirs_open("b:base");
	ASSERT(stacks[0] && stacks[1]);
	EXPECT_INT(view_stacks_measure(sets, 2, ignore, NULL, sizes, &total, &error), 0);
	EXPECT_INT(sizes[0].shared, sizes[1].shared);
	EXPECT(sizes[0].shared >= 50000 && sizes[0].unique >= 20000);
	EXPECT_INT(total.on_disk, sizes[0].shared + sizes[0].unique + sizes[1].unique);
	EXPECT_INT(total.unshared, sizes[0].bytes + sizes[1].bytes);
	EXPECT_INT(sizes[0].upper, sizes[0].unique);
	view_stack_free(stacks[0]);
	view_stack_free(stacks[1]);
	dirs_finish();
}
