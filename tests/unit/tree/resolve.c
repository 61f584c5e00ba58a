/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a name is, over three layers: 0 is the upper.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "os/fs.h"
#include "unit.h"

struct row {
	const char *items;
	const char *path;
	const char *stack; /* directories: layers, topmost first; others: the layer and the kind f or l */
	int res;
	bool upper_whiteout;
};

#define SHOWN(items, path, stack)                                                                                      \
	{                                                                                                              \
		items, path, stack, 0, false                                                                           \
	}
#define GONE(items, path, upper_whiteout)                                                                              \
	{                                                                                                              \
		items, path, NULL, -ENOENT, upper_whiteout                                                             \
	}
#define REFUSED(items, path, res)                                                                                      \
	{                                                                                                              \
		items, path, NULL, res, false                                                                          \
	}

static const struct row rows[] = {
	/* files */
	SHOWN("0f/a", "a", "0f"),
	SHOWN("1f/a", "a", "1f"),
	SHOWN("2f/a", "a", "2f"),
	SHOWN("0f/a 1f/a 2f/a", "a", "0f"),
	SHOWN("1l/a 2f/a", "a", "1l"),
	GONE("2f/b", "a", false),
	/* whiteouts */
	GONE("0w/a 1f/a", "a", true),
	GONE("0w/a", "a", true),
	GONE("1w/a 2f/a", "a", false),
	SHOWN("0f/a 1w/a 2f/a", "a", "0f"),
	SHOWN("0d/a 1w/a 2d/a", "a", "0"),
	GONE("0d/d 1d/d 1f/d/a 0w/d/a", "d/a", true),
	/* whiteouts of the xattr form need a directory that says it has some */
	GONE("0d/d 1x/d 2d/d 1z/d/a 2f/d/a", "d/a", false),
	SHOWN("0d/d 1d/d 2d/d 1z/d/a 2f/d/a", "d/a", "1f"),
	SHOWN("0d/d 1x/d 2d/d 1e/d/a 2f/d/a", "d/a", "1f"),
	SHOWN("0d/d 1x/d 2d/d 0z/d/a 2f/d/a", "d/a", "0f"),
	SHOWN("1x/d 2d/d 2f/d/a", "d/a", "2f"),
	SHOWN("1x/d 2d/d", "d", "12"),
	/* directories */
	SHOWN("0d/d", "d", "0"),
	SHOWN("0d/d 1d/d 2d/d", "d", "012"),
	SHOWN("0d/d 2d/d", "d", "02"),
	SHOWN("1d/d 2d/d", "d", "12"),
	SHOWN("0d/d 1f/d 2d/d", "d", "0"),
	SHOWN("0f/d 1d/d", "d", "0f"),
	SHOWN("1d/d 2f/d", "d", "1"),
	/* opaque */
	SHOWN("0o/d 1d/d 2d/d", "d", "0"),
	SHOWN("0d/d 1o/d 2d/d", "d", "01"),
	SHOWN("0d/d 1d/d 2o/d", "d", "012"),
	GONE("0o/d 1d/d 1f/d/a", "d/a", false),
	GONE("0d/d 1o/d 2d/d 2f/d/a", "d/a", false),
	/* three levels, each from another layer */
	SHOWN("0d/d 1d/d 1d/d/e 2d/d 2d/d/e 2f/d/e/a", "d/e/a", "2f"),
	GONE("0d/d 2d/d 2d/d/e 1f/d 2f/d/e/a", "d/e", false),
	/* what isn't followed is refused, unless it has no say */
	REFUSED("0r/d 1d/d", "d", -EPERM),
	REFUSED("1r/d 2d/d", "d", -EPERM),
	REFUSED("0d/d 1r/d 2d/d", "d", -EPERM),
	SHOWN("0o/d 1r/d", "d", "0"),
	SHOWN("1d/d 2r/d", "d", "12"),
	REFUSED("0m/a 1f/a", "a", -EPERM),
	REFUSED("1m/a", "a", -EPERM),
	SHOWN("0f/a 1m/a", "a", "0f"),
};

/* With the aufs dialect. The layers are written in both orders of the mark and what it speaks of. */
static const struct row aufs_rows[] = {
	/* `.wh.NAME` hides what is below, and not what its own layer has */
	GONE("0e/.wh.a 1f/a", "a", false),
	GONE("1e/.wh.a 2f/a", "a", false),
	GONE("1d/.wh.a 2f/a", "a", false),
	GONE("1w/.wh.a 2f/a", "a", false),
	SHOWN("0f/a 0e/.wh.a 1f/a", "a", "0f"),
	SHOWN("1e/.wh.a 1f/a 2f/a", "a", "1f"),
	SHOWN("0e/.wh.d 0d/d 1d/d", "d", "0"),
	SHOWN("0d/d 0e/.wh.d 1d/d", "d", "0"),
	SHOWN("0d/d 1e/.wh.d 1d/d 2d/d", "d", "01"),
	SHOWN("0d/d 1d/d 1e/.wh.d 2d/d", "d", "01"),
	SHOWN("0d/d 1e/.wh.d 2d/d", "d", "0"),
	SHOWN("0d/d 2e/.wh.d 2d/d", "d", "02"),
	/* beside the kernel's forms */
	GONE("0w/a 0e/.wh.a 1f/a", "a", true),
	GONE("0e/.wh.a 1w/a 2f/a", "a", false),
	GONE("1w/a 1e/.wh.a 2f/a", "a", false),
	GONE("0d/d 1x/d 2d/d 1z/d/a 2f/d/a", "d/a", false),
	SHOWN("0o/d 1d/d", "d", "0"),
	/* opaque directories */
	SHOWN("0d/d 0e/d/.wh..wh..opq 1d/d", "d", "0"),
	SHOWN("0d/d 1d/d 1e/d/.wh..wh..opq 2d/d", "d", "01"),
	SHOWN("0d/d 1d/d 1l/d/.wh..wh..opq 2d/d", "d", "01"),
	SHOWN("0u/d 1d/d 2d/d", "d", "0"),
	SHOWN("0d/d 1u/d 2d/d", "d", "01"),
	GONE("0d/d 0e/d/.wh..wh..opq 1d/d 1f/d/a", "d/a", false),
	SHOWN("0f/a 0l/d 1d/d 1e/d/.wh..wh..opq", "d", "0l"),
	/* names that nobody has */
	GONE("0f/.wh.a", ".wh.a", false),
	GONE("1f/.wh..wh..opq", ".wh..wh..opq", false),
	GONE("1f/.wh.", ".wh.", false),
	GONE("1d/.wh..wh.plnk", ".wh..wh.plnk", false),
	GONE("0w/.wh.a", ".wh.a", false),
	/* what isn't a mark hides nothing */
	SHOWN("0e/.wh. 0e/.wh... 0e/.wh.b 0e/wh.a 1f/a", "a", "1f"),
	SHOWN("1f/.wh", ".wh", "1f"),
};

static void stack_text(const struct resolved *r, char text[16])
{
	size_t n = 0;

	if (!S_ISDIR(r->stx.stx_mode)) {
		snprintf(text, 16, "%u%c", r->layer, S_ISLNK(r->stx.stx_mode) ? 'l' : 'f');
		return;
	}
	if (r->in_upper)
		text[n++] = (char)('0' + r->upper_ref.layer);
	for (unsigned i = 0; i < r->n_lower; i++)
		text[n++] = (char)('0' + r->lower[i].layer);
	text[n] = '\0';
}

static void check_row(const struct row *row, bool listed, bool aufs)
{
	FIXTURE(f, .layers = 3, .aufs = aufs);
	char got[16] = "", parent[64];
	struct inode *dir;
	struct resolved r;

	ASSERT(fixture_make(&f, row->items));
	if (listed) {
		const char *slash = strrchr(row->path, '/');

		snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - row->path) : 0, row->path);
		if (fixture_lookup(&f, parent, &dir) == 0)
			ASSERT_INT(listing_build(f.tree, dir), 0);
	}
	if (fixture_resolve(&f, row->path, &r) != row->res)
		UNIT_FAIL("%s: %s: not %d", row->items, row->path, row->res);
	if (row->res == 0)
		stack_text(&r, got);
	if (row->res == 0 && strcmp(got, row->stack))
		UNIT_FAIL("%s: %s is %s, not %s", row->items, row->path, got, row->stack);
	if (row->res == -ENOENT && r.upper_whiteout != row->upper_whiteout)
		UNIT_FAIL("%s: %s: upper_whiteout is %d", row->items, row->path, r.upper_whiteout);
	resolved_finish(&r);
	EXPECT(tree_check(f.tree));
}

TEST("the topmost object decides; whiteouts and non-directories hide what is beneath; directories merge until an "
     "opaque one")
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], false, false);
}

TEST("with the listing known every name resolves to the same")
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], true, false);
}

TEST("with the aufs dialect its marks count in any layer, listed or not, and all else is as without it")
{
	for (int listed = 0; listed < 2; listed++) {
		for (size_t i = 0; i < sizeof(aufs_rows) / sizeof(aufs_rows[0]); i++)
			check_row(&aufs_rows[i], listed, true);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			check_row(&rows[i], listed, true);
	}
}

TEST("without the aufs dialect its marks are ordinary names")
{
	FIXTURE(f, .layers = 2);
	struct resolved r;

	ASSERT(fixture_make(&f, "0e/.wh.a 1f/a 0u/d 0e/d/.wh..wh..opq 1d/d"));
	ASSERT_INT(fixture_resolve(&f, "a", &r), 0);
	ASSERT_INT(fixture_resolve(&f, ".wh.a", &r), 0);
	ASSERT_INT(fixture_resolve(&f, "d/.wh..wh..opq", &r), 0);
	ASSERT_INT(fixture_resolve(&f, "d", &r), 0);
	EXPECT_INT(r.n_lower, 1);
	resolved_finish(&r);
}

TEST("the root of a layer with an opaque mark of the aufs dialect ends the union, a kernel's mark there doesn't")
{
	struct fixture_options options = {.layers = 3, .aufs = true};
	FIXTURE(f, .layers = 3, .aufs = true);
	struct resolved r;

	ASSERT(fixture_make(&f, "1e/.wh..wh..opq 1f/a 2f/b") && fixture_mark(&f, "0", XATTR_OVERLAY_OPAQUE, "y"));
	ASSERT(fixture_remount(&f, &options));
	EXPECT_INT(f.tree->root->dir->n_lower, 1);
	EXPECT_INT(fixture_resolve(&f, "a", &r), 0);
	EXPECT_INT(fixture_resolve(&f, "b", &r), -ENOENT);
	EXPECT(tree_check(f.tree));
}

TEST("a lower object counts as positive unless the aufs dialect's whiteout above it hides it")
{
	FIXTURE(f, .layers = 3, .aufs = true);

	ASSERT(fixture_make(&f, "0f/a 1e/.wh.a 2f/a 0f/b 1f/b 1e/.wh.b 0f/c 2e/.wh.c 2f/c"));
	EXPECT_INT(resolve_lower_positive(f.tree, f.tree->root, "a"), 0);
	EXPECT_INT(resolve_lower_positive(f.tree, f.tree->root, "b"), 1);
	EXPECT_INT(resolve_lower_positive(f.tree, f.tree->root, "c"), 1);
}

TEST("a name that has no room for the aufs dialect's prefix can't be hidden by it")
{
	FIXTURE(f, .layers = 2, .aufs = true);
	struct resolved r;
	char name[256];

	memset(name, 'n', sizeof(name) - 1);
	name[255] = '\0';
	ASSERT(fixture_make_one(&f, 1, 'f', name));
	EXPECT_INT(fixture_resolve(&f, name, &r), 0);
	memcpy(name, ".wh.", 4);
	ASSERT(fixture_make_one(&f, 0, 'e', name) && fixture_make_one(&f, 1, 'f', name + 4));
	EXPECT_INT(fixture_resolve(&f, name + 4, &r), -ENOENT);
}

TEST("a name longer than 255 bytes is refused")
{
	FIXTURE(f, .layers = 2);
	struct resolved r;
	char name[258];

	memset(name, 'n', sizeof(name));
	name[256] = '\0';
	EXPECT_INT(resolve_child(f.tree, f.tree->root, name, &r), -ENAMETOOLONG);
	name[255] = '\0';
	EXPECT_INT(resolve_child(f.tree, f.tree->root, name, &r), -ENOENT);
}

TEST("a merged directory has the inode number of its topmost lower directory, an upper-only one its own")
{
	FIXTURE(f, .layers = 3);
	struct resolved r;

	ASSERT(fixture_make(&f, "0d/d 1d/d 2d/d 0d/own 0o/op 1d/op 0f/a 2f/low"));
	ASSERT_INT(fixture_resolve(&f, "d", &r), 0);
	EXPECT_INT(r.ino, fixture_ino(&f, "1/d"));
	resolved_finish(&r);
	ASSERT_INT(fixture_resolve(&f, "own", &r), 0);
	EXPECT_INT(r.ino, fixture_ino(&f, "0/own"));
	EXPECT(!r.has_origin);
	resolved_finish(&r);
	ASSERT_INT(fixture_resolve(&f, "op", &r), 0);
	EXPECT_INT(r.ino, fixture_ino(&f, "0/op"));
	resolved_finish(&r);
	ASSERT_INT(fixture_resolve(&f, "a", &r), 0);
	EXPECT_INT(r.ino, fixture_ino(&f, "0/a"));
	ASSERT_INT(fixture_resolve(&f, "low", &r), 0);
	EXPECT_INT(r.ino, fixture_ino(&f, "2/low"));
	EXPECT(r.has_origin);
	EXPECT_INT(f.tree->root->ino, fixture_ino(&f, "1"));
}

TEST("the upper's root and the work directory can't be entered through a lower layer")
{
	FIXTURE(f, .layers = 2);
	struct resolved r;
	struct statx stx;

	ASSERT(fixture_make(&f, "1d/up 1d/work 1d/other"));
	ASSERT_INT(sys_statx(f.top_fd, "1", &stx), 0);
	f.set->upper_id.dev = f.set->work_id.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	f.set->upper_id.ino = fixture_ino(&f, "1/up");
	f.set->work_id.ino = fixture_ino(&f, "1/work");
	EXPECT_INT(fixture_resolve(&f, "up", &r), -ELOOP);
	EXPECT_INT(fixture_resolve(&f, "work", &r), -ELOOP);
	EXPECT_INT(fixture_resolve(&f, "other", &r), 0);
	resolved_finish(&r);
}

TEST("a lower object counts as positive unless a whiteout above it hides it")
{
	FIXTURE(f, .layers = 3);

	ASSERT(fixture_make(&f, "0f/a 1f/a 0f/b 1w/b 2f/b 0f/c 2d/c 0f/d"));
	EXPECT_INT(resolve_lower_positive(f.tree, f.tree->root, "a"), 1);
	EXPECT_INT(resolve_lower_positive(f.tree, f.tree->root, "b"), 0);
	EXPECT_INT(resolve_lower_positive(f.tree, f.tree->root, "c"), 1);
	EXPECT_INT(resolve_lower_positive(f.tree, f.tree->root, "d"), 0);
}

TEST("missing names in a deep stack lead to a listing, and then to no system call on the layers")
{
	FIXTURE(f, .layers = 40);
	struct resolved r;
	unsigned layer;

	ASSERT(fixture_make_one(&f, 39, 'f', "last"));
	for (unsigned i = 0; i < 4; i++)
		EXPECT_INT(fixture_resolve(&f, "nothing", &r), -ENOENT);
	EXPECT_INT(listing_find(f.tree, f.tree->root, "nothing", &layer), LISTING_ABSENT);
	EXPECT_INT(listing_find(f.tree, f.tree->root, "last", &layer), LISTING_PRESENT);
	EXPECT_INT(layer, 39);
	/* What is made behind the union's back isn't seen: nothing asked the layers. */
	ASSERT(fixture_make_one(&f, 7, 'f', "nothing"));
	EXPECT_INT(fixture_resolve(&f, "nothing", &r), -ENOENT);
	EXPECT_INT(fixture_resolve(&f, "last", &r), 0);
	EXPECT_INT(r.layer, 39);
}

TEST("with timeout=0 a lookup asks the layers again, whatever is kept")
{
	FIXTURE(f, .layers = 2, .revalidate = true);
	struct resolved r;

	ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
	ASSERT(fixture_make(&f, "1f/new"));
	EXPECT_INT(fixture_resolve(&f, "new", &r), 0);
}

TEST("the whiteout of a removed name is known to whoever creates it again, listing or not")
{
	FIXTURE(f, .layers = 2);
	struct resolved r;

	ASSERT(fixture_make(&f, "1f/a 1f/b"));
	ASSERT_INT(listing_build(f.tree, f.tree->root), 0);
	ASSERT(fixture_make(&f, "0w/a"));
	listing_remove(f.tree, f.tree->root, "a");
	EXPECT_INT(fixture_resolve(&f, "a", &r), -ENOENT);
	EXPECT(r.upper_whiteout);
	EXPECT_INT(fixture_resolve(&f, "c", &r), -ENOENT);
	EXPECT(!r.upper_whiteout);
}
