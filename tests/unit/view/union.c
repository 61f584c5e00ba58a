/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Unions of layers that lie in an archive: compared, and explained. Lines are "K PATH", or of an explained path "LAYER
 * ROLE".
 */
#include "view/union.h"

#include <errno.h>

#include "../image/made.h"
#include "dirs.h"
#include "view/compare.h"
#include "view/explain.h"

struct told {
	char text[4096];
	int failed;
};

static int tell_change(void *arg, const struct view_change *change)
{
	struct told *t = arg;
	size_t used = strlen(t->text);

	snprintf(t->text + used, sizeof(t->text) - used, "%c %s %x\n", change->kind, change->path, change->differs);
	return 0;
}

static int tell_failure(void *arg, const char *path, int err)
{
	((struct told *)arg)->failed = err;
	return 0;
}

static const struct view_compare_calls calls = {.change = tell_change, .failed = tell_failure};

static struct view_stack *open_stack(const char *name)
{
	struct view_stack *stack = NULL;
	char *error = NULL;

	if (view_stack_find(name, &stack, &error) == 0 && view_stack_open(stack, true, &error) == 0)
		return stack;
	printf("# %s\n", error);
	free(error);
	view_stack_free(stack);
	return NULL;
}

static struct view_stack *packed(struct made *m, struct folder *f)
{
	char name[128];

	for (unsigned i = 0; i < m->n; i++)
		made_end(&m->tar[i]);
	made_layout(m, f);
	UNIT_PRINT(name, "oci:%s", f->path);
	return open_stack(name);
}

static void expect_compared(const struct view_stack *old, size_t old_first, const struct view_stack *new,
			    size_t new_first, unsigned flags, const char *wanted)
{
	struct told told = {.text = ""};
	struct view_union *a = NULL, *b = NULL;
	char *error = NULL;

	ASSERT(view_union_open(old, old_first, &a, &error) == 0 && view_union_open(new, new_first, &b, &error) == 0);
	EXPECT_INT(view_compare(a, b, flags, &calls, &told), 0);
	EXPECT_STR(told.text, wanted);
	EXPECT_INT(told.failed, 0);
	view_union_free(a);
	view_union_free(b);
}

static void expect_layer(const struct view_stack *stack, size_t layer, const char *wanted)
{
	struct told told = {.text = ""};
	struct view_union *below = NULL, *all = NULL;
	char *error = NULL;

	ASSERT(view_union_open(stack, layer + 1, &below, &error) == 0 &&
	       view_union_open_above(below, &all, &error) == 0);
	EXPECT_INT(view_compare(below, all, VIEW_COMPARE_TOP | VIEW_COMPARE_BYTES, &calls, &told), 0);
	EXPECT_STR(told.text, wanted);
	view_union_free(below);
	view_union_free(all);
	expect_compared(stack, layer + 1, stack, layer, VIEW_COMPARE_TOP | VIEW_COMPARE_BYTES, wanted);
	/* The same, without knowing that the layers are the same. */
	expect_compared(stack, layer + 1, stack, layer, VIEW_COMPARE_BYTES, wanted);
}

/* The lowest layer: d with a file of each kind of fate, and e. */
static void make_base(struct made *m)
{
	made_dir(&m->tar[0], "d/");
	made_file(&m->tar[0], "d/gone", "1");
	made_file(&m->tar[0], "d/same", "1");
	made_file(&m->tar[0], "d/size", "1");
	made_dir(&m->tar[0], "e/");
	made_dir(&m->tar[0], "e/sub/");
	made_file(&m->tar[0], "e/sub/x", "1");
	made_file(&m->tar[0], "e/y", "1");
	made_file(&m->tar[0], "f", "1");
}

TEST("whiteouts hide what is below, before and behind the objects of their layer")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack;

	m.n = 3;
	make_base(&m);
	made_dir(&m.tar[1], "d/");
	made_file(&m.tar[1], "d/size", "12");
	made_file(&m.tar[1], "d/.wh.gone", "");
	made_file(&m.tar[1], "d/same", "1");
	made_file(&m.tar[1], ".wh.e", "");
	made_file(&m.tar[1], ".wh.nothing", "");
	/* A whiteout of a file that its own layer has. */
	made_file(&m.tar[2], "f", "2");
	made_file(&m.tar[2], ".wh.f", "");
	made_dir(&m.tar[2], "e/");
	stack = packed(&m, &f);
	ASSERT(stack);
	expect_layer(stack, 2,
		     "A d 0\nA d/gone 0\nA d/same 0\nA d/size 0\nA e 0\nA e/sub 0\nA e/sub/x 0\nA e/y 0\nA f 0\n");
	expect_layer(stack, 1, "C d 0\nD d/gone 0\nC d/size 8\nD e 0\n");
	expect_layer(stack, 0, "A e 0\nC f 100\n");
	expect_compared(stack, 3, stack, 3, 0, "");
	expect_compared(stack, 0, stack, 2, 0,
			"C d 0\nA d/gone 0\nC d/size 8\nC e 0\nA e/sub 0\nA e/sub/x 0\nA e/y 0\n");
	view_stack_free(stack);
}

TEST("opaque markers hide what is below in any position, also of directories that no layer lists")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack;

	m.n = 4;
	make_base(&m);
	made_file(&m.tar[1], "e/new", "1");
	made_file(&m.tar[1], "e/.wh..wh..opq", "");
	made_file(&m.tar[2], "e/sub/deep/z", "1");
	made_file(&m.tar[3], "e", "a file");
	made_dir(&m.tar[3], "f/");
	made_file(&m.tar[3], "f/in", "1");
	stack = packed(&m, &f);
	ASSERT(stack);
	expect_layer(stack, 2, "C e 0\nA e/new 0\nD e/sub 0\nD e/y 0\n");
	expect_layer(stack, 1, "C e 0\nA e/sub 0\nA e/sub/deep 0\nA e/sub/deep/z 0\n");
	expect_layer(stack, 0, "C e 1\nC f 1\nA f/in 0\n");
	view_stack_free(stack);
}

TEST("a hard link has what its file has, in its layer or below")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack;

	m.n = 2;
	make_base(&m);
	made_entry(&m.tar[1], (struct tar_made){.name = "a", .type = '1', .link = "f"}, "", 0);
	made_entry(&m.tar[1], (struct tar_made){.name = "b", .type = '1', .link = "a"}, "", 0);
	made_entry(&m.tar[1], (struct tar_made){.name = "d/size", .type = '1', .link = "d/same"}, "", 0);
	made_entry(&m.tar[1], (struct tar_made){.name = "e/y", .type = '1', .link = "z"}, "", 0);
	made_file(&m.tar[1], "z", "2");
	stack = packed(&m, &f);
	ASSERT(stack);
	expect_layer(stack, 0, "A a 0\nA b 0\nC e/y 100\nA z 0\n");
	view_stack_free(stack);
}

TEST("an archive is compared with directories, and times by their second")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack, *dirs;

	ASSERT(dirs_init());
	umask(022);
	m.n = 2;
	made_dir(&m.tar[0], "d/");
	made_file(&m.tar[0], "d/same", "1");
	made_file(&m.tar[0], "d/gone", "1");
	made_file(&m.tar[0], "other", "1");
	made_entry(&m.tar[0], (struct tar_made){.name = "link", .type = '2', .link = "d", .mode = 0777}, "", 0);
	made_file(&m.tar[1], "d/.wh.gone", "");
	stack = packed(&m, &f);
	ASSERT(stack);
	dirs_dir("l");
	dirs_dir("l/d");
	dirs_file("l/d/same", "1");
	dirs_file("l/d/more", "1");
	dirs_file("l/other", "2");
	ASSERT(symlink("d", "l/link") == 0);
	dirs = dirs_open("l");
	ASSERT(dirs);
	expect_compared(stack, 0, dirs, 0, VIEW_COMPARE_CONTENT, "C d 0\nA d/more 0\nC other 100\n");
	expect_compared(dirs, 0, stack, 0, VIEW_COMPARE_CONTENT, "C d 0\nD d/more 0\nC other 100\n");
	expect_compared(stack, 1, dirs, 0, VIEW_COMPARE_CONTENT, "C d 0\nD d/gone 0\nA d/more 0\nC other 100\n");
	view_stack_free(stack);
	view_stack_free(dirs);
	dirs_finish();
}

TEST("an entry below a file is refused in one line")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack;
	struct view_union *u = NULL;
	char *error = NULL;

	m.n = 1;
	made_file(&m.tar[0], "a", "");
	made_file(&m.tar[0], "a/b", "");
	stack = packed(&m, &f);
	ASSERT(stack);
	EXPECT_INT(view_union_open(stack, 0, &u, &error), -EBADMSG);
	EXPECT(error && strstr(error, ": @0: an entry lies below one that is no directory"));
	free(error);
	view_stack_free(stack);
}

/* --- explained ---------------------------------------------------------------------------------------------------- */

static int tell_explained(void *arg, const struct view_explained *explained)
{
	static const char *const roles[] = {"hidden", "top", "part", "data"};
	static const char *const whys[] = {"", "object", "whiteout", "opaque", "redirect", "index", "error"};
	const struct tree_walk_entry *e = explained->entry;
	struct told *t = arg;
	size_t used = 0;

	*t->text = '\0';
	for (unsigned i = 0; i < e->n_says; i++) {
		const struct tree_say *s = &e->says[i];

		used += (size_t)snprintf(t->text + used, sizeof(t->text) - used, "%u %s", s->layer,
					 s->object ? roles[s->role] : "whiteout");
		if (s->object && s->role == TREE_SAY_HIDDEN)
			used += (size_t)snprintf(t->text + used, sizeof(t->text) - used, " %s %u", whys[s->why], s->by);
		used += (size_t)snprintf(t->text + used, sizeof(t->text) - used, "\n");
	}
	if (explained->content)
		snprintf(t->text + used, sizeof(t->text) - used, "= %u:%s %llu\n", e->data_layer, explained->content,
			 (unsigned long long)e->stx.stx_size);
	return 0;
}

static void expect_explained(const struct view_stack *stack, const char *path, int result, const char *wanted)
{
	struct told told = {.text = ""};
	char *error = NULL;

	EXPECT_INT(view_explain(stack, path, tell_explained, &told, &error), result);
	EXPECT_STR(told.text, wanted);
	free(error);
}

static void expect_all_explained(const struct view_stack *stack)
{
	expect_explained(stack, "f", 0, "0 top\n2 hidden object 0\n= 0:f 3\n");
	expect_explained(stack, "d", 0, "1 top\n2 part\n= 1:d 0\n");
	expect_explained(stack, "d/gone", 0, "1 whiteout\n2 hidden whiteout 1\n");
	expect_explained(stack, "d/same", 0, "2 top\n= 2:d/same 1\n");
	expect_explained(stack, "e", 0, "0 top\n2 hidden opaque 0\n= 0:e 0\n");
	expect_explained(stack, "e/sub/x", 0, "2 hidden opaque 0\n");
	expect_explained(stack, "no", -ENOENT, "");
	expect_explained(stack, "f/below", -ENOENT, "");
	expect_explained(stack, "no/where", -ENOENT, "");
}

TEST("a path of an archive is explained as the same directories are")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack, *dirs;

	m.n = 3;
	make_base(&m);
	made_dir(&m.tar[1], "d/");
	made_file(&m.tar[1], "d/.wh.gone", "");
	made_dir(&m.tar[2], "e/");
	made_file(&m.tar[2], "e/.wh..wh..opq", "");
	made_file(&m.tar[2], "f", "new");
	stack = packed(&m, &f);
	ASSERT(stack);
	expect_all_explained(stack);
	view_stack_free(stack);

	ASSERT(dirs_init());
	for (const char *const *dir = (const char *const[]){"0", "0/d", "0/e", "0/e/sub", "1", "1/d", "2", "2/e", NULL};
	     *dir; dir++)
		dirs_dir(*dir);
	dirs_file("0/d/gone", "1");
	dirs_file("0/d/same", "1");
	dirs_file("0/e/sub/x", "1");
	dirs_file("0/f", "1");
	dirs_file("1/d/.wh.gone", "");
	dirs_file("2/e/.wh..wh..opq", "");
	dirs_file("2/f", "new");
	dirs = dirs_open("2:1:0");
	ASSERT(dirs);
	expect_explained(dirs, "f", 0, "0 top\n2 hidden object 0\n= 0:f 3\n");
	expect_explained(dirs, "d/gone", 0, "1 whiteout\n2 hidden whiteout 1\n");
	expect_explained(dirs, "e/sub/x", 0, "2 hidden opaque 0\n");
	expect_explained(dirs, "no", -ENOENT, "");
	view_stack_free(dirs);
	dirs_finish();
}

TEST("a hard link to a file of a layer below is explained by that layer")
{
	MADE(m);
	FOLDER(f);
	struct view_stack *stack;

	m.n = 2;
	make_base(&m);
	made_entry(&m.tar[1], (struct tar_made){.name = "a", .type = '1', .link = "d/same"}, "", 0);
	stack = packed(&m, &f);
	ASSERT(stack);
	expect_explained(stack, "a", 0, "0 top\n= 1:d/same 1\n");
	view_stack_free(stack);
}
