/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Names of stacks and layers, and the options that mountinfo prints.
 */
#include "../../../src/view/internal.h"

#include <errno.h>

#include "dirs.h"

static void expect_options(const char *printed, const char *wanted)
{
	char *text = view_overlay_options(printed);

	EXPECT_STR(text, wanted);
	free(text);
}

TEST("options of kernel overlayfs become options of plyfs")
{
	expect_options("rw,lowerdir=/a:/b,upperdir=/u,workdir=/w,index=off",
		       "lowerdir=/a:/b,upperdir=/u,workdir=/w,index=off,ro");
	expect_options("ro,lowerdir+=/a,lowerdir+=/b,datadir+=/d,userxattr",
		       "lowerdir+=/a,lowerdir+=/b,datadir+=/d,userxattr,ro");
	expect_options("rw,xino=off,redirect_dir=on", "ro");
	expect_options("", "ro");
}

TEST("paths of mountinfo are decoded, and escaped for the parser")
{
	/* What the caller of mount(2) has escaped stays so. */
	expect_options("lowerdir=/a\\134:b:/c\\134\\134d", "lowerdir=/a\\:b:/c\\\\d,ro");
	expect_options("lowerdir=/a\\040b\\134\\054c", "lowerdir=/a b\\,c,ro");
	/* fsconfig(2) needs no escape of a comma. */
	expect_options("lowerdir=/a\\054b", "lowerdir=/a\\,b,ro");
	/* Linux 6.5 prints a colon in a name in octal. */
	expect_options("lowerdir=/a\\072b:/c", "lowerdir=/a\\:b:/c,ro");
	expect_options("lowerdir+=/a\\072b\\054c", "lowerdir+=/a\\:b\\,c,ro");
	expect_options("upperdir=/a:b\\134c", "upperdir=/a\\:b\\\\c,ro");
}

static void expect_error(const char *name, int err, const char *wanted)
{
	struct view_stack *stack = NULL;
	char *error = NULL;

	EXPECT_INT(view_stack_find(name, &stack, &error), err);
	EXPECT_STR(error, wanted);
	EXPECT(!stack);
	free(error);
}

TEST("a name that is no stack has one line with the cause")
{
	ASSERT(dirs_init());
	expect_error("missing", -ENOENT, "missing: No such file or directory");
	expect_error("new\nline", -ENOENT, "new?line: No such file or directory");
	expect_error("oci:x", -ENOENT, "oci:x: x: No such file or directory");
	dirs_file("file", "");
	expect_error("file", -ENOTDIR, "file: Not a directory");
	dirs_dir("x.mstack");
	expect_error("x.mstack", -EINVAL, "x.mstack: it has no layer@ID");
	dirs_finish();
}

TEST("an mstack has its layers by version, and the upper on top")
{
	struct view_stack *stack;

	ASSERT(dirs_init());
	dirs_dir("x.mstack");
	dirs_dir("x.mstack/layer@2");
	dirs_dir("x.mstack/layer@10");
	dirs_dir("x.mstack/other");
	dirs_dir("x.mstack/rw");
	dirs_dir("x.mstack/rw/data");
	stack = dirs_open("x.mstack");
	ASSERT(stack);
	EXPECT_INT(stack->kind, VIEW_MSTACK);
	EXPECT(stack->has_upper);
	ASSERT(stack->options.layer_count == 3);
	EXPECT_STR(stack->options.layers[0].path, "x.mstack/rw/data");
	EXPECT_STR(stack->options.layers[1].path, "x.mstack/layer@10");
	EXPECT_STR(stack->options.layers[2].path, "x.mstack/layer@2");
	view_stack_free(stack);
	dirs_finish();
}

TEST("names of directories may have colons, commas and backslashes")
{
	struct view_stack *stack;

	ASSERT(dirs_init());
	dirs_dir("a,b:c\\d");
	dirs_dir("e");
	stack = dirs_open("a,b\\:c\\\\d:e");
	ASSERT(stack);
	ASSERT(stack->options.layer_count == 2);
	EXPECT_STR(stack->options.layers[0].path, "a,b:c\\d");
	view_stack_free(stack);
	/* A directory of this name is there. */
	stack = dirs_open("a,b:c\\d");
	ASSERT(stack);
	EXPECT_INT(stack->options.layer_count, 1);
	view_stack_free(stack);
	dirs_finish();
}

TEST("a layer is named by its number, its id or its directory")
{
	struct view_stack *stack;
	char id[VIEW_ID_HEX + 1], other[VIEW_ID_HEX + 1];

	ASSERT(dirs_init());
	dirs_dir("a");
	dirs_dir("b");
	stack = dirs_open("a:b");
	ASSERT(stack);
	ASSERT(view_layer_id(&stack->set->layers[1], id) == 0 && view_layer_id(&stack->set->layers[0], other) == 0);
	EXPECT(strcmp(id, other) != 0);
	EXPECT_INT(strlen(id), VIEW_ID_HEX);
	EXPECT_INT(view_stack_layer(stack, "@0"), 0);
	EXPECT_INT(view_stack_layer(stack, "@1"), 1);
	EXPECT_INT(view_stack_layer(stack, "@2"), -ENOENT);
	EXPECT_INT(view_stack_layer(stack, "@"), -ENOENT);
	EXPECT_INT(view_stack_layer(stack, "@-1"), -ENOENT);
	EXPECT_INT(view_stack_layer(stack, "@1x"), -ENOENT);
	EXPECT_INT(view_stack_layer(stack, id), 1);
	id[12] = '\0';
	EXPECT_INT(view_stack_layer(stack, id), 1);
	id[3] = '\0';
	EXPECT_INT(view_stack_layer(stack, id), -ENOENT);
	EXPECT_INT(view_stack_layer(stack, "./b"), 1);
	EXPECT_INT(view_stack_layer(stack, "c"), -ENOENT);
	view_stack_free(stack);
	dirs_finish();
}
