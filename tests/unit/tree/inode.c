/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of inodes and their names.
 */
#include "fixture.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "os/fs.h"
#include "unit.h"

static void evicted(struct inode *inode, void *arg)
{
	(*(unsigned *)arg)++;
}

static uint64_t nlink_of(struct fixture *f, struct inode *inode)
{
	struct statx stx;
	int res = inode_statx(f->tree, inode, &stx);

	return res < 0 ? (uint64_t)-1 : stx.stx_nlink;
}

/* What reading the inode gives; "" when it can't be opened. */
static const char *content(struct fixture *f, struct inode *inode)
{
	int fd = inode_open(f->tree, inode, O_RDONLY, NULL);
	const char *text = fixture_read(fd);

	if (fd >= 0)
		close(fd);
	return text;
}

TEST("the root has id 1, is never forgotten, and its link count is 1")
{
	FIXTURE(f, .layers = 2);

	EXPECT_INT(f.tree->root->id, TREE_ROOT_ID);
	EXPECT(inode_find(f.tree, TREE_ROOT_ID) == f.tree->root);
	inode_forget(f.tree, f.tree->root, 1);
	EXPECT(inode_find(f.tree, TREE_ROOT_ID) == f.tree->root);
	EXPECT_INT(nlink_of(&f, f.tree->root), 1);
	EXPECT_INT(tree_inode_count(f.tree), 1);
}

TEST("a name looked up twice is one inode with two lookups; forgetting both frees it")
{
	FIXTURE(f, .layers = 2);
	unsigned gone = 0;
	struct inode *a, *b;
	uint64_t id;

	f.tree->on_evict = evicted;
	f.tree->on_evict_arg = &gone;
	ASSERT(fixture_make(&f, "1f/a"));
	a = fixture_get(&f, "a");
	b = fixture_get(&f, "a");
	ASSERT(a && a == b);
	EXPECT_INT(a->nlookup, 2);
	id = a->id;
	inode_forget(f.tree, a, 1);
	EXPECT(inode_find(f.tree, id) == a);
	EXPECT_INT(gone, 0);
	inode_forget(f.tree, a, 1);
	EXPECT(inode_find(f.tree, id) == NULL);
	EXPECT_INT(gone, 1);
	EXPECT_INT(tree_inode_count(f.tree), 1);
	f.tree->on_evict = NULL;
}

TEST("a node id is never used again, though its slot is")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;
	uint64_t first;

	ASSERT(fixture_make(&f, "1f/a"));
	a = fixture_get(&f, "a");
	ASSERT(a);
	first = a->id;
	inode_forget(f.tree, a, 1);
	a = fixture_get(&f, "a");
	ASSERT(a);
	EXPECT_INT((uint32_t)a->id, (uint32_t)first);
	EXPECT(a->id != first);
	EXPECT(inode_find(f.tree, first) == NULL);
	EXPECT(inode_find(f.tree, UINT64_MAX) == NULL);
	EXPECT(inode_find(f.tree, 0) == NULL);
}

TEST("a directory lives until its children are forgotten, and then really goes")
{
	FIXTURE(f, .layers = 2);
	struct inode *d, *e, *a;

	ASSERT(fixture_make(&f, "1d/d 1d/d/e 1f/d/e/a"));
	a = fixture_get(&f, "d/e/a");
	e = fixture_get(&f, "d/e");
	d = fixture_get(&f, "d");
	ASSERT(a && e && d);
	EXPECT_INT(tree_inode_count(f.tree), 4);
	inode_forget(f.tree, d, d->nlookup);
	inode_forget(f.tree, e, e->nlookup);
	EXPECT_INT(tree_inode_count(f.tree), 4);
	EXPECT(tree_check(f.tree));
	inode_forget(f.tree, a, 1);
	EXPECT_INT(tree_inode_count(f.tree), 1);
	EXPECT_INT(dirfd_count(f.tree), 0);
}

TEST("an inode that got a new id is found by both, counts lookups by each, and lives until both are forgotten")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;
	uint64_t first, second;

	ASSERT(fixture_make(&f, "1f/a"));
	a = fixture_get(&f, "a");
	ASSERT(a);
	first = a->id;
	EXPECT(inode_id_is_current(f.tree, a, first));
	ASSERT(inode_add_node_id(f.tree, a) == 0);
	EXPECT(!inode_id_is_current(f.tree, a, first));
	EXPECT_INT(a->id, first);

	EXPECT(fixture_get(&f, "a") == a);
	second = inode_give_id(f.tree, a);
	EXPECT(second != first);
	EXPECT(inode_find(f.tree, first) == a && inode_find(f.tree, second) == a);
	EXPECT(tree_check(f.tree));
	EXPECT_INT(a->nlookup, 1);

	/* Forgotten at once, as after ESTALE: it is given out again. */
	inode_forget_id(f.tree, second, 1);
	EXPECT(fixture_get(&f, "a") == a);
	EXPECT_INT(inode_give_id(f.tree, a), second);

	inode_forget_id(f.tree, first, 1);
	EXPECT(inode_find(f.tree, second) == a);
	inode_forget_id(f.tree, second, 1);
	EXPECT(inode_find(f.tree, second) == NULL && inode_find(f.tree, first) == NULL);
	EXPECT_INT(tree_inode_count(f.tree), 1);
}

TEST("further new ids: the one before goes when it is forgotten, and a table with node ids can be freed")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;
	uint64_t second, third;

	ASSERT(fixture_make(&f, "1f/a"));
	a = fixture_get(&f, "a");
	ASSERT(a && inode_add_node_id(f.tree, a) == 0);
	second = inode_give_id(f.tree, a);
	ASSERT(inode_add_node_id(f.tree, a) == 0);
	EXPECT(fixture_get(&f, "a") == a);
	third = inode_give_id(f.tree, a);
	EXPECT(third != second);
	inode_forget_id(f.tree, second, 1);
	EXPECT(inode_find(f.tree, second) == NULL);
	EXPECT(inode_find(f.tree, third) == a);
	EXPECT(tree_check(f.tree));
}

TEST("running work keeps an inode that the kernel forgot")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;

	ASSERT(fixture_make(&f, "1f/a"));
	a = inode_get(f.tree, fixture_get(&f, "a"));
	inode_forget(f.tree, a, 1);
	EXPECT_INT(tree_inode_count(f.tree), 2);
	EXPECT_STR(content(&f, a), "1/a");
	inode_put(f.tree, a);
	EXPECT_INT(tree_inode_count(f.tree), 1);
}

TEST("a peek doesn't count as a lookup, and unknown names are unknown")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;

	ASSERT(fixture_make(&f, "1f/a"));
	EXPECT(!inode_peek(f.tree, f.tree->root, "a"));
	EXPECT(!inode_lookup_known(f.tree, f.tree->root, "a"));
	ASSERT(fixture_get(&f, "a"));
	a = inode_peek(f.tree, f.tree->root, "a");
	ASSERT(a);
	EXPECT_INT(a->nlookup, 1);
	inode_put(f.tree, a);
}

TEST("a lower file that was unlinked is still read, with link count 0, and its name is free")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *fresh;

	ASSERT(fixture_make(&f, "1d/d 1f/d/a 0d/d"));
	a = fixture_get(&f, "d/a");
	ASSERT(a);
	ASSERT(fixture_make(&f, "0w/d/a"));
	inode_name_removed(f.tree, fixture_get(&f, "d"), "a");
	EXPECT(inode_is_unlinked(a));
	EXPECT_STR(content(&f, a), "1/d/a");
	EXPECT_INT(nlink_of(&f, a), 0);
	EXPECT(!inode_peek(f.tree, fixture_get(&f, "d"), "a"));
	ASSERT_INT(unlinkat(f.top_fd, "0/d/a", 0), 0);
	ASSERT(fixture_make(&f, "0f/d/a"));
	fresh = fixture_get(&f, "d/a");
	EXPECT(fresh != a);
	EXPECT_STR(content(&f, fresh), "0/d/a");
	EXPECT_STR(content(&f, a), "1/d/a");
	EXPECT(tree_check(f.tree));
}

TEST("an upper file that was unlinked lives by its pinned descriptor, with link count 0")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;
	const struct layer *layer = NULL;
	int fd;

	ASSERT(fixture_make(&f, "0f/a"));
	a = fixture_get(&f, "a");
	ASSERT(a);
	inode_pin(f.tree, a, inode_open(f.tree, a, O_PATH, NULL));
	ASSERT_INT(unlinkat(f.top_fd, "0/a", 0), 0);
	inode_name_removed(f.tree, f.tree->root, "a");
	EXPECT_STR(content(&f, a), "0/a");
	EXPECT_INT(nlink_of(&f, a), 0);
	fd = inode_open(f.tree, a, O_RDWR, &layer);
	EXPECT(fd >= 0 && layer->upper);
	close(fd);
	EXPECT(tree_check(f.tree));
}

/* Entries of the work directory. */
static int orphan_names(struct fixture *f)
{
	DIR *dir = fdopendir(openat(f->top_fd, "work", O_RDONLY | O_DIRECTORY | O_CLOEXEC));
	int n = -2;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

TEST("beyond the limit an unlinked upper file lives by a name in the work directory, with link count 0, and the name "
     "goes with it")
{
	FIXTURE(f, .layers = 2, .no_pins = true);
	struct inode *a;
	const struct layer *layer = NULL;
	int fd;

	ASSERT(fixture_make(&f, "0f/a"));
	a = fixture_get(&f, "a");
	ASSERT(a);
	ASSERT_INT(orphan_hold(f.tree, a, f.set->layers[0].root_fd, "a"), 1);
	EXPECT_INT(nlink_of(&f, a), 1);
	EXPECT_INT(orphan_hold(f.tree, a, f.set->layers[0].root_fd, "a"), 0);
	ASSERT_INT(unlinkat(f.top_fd, "0/a", 0), 0);
	inode_name_removed(f.tree, f.tree->root, "a");
	EXPECT_STR(content(&f, a), "0/a");
	EXPECT_INT(nlink_of(&f, a), 0);
	fd = inode_open(f.tree, a, O_RDWR, &layer);
	EXPECT(fd >= 0 && layer->upper);
	close(fd);
	EXPECT_INT(orphan_names(&f), 1);
	EXPECT(tree_check(f.tree));
	inode_forget(f.tree, a, 1);
	EXPECT_INT(orphan_names(&f), 0);
}

TEST("a file that keeps its name after all loses the one in the work directory")
{
	FIXTURE(f, .layers = 2, .no_pins = true);
	struct inode *a;

	ASSERT(fixture_make(&f, "0f/a"));
	a = fixture_get(&f, "a");
	ASSERT_INT(orphan_hold(f.tree, a, f.set->layers[0].root_fd, "a"), 1);
	orphan_let_go(f.tree, a);
	EXPECT_INT(orphan_names(&f), 0);
	EXPECT_STR(content(&f, a), "0/a");
	EXPECT_INT(nlink_of(&f, a), 1);
	EXPECT(tree_check(f.tree));
}

TEST("where no descriptor is left a file is held by name though the limit isn't met, and where it can't be linked by a "
     "descriptor though it is")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *b;
	struct rlimit old, none;
	int res;

	ASSERT(fixture_make(&f, "0f/a 0f/b"));
	a = fixture_get(&f, "a");
	b = fixture_get(&f, "b");
	ASSERT_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){.rlim_cur = 0, .rlim_max = old.rlim_max};
	ASSERT_INT(setrlimit(RLIMIT_NOFILE, &none), 0);
	res = orphan_hold(f.tree, a, f.set->layers[0].root_fd, "a");
	ASSERT_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
	EXPECT_INT(res, 1);
	f.tree->own_pinned.max = 0;
	ASSERT_INT(unlinkat(f.top_fd, "work", AT_REMOVEDIR), -1);
	orphan_let_go(f.tree, a);
	ASSERT_INT(unlinkat(f.top_fd, "work", AT_REMOVEDIR), 0);
	EXPECT_INT(orphan_hold(f.tree, b, f.set->layers[0].root_fd, "b"), 0);
	EXPECT(b->pinned_fd >= 0);
	EXPECT_INT(orphan_hold(f.tree, a, f.set->layers[0].root_fd, "gone"), -ENOENT);
	EXPECT_INT(a->pinned_fd, INODE_NOT_PINNED);
	EXPECT(tree_check(f.tree));
}

TEST("a file with a further link that is held by name shows the count of the others")
{
	FIXTURE(f, .layers = 2, .no_pins = true);
	struct inode *a;

	ASSERT(fixture_make(&f, "0f/a"));
	ASSERT_INT(linkat(f.top_fd, "0/a", f.top_fd, "0/b", 0), 0);
	a = fixture_get(&f, "a");
	ASSERT_INT(orphan_hold(f.tree, a, f.set->layers[0].root_fd, "a"), 1);
	ASSERT_INT(unlinkat(f.top_fd, "0/a", 0), 0);
	inode_name_removed(f.tree, f.tree->root, "a");
	EXPECT_INT(nlink_of(&f, a), 1);
	EXPECT(fixture_get(&f, "b") == a);
	EXPECT_INT(nlink_of(&f, a), 1);
	EXPECT_STR(content(&f, a), "0/a");
	EXPECT(tree_check(f.tree));
}

TEST("a second pin is closed and the first one stays")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;
	int first, second;

	ASSERT(fixture_make(&f, "0f/a"));
	a = fixture_get(&f, "a");
	first = inode_open(f.tree, a, O_PATH, NULL);
	second = inode_open(f.tree, a, O_PATH, NULL);
	inode_pin(f.tree, a, first);
	inode_pin(f.tree, a, second);
	EXPECT_INT(a->pinned_fd, first);
	EXPECT_INT(fcntl(second, F_GETFD), -1);
}

TEST("an unlinked lower file that is copied up lives in its pinned copy")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;
	struct statx stx;
	int fd;

	ASSERT(fixture_make(&f, "1f/a 0f/copy"));
	a = fixture_get(&f, "a");
	inode_name_removed(f.tree, f.tree->root, "a");
	fd = openat(f.top_fd, "0/copy", O_RDWR | O_CLOEXEC);
	ASSERT_INT(os_statx(fd, "", &stx), 0);
	inode_pin(f.tree, a, fd);
	inode_publish_upper(f.tree, a, fixture_object(&f, stx.stx_ino), false);
	ASSERT_INT(unlinkat(f.top_fd, "0/copy", 0), 0);
	EXPECT_STR(content(&f, a), "0/copy");
	EXPECT_INT(nlink_of(&f, a), 0);
	EXPECT(tree_check(f.tree));
}

TEST("copy-up keeps st_ino and opens the upper file from then on; before, writing is refused")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;
	struct statx stx;
	const struct layer *layer = NULL;
	int fd;

	ASSERT(fixture_make(&f, "1f/a"));
	a = fixture_get(&f, "a");
	EXPECT_INT(inode_open(f.tree, a, O_RDWR, &layer), -EROFS);
	EXPECT_INT(inode_open(f.tree, a, O_RDONLY | O_TRUNC, &layer), -EROFS);
	ASSERT(fixture_make(&f, "0f/a"));
	inode_publish_upper(f.tree, a, fixture_object(&f, fixture_ino(&f, "0/a")), true);
	EXPECT(inode_in_upper(a));
	EXPECT_STR(content(&f, a), "0/a");
	ASSERT_INT(inode_statx(f.tree, a, &stx), 0);
	EXPECT_INT(stx.stx_ino, fixture_ino(&f, "1/a"));
	fd = inode_open(f.tree, a, O_RDWR, &layer);
	EXPECT(fd >= 0 && layer->upper);
	close(fd);
}

TEST("a lookup that saw the file before its copy-up finds the same inode")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *again = NULL;
	struct resolved old;

	ASSERT(fixture_make(&f, "1f/a"));
	ASSERT_INT(fixture_resolve(&f, "a", &old), 0);
	a = fixture_get(&f, "a");
	ASSERT(fixture_make(&f, "0f/a"));
	inode_publish_upper(f.tree, a, fixture_object(&f, fixture_ino(&f, "0/a")), true);
	ASSERT_INT(inode_intern(f.tree, f.tree->root, "a", &old, &again), 0);
	EXPECT(again == a);
}

TEST("a layer that was changed underneath gives a new inode, not the old one with another type")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *fresh = NULL;
	struct resolved r;

	ASSERT(fixture_make(&f, "1f/a"));
	a = fixture_get(&f, "a");
	ASSERT_INT(unlinkat(f.top_fd, "1/a", 0), 0);
	ASSERT(fixture_make(&f, "1d/a"));
	ASSERT_INT(fixture_resolve(&f, "a", &r), 0);
	ASSERT_INT(inode_intern(f.tree, f.tree->root, "a", &r, &fresh), 0);
	resolved_finish(&r);
	EXPECT(fresh != a && inode_is_dir(fresh));
	EXPECT(inode_is_unlinked(a));
	EXPECT_INT(inode_open(f.tree, a, O_RDONLY, NULL), -ESTALE);
	EXPECT(tree_check(f.tree));
}

TEST("an inode by another number under its name is stale, never the other file")
{
	FIXTURE(f, .layers = 2);
	struct statx stx;
	struct inode *a;

	ASSERT(fixture_make(&f, "1f/a 1f/b"));
	a = fixture_get(&f, "a");
	ASSERT_INT(renameat(f.top_fd, "1/b", f.top_fd, "1/a"), 0);
	EXPECT_INT(inode_open(f.tree, a, O_RDONLY, NULL), -ESTALE);
	EXPECT_INT(inode_statx(f.tree, a, &stx), -ESTALE);
}

TEST("the names of a hard-linked upper file are one inode, which lives while one of them is left")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *b;

	ASSERT(fixture_make(&f, "0f/a 0d/d"));
	ASSERT_INT(linkat(f.top_fd, "0/a", f.top_fd, "0/d/b", 0), 0);
	a = fixture_get(&f, "a");
	b = fixture_get(&f, "d/b");
	EXPECT(a == b);
	EXPECT_INT(nlink_of(&f, a), 2);
	ASSERT_INT(unlinkat(f.top_fd, "0/a", 0), 0);
	inode_name_removed(f.tree, f.tree->root, "a");
	EXPECT(!inode_is_unlinked(a));
	EXPECT_STR(content(&f, a), "0/a");
	EXPECT_INT(nlink_of(&f, a), 1);
	EXPECT(tree_check(f.tree));
	inode_forget(f.tree, a, a->nlookup);
	EXPECT(fixture_get(&f, "d/b") != NULL);
}

TEST("a hard-linked file whose known names all went is found again by a name that wasn't known")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;

	ASSERT(fixture_make(&f, "0f/a"));
	ASSERT_INT(linkat(f.top_fd, "0/a", f.top_fd, "0/b", 0), 0);
	ASSERT_INT(linkat(f.top_fd, "0/a", f.top_fd, "0/c", 0), 0);
	a = fixture_get(&f, "a");
	inode_pin(f.tree, a, inode_open(f.tree, a, O_PATH, NULL));
	ASSERT_INT(unlinkat(f.top_fd, "0/a", 0), 0);
	inode_name_removed(f.tree, f.tree->root, "a");
	EXPECT_INT(nlink_of(&f, a), 2);
	EXPECT(fixture_get(&f, "b") == a);
	EXPECT(!inode_is_unlinked(a));
	EXPECT(tree_check(f.tree));
}

TEST("an inode that lost its names without being pinned isn't taken for whoever has its number later")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;

	ASSERT(fixture_make(&f, "0f/a"));
	ASSERT_INT(linkat(f.top_fd, "0/a", f.top_fd, "0/b", 0), 0);
	a = fixture_get(&f, "a");
	inode_name_removed(f.tree, f.tree->root, "a");
	EXPECT(fixture_get(&f, "b") != a);
}

TEST("an exchange of two directories changes their ancestors")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *b, *x, *y;

	ASSERT(fixture_make(&f, "0d/a 0d/b 0d/a/x 0d/b/y"));
	a = fixture_get(&f, "a");
	b = fixture_get(&f, "b");
	x = fixture_get(&f, "a/x");
	y = fixture_get(&f, "b/y");
	ASSERT_INT(renameat2(f.top_fd, "0/a/x", f.top_fd, "0/b/y", RENAME_EXCHANGE), 0);
	inode_name_moved(f.tree, a, "x", b, "y", true);
	EXPECT(inode_is_ancestor(f.tree, b, x) && !inode_is_ancestor(f.tree, a, x));
	EXPECT(inode_is_ancestor(f.tree, a, y) && !inode_is_ancestor(f.tree, b, y));
	EXPECT(tree_check(f.tree));
}

TEST("link() gives the inode one more name at once")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;

	ASSERT(fixture_make(&f, "0f/a"));
	a = fixture_get(&f, "a");
	ASSERT_INT(linkat(f.top_fd, "0/a", f.top_fd, "0/b", 0), 0);
	inode_name_added(f.tree, a, f.tree->root, "b");
	EXPECT(inode_peek(f.tree, f.tree->root, "b") == a);
	inode_put(f.tree, a);
	ASSERT_INT(linkat(f.top_fd, "0/a", f.top_fd, "0/c", 0), 0);
	EXPECT(fixture_get(&f, "c") == a);
	EXPECT(tree_check(f.tree));
}

TEST("lower hard links are inodes of their own with the same st_ino")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *b;

	ASSERT(fixture_make(&f, "1f/a"));
	ASSERT_INT(linkat(f.top_fd, "1/a", f.top_fd, "1/b", 0), 0);
	a = fixture_get(&f, "a");
	b = fixture_get(&f, "b");
	EXPECT(a != b);
	EXPECT_INT(a->ino, b->ino);
}

/* The inode of a counted lower file of that number and type. */
static struct inode *counted(struct fixture *f, const char *name, uint64_t ino, mode_t type)
{
	struct resolved r = {.stx = {.stx_mode = (uint16_t)(type | 0644), .stx_nlink = 2, .stx_ino = ino},
			     .id = fixture_object(f, ino),
			     .layer = 1,
			     .ino = ino,
			     .nlink = 2,
			     .index_name = strdup("00fb")};
	struct inode *inode = NULL;

	EXPECT_INT(inode_intern(f->tree, f->tree->root, name, &r, &inode), 0);
	resolved_finish(&r);
	return inode;
}

TEST("a counted file whose number another file gets beneath the mount loses its count, and nothing is broken by that")
{
	FIXTURE(f, .layers = 2);
	struct object_id copy = fixture_object(&f, 4712);
	struct inode *old = counted(&f, "old", 4711, S_IFREG), *new;

	ASSERT(old);
	EXPECT_INT(inode_nlink(f.tree, old), 2);
	new = counted(&f, "new", 4711, S_IFIFO);
	ASSERT(new &&new != old);
	EXPECT_INT(inode_nlink(f.tree, old), 0);
	EXPECT_INT(inode_nlink(f.tree, new), 2);
	inode_set_nlink(f.tree, old, 1);
	EXPECT_INT(inode_nlink(f.tree, old), 0);
	EXPECT_INT(inode_nlink(f.tree, new), 2);
	EXPECT_INT(inode_prepare_indexed(f.tree, old, copy), -ESTALE);
	EXPECT(tree_check(f.tree));
}

TEST("a counted file whose number another file gets while it is copied up is the copy, with its count")
{
	FIXTURE(f, .layers = 2);
	struct object_id copy = fixture_object(&f, 4712);
	struct inode *old = counted(&f, "old", 4711, S_IFREG);
	char name[OVL_FH_INDEX_NAME_SIZE];

	ASSERT(old);
	ASSERT_INT(inode_prepare_indexed(f.tree, old, copy), 0);
	ASSERT(counted(&f, "new", 4711, S_IFIFO));
	inode_publish_indexed(f.tree, old, copy);
	EXPECT(inode_in_upper(old) && inode_is_indexed(old));
	EXPECT_INT(inode_nlink(f.tree, old), 2);
	EXPECT(inode_index_name(f.tree, old, name) && !strcmp(name, "00fb"));
	EXPECT(tree_check(f.tree));
}

TEST("a counted file whose copy's number another file gets is a copy without count")
{
	FIXTURE(f, .layers = 2);
	struct object_id copy = fixture_object(&f, 4712);
	struct inode *old = counted(&f, "old", 4711, S_IFREG);

	ASSERT(old);
	ASSERT_INT(inode_prepare_indexed(f.tree, old, copy), 0);
	inode_forget_prepared(f.tree, old, copy);
	inode_publish_indexed(f.tree, old, copy);
	EXPECT(inode_in_upper(old) && !inode_is_counted(old));
	EXPECT_INT(inode_nlink(f.tree, old), 0);
	EXPECT(tree_check(f.tree));
}

TEST("an O_TMPFILE inode lives without a name and gets one by link()")
{
	FIXTURE(f, .layers = 2);
	struct inode *a = NULL;
	struct statx stx;
	int fd = openat(f.top_fd, "0", O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);

	if (fd < 0)
		SKIP("no O_TMPFILE here");
	ASSERT_INT(os_statx(fd, "", &stx), 0);
	ASSERT_INT(inode_intern_nameless(f.tree, &stx, fd, &a), 0);
	EXPECT_INT(write(fd, "tmp", 3), 3);
	EXPECT_STR(content(&f, a), "tmp");
	EXPECT_INT(nlink_of(&f, a), 0);
	ASSERT_INT(os_link_fd(fd, f.set->layers[0].root_fd, "named"), 0);
	inode_name_added(f.tree, a, f.tree->root, "named");
	EXPECT_INT(nlink_of(&f, a), 1);
	EXPECT(fixture_get(&f, "named") == a);
	EXPECT(tree_check(f.tree));
}

TEST("a rename takes the name along and unlinks the one it replaces")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *b, *d;

	ASSERT(fixture_make(&f, "0f/a 0d/d 0f/d/b"));
	a = fixture_get(&f, "a");
	b = fixture_get(&f, "d/b");
	d = fixture_get(&f, "d");
	inode_pin(f.tree, b, inode_open(f.tree, b, O_PATH, NULL));
	ASSERT_INT(renameat(f.top_fd, "0/a", f.top_fd, "0/d/b"), 0);
	inode_name_moved(f.tree, f.tree->root, "a", d, "b", false);
	EXPECT(inode_is_unlinked(b));
	EXPECT(!inode_is_unlinked(a));
	EXPECT_STR(content(&f, a), "0/a");
	EXPECT_STR(content(&f, b), "0/d/b");
	EXPECT(!inode_peek(f.tree, f.tree->root, "a"));
	EXPECT(fixture_get(&f, "d/b") == a);
	EXPECT(tree_check(f.tree));
}

TEST("a rename of a name that isn't known only removes the one it replaces")
{
	FIXTURE(f, .layers = 2);
	struct inode *b;

	ASSERT(fixture_make(&f, "0f/a 0f/b"));
	b = fixture_get(&f, "b");
	inode_pin(f.tree, b, inode_open(f.tree, b, O_PATH, NULL));
	ASSERT_INT(renameat(f.top_fd, "0/a", f.top_fd, "0/b"), 0);
	inode_name_moved(f.tree, f.tree->root, "a", f.tree->root, "b", false);
	EXPECT(inode_is_unlinked(b));
	EXPECT(fixture_get(&f, "b") != b);
	EXPECT(tree_check(f.tree));
}

TEST("an exchange gives each inode the other's place, known or not")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *d, *sub;

	ASSERT(fixture_make(&f, "0f/a 0f/b 0d/d 0d/d/sub 0f/d/sub/x"));
	a = fixture_get(&f, "a");
	d = fixture_get(&f, "d");
	sub = fixture_get(&f, "d/sub");
	ASSERT(a && d && sub);
	ASSERT_INT(renameat2(f.top_fd, "0/a", f.top_fd, "0/d/sub", RENAME_EXCHANGE), 0);
	inode_name_moved(f.tree, f.tree->root, "a", d, "sub", true);
	EXPECT_STR(content(&f, a), "0/a");
	EXPECT(inode_peek(f.tree, f.tree->root, "a") == sub);
	inode_put(f.tree, sub);
	EXPECT_STR(content(&f, fixture_get(&f, "a/x")), "0/d/sub/x");
	EXPECT(!inode_is_ancestor(f.tree, d, sub));
	EXPECT(tree_check(f.tree));
	/* b isn't known: sub's name goes to b's place, and the old one is unknown. */
	ASSERT_INT(renameat2(f.top_fd, "0/a", f.top_fd, "0/b", RENAME_EXCHANGE), 0);
	inode_name_moved(f.tree, f.tree->root, "b", f.tree->root, "a", true);
	EXPECT(fixture_get(&f, "b") == sub);
	EXPECT_STR(content(&f, fixture_get(&f, "a")), "0/b");
	EXPECT(tree_check(f.tree));
}

#define COPIES 3000U

/* By a rule that mixes, a third of them. */
static bool is_released(unsigned i, unsigned round)
{
	return (i * 2654435761U >> 7) % 3 == round % 3;
}

static bool claim(struct tree *tree, struct inode *inode)
{
	LOCK_SCOPE(&tree->table);
	return number_claim_locked(tree, inode);
}

static void release(struct tree *tree, struct inode *inode)
{
	LOCK_SCOPE(&tree->table);
	number_release_locked(tree, inode);
}

TEST("each number from an origin belongs to one upper object, until its inode goes")
{
	FIXTURE(f, .layers = 2);
	static struct inode copies[COPIES], others[COPIES];
	uint64_t own = layer_union_ino(f.set, (struct object_id){.ino = 5, .device = layer_upper(f.set)->device});

	for (unsigned i = 0; i < COPIES; i++) {
		copies[i] =
			(struct inode){.ino = 1000 + 3 * i, .real_ino = 5, .type = S_IFREG, .flags = INODE_IN_UPPER};
		others[i] =
			(struct inode){.ino = 1000 + 3 * i, .real_ino = 6, .type = S_IFREG, .flags = INODE_IN_UPPER};
	}
	for (unsigned i = 0; i < COPIES; i++)
		ASSERT(claim(f.tree, &copies[i]));
	for (unsigned round = 0; round < 6; round++) {
		for (unsigned i = 0; i < COPIES; i++)
			if (is_released(i, round))
				release(f.tree, &copies[i]);
		for (unsigned i = 0; i < COPIES; i++) {
			ASSERT_INT(number_is_taken(f.tree, copies[i].ino, own + 1), !is_released(i, round));
			ASSERT(!number_is_taken(f.tree, copies[i].ino, own) &&
			       !number_is_taken(f.tree, copies[i].ino + 1, own + 1));
			ASSERT_INT(claim(f.tree, &others[i]), is_released(i, round));
			ASSERT_INT(claim(f.tree, &copies[i]), !is_released(i, round));
			release(f.tree, &others[i]);
			ASSERT(claim(f.tree, &copies[i]));
		}
	}
	for (unsigned i = 0; i < COPIES; i++)
		release(f.tree, &copies[i]);
}

TEST("ancestors are known over any depth, through renames")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *b, *c, *e;

	ASSERT(fixture_make(&f, "0d/a 0d/a/b 0d/a/b/c 0d/e"));
	a = fixture_get(&f, "a");
	b = fixture_get(&f, "a/b");
	c = fixture_get(&f, "a/b/c");
	e = fixture_get(&f, "e");
	EXPECT(inode_is_ancestor(f.tree, a, c));
	EXPECT(inode_is_ancestor(f.tree, c, c));
	EXPECT(inode_is_ancestor(f.tree, f.tree->root, c));
	EXPECT(!inode_is_ancestor(f.tree, c, a));
	EXPECT(!inode_is_ancestor(f.tree, e, c));
	inode_name_moved(f.tree, a, "b", e, "b2", false);
	EXPECT(inode_is_ancestor(f.tree, e, c));
	EXPECT(!inode_is_ancestor(f.tree, a, c));
	EXPECT(inode_is_ancestor(f.tree, e, b));
	EXPECT(tree_check(f.tree));
}

TEST("a copied-up directory gains the upper and keeps its number and lower refs")
{
	FIXTURE(f, .layers = 2);
	struct statx stx;
	struct inode *d;
	struct dirfd fd;

	ASSERT(fixture_make(&f, "1d/d 1f/d/a"));
	d = fixture_get(&f, "d");
	EXPECT_INT(dirfd_get_upper(f.tree, d, &fd), -EROFS);
	ASSERT(fixture_make(&f, "0d/d"));
	dir_publish_upper(f.tree, d, fixture_object(&f, fixture_ino(&f, "0/d")));
	EXPECT_INT(dir_depth(d->dir), 2);
	EXPECT(dir_ref(d->dir, 0) == &d->dir->upper);
	EXPECT(dir_ref_of_layer(d->dir, 1) == &d->dir->lower[0]);
	EXPECT(dir_ref_of_layer(d->dir, 7) == NULL);
	ASSERT_INT(dirfd_get_upper(f.tree, d, &fd), 0);
	dirfd_put(f.tree, &fd);
	ASSERT_INT(inode_statx(f.tree, d, &stx), 0);
	EXPECT_INT(stx.stx_ino, fixture_ino(&f, "1/d"));
	EXPECT_INT(stx.stx_nlink, 1);
	EXPECT_STR(content(&f, fixture_get(&f, "d/a")), "1/d/a");
	EXPECT(tree_check(f.tree));
}

TEST("directories open for reading in their topmost layer, symlinks by O_PATH alone")
{
	FIXTURE(f, .layers = 2);
	char target[16];
	const struct layer *layer = NULL;
	int fd;

	ASSERT(fixture_make(&f, "0d/d 1d/d 1l/link"));
	fd = inode_open(f.tree, fixture_get(&f, "d"), O_RDONLY | O_DIRECTORY, &layer);
	EXPECT(fd >= 0 && layer->upper);
	close(fd);
	EXPECT_INT(inode_open(f.tree, fixture_get(&f, "d"), O_RDWR, &layer), -EISDIR);
	EXPECT_INT(inode_open(f.tree, fixture_get(&f, "link"), O_RDONLY, &layer), -ELOOP);
	fd = inode_open(f.tree, fixture_get(&f, "link"), O_PATH, &layer);
	EXPECT_INT(os_readlinkat(fd, "", target, sizeof(target)), 6);
	EXPECT(layer && !layer->upper);
	close(fd);
}

TEST("both I locks of a pair are taken once each, also when they are one")
{
	FIXTURE(f, .layers = 2);
	struct inode *a, *b;

	ASSERT(fixture_make(&f, "0f/a 0f/b"));
	a = fixture_get(&f, "a");
	b = fixture_get(&f, "b");
	inode_lock_pair(f.tree, b, a);
	EXPECT(lock_held(inode_lock(f.tree, a)) && lock_held(inode_lock(f.tree, b)));
	inode_unlock_pair(f.tree, b, a);
	inode_lock_pair(f.tree, a, a);
	inode_unlock_pair(f.tree, a, a);
	inode_lock_pair(f.tree, a, NULL);
	inode_unlock_pair(f.tree, a, NULL);
}

/* Bytes of the heap in use; 0 where the allocator doesn't tell (sanitizers). */
static size_t heap_used(void)
{
	struct mallinfo2 info = mallinfo2();

	return info.uordblks + info.hblkhd;
}

static void many_known(struct fixture *f, unsigned n)
{
	struct resolved r = {.layer = 1, .ino = 5, .has_origin = true};

	r.stx.stx_mode = S_IFREG | 0644;
	r.stx.stx_nlink = 1;
	for (unsigned i = 0; i < n; i++) {
		struct inode *inode;
		char name[32];

		snprintf(name, sizeof(name), "file-%06u.c", i);
		r.stx.stx_ino = r.ino = 100 + i;
		ASSERT_INT(inode_intern(f->tree, f->tree->root, name, &r, &inode), 0);
	}
}

TEST("a known file costs at most 200 bytes, and forgetting gives all but the slots back")
{
	FIXTURE(f, .layers = 2);
	unsigned n = 100000;
	size_t before = heap_used(), used, after;

	many_known(&f, n);
	used = heap_used() - before;
	for (unsigned i = 0; i < n; i++) {
		char name[32];
		struct inode *inode;

		snprintf(name, sizeof(name), "file-%06u.c", i);
		inode = inode_peek(f.tree, f.tree->root, name);
		ASSERT(inode);
		inode->refs--;
		inode_forget(f.tree, inode, 1);
	}
	EXPECT_INT(tree_inode_count(f.tree), 1);
	after = heap_used() - before;
	if (!used) {
		printf("# this allocator doesn't count\n");
		return;
	}
	printf("# %zu bytes a file, %zu after forgetting\n", used / n, after / n);
	EXPECT(used / n <= 200);
	EXPECT(after / n <= 24);
}
