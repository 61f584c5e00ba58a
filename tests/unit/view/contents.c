/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The contents of a layer are told in one way, be it a directory or packed.
 */
#include "view/contents.h"

#include <errno.h>

#include "../image/made.h"
#include "dirs.h"

struct told {
	char text[4096];
	unsigned n, stop_at;
};

static int tell(void *arg, const struct view_object *o)
{
	struct told *t = arg;
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof(t->text) - used, "%s %o %llu%s%s%s%s%s%s\n", o->path, o->mode,
		 (unsigned long long)o->size, o->whiteout ? " w" : "", o->opaque ? " o" : "", o->implied ? " i" : "",
		 o->hardlink ? " h" : "", o->link ? " " : "", o->link ? o->link : "");
	return ++t->n == t->stop_at ? 77 : 0;
}

static void expect_contents(const struct view_stack *stack, size_t layer, const char *wanted)
{
	struct told told = {.n = 0};
	char *error = NULL;

	EXPECT_INT(view_contents_each(stack, layer, tell, &told, &error), 0);
	EXPECT_STR(told.text, wanted);
	EXPECT(!error);
	free(error);
}

static int take(void *arg, const void *data, size_t len)
{
	strncat(arg, data, len);
	return 0;
}

static void expect_content(const struct view_stack *stack, size_t layer, const char *path, const char *wanted)
{
	char text[256] = "", *error = NULL;

	EXPECT_INT(view_contents_read(stack, layer, path, take, text, &error), 0);
	EXPECT_STR(text, wanted);
	free(error);
}

static void expect_refused(const struct view_stack *stack, size_t layer, const char *path, int err, const char *wanted)
{
	char text[256] = "", *error = NULL;

	EXPECT_INT(view_contents_read(stack, layer, path, take, text, &error), err);
	EXPECT_STR(error, wanted);
	free(error);
}

/* Names around "/" in the order of bytes, links that come before their file, whiteouts before their names. */
static const char wanted[] = " 40755 0\n"
			     "a 40755 0 o\n"
			     "a/x 100644 3\n"
			     "a/z 100644 0 h a/x\n"
			     "a/z9 40755 0\n"
			     "a/z9/deep 100644 4\n"
			     "a-b 100644 0\n"
			     "b 0 0 w\n"
			     "c 120777 0 a/x\n"
			     "d1 40755 0\n"
			     "d1/f 100644 0\n"
			     "d2 40755 0\n"
			     "d2/f 100644 0\n"
			     "d3 40755 0\n"
			     "d3/f 100644 0\n";

TEST("a directory is told with parents before children, by the bytes of components")
{
	struct view_stack *stack;
	struct told told = {.stop_at = 3};
	char *error = NULL;

	ASSERT(dirs_init());
	umask(022);
	dirs_dir("l");
	dirs_dir("l/a");
	dirs_dir("l/a/z9");
	dirs_file("l/a/z9/deep", "deep");
	dirs_file("l/a/z", "zzz");
	ASSERT(link("l/a/z", "l/a/x") == 0 && symlink("a/x", "l/c") == 0);
	dirs_file("l/a/.wh..wh..opq", "");
	dirs_file("l/a-b", "");
	dirs_file("l/.wh.b", "");
	for (const char *name = "312"; *name; name++) {
		char path[] = "l/d?/f";

		path[3] = *name;
		path[4] = '\0';
		dirs_dir(path);
		path[4] = '/';
		dirs_file(path, "");
	}
	stack = dirs_open("l");
	ASSERT(stack);
	expect_contents(stack, 0, wanted);
	expect_content(stack, 0, "a/z", "zzz");
	expect_refused(stack, 0, "b", -ENOENT, "@0:/b: the layer doesn't hold it");
	expect_refused(stack, 0, "a", -EISDIR, "@0:/a: Is a directory");
	expect_refused(stack, 0, "c", -EINVAL, "@0:/c: not a regular file");
	EXPECT_INT(view_contents_each(stack, 0, tell, &told, &error), 77);
	EXPECT_INT(told.n, 3);
	view_stack_free(stack);
	dirs_finish();
}

TEST("a whiteout beside an object of its name makes a directory opaque")
{
	struct view_stack *stack;

	ASSERT(dirs_init());
	umask(022);
	dirs_dir("l");
	dirs_dir("l/d");
	dirs_file("l/.wh.d", "");
	dirs_file("l/f", "1");
	dirs_file("l/.wh.f", "");
	stack = dirs_open("l");
	ASSERT(stack);
	expect_contents(stack, 0, " 40755 0\nd 40755 0 o\nf 100644 1\n");
	view_stack_free(stack);
	dirs_finish();
}

static struct view_stack *packed_stack(struct made *m, struct folder *f)
{
	char name[128], *error = NULL;
	struct view_stack *stack = NULL;

	made_layout(m, f);
	UNIT_PRINT(name, "oci:%s", f->path);
	if (view_stack_find(name, &stack, &error) == 0 && view_stack_open(stack, false, &error) == 0)
		return stack;
	printf("# %s\n", error);
	free(error);
	view_stack_free(stack);
	return NULL;
}

TEST("a packed layer is told as the same directory is")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack;

	m.n = 2;
	made_file(&m.tar[0], "b", "lower");
	made_end(&m.tar[0]);
	made_dir(&m.tar[1], "./");
	made_file(&m.tar[1], ".wh.b", "");
	made_dir(&m.tar[1], "a/");
	made_file(&m.tar[1], "a/z", "zzz");
	made_entry(&m.tar[1], (struct tar_made){.name = "a/x", .type = '1', .link = "a/z"}, "", 0);
	made_entry(&m.tar[1], (struct tar_made){.name = "c", .type = '2', .link = "a/x", .mode = 0777}, "", 0);
	made_file(&m.tar[1], "a-b", "");
	made_dir(&m.tar[1], "a/z9/");
	made_file(&m.tar[1], "a/z9/deep", "deep");
	made_file(&m.tar[1], "a/.wh..wh..opq", "");
	made_dir(&m.tar[1], "d2/");
	made_file(&m.tar[1], "d2/f", "");
	made_dir(&m.tar[1], "d1/");
	made_file(&m.tar[1], "d1/f", "");
	made_dir(&m.tar[1], "d3/");
	made_file(&m.tar[1], "d3/f", "");
	made_end(&m.tar[1]);
	stack = packed_stack(&m, &f);
	ASSERT(stack);
	EXPECT(!stack->set && stack->image);
	EXPECT_INT(stack->kind, VIEW_IMAGE);
	EXPECT_INT(view_layer_count(stack), 2);
	expect_contents(stack, 0, wanted);
	expect_contents(stack, 0, wanted);
	expect_contents(stack, 1, " 40755 0 i\nb 100644 5\n");
	expect_content(stack, 0, "a/x", "zzz");
	expect_content(stack, 1, "b", "lower");
	expect_refused(stack, 0, "b", -ENOENT, "@0:/b: the layer doesn't hold it");
	expect_refused(stack, 0, "a", -EISDIR, "@0:/a: Is a directory");
	expect_refused(stack, 0, "c", -EINVAL, "@0:/c: not a regular file");
	view_stack_free(stack);
}

TEST("facts of an image's layers are those of its config, topmost first")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack;
	const struct view_layer_facts *top, *below;
	char prefix[32];

	made_three(&m);
	stack = packed_stack(&m, &f);
	ASSERT(stack);
	top = view_layer_facts(stack, 0);
	below = view_layer_facts(stack, 1);
	EXPECT_STR(top->diff_id, bytes_digest(&m.tar[2]));
	EXPECT_STR(top->id, bytes_digest(&m.tar[2]) + 7);
	EXPECT_STR(top->parent, below->id);
	EXPECT_STR(below->diff_id, bytes_digest(&m.tar[1]));
	EXPECT(!view_layer_facts(stack, 2)->parent);
	EXPECT_STR(top->created, "2024-01-03T00:00:00Z");
	EXPECT_STR(top->created_by, "step 2");
	EXPECT(!top->directory && !top->upper);
	EXPECT_INT(top->compressed, m.tar[2].len);
	UNIT_PRINT(prefix, "%.12s", below->id);
	EXPECT_INT(view_stack_layer(stack, prefix), 1);
	EXPECT_INT(view_stack_layer(stack, below->diff_id), 1);
	EXPECT_INT(view_stack_layer(stack, "@3"), -ENOENT);
	EXPECT_INT(view_stack_layer(stack, f.path), -ENOENT);
	view_stack_free(stack);
}

TEST("a damaged layer is an error before anything is told")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack;
	struct told told = {.n = 0};
	char *error = NULL, name[128];

	made_three(&m);
	stack = packed_stack(&m, &f);
	ASSERT(stack);
	m.tar[2].data[0] ^= 1;
	UNIT_PRINT(name, "blobs/sha256/%s", view_layer_facts(stack, 0)->id);
	folder_write(&f, name, m.tar[2].data, m.tar[2].len);
	EXPECT_INT(view_contents_each(stack, 0, tell, &told, &error), -EBADMSG);
	EXPECT_INT(told.n, 0);
	EXPECT(error && !strchr(error, '\n'));
	free(error);
	view_stack_free(stack);
}
