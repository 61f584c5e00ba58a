/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The model of plyctl explore: layers are told object by object, and views are compared with trees that were written by
 * hand.
 */
#include "view/browse.h"

#include <limits.h>
#include <sys/stat.h>

#include "unit.h"

static struct view_object object(const char *path, uint32_t mode, uint64_t size)
{
	return (struct view_object){.path = path, .mode = mode, .size = size};
}

static void add(struct browse *b, struct view_object o)
{
	EXPECT_INT(browse_add(b, &o), 0);
}

static void add_dir(struct browse *b, const char *path)
{
	add(b, object(path, S_IFDIR | 0755, 0));
}

static void add_opaque(struct browse *b, const char *path)
{
	struct view_object o = object(path, S_IFDIR | 0755, 0);

	o.opaque = true;
	add(b, o);
}

static void add_file(struct browse *b, const char *path, uint64_t size)
{
	add(b, object(path, S_IFREG | 0644, size));
}

static void add_whiteout(struct browse *b, const char *path)
{
	struct view_object o = object(path, 0, 0);

	o.whiteout = true;
	add(b, o);
}

/* All rows of a view in one line: a letter for the change, the name, the bytes; a directory's entries in brackets. */
static const char *drawn(struct browse *b, const struct browse_view *view)
{
	static char text[4096];
	static const char letters[] = {' ', '+', '~', '-'};
	char *out = text;
	unsigned depth = 0;

	*text = '\0';
	if (browse_show(b, view) < 0 || browse_open_all(b, UINT_MAX) < 0)
		return "failed";
	for (size_t i = 0; i < browse_rows(b); i++) {
		struct browse_row row;

		browse_row(b, i, &row);
		for (; depth > row.depth; depth--)
			out = stpcpy(out, ")");
		for (; depth < row.depth; depth++)
			out = stpcpy(out, "(");
		if (i && out[-1] != '(')
			out = stpcpy(out, " ");
		if (row.change)
			*out++ = letters[row.change];
		out += sprintf(out, "%s:%llu", row.name, (unsigned long long)row.bytes);
	}
	for (; depth > 0; depth--)
		out = stpcpy(out, ")");
	return text;
}

static struct browse_view merged(size_t layer)
{
	return (struct browse_view){.layer = layer, .merged = true};
}

static struct browse_view alone(size_t layer)
{
	return (struct browse_view){.layer = layer};
}

/* Three layers; they are told from the top, or from the bottom. */
static void tell_layer(struct browse *b, size_t layer)
{
	browse_begin_layer(b, layer);
	add_dir(b, "");
	if (layer == 2) {
		add_dir(b, "d");
		add_file(b, "d/a", 10);
		add_file(b, "d/b", 20);
		add_dir(b, "d/sub");
		add_file(b, "d/sub/deep", 5);
		add_file(b, "f", 100);
		add_dir(b, "o");
		add_file(b, "o/x", 7);
	} else if (layer == 1) {
		add_dir(b, "d");
		add_file(b, "d/b", 21);
		add_whiteout(b, "d/sub");
		add_whiteout(b, "f");
		add_opaque(b, "o");
		add_file(b, "o/y", 8);
	} else {
		add_dir(b, "d");
		add_dir(b, "d/sub");
		add_file(b, "d/sub/new", 1);
		add_file(b, "f", 50);
	}
}

static struct browse *three(bool top_first)
{
	struct browse *b = browse_new(3);

	for (size_t i = 0; i < 3; i++)
		tell_layer(b, top_first ? i : 2 - i);
	return b;
}

TEST("a view shows what the layer changed in what the layers below show")
{
	for (int top_first = 0; top_first < 2; top_first++) {
		struct browse *b = three(top_first);
		struct browse_view v = merged(2);

		EXPECT_STR(drawn(b, &v), "+d:35(+a:10 +b:20 +sub:5(+deep:5)) +f:100 +o:7(+x:7)");
		v = merged(1);
		EXPECT_STR(drawn(b, &v), "~d:31(a:10 ~b:21 -sub:5(-deep:5)) -f:100 ~o:8(-x:7 +y:8)");
		v = merged(0);
		EXPECT_STR(drawn(b, &v), "~d:32(a:10 b:21 +sub:1(+new:1)) +f:50 o:8(y:8)");
		EXPECT_INT(browse_total(b), 32 + 50 + 8);
		browse_free(b);
	}
}

TEST("a layer alone is its changes, and the way to them")
{
	struct browse *b = three(true);
	struct browse_view v = alone(1);

	EXPECT_STR(drawn(b, &v), "~d:21(~b:21 -sub:5(-deep:5)) -f:100 ~o:8(-x:7 +y:8)");
	v = alone(0);
	EXPECT_STR(drawn(b, &v), "~d:1(+sub:1(+new:1)) +f:50");
	EXPECT_INT(browse_layer(b, 1)->bytes, 29);
	EXPECT_INT(browse_layer(b, 1)->whiteouts, 2);
	EXPECT_INT(browse_layer(b, 1)->names, 4);
	browse_free(b);
}

TEST("kinds of changes are hidden")
{
	struct browse *b = three(true);
	struct browse_view v = merged(1);

	v.hide[BROWSE_DELETED] = true;
	EXPECT_STR(drawn(b, &v), "~d:31(a:10 ~b:21) ~o:8(+y:8)");
	v = merged(1);
	v.hide[BROWSE_SAME] = v.hide[BROWSE_CHANGED] = true;
	EXPECT_STR(drawn(b, &v), "~d:0(-sub:5(-deep:5)) -f:100 ~o:8(-x:7 +y:8)");
	browse_free(b);
}

TEST("a filter leaves names with its text, all below them, and the way to them")
{
	struct browse *b = three(true);
	struct browse_view v = merged(2);

	v.filter = "su";
	EXPECT_STR(drawn(b, &v), "+d:35(+sub:5(+deep:5))");
	v.filter = "DEEP";
	EXPECT_STR(drawn(b, &v), "");
	v.filter = "deep";
	EXPECT_INT(browse_show(b, &v), 0);
	EXPECT_INT(browse_rows(b), 3);
	v.filter = NULL;
	EXPECT_STR(drawn(b, &v), "+d:35(+a:10 +b:20 +sub:5(+deep:5)) +f:100 +o:7(+x:7)");
	browse_free(b);
}

TEST("files and directories take each other's names")
{
	struct browse *b = browse_new(3);
	struct browse_view v;

	browse_begin_layer(b, 2);
	add_dir(b, "");
	add_dir(b, "x");
	add_file(b, "x/old", 3);
	browse_begin_layer(b, 1);
	add_dir(b, "");
	add_file(b, "x", 9);
	browse_begin_layer(b, 0);
	add_dir(b, "");
	add_dir(b, "x");
	add_file(b, "x/new", 4);
	v = merged(1);
	EXPECT_STR(drawn(b, &v), "~x:9(-old:3)");
	v = merged(0);
	EXPECT_STR(drawn(b, &v), "~x:4(+new:4)");
	browse_free(b);
}

TEST("a whiteout that hides nothing is shown, and stays deleted below")
{
	struct browse *b = browse_new(2);
	struct browse_view v = merged(0);

	browse_begin_layer(b, 0);
	add_dir(b, "");
	add_whiteout(b, "none");
	browse_begin_layer(b, 1);
	add_dir(b, "");
	EXPECT_STR(drawn(b, &v), "-none:0");
	v = merged(1);
	EXPECT_STR(drawn(b, &v), "");
	browse_free(b);
}

TEST("the largest come first, and names in their order again")
{
	struct browse *b = three(true);
	struct browse_view v = merged(2);

	v.by_size = true;
	EXPECT_STR(drawn(b, &v), "+f:100 +d:35(+b:20 +a:10 +sub:5(+deep:5)) +o:7(+x:7)");
	v.by_size = false;
	EXPECT_STR(drawn(b, &v), "+d:35(+a:10 +b:20 +sub:5(+deep:5)) +f:100 +o:7(+x:7)");
	browse_free(b);
}

TEST("directories are open or closed, and stay so from layer to layer")
{
	struct browse *b = three(true);
	struct browse_view v = merged(2), below = merged(1);
	struct browse_row row;
	size_t at;

	EXPECT_INT(browse_show(b, &v), 0);
	EXPECT_INT(browse_rows(b), 3);
	browse_row(b, 0, &row);
	EXPECT_INT(row.is_directory && row.has_children && !row.is_open, 1);
	EXPECT_INT(browse_open(b, row.node, true), 0);
	EXPECT_INT(browse_rows(b), 6);
	EXPECT_INT(browse_show(b, &below), 0);
	EXPECT_INT(browse_rows(b), 6);
	EXPECT_INT(browse_open_all(b, 0), 0);
	EXPECT_INT(browse_rows(b), 3);
	EXPECT_INT(browse_reveal(b, browse_find(b, "deep", BROWSE_ROOT, false), &at), 0);
	browse_row(b, at, &row);
	EXPECT_STR(row.name, "deep");
	EXPECT_INT(row.depth, 2);
	browse_free(b);
}

TEST("a search goes on, back, and around")
{
	struct browse *b = three(true);
	struct browse_view v = merged(2);
	uint32_t a, x, first;

	EXPECT_INT(browse_show(b, &v), 0);
	a = browse_find(b, "a", BROWSE_ROOT, false);
	x = browse_find(b, "x", a, false);
	first = browse_find(b, "d", BROWSE_ROOT, false);
	EXPECT_INT(browse_find(b, "x", x, false), x);
	EXPECT_INT(browse_find(b, "x", x, true), x);
	EXPECT_INT(browse_find(b, "d", browse_find(b, "d", first, false), false), first);
	EXPECT_INT(browse_find(b, "d", browse_find(b, "deep", first, false), true), first);
	EXPECT_INT(browse_find(b, "nothing", first, false), BROWSE_NONE);
	browse_free(b);
}

TEST("a path and the layers that have it")
{
	struct browse *b = three(false);
	struct browse_view v = merged(2);
	size_t layers[3] = {9, 9, 9};
	uint32_t node;
	char *path;

	EXPECT_INT(browse_show(b, &v), 0);
	node = browse_find(b, "sub", BROWSE_ROOT, false);
	path = browse_path(b, node);
	EXPECT_STR(path, "d/sub");
	free(path);
	EXPECT_INT(browse_versions(b, node, layers, 2), 3);
	EXPECT_INT(layers[0] * 100 + layers[1] * 10 + layers[2], 19);
	path = browse_path(b, BROWSE_ROOT);
	EXPECT_STR(path, "");
	free(path);
	browse_free(b);
}

TEST("names have any bytes, and order is by bytes")
{
	struct browse *b = browse_new(1);
	struct browse_view v = merged(0);

	browse_begin_layer(b, 0);
	add_dir(b, "");
	add_file(b, "\xea\xb0\x80", 1);
	add_file(b, "\n", 2);
	add_file(b, "\xff", 3);
	add_dir(b, "a");
	add_file(b, "a/b", 4);
	add_file(b, "a-b", 5);
	EXPECT_STR(drawn(b, &v), "+\n:2 +a:4(+b:4) +a-b:5 +\xea\xb0\x80:1 +\xff:3");
	browse_free(b);
}

TEST("paths that are none are refused, and what lies nowhere isn't shown")
{
	struct browse *b = browse_new(1);
	struct browse_view v = merged(0);
	static const char *const wrong[] = {"/a", "a//b", "a/"};

	browse_begin_layer(b, 0);
	add_dir(b, "");
	for (size_t i = 0; i < sizeof(wrong) / sizeof(*wrong); i++) {
		struct view_object o = object(wrong[i], S_IFREG, 1);

		EXPECT_INT(browse_add(b, &o) < 0, 1);
	}
	add_file(b, "no/parent", 1);
	EXPECT_STR(drawn(b, &v), "");
	browse_free(b);
}

TEST("a name that comes twice in a layer counts once")
{
	struct browse *b = browse_new(1);
	struct browse_view v = merged(0);

	browse_begin_layer(b, 0);
	add_dir(b, "");
	add_file(b, "b", 1);
	add_file(b, "a", 2);
	add_file(b, "b", 3);
	EXPECT_STR(drawn(b, &v), "+a:2 +b:3");
	EXPECT_INT(browse_count(b), 2);
	browse_free(b);
}

TEST("a view of half of the layers is one, and the rest comes later")
{
	struct browse *b = browse_new(3);
	struct browse_view v = merged(1);

	tell_layer(b, 1);
	EXPECT_STR(drawn(b, &v), "+d:21(+b:21 -sub:0) -f:0 +o:8(+y:8)");
	tell_layer(b, 2);
	tell_layer(b, 0);
	EXPECT_STR(drawn(b, &v), "~d:31(a:10 ~b:21 -sub:5(-deep:5)) -f:100 ~o:8(-x:7 +y:8)");
	browse_free(b);
}
