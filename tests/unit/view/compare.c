/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Comparisons, told as lines "K PATH" with what differs as a number.
 */
#include "view/compare.h"

#include <errno.h>

#include "dirs.h"

struct told {
	char text[4096];
	unsigned n, stop_at;
	int failed;
};

static int tell_change(void *arg, const struct view_change *change)
{
	struct told *t = arg;
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof(t->text) - used, "%c %s %x\n", change->kind, change->path, change->differs);
	return ++t->n == t->stop_at ? 77 : 0;
}

static int tell_failure(void *arg, const char *path, int err)
{
	((struct told *)arg)->failed = err;
	return 0;
}

static const struct view_compare_calls calls = {.change = tell_change, .failed = tell_failure};

static void expect_top(const char *name, unsigned flags, const char *wanted)
{
	struct told told = {.n = 0};
	struct view_stack *stack = dirs_open(name);
	struct view_union *below = NULL, *all = NULL;
	char *error = NULL;

	ASSERT(stack);
	ASSERT(view_union_open(stack, 1, &below, &error) == 0 && view_union_open(stack, 0, &all, &error) == 0);
	EXPECT_INT(view_compare(below, all, flags | VIEW_COMPARE_TOP | VIEW_COMPARE_BYTES, &calls, &told), 0);
	EXPECT_STR(told.text, wanted);
	EXPECT_INT(told.failed, 0);
	view_union_free(below);
	view_union_free(all);
	view_stack_free(stack);
	free(error);
}

TEST("additions, changes and deletions of the topmost layer are told with their parents")
{
	ASSERT(dirs_init());
	dirs_dir("l");
	dirs_dir("l/d");
	dirs_dir("l/e");
	dirs_file("l/d/same", "1");
	dirs_file("l/d/size", "1");
	dirs_file("l/d/gone", "1");
	dirs_file("l/e/x", "1");
	dirs_dir("u");
	dirs_dir("u/d");
	dirs_file("u/d/same", "1");
	dirs_file("u/d/size", "12");
	dirs_file("u/d/.wh.gone", "");
	dirs_file("u/new", "");
	dirs_settle("u/d");
	dirs_settle("l/d");
	expect_top("u:l", 0, "C d 0\nD d/gone 0\nC d/size 8\nA new 0\n");
	expect_top("u:l", VIEW_COMPARE_RAW, "C d 0\nD d/gone 0\nC d/same 0\nC d/size 8\nA new 0\n");
	dirs_finish();
}

TEST("equal attributes with other bytes are a change")
{
	ASSERT(dirs_init());
	dirs_dir("l");
	dirs_dir("u");
	dirs_file("l/f", "1");
	dirs_file("u/f", "2");
	expect_top("u:l", 0, "C f 100\n");
	dirs_file("u/f", "1");
	expect_top("u:l", 0, "");
	dirs_finish();
}

TEST("a directory that was made again has lost its entries, and a file in its place is one change")
{
	ASSERT(dirs_init());
	dirs_dir("l");
	dirs_dir("l/d");
	dirs_dir("l/d/sub");
	dirs_file("l/d/sub/x", "");
	dirs_file("l/d/y", "");
	dirs_dir("u");
	dirs_dir("u/d");
	dirs_file("u/d/.wh..wh..opq", "");
	dirs_settle("l/d");
	dirs_settle("u/d");
	expect_top("u:l", 0, "C d 0\nD d/sub 0\nD d/y 0\n");
	expect_top("u:l", VIEW_COMPARE_RAW, "D d 0\n");
	dirs_dir("v");
	dirs_file("v/d", "now");
	expect_top("v:u:l", 0, "C d 1\n");
	dirs_finish();
}

TEST("a layer alone is all added, and nothing below it is nothing")
{
	ASSERT(dirs_init());
	dirs_dir("l");
	expect_top("l", 0, "");
	dirs_dir("l/d");
	dirs_dir("l/d/e");
	dirs_file("l/d/e/f", "");
	dirs_file("l/d-", "");
	expect_top("l", 0, "A d 0\nA d/e 0\nA d/e/f 0\nA d- 0\n");
	dirs_finish();
}

TEST("a change alone doesn't change the directories above, and waits for what changes them")
{
	ASSERT(dirs_init());
	dirs_dir("l");
	dirs_dir("l/d");
	dirs_dir("l/d/e");
	dirs_file("l/d/a", "1");
	dirs_file("l/d/e/b", "1");
	dirs_file("l/d/e/z", "1");
	dirs_file("l/d/z", "1");
	dirs_dir("u");
	dirs_dir("u/d");
	dirs_dir("u/d/e");
	dirs_file("u/d/a", "12");
	dirs_file("u/d/e/b", "12");
	dirs_file("u/d/z", "12");
	for (int i = 0; i < 2; i++) {
		dirs_settle(i ? "u/d" : "l/d");
		dirs_settle(i ? "u/d/e" : "l/d/e");
	}
	expect_top("u:l", 0, "C d/a 8\nC d/e/b 8\nC d/z 8\n");
	dirs_file("u/d/e/.wh.z", "");
	dirs_settle("u/d/e");
	expect_top("u:l", 0, "C d 0\nC d/a 8\nC d/e 0\nC d/e/b 8\nD d/e/z 0\nC d/z 8\n");
	dirs_finish();
}

TEST("podman's own mountpoints in a container aren't told")
{
	ASSERT(dirs_init());
	dirs_dir("l");
	dirs_dir("l/etc");
	dirs_dir("u");
	dirs_dir("u/etc");
	dirs_dir("u/run");
	dirs_file("u/etc/hosts", "");
	dirs_file("u/run/.containerenv", "");
	dirs_file("u/run/x", "");
	dirs_settle("l/etc");
	dirs_settle("u/etc");
	expect_top("u:l", VIEW_COMPARE_CONTAINER, "C etc 0\nA run/x 0\n");
	dirs_finish();
}

TEST("a call-back ends a comparison")
{
	struct told told = {.stop_at = 2};
	struct view_union *all = NULL, *none = NULL;
	struct view_stack *stack;
	char *error = NULL;

	ASSERT(dirs_init());
	dirs_dir("l");
	dirs_file("l/a", "");
	dirs_file("l/b", "");
	dirs_file("l/c", "");
	stack = dirs_open("l");
	ASSERT(stack);
	ASSERT(view_union_open(stack, 0, &all, &error) == 0 && view_union_open(stack, 1, &none, &error) == 0);
	EXPECT_INT(view_compare(none, all, 0, &calls, &told), 77);
	EXPECT_INT(told.n, 2);
	EXPECT_INT(view_compare(all, all, 0, &calls, &told), 0);
	EXPECT_INT(told.n, 2);
	EXPECT_INT(view_compare(all, none, 0, &calls, &told), 0);
	EXPECT_INT(told.n, 5);
	view_union_free(all);
	view_union_free(none);
	view_stack_free(stack);
	dirs_finish();
}
