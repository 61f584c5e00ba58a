/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Walks of one layer, told as lines: "PATH KIND".
 */
#include "layer/walk.h"

#include <limits.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>

#include "base/macros.h"
#include "fixture.h"

#define LAYERS "lowerdir=l1:l2,upperdir=u,workdir=w"

struct told {
	char text[4096];
	unsigned n, begun, ended, failed;
	const char *skip; /* a path that isn't to be entered */
	unsigned again;	  /* how often the root is to be read again */
	int last_error;
};

static int tell(void *arg, struct layer_walk_entry *e)
{
	struct told *t = arg;
	size_t used = strlen(t->text);

	t->n++;
	snprintf(t->text + used, sizeof(t->text) - used, "%s%s%s%s%s%s\n", *e->path ? e->path : ".",
		 e->whiteout		    ? " whiteout"
		 : S_ISDIR(e->stx.stx_mode) ? " dir"
		 : S_ISLNK(e->stx.stx_mode) ? " link"
					    : " file",
		 e->opaque ? " opaque" : "", e->hides_below ? " name" : "", e->overmounted ? " overmounted" : "",
		 e->xattr_flags & XATTR_FLAG_OTHER_XATTR ? " xattr" : "");
	e->tag = t->n;
	return t->skip && !strcmp(t->skip, e->path) ? LAYER_WALK_SKIP : 0;
}

static int begin(void *arg, const struct layer_walk_entry *dir)
{
	((struct told *)arg)->begun++;
	EXPECT(dir->tag != 0);
	return 0;
}

static int end(void *arg, const struct layer_walk_entry *dir)
{
	struct told *t = arg;

	t->ended++;
	if (*dir->path || !t->again)
		return 0;
	t->again--;
	t->text[0] = '\0';
	return LAYER_WALK_AGAIN;
}

static int failed(void *arg, const struct layer_walk_entry *e, int err)
{
	struct told *t = arg;

	t->failed++;
	t->last_error = err;
	return 0;
}

static int walk(struct fixture *f, unsigned layer, unsigned flags, struct told *t)
{
	static const struct layer_walk_calls calls = {.entry = tell, .begin = begin, .end = end, .failed = failed};

	return layer_walk(f->set, &f->set->layers[layer], LAYER_WALK_SORTED | flags, &calls, t);
}

TEST("parents come first, the entries of a directory together, and a symlink is not followed")
{
	FIXTURE(f);
	struct told t = {.n = 0};

	ASSERT(mkdir("l1/a", 0755) == 0 && mkdir("l1/a/sub", 0755) == 0 && make_file("l1/a/x", "", 0644) &&
	       make_file("l1/a/sub/y", "", 0644));
	ASSERT(mkdir("l1/b", 0755) == 0 && make_file("l1/b/z", "", 0644) && symlink("a", "l1/c") == 0);
	EXPECT_OPENS(&f, "lowerdir=l1:l2");
	EXPECT_INT(walk(&f, 0, 0, &t), 0);
	EXPECT_STR(t.text, ". dir\na dir\nb dir\nc link\na/sub dir\na/x file\na/sub/y file\nb/z file\n");
	EXPECT_INT(t.begun, 4);
	EXPECT_INT(t.ended, 4);
}

TEST("whiteouts and opaque directories of the kernel's forms are told as what they mean")
{
	FIXTURE(f);
	struct told t = {.n = 0};

	NEEDS_ROOT();
	ASSERT(mknod("u/gone", S_IFCHR, 0) == 0 && mknod("u/null", S_IFCHR | 0600, makedev(1, 3)) == 0);
	ASSERT(mkdir("u/o", 0755) == 0 && setxattr("u/o", "trusted.overlay.opaque", "y", 1, 0) == 0);
	ASSERT(mkdir("u/x", 0755) == 0 && setxattr("u/x", "trusted.overlay.opaque", "x", 1, 0) == 0);
	ASSERT(make_file("u/x/gone", "", 0644) && setxattr("u/x/gone", "trusted.overlay.whiteout", "y", 1, 0) == 0);
	ASSERT(make_file("u/x/full", "1", 0644) && setxattr("u/x/full", "trusted.overlay.whiteout", "y", 1, 0) == 0);
	EXPECT_OPENS(&f, LAYERS);
	EXPECT_INT(walk(&f, 0, 0, &t), 0);
	EXPECT_STR(t.text, ". dir\ngone whiteout\nnull file\no dir opaque\nx dir\nx/full file\nx/gone whiteout\n");
}

TEST("the aufs dialect's names mean something where it is read, and are names where they are told raw")
{
	FIXTURE(f);
	struct told t = {.n = 0}, raw = {.n = 0};

	ASSERT(make_file("l1/.wh.gone", "", 0644) && make_file("l1/.wh.both", "", 0644) &&
	       make_file("l1/both", "", 0644));
	ASSERT(mkdir("l1/o", 0755) == 0 && make_file("l1/o/.wh..wh..opq", "", 0644) &&
	       make_file("l1/.wh..wh.plnk", "", 0644));
	EXPECT_OPENS(&f, "lowerdir=l1:l2,whiteouts=aufs");
	EXPECT_INT(walk(&f, 0, 0, &t), 0);
	EXPECT_STR(t.text, ". dir\nboth whiteout name\ngone whiteout name\nboth file\no dir opaque\n");
	EXPECT_INT(walk(&f, 0, LAYER_WALK_RAW, &raw), 0);
	EXPECT_STR(raw.text,
		   ". dir\n.wh..wh.plnk file\n.wh.both file\n.wh.gone file\nboth file\no dir\no/.wh..wh..opq file\n");
}

TEST("a directory that is to be skipped isn't entered, and one that is to be read again is")
{
	FIXTURE(f);
	struct told t = {.skip = "a", .again = 2};

	ASSERT(mkdir("l1/a", 0755) == 0 && make_file("l1/a/x", "", 0644) && make_file("l1/b", "", 0644));
	EXPECT_OPENS(&f, "lowerdir=l1:l2");
	EXPECT_INT(walk(&f, 0, 0, &t), 0);
	EXPECT_STR(t.text, "a dir\nb file\n");
	EXPECT_INT(t.begun, 3);
	EXPECT_INT(t.ended, 3);
}

TEST("attributes are told where they are asked for")
{
	FIXTURE(f);
	struct told without = {.n = 0}, with = {.n = 0};

	ASSERT(make_file("l1/f", "", 0644));
	if (setxattr("l1/f", "user.mine", "1", 1, 0) < 0)
		SKIP("no user attributes on /tmp");
	EXPECT_OPENS(&f, "lowerdir=l1:l2");
	EXPECT_INT(walk(&f, 0, 0, &without), 0);
	EXPECT_STR(without.text, ". dir\nf file\n");
	EXPECT_INT(walk(&f, 0, LAYER_WALK_XATTR_FLAGS, &with), 0);
	EXPECT_STR(with.text, ". dir\nf file xattr\n");
}

static void overmounted(void)
{
	FIXTURE(f);
	struct told t = {.n = 0};

	ASSERT(mkdir("l1/m", 0755) == 0 && make_file("l1/m/below", "", 0644));
	ASSERT_INT(mount("t", "l1/m", "tmpfs", 0, ""), 0);
	ASSERT(make_file("l1/m/above", "", 0644));
	EXPECT_OPENS(&f, "lowerdir=l1:l2");
	/* As where no clone of the mount can be had. */
	close(f.set->layers[0].root_fd);
	f.set->layers[0].root_fd = open("l1", O_PATH | O_DIRECTORY | O_CLOEXEC);
	f.set->layers[0].cloned = false;
	EXPECT_INT(walk(&f, 0, 0, &t), 0);
	EXPECT_STR(t.text, ". dir\nm dir overmounted\n");
	EXPECT_INT(t.failed, 0);
	EXPECT_INT(umount("l1/m"), 0);
}

TEST("what another mount covers is told and not entered")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, overmounted);
}

TEST("paths longer than PATH_MAX are walked")
{
	FIXTURE(f);
	struct told t = {.skip = "none"};
	char name[201];
	unsigned depth = PATH_MAX / 200 + 3;
	int fd;

	memset(name, 'd', 200);
	name[200] = '\0';
	fd = open("l1", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < depth && fd >= 0; i++) {
		int next = mkdirat(fd, name, 0755) < 0 ? -1 : openat(fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);

		close(fd);
		fd = next;
	}
	ASSERT(fd >= 0);
	close(fd);
	EXPECT_OPENS(&f, "lowerdir=l1:l2");
	EXPECT_INT(walk(&f, 0, 0, &t), 0);
	EXPECT_INT(t.n, depth + 1);
	EXPECT_INT(t.ended, depth + 1);
}
