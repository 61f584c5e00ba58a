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
#include <unistd.h>

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
	REFUSED("0r/d 1d/elsewhere", "d", -EPERM),
	REFUSED("1r/d 2d/elsewhere", "d", -EPERM),
	REFUSED("0d/d 1r/d 2d/elsewhere", "d", -EPERM),
	REFUSED("0r/d>e 2d/e", "d", -EPERM),
	REFUSED("0r/d 1d/d", "d", -EPERM),
	REFUSED("1r/d 2d/d", "d", -EPERM),
	SHOWN("0o/d 1r/d", "d", "0"),
	SHOWN("1d/d 2r/d", "d", "12"),
	REFUSED("0m/a 1f/a", "a", -EPERM),
	REFUSED("1m/a", "a", -EPERM),
	SHOWN("0f/a 1m/a", "a", "0f"),
};

/* With the aufs dialect. The layers are written in both orders of `.wh.NAME` and NAME. */
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
	/* what isn't a whiteout hides nothing */
	SHOWN("0e/.wh. 0e/.wh... 0e/.wh.b 0e/wh.a 1f/a", "a", "1f"),
	SHOWN("1f/.wh", ".wh", "1f"),
};

/* With redirects followed; where the lower refs of the result lie. */
struct followed {
	const char *items;
	const char *path;
	const char *stack;
	const char *paths; /* "-" for one that lies by the directory's own name */
	int res;
};

static const struct followed followed[] = {
	/* a name in the same parent */
	{"0r/d>e 1d/e 2d/e", "d", "012", "e e", 0},
	{"0r/d>d 1d/d 2d/d", "d", "012", "- -", 0},
	{"0r/d>e 1d/d 2d/d", "d", "0", "", 0},
	{"0r/d>e 2d/e", "d", "02", "e", 0},
	{"0d/p 1d/p 2d/p 0r/p/d>e 1d/p/e 2d/p/e", "p/d", "012", "p/e p/e", 0},
	{"1r/d>e 2d/e", "d", "12", "- e", 0},
	{"0d/d 1r/d>e 2d/e", "d", "012", "- e", 0},
	{"0r/d>e 1r/e>g 2d/g 2d/e", "d", "012", "e g", 0},
	{"0r/d>e 1d/d 1w/e 2d/e", "d", "0", "", 0},
	{"0r/d>e 1f/e 2d/e", "d", "0", "", 0},
	{"0r/d>e 1o/e 2d/e", "d", "01", "e", 0},
	{"0r/d>e 2f/e", "d", "0", "", 0},
	{"0r/d>e 1l/e 2d/e", "d", "0", "", 0},
	/* a path */
	{"0r/d>/e 1d/e 2d/e", "d", "012", "e e", 0},
	{"0d/p 0r/p/d>/e 1d/e 2d/e", "p/d", "012", "e e", 0},
	{"0d/p 1d/p 0r/p/d>/e 2d/e", "p/d", "02", "e", 0},
	{"0o/p 1d/p 1d/p/d 0r/p/d>/p/d", "p/d", "01", "p/d", 0},
	{"0r/d>/p/e 1d/p 1d/p/e 2d/p 2d/p/e", "d", "012", "p/e p/e", 0},
	{"0r/d>/p/e 2d/p 2d/p/e", "d", "02", "p/e", 0},
	{"0r/d>/p/e 1d/p 2d/p 2d/p/e", "d", "02", "p/e", 0},
	{"0r/d>/p/e 1w/p 2d/p 2d/p/e", "d", "0", "", 0},
	{"0r/d>/p/e 1f/p 2d/p 2d/p/e", "d", "0", "", 0},
	{"0r/d>/p/e 1l/p 2d/p 2d/p/e", "d", "0", "", 0},
	{"0r/d>/p/e 1d/p 1w/p/e 2d/p 2d/p/e", "d", "0", "", 0},
	{"0r/d>/p/e 1o/p 2d/p 2d/p/e", "d", "0", "", 0},
	{"0r/d>/p/e 1o/p 1d/p/e 2d/p 2d/p/e", "d", "01", "p/e", 0},
	{"0r/d>/p/e 1d/p 1o/p/e 2d/p 2d/p/e", "d", "01", "p/e", 0},
	{"0r/d>/target 1l/target 2d/target", "d", "0", "", 0},
	/* redirects on the way */
	{"0r/d>/p/e 1r/p>q 1d/p/e 2d/p 2d/p/e 2d/q 2d/q/e", "d", "012", "p/e q/e", 0},
	{"0r/d>/p/e 1r/p>q 2d/p 2d/p/e 2d/q 2d/q/e", "d", "02", "q/e", 0},
	{"0r/d>/p/e 1r/p>/q/r 1d/p/e 2d/q 2d/q/r 2d/q/r/e", "d", "012", "p/e q/r/e", 0},
	{"0r/d>/p/e 1d/p 1r/p/e>g 2d/p 2d/p/g", "d", "012", "p/e p/g", 0},
	{"0r/d>/p/e 1r/p>q 1r/p/e>g 2d/q 2d/q/g", "d", "012", "p/e q/g", 0},
	{"0r/d>/p/e 1d/p 1r/p/e>/g 2d/g 2d/p 2d/p/e", "d", "012", "p/e g", 0},
	{"0r/d>/p/e 1o/p 1r/p/e>/g 2d/g 2d/p 2d/p/e", "d", "012", "p/e g", 0},
	{"0r/d>/p/e 1o/p 1r/p/e>g 2d/p 2d/p/g", "d", "01", "p/e", 0},
	{"1r/d>/p/e 2d/p 2d/p/e", "d", "12", "- p/e", 0},
	/* what lies inside is reached through it */
	{"0r/d>/p/e 1d/p 1d/p/e 1d/p/e/s 1f/p/e/s/f 2d/p 2d/p/e 2d/p/e/s", "d/s", "12", "- -", 0},
	{"0r/d>/p/e 1d/p 1d/p/e 2d/p 2d/p/e 2f/p/e/f", "d/f", "2f", "", 0},
	{"0r/d>e 0r/d/s>t 1d/e 1d/e/t 2d/e 2d/e/t", "d/s", "012", "e/t e/t", 0},
	/* what isn't to be followed; of the lowest layer nothing is read */
	{"0r/d>.. 1d/d", "d", NULL, NULL, -EINVAL},
	{"0r/d>. 1d/d", "d", NULL, NULL, -EINVAL},
	{"0r/d>/../x 1d/x", "d", NULL, NULL, -EINVAL},
	{"0r/d>/x/../x 1d/x", "d", NULL, NULL, -EINVAL},
	{"0r/d>/ 1d/x", "d", NULL, NULL, -EINVAL},
	{"0r/d>x/y 1d/x 1d/x/y", "d", NULL, NULL, -EINVAL},
	{"0d/d 1d/d 2r/d>..", "d", "012", "- -", 0},
	{"0o/d 1r/d>..", "d", "0", "", 0},
};

/* Names of the aufs dialect count on the way as well. */
static const struct followed aufs_followed[] = {
	{"0r/d>/p/e 1e/.wh.p 2d/p 2d/p/e", "d", "0", "", 0},
	{"0r/d>/p/e 1d/p 1e/p/.wh.e 2d/p 2d/p/e", "d", "0", "", 0},
	{"0r/d>/p/e 1d/p 1d/p/e 1e/p/.wh.e 2d/p 2d/p/e", "d", "01", "p/e", 0},
	{"0r/d>/p/e 1d/p 1e/p/.wh..wh..opq 2d/p 2d/p/e", "d", "0", "", 0},
	{"0r/d>e 0e/.wh.d 1d/d 1d/e", "d", "01", "e", 0},
	{"0r/d>/e 0e/.wh.d 1d/d 1d/e", "d", "01", "e", 0},
	{"0r/d>/.wh.e 1d/.wh.e", "d", "0", "", 0},
};

#define STACK_MAX 15

static void stack_text(const struct resolved *r, char text[STACK_MAX + 1])
{
	size_t n = 0;

	if (!S_ISDIR(r->stx.stx_mode)) {
		snprintf(text, STACK_MAX + 1, "%u%c", r->layer, S_ISLNK(r->stx.stx_mode) ? 'l' : 'f');
		return;
	}
	if (r->in_upper)
		text[n++] = (char)('0' + r->upper_ref.layer);
	for (unsigned i = 0; i < r->n_lower && n < STACK_MAX; i++)
		text[n++] = (char)('0' + r->lower[i].layer);
	text[n] = '\0';
}

static void check_row(const struct row *row, bool listed, bool aufs)
{
	FIXTURE(f, .layers = 3, .aufs = aufs);
	char got[STACK_MAX + 1] = "", parent[64];
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

static void paths_text(const struct resolved *r, char *text, size_t size)
{
	size_t n = 0;

	text[0] = '\0';
	for (unsigned i = 0; i < r->n_lower; i++)
		n += (size_t)snprintf(text + n, size - n, "%s%s", i ? " " : "",
				      r->lower[i].path ? r->lower[i].path : "-");
}

/* The inode of the result reaches every one of its directories by its place. */
static void check_open_real(struct fixture *f, const char *path, const struct resolved *r)
{
	struct inode *inode = fixture_get(f, path);

	for (unsigned i = 0; inode && S_ISDIR(r->stx.stx_mode) && i < inode->dir->n_lower; i++) {
		struct dirfd fd;

		EXPECT_INT(dirfd_get(f->tree, inode, &inode->dir->lower[i], &fd), 0);
		dirfd_put(f->tree, &fd);
	}
}

static void check_followed(const struct followed *row, bool listed, bool aufs)
{
	FIXTURE(f, .layers = 3, .follow = true, .aufs = aufs);
	char got[STACK_MAX + 1] = "", paths[64] = "";
	struct inode *root = f.tree->root;
	struct resolved r;

	ASSERT(fixture_make(&f, row->items));
	if (listed)
		ASSERT_INT(listing_build(f.tree, root), 0);
	if (fixture_resolve(&f, row->path, &r) != row->res)
		UNIT_FAIL("%s: %s: not %d", row->items, row->path, row->res);
	if (row->res == 0) {
		stack_text(&r, got);
		paths_text(&r, paths, sizeof(paths));
		if (strcmp(got, row->stack) || strcmp(paths, row->paths))
			UNIT_FAIL("%s: %s is %s at %s, not %s at %s", row->items, row->path, got, paths, row->stack,
				  row->paths);
		check_open_real(&f, row->path, &r);
	}
	resolved_finish(&r);
	EXPECT(tree_check(f.tree));
}

TEST("a redirect changes the name or the path that the layers below are searched for, as in kernel overlayfs")
{
	for (size_t i = 0; i < sizeof(followed) / sizeof(followed[0]); i++)
		for (int listed = 0; listed < 2; listed++)
			check_followed(&followed[i], listed, false);
	for (size_t i = 0; i < sizeof(aufs_followed) / sizeof(aufs_followed[0]); i++)
		for (int listed = 0; listed < 2; listed++)
			check_followed(&aufs_followed[i], listed, true);
}

TEST("a redirect into the upper's own directory is refused")
{
	FIXTURE(f, .layers = 3, .follow = true);
	struct resolved r;
	struct statx stx;

	ASSERT(fixture_make(&f, "0r/d>/in/here 1d/in 1d/in/here"));
	ASSERT_INT(os_statx(f.top_fd, "1", &stx), 0);
	f.set->upper_id.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	f.set->upper_id.ino = fixture_ino(&f, "1/in");
	EXPECT_INT(fixture_resolve(&f, "d", &r), -ELOOP);
	resolved_finish(&r);
	f.set->upper_id.ino = fixture_ino(&f, "1/in/here");
	EXPECT_INT(fixture_resolve(&f, "d", &r), -ELOOP);
	resolved_finish(&r);
}

TEST("a directory that is renamed keeps its lower parts, and all that is in them, through any number of moves")
{
	FIXTURE(f, .layers = 3, .follow = true, .max_dirfds = 2);
	struct inode *root = f.tree->root, *d, *q, *file;
	int fd;

	ASSERT(fixture_make(&f, "0d/p 1d/p 2d/p 1d/p/d 2d/p/d 1d/p/d/s 1f/p/d/s/f 2d/q 0d/q"));
	d = fixture_get(&f, "p/d");
	file = fixture_get(&f, "p/d/s/f");
	q = fixture_get(&f, "q");
	ASSERT(d && file && q);
	ASSERT_INT(dir_settle_lower(f.tree, d), 0);
	EXPECT_STR(d->dir->lower[0].path, "p/d");
	EXPECT_STR(d->dir->lower[1].path, "p/d");
	inode_name_moved(f.tree, fixture_get(&f, "p"), "d", q, "moved", false);
	while (dirfd_shrink(f.tree))
		continue;
	fd = inode_open(f.tree, file, O_RDONLY, NULL);
	EXPECT_STR(fixture_read(fd), "1/p/d/s/f");
	close(fd);
	ASSERT_INT(dir_settle_lower(f.tree, q), 0);
	ASSERT_INT(dir_settle_lower(f.tree, fixture_get(&f, "q/moved/s")), 0);
	inode_name_moved(f.tree, root, "q", root, "r", false);
	inode_name_moved(f.tree, d, "s", root, "t", false);
	while (dirfd_shrink(f.tree))
		continue;
	EXPECT(fixture_get(&f, "t/f") == file);
	fd = inode_open(f.tree, file, O_RDONLY, NULL);
	EXPECT_STR(fixture_read(fd), "1/p/d/s/f");
	close(fd);
	EXPECT(tree_check(f.tree));
}

TEST("with the listing known every name resolves to the same")
{
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		check_row(&rows[i], true, false);
}

TEST("with the aufs dialect its names count in any layer, listed or not, and all else is as without it")
{
	for (int listed = 0; listed < 2; listed++) {
		for (size_t i = 0; i < sizeof(aufs_rows) / sizeof(aufs_rows[0]); i++)
			check_row(&aufs_rows[i], listed, true);
		for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
			check_row(&rows[i], listed, true);
	}
}

TEST("without the aufs dialect its names are ordinary names")
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

TEST("the root of a layer with an opaque name of the aufs dialect ends the union, overlay.opaque there doesn't")
{
	struct fixture_options options = {.layers = 3, .aufs = true};
	FIXTURE(f, .layers = 3, .aufs = true);
	struct resolved r;

	ASSERT(fixture_make(&f, "1e/.wh..wh..opq 1f/a 2f/b") && fixture_set_xattr(&f, "0", XATTR_OVERLAY_OPAQUE, "y"));
	ASSERT(fixture_remount(&f, &options));
	EXPECT_INT(f.tree->root->dir->n_lower, 1);
	EXPECT_INT(fixture_resolve(&f, "a", &r), 0);
	EXPECT_INT(fixture_resolve(&f, "b", &r), -ENOENT);
	EXPECT(tree_check(f.tree));
}

TEST("no redirect leads below a layer whose root begins anew")
{
	struct fixture_options options = {.layers = 4, .aufs = true, .follow = true};
	FIXTURE(f, .layers = 4, .aufs = true, .follow = true);
	struct resolved r;

	ASSERT(fixture_make(&f, "0r/a>/old 2d/old 2f/old/x 2e/.wh..wh..opq 3d/old 3d/old/y"));
	ASSERT(fixture_remount(&f, &options));
	ASSERT_INT(fixture_resolve(&f, "a", &r), 0);
	EXPECT_INT(r.n_lower, 1);
	resolved_finish(&r);
	EXPECT_INT(fixture_resolve(&f, "a/x", &r), 0);
	resolved_finish(&r);
	EXPECT_INT(fixture_resolve(&f, "a/y", &r), -ENOENT);
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
	ASSERT_INT(os_statx(f.top_fd, "1", &stx), 0);
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
