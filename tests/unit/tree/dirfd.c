/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Directory descriptors: few of them over deep trees, and renames that race with reaching an object.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/macros.h"
#include "os/fs.h"
#include "unit.h"

#define DEEP_NAME "a-name-of-some-length"

/* Makes DEPTH directories in a layer, one in another, and a file in each. */
static bool make_chain(struct fixture *f, const char *layer, unsigned depth)
{
	int at = openat(f->top_fd, layer, O_PATH | O_DIRECTORY | O_CLOEXEC);

	for (unsigned i = 0; i < depth && at >= 0; i++) {
		int next = mkdirat(at, DEEP_NAME, 0755) < 0 || mknodat(at, "file", S_IFREG | 0644, 0) < 0
				   ? -1
				   : openat(at, DEEP_NAME, O_PATH | O_DIRECTORY | O_CLOEXEC);

		close(at);
		at = next;
	}
	if (at < 0 || mknodat(at, "file", S_IFREG | 0644, 0) < 0)
		return false;
	close(at);
	return true;
}

static struct inode *step(struct fixture *f, struct inode *dir, const char *name)
{
	struct inode *child = NULL;
	struct resolved r;

	if (resolve_child(f->tree, dir, name, &r) == 0)
		inode_intern(f->tree, dir, name, &r, &child);
	resolved_finish(&r);
	return child;
}

/* Looks the chain up; dirs[0] is the root. */
static bool walk_chain(struct fixture *f, struct inode **dirs, unsigned depth)
{
	dirs[0] = f->tree->root;
	for (unsigned i = 0; i < depth; i++) {
		dirs[i + 1] = step(f, dirs[i], DEEP_NAME);
		if (!dirs[i + 1])
			return UNIT_FAIL("no level %u", i + 1);
	}
	return true;
}

TEST("a tree deeper than PATH_MAX is reached from top to bottom with 4 descriptors")
{
	enum { DEPTH = 400 };
	FIXTURE(f, .layers = 2, .max_dirfds = 4);
	struct inode *dirs[DEPTH + 1], *file;
	struct statx stx;
	int fd;

	_Static_assert(DEPTH * sizeof(DEEP_NAME) > 2 * 4096, "deeper than PATH_MAX");
	ASSERT(make_chain(&f, "1", DEPTH) && walk_chain(&f, dirs, DEPTH));
	EXPECT(dirfd_count(f.tree) <= 4);
	file = step(&f, dirs[DEPTH], "file");
	ASSERT(file);
	for (unsigned at = 10; at < DEPTH; at += 130) {
		EXPECT_INT(inode_statx(f.tree, dirs[at], &stx), 0);
		EXPECT_INT(stx.stx_ino, dirs[at]->ino);
		EXPECT(step(&f, dirs[at], "file") != NULL);
		fd = inode_open(f.tree, file, O_RDONLY, NULL);
		EXPECT(fd >= 0);
		close(fd);
		EXPECT(dirfd_count(f.tree) <= 4);
	}
	EXPECT(tree_check(f.tree));
}

TEST("a chain of directories that only its last inode holds goes at once when that is forgotten")
{
	enum { DEPTH = 400 };
	FIXTURE(f, .layers = 2, .max_dirfds = 8);
	struct inode *dirs[DEPTH + 1];

	ASSERT(make_chain(&f, "1", DEPTH) && walk_chain(&f, dirs, DEPTH));
	for (unsigned i = 1; i < DEPTH; i++)
		inode_forget(f.tree, dirs[i], 1);
	EXPECT_INT(tree_inode_count(f.tree), DEPTH + 1);
	inode_forget(f.tree, dirs[DEPTH], 1);
	EXPECT_INT(tree_inode_count(f.tree), 1);
	EXPECT_INT(dirfd_count(f.tree), 0);
}

TEST("a pinned descriptor stays open and the same while others come and go")
{
	FIXTURE(f, .layers = 2, .max_dirfds = 2);
	struct dirfd held, other;
	struct statx before, after;
	struct inode *d;

	ASSERT(fixture_make(&f, "1d/d 1d/e0 1d/e1 1d/e2 1d/e3 1d/e4"));
	d = fixture_get(&f, "d");
	ASSERT_INT(dirfd_get(f.tree, d, dir_ref(d->dir, 0), &held), 0);
	ASSERT_INT(os_statx(held.fd, "", &before), 0);
	for (unsigned i = 0; i < 5; i++) {
		struct inode *e;
		char name[8];

		snprintf(name, sizeof(name), "e%u", i);
		e = fixture_get(&f, name);
		ASSERT_INT(dirfd_get(f.tree, e, dir_ref(e->dir, 0), &other), 0);
		dirfd_put(f.tree, &other);
	}
	ASSERT_INT(os_statx(held.fd, "", &after), 0);
	EXPECT_INT(after.stx_ino, before.stx_ino);
	dirfd_put(f.tree, &held);
	EXPECT(dirfd_count(f.tree) <= 2);
}

TEST("a directory is reopened after an ancestor was renamed")
{
	FIXTURE(f, .layers = 2, .max_dirfds = 4);
	struct inode *c, *x, *dest;
	struct statx stx;

	ASSERT(fixture_make(&f, "0d/a 0d/a/b 0d/a/b/c 0f/a/b/c/x 0d/dest"));
	x = fixture_get(&f, "a/b/c/x");
	c = fixture_get(&f, "a/b/c");
	dest = fixture_get(&f, "dest");
	ASSERT(x && c && dest);
	while (dirfd_shrink(f.tree))
		;
	ASSERT_INT(renameat(f.top_fd, "0/a/b", f.top_fd, "0/dest/moved"), 0);
	inode_name_moved(f.tree, fixture_get(&f, "a"), "b", dest, "moved", false);
	EXPECT_INT(inode_statx(f.tree, x, &stx), 0);
	EXPECT_INT(stx.stx_ino, fixture_ino(&f, "0/dest/moved/c/x"));
	EXPECT_INT(inode_statx(f.tree, c, &stx), 0);
	EXPECT(fixture_get(&f, "dest/moved/c/x") == x);
}

TEST("a directory that was moved behind the union's back is stale, never another directory")
{
	FIXTURE(f, .layers = 2);
	struct inode *a;
	struct dirfd fd;

	ASSERT(fixture_make(&f, "0d/a 0d/b 0f/b/x"));
	a = fixture_get(&f, "a");
	while (dirfd_shrink(f.tree))
		;
	ASSERT_INT(renameat2(f.top_fd, "0/a", f.top_fd, "0/b", RENAME_EXCHANGE), 0);
	EXPECT_INT(dirfd_get(f.tree, a, &a->dir->upper, &fd), -ESTALE);
	ASSERT_INT(renameat(f.top_fd, "0/a", f.top_fd, "0/c"), 0);
	EXPECT_INT(dirfd_get(f.tree, a, &a->dir->upper, &fd), -ESTALE);
}

TEST("a directory that is listed and no more leaves no descriptor of it open, and one that is looked into stays so")
{
	FIXTURE(f, .layers = 3);
	struct inode *a;
	struct listing_batch *batch = malloc(sizeof(*batch));
	unsigned before;

	ASSERT(batch && fixture_make(&f, "1d/a 2d/a 1f/a/x 2f/a/y"));
	a = fixture_get(&f, "a");
	before = dirfd_count(f.tree);
	ASSERT_INT(listing_read(f.tree, a, 0, SIZE_MAX, batch), 0);
	EXPECT_INT(batch->n, 2);
	EXPECT_INT(dirfd_count(f.tree), before);
	EXPECT(step(&f, a, "x") && step(&f, a, "y"));
	EXPECT_INT(dirfd_count(f.tree), before + 2);
	listing_drop(f.tree, a);
	for (int i = 0; i < 2; i++) {
		ASSERT_INT(listing_read(f.tree, a, 0, SIZE_MAX, batch), 0);
		EXPECT_INT(batch->n, 2);
		EXPECT_INT(dirfd_count(f.tree), before + 2);
	}
	free(batch);
}

TEST("a directory that another one has taken the place of isn't listed with what is in that")
{
	FIXTURE(f, .layers = 2);
	struct listing_batch *batch = malloc(sizeof(*batch));
	struct inode *a;

	ASSERT(batch && fixture_make(&f, "0d/a 0d/b 0f/b/x"));
	a = fixture_get(&f, "a");
	while (dirfd_shrink(f.tree))
		;
	ASSERT_INT(renameat2(f.top_fd, "0/a", f.top_fd, "0/b", RENAME_EXCHANGE), 0);
	EXPECT_INT(listing_read(f.tree, a, 0, SIZE_MAX, batch), -ESTALE);
	EXPECT_INT(batch->n, 0);
	free(batch);
}

TEST("an unlinked upper directory is reached by its pinned descriptor")
{
	FIXTURE(f, .layers = 2);
	struct inode *d;
	struct dirfd fd;
	struct statx stx;

	ASSERT(fixture_make(&f, "0d/d"));
	d = fixture_get(&f, "d");
	inode_pin(f.tree, d, inode_open(f.tree, d, O_PATH | O_DIRECTORY, NULL));
	ASSERT_INT(unlinkat(f.top_fd, "0/d", AT_REMOVEDIR), 0);
	inode_name_removed(f.tree, f.tree->root, "d");
	while (dirfd_shrink(f.tree))
		;
	ASSERT_INT(dirfd_get_upper(f.tree, d, &fd), 0);
	dirfd_put(f.tree, &fd);
	ASSERT_INT(inode_statx(f.tree, d, &stx), 0);
	EXPECT_INT(stx.stx_nlink, 0);
	EXPECT_INT(resolve_child(f.tree, d, "x", &(struct resolved){0}), -ENOENT);
	EXPECT(tree_check(f.tree));
}

TEST("when descriptors run out, cached ones are closed and the work goes on")
{
	enum { DEPTH = 60 };
	FIXTURE(f, .layers = 2, .max_dirfds = 1000);
	struct inode *dirs[DEPTH + 1], *file;
	struct rlimit old, tight;
	int used = dup(0), fd;

	close(used);
	ASSERT(make_chain(&f, "1", DEPTH));
	ASSERT_INT(getrlimit(RLIMIT_NOFILE, &old), 0);
	tight = old;
	tight.rlim_cur = (rlim_t)used + 10;
	ASSERT_INT(setrlimit(RLIMIT_NOFILE, &tight), 0);
	EXPECT(walk_chain(&f, dirs, DEPTH));
	file = step(&f, dirs[DEPTH], "file");
	fd = file ? inode_open(f.tree, file, O_RDONLY, NULL) : -1;
	EXPECT(fd >= 0);
	EXPECT_INT(listing_build(f.tree, dirs[DEPTH / 2]), 0);
	ASSERT_INT(setrlimit(RLIMIT_NOFILE, &old), 0);
	close(fd);
}

/* --- races -------------------------------------------------------------------------------------------------------- */

struct race {
	struct fixture *f;
	struct inode *a, *b, *d, *e;
	_Atomic bool stop;
	unsigned opened, stale;
	bool wrong;
};

/* Exchanges two files over and over, as the change tier does: on disk first, then in the table. */
static void *exchange_files(void *arg)
{
	struct race *r = arg;
	struct tree *tree = r->f->tree;

	for (unsigned i = 0; !atomic_load(&r->stop); i++) {
		lock_take(&tree->root->dir->lock);
		if (renameat2(r->f->top_fd, "0/d", r->f->top_fd, "0/e", RENAME_EXCHANGE) == 0)
			inode_name_moved(tree, tree->root, "d", tree->root, "e", true);
		if (i % 2 == 0 && renameat2(r->f->top_fd, "0/d/a", r->f->top_fd, "0/e/a", RENAME_EXCHANGE) == 0) {
			struct inode *d = inode_peek(tree, tree->root, "d"), *e = inode_peek(tree, tree->root, "e");

			inode_name_moved(tree, d, "a", e, "a", true);
			inode_put(tree, d);
			inode_put(tree, e);
		}
		lock_drop(&tree->root->dir->lock);
		usleep(50);
	}
	return NULL;
}

static void open_one(struct race *r, struct inode *inode, const char *want)
{
	int fd = inode_open(r->f->tree, inode, O_RDONLY, NULL);
	char got[16] = "";

	if (fd == -ESTALE) {
		r->stale++;
		return;
	}
	r->opened++;
	if (fd < 0 || pread(fd, got, sizeof(got) - 1, 0) < 0 || strcmp(got, want)) {
		UNIT_FAIL("opening gave %d with \"%s\", not \"%s\"", fd, got, want);
		r->wrong = true;
	}
	if (fd >= 0)
		close(fd);
}

TEST("while renames swap files and their directories, opening an inode never gives the other file")
{
	FIXTURE(f, .layers = 2, .max_dirfds = 2);
	struct race r = {.f = &f};
	pthread_t thread;

	ASSERT(fixture_make(&f, "0d/d 0d/e 0f/d/a 0f/e/a"));
	r.a = fixture_get(&f, "d/a");
	r.b = fixture_get(&f, "e/a");
	ASSERT(r.a && r.b);
	ASSERT_INT(pthread_create(&thread, NULL, exchange_files, &r), 0);
	for (unsigned i = 0; i < 5000; i++) {
		open_one(&r, r.a, "0/d/a");
		open_one(&r, r.b, "0/e/a");
	}
	atomic_store(&r.stop, true);
	pthread_join(thread, NULL);
	printf("# %u opened, %u stale\n", r.opened, r.stale);
	EXPECT(!r.wrong);
	EXPECT(r.stale < r.opened / 100);
	EXPECT(tree_check(f.tree));
}

/* Looks names up and forgets them. */
static void *lookup_forget(void *arg)
{
	static const char *const names[] = {"d", "d/a", "d/sub/x", "e/a", "nothing", "d/sub"};
	struct race *r = arg;

	for (unsigned i = 0; i < 3000; i++) {
		struct inode *chain[4] = {r->f->tree->root};
		char copy[32], *save = NULL;
		unsigned n = 0;

		strcpy(copy, names[i % ARRAY_SIZE(names)]);
		for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
			struct inode *child = step(r->f, chain[n], name);

			if (!child)
				break;
			chain[++n] = child;
		}
		while (n)
			inode_forget(r->f->tree, chain[n--], 1);
	}
	return NULL;
}

static void *list_all(void *arg)
{
	struct race *r = arg;
	struct listing_batch *batch = malloc(sizeof(*batch));

	for (unsigned i = 0; i < 2000 && batch; i++) {
		if (listing_read(r->f->tree, r->f->tree->root, 0, 4096, batch) < 0 || batch->n != 3)
			r->wrong = true;
		listing_drop(r->f->tree, r->f->tree->root);
	}
	free(batch);
	return NULL;
}

TEST("lookups, forgets and listings by many threads leave the table whole and empty")
{
	FIXTURE(f, .layers = 3, .max_dirfds = 2);
	struct race r = {.f = &f};
	pthread_t threads[4];

	ASSERT(fixture_make(&f, "0d/d 1d/d 2d/d 1f/d/a 2d/d/sub 2f/d/sub/x 2d/e 2f/e/a 1f/z"));
	for (unsigned i = 0; i < 4; i++)
		ASSERT_INT(pthread_create(&threads[i], NULL, i < 3 ? lookup_forget : list_all, &r), 0);
	for (unsigned i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	EXPECT(!r.wrong);
	EXPECT(tree_check(f.tree));
	EXPECT_INT(tree_inode_count(f.tree), 1);
	EXPECT_INT(dirfd_count(f.tree), 0);
}
