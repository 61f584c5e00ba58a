/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Files whose metadata and data lie in different layers: where the resolver finds the data, and what is opened.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "fixture.h"
#include "unit.h"

/* Three layers, of which the first is the upper, and data-only layers 3 and 4. */
struct row {
	const char *items;
	const char *path;
	const char *data; /* "LAYER/PATH", "?/PATH" for one that is looked for later; NULL: it has its own */
	int res;
};

static const struct row rows[] = {
	{"0f/a 1f/a", "a", NULL, 0},
	/* by its own name */
	{"0m/a 1f/a", "a", "1/a", 0},
	{"0m/a 2f/a", "a", "2/a", 0},
	{"1m/a 2f/a", "a", "2/a", 0},
	{"0m/a 1m/a 2f/a", "a", "2/a", 0},
	{"0m/a 1f/a 2f/a", "a", "1/a", 0},
	{"0d/d 0m/d/a 1d/d 1f/d/a", "d/a", "1/d/a", 0},
	{"0r/d>e 0m/d/a 1d/e 1f/e/a", "d/a", "1/e/a", 0},
	{"0r/d>/p/e 0m/d/a 2d/p 2d/p/e 2f/p/e/a", "d/a", "2/p/e/a", 0},
	/* along a redirect */
	{"0m/a>b 1f/b 1f/a", "a", "1/b", 0},
	{"0m/a>b 1m/b>c 2f/c", "a", "2/c", 0},
	{"0m/a>/p/b 1d/p 1f/p/b", "a", "1/p/b", 0},
	{"0m/a>/p/b 1r/p>q 2d/q 2f/q/b", "a", "2/q/b", 0},
	{"0d/d 0m/d/a>/b 2f/b", "d/a", "2/b", 0},
	{"0d/d 0m/d/a>b 1d/d 1f/d/b", "d/a", "1/d/b", 0},
	{"0o/d 0m/d/a>/d/a 1d/d 1f/d/a", "d/a", "1/d/a", 0},
	/* in data-only layers */
	{"1m/a>/x/y 2f/b 3d/x", "a", "?/x/y", 0},
	{"2m/a>/b 3f/b", "a", "?/b", 0},
	{"0m/a 1m/a>/b 4f/b", "a", "?/b", 0},
	{"0m/a>/c 1m/c>/b 4f/b", "a", "?/b", 0},
	{"1m/a>/b 2f/b 3f/b", "a", "2/b", 0},
	{"0m/a>/b 3f/b", "a", NULL, -EIO},
	{"2m/a>b 3f/b", "a", NULL, -EIO},
	{"2m/a 3f/a", "a", NULL, -EIO},
	{"3f/a", "a", NULL, -ENOENT},
	/* nothing, or nothing that can be data */
	{"0m/a", "a", NULL, -EIO},
	{"0m/a 1w/a 2f/a", "a", NULL, -EIO},
	{"0m/a 1d/a 2f/a", "a", NULL, -EIO},
	{"0m/a 1l/a 2f/a", "a", NULL, -EIO},
	{"0d/d 0m/d/a 1x/d 1z/d/a 2d/d 2f/d/a", "d/a", NULL, -EIO},
	{"0m/a>/d/b 1x/d 1z/d/b 2d/d 2f/d/b", "a", NULL, -EIO},
	{"0m/a>b 1f/a", "a", NULL, -EIO},
	{"0m/a>/d/b 1o/d 2d/d 2f/d/b", "a", NULL, -EIO},
	{"0o/d 0m/d/a 1d/d 1f/d/a", "d/a", NULL, -EIO},
	{"0m/a>../b 1f/b", "a", NULL, -EINVAL},
	{"0m/a>/d/../b 1f/b", "a", NULL, -EINVAL},
	/* an xattr of another object than the topmost says nothing */
	{"0f/a 1m/a", "a", NULL, 0},
	{"0w/a 1m/a", "a", NULL, -ENOENT},
};

static void data_text(const struct resolved *r, char *text, size_t size)
{
	if (r->data_layer == LOWERDATA_LAZY)
		snprintf(text, size, "?/%s", r->data_path);
	else
		snprintf(text, size, "%u/%s", r->data_layer, r->data_path);
}

static void check_row(const struct row *row, bool listed)
{
	FIXTURE(f, .layers = 3, .data_layers = 2, .follow = true, .metacopy = true);
	char got[64] = "";
	struct resolved r;

	ASSERT(fixture_make(&f, row->items));
	if (listed)
		ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
	if (fixture_resolve(&f, row->path, &r) != row->res)
		UNIT_FAIL("%s: %s: not %d", row->items, row->path, row->res);
	if (row->res == 0 && r.metacopy)
		data_text(&r, got, sizeof(got));
	if (row->res == 0 && strcmp(got, row->data ? row->data : ""))
		UNIT_FAIL("%s: %s has its data in '%s', not '%s'", row->items, row->path, got,
			  row->data ? row->data : "");
	resolved_finish(&r);
	EXPECT(tree_check(f.tree));
}

TEST("data is looked for below by the name or along redirects, as in kernel overlayfs")
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		for (int listed = 0; listed < 2; listed++)
			check_row(&rows[i], listed);
}

static const struct row refused[] = {
	{"0m/a 1f/a", "a", NULL, -EPERM},
	{"1m/a>/b 3f/b", "a", NULL, -EPERM},
	{"0m/a>/b 3f/b", "a", NULL, -EPERM},
	{"2m/a>b 3f/b", "a", NULL, -EPERM},
	{"2m/a 3f/a", "a", NULL, -EPERM},
	/* by the lowest layer alone */
	{"2m/a>/b 3f/b", "a", "?/b", 0},
	{"1d/d 2d/d 2m/d/a>/b 3f/b", "d/a", "?/b", 0},
};

TEST("without metacopy=on only the lowest layer's files have data elsewhere, in data-only layers")
{
	for (size_t i = 0; i < sizeof(refused) / sizeof(refused[0]); i++) {
		FIXTURE(f, .layers = 3, .data_layers = 2);
		char got[64] = "";
		struct resolved r;

		ASSERT(fixture_make(&f, refused[i].items));
		if (fixture_resolve(&f, refused[i].path, &r) != refused[i].res)
			UNIT_FAIL("%s: not %d", refused[i].items, refused[i].res);
		if (refused[i].res == 0) {
			data_text(&r, got, sizeof(got));
			EXPECT_STR(got, refused[i].data);
		}
		resolved_finish(&r);
	}
}

static const char *read_data(struct fixture *f, const char *path)
{
	static char text[64];
	struct inode *inode = fixture_get(f, path);
	bool upper = true;
	int fd = inode ? inode_open_data(f->tree, inode, O_RDONLY, &upper) : -ENOENT;

	if (fd < 0) {
		snprintf(text, sizeof(text), "errno %d", -fd);
		return text;
	}
	EXPECT(!upper);
	snprintf(text, sizeof(text), "%s", fixture_read(fd));
	close(fd);
	return text;
}

TEST("the data that is opened is a regular file as long as its metadata says, in the first data-only layer that has "
     "one")
{
	FIXTURE(f, .layers = 3, .data_layers = 2, .follow = true, .metacopy = true);
	struct inode *inode;

	ASSERT(fixture_make(
		&f, "0m/a 1f/a 1m/b>/x 3f/x 4f/x 1m/c>/y 3d/y 4f/y 1m/d>/z 3l/z 1m/e>/none 1m/f>/longer 4f/longer"));
	EXPECT_STR(read_data(&f, "a"), "1/a");
	EXPECT_STR(read_data(&f, "b"), "3/x");
	EXPECT_STR(read_data(&f, "c"), "4/y");
	EXPECT_STR(read_data(&f, "c"), "4/y");
	EXPECT_STR(read_data(&f, "d"), "errno 5");
	EXPECT_STR(read_data(&f, "e"), "errno 5");
	EXPECT_STR(read_data(&f, "f"), "errno 5");
	inode = fixture_get(&f, "a");
	EXPECT_INT(inode_open_data(f.tree, inode, O_RDWR, NULL), -EROFS);
	EXPECT(tree_check(f.tree));
}

TEST("blocks are the data's once it was looked at")
{
	FIXTURE(f, .layers = 2, .data_layers = 1, .follow = true, .metacopy = true);
	struct inode *inode;
	struct statx stx;
	int fd;

	ASSERT(fixture_make(&f, "1m/a>/x 2f/x"));
	ASSERT((fd = openat(f.top_fd, "1/a", O_WRONLY | O_CLOEXEC)) >= 0);
	ASSERT_INT(ftruncate(fd, 1 << 20), 0);
	close(fd);
	ASSERT((fd = openat(f.top_fd, "2/x", O_WRONLY | O_CLOEXEC)) >= 0);
	ASSERT_INT(ftruncate(fd, 1 << 20), 0);
	close(fd);
	inode = fixture_get(&f, "a");
	ASSERT_INT(inode_statx(f.tree, inode, &stx), 0);
	EXPECT_INT(stx.stx_blocks, 2048);
	(void)read_data(&f, "a");
	ASSERT_INT(inode_statx(f.tree, inode, &stx), 0);
	EXPECT(stx.stx_blocks < 16);
}
