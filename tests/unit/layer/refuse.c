/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is refused before a mount exists, with the exact line that the user reads.
 */
#include "fixture.h"

#define UPPER "upperdir=u,workdir=w"

TEST("a missing layer is refused by its path")
{
	FIXTURE(f);
	EXPECT_REFUSED(&f, "lowerdir=l1:gone", -ENOENT, "lowerdir: gone: No such file or directory");
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=gone,workdir=w", -ENOENT, "upperdir: gone: No such file or directory");
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=u,workdir=gone", -ENOENT, "workdir: gone: No such file or directory");
}

TEST("a file in the place of a directory is refused")
{
	FIXTURE(f);
	ASSERT(make_file("file", "", 0644));
	EXPECT_REFUSED(&f, "lowerdir=file:l1", -ENOTDIR, "lowerdir: file: not a directory");
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=file,workdir=w", -ENOTDIR, "upperdir: file: not a directory");
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=u,workdir=file", -ENOTDIR, "workdir: file: not a directory");
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1", "file"), -ENOTDIR);
	EXPECT_STR(f.error, "mountpoint: file: not a directory");
}

TEST("a fifo in the place of a directory is refused and not waited for")
{
	FIXTURE(f);
	ASSERT_INT(mkfifo("fifo", 0644), 0);
	EXPECT_REFUSED(&f, "lowerdir=fifo", -ENOTDIR, "lowerdir: fifo: not a directory");
}

TEST("a missing mountpoint is refused")
{
	FIXTURE(f);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1", "gone"), -ENOENT);
	EXPECT_STR(f.error, "mountpoint: gone: No such file or directory");
}

TEST("a mountpoint that is a descriptor is not looked at")
{
	FIXTURE(f);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1", "/dev/fd/99"), 0);
	EXPECT_STR(f.error, NULL);
}

static void unreadable(void)
{
	FIXTURE(f);
	ASSERT_INT(mkdir("l1/sub", 0755), 0);
	ASSERT_INT(chmod("l2", 0311), 0);
	ASSERT_INT(chmod("l3", 0444), 0);
	ASSERT_INT(chmod(f.path, 0755), 0);
	ASSERT_INT(seteuid(65534), 0);
	EXPECT_REFUSED(&f, "lowerdir=l2", -EACCES, "lowerdir: l2: Permission denied");
	EXPECT_REFUSED(&f, "lowerdir=l3", -EACCES, "lowerdir: l3: Permission denied");
	EXPECT_REFUSED(&f, "lowerdir=l1," UPPER, -EACCES, "workdir: w: work can't be prepared: Permission denied");
	EXPECT_INT(seteuid(0), 0);
}

TEST("a layer that can't be read or searched is refused")
{
	NEEDS_ROOT();
	run_in_namespaces(0, unreadable);
}

TEST("the same directory twice is refused, under any name")
{
	FIXTURE(f);
	ASSERT_INT(symlink("l1", "again"), 0);
	EXPECT_REFUSED(&f, "lowerdir=l1:l2:l1", -ELOOP, "lowerdir: l1: the same directory as lowerdir l1");
	EXPECT_REFUSED(&f, "lowerdir=l1:again", -ELOOP, "lowerdir: again: the same directory as lowerdir l1");
	EXPECT_REFUSED(&f, "lowerdir=l1:l2/../l1", -ELOOP, "lowerdir: l2/../l1: the same directory as lowerdir l1");
}

TEST("one lower inside another is refused, in either order")
{
	FIXTURE(f);
	ASSERT_INT(mkdir("l1/a", 0755), 0);
	ASSERT_INT(mkdir("l1/a/b", 0755), 0);
	EXPECT_REFUSED(&f, "lowerdir=l1:l1/a/b", -ELOOP, "lowerdir: l1/a/b: lies inside lowerdir l1");
	EXPECT_REFUSED(&f, "lowerdir=l1/a/b:l1", -ELOOP, "lowerdir: l1/a/b: lies inside lowerdir l1");
}

TEST("names that only begin alike don't overlap")
{
	FIXTURE(f);
	ASSERT_INT(mkdir("l", 0755), 0);
	EXPECT_OPENS(&f, "lowerdir=l:l1:l2");
}

TEST("upper or work equal to a lower is refused")
{
	FIXTURE(f);
	EXPECT_REFUSED(&f, "lowerdir=l1:l2,upperdir=l2,workdir=w", -ELOOP,
		       "upperdir: l2: the same directory as lowerdir l2");
	EXPECT_REFUSED(&f, "lowerdir=l1:l2,upperdir=u,workdir=l1", -ELOOP,
		       "workdir: l1: the same directory as lowerdir l1");
}

TEST("a lower inside the upper or the work directory is refused")
{
	FIXTURE(f);
	ASSERT_INT(mkdir("u/x", 0755), 0);
	ASSERT_INT(mkdir("w/x", 0755), 0);
	EXPECT_REFUSED(&f, "lowerdir=u/x," UPPER, -ELOOP, "lowerdir: u/x: lies inside upperdir u");
	EXPECT_REFUSED(&f, "lowerdir=w/x," UPPER, -ELOOP, "lowerdir: w/x: lies inside workdir w");
}

TEST("upper and work may not be equal or hold each other")
{
	FIXTURE(f);
	ASSERT_INT(mkdir("u/x", 0755), 0);
	ASSERT_INT(mkdir("w/x", 0755), 0);
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=u,workdir=u", -ELOOP, "workdir: u: the same directory as upperdir u");
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=u,workdir=u/x", -ELOOP, "workdir: u/x: lies inside upperdir u");
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=w/x,workdir=w", -ELOOP, "upperdir: w/x: lies inside workdir w");
}

TEST("upper and work inside a lower are permitted, also in lowerdir=/, and are known by their identity")
{
	FIXTURE(f);
	struct stat st;
	ASSERT_INT(mkdir("l1/u", 0755), 0);
	ASSERT_INT(mkdir("l1/w", 0755), 0);
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=l1/u,workdir=l1/w");
	ASSERT_INT(stat("l1/u", &st), 0);
	EXPECT_INT(f.set->upper_id.ino, st.st_ino);
	EXPECT_INT(f.set->upper_id.dev, st.st_dev);
	ASSERT_INT(stat("l1/w", &st), 0);
	EXPECT_INT(f.set->work_id.ino, st.st_ino);
	EXPECT_OPENS(&f, "lowerdir=/," UPPER);
}

TEST("a mountpoint may be a layer, hold layers or lie in one, but not in what the work directory is for")
{
	FIXTURE(f);
	static const char *const made[] = {"l1/m", "m/l",     "m/u",	"m/w",	    "u/m",
					   "w/m",  "w/works", "w/work", "w/work/m", "w/index"};

	for (size_t i = 0; i < sizeof(made) / sizeof(*made); i++)
		ASSERT_INT(mkdir(made[i], 0755), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1:m", "m"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1:m/l", "m"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1,upperdir=m/u,workdir=m/w", "m"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=/", "/"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1:l2", "l1/m"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=/", "m"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1," UPPER, "u"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1," UPPER, "u/m"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1," UPPER, "w"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1," UPPER, "w/m"), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1," UPPER, "w/works"), 0);
	ASSERT_INT(mkdir("w/work/m", 0755), 0);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1," UPPER, "w/work"), -ELOOP);
	EXPECT_STR(f.error, "mountpoint: w/work: lies inside workdir w");
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1," UPPER, "w/work/m"), -ELOOP);
	EXPECT_INT(fixture_open_at(&f, "lowerdir=l1," UPPER, "w/index"), -ELOOP);
	EXPECT(access("w/work/m", F_OK) == 0);
}

static void bind_overlaps(void)
{
	FIXTURE(f);
	ASSERT_INT(mkdir("l1/a", 0755), 0);
	ASSERT_INT(mkdir("l1/a/b", 0755), 0);
	ASSERT_INT(mkdir("v", 0755), 0);
	ASSERT_INT(mkdir("v2", 0755), 0);
	ASSERT_INT(mount("l1/a", "v", NULL, MS_BIND, NULL), 0);
	ASSERT_INT(mount("l2", "v2", NULL, MS_BIND, NULL), 0);
	EXPECT_REFUSED(&f, "lowerdir=v:l1", -ELOOP, "lowerdir: v: lies inside lowerdir l1");
	EXPECT_REFUSED(&f, "lowerdir=l1:v/b", -ELOOP, "lowerdir: v/b: lies inside lowerdir l1");
	EXPECT_REFUSED(&f, "lowerdir=l1/a/b:v", -ELOOP, "lowerdir: l1/a/b: lies inside lowerdir v");
	EXPECT_REFUSED(&f, "lowerdir=l2:v2", -ELOOP, "lowerdir: v2: the same directory as lowerdir l2");
	EXPECT_INT(umount("v2"), 0);
	EXPECT_INT(umount("v"), 0);
}

TEST("a bind mount doesn't hide that directories overlap")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, bind_overlaps);
}

static void mounted_inside(void)
{
	FIXTURE(f);
	ASSERT_INT(mkdir("l1/t", 0755), 0);
	ASSERT_INT(mount("t", "l1/t", "tmpfs", 0, ""), 0);
	ASSERT_INT(mkdir("l1/t/l", 0755), 0);
	EXPECT_OPENS(&f, "lowerdir=l1:l1/t/l");
	fixture_close(&f);
	EXPECT_INT(umount("l1/t"), 0);
}

TEST("another file system mounted below a layer is not inside it")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, mounted_inside);
}

static void other_places(void)
{
	FIXTURE(f);
	ASSERT_INT(mkdir("t", 0755), 0);
	ASSERT_INT(mkdir("b", 0755), 0);
	ASSERT_INT(mount("t", "t", "tmpfs", 0, ""), 0);
	ASSERT_INT(mkdir("t/w", 0755), 0);
	ASSERT_INT(mkdir("t/u", 0755), 0);
	ASSERT_INT(mount(".", "b", NULL, MS_BIND, NULL), 0);
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=u,workdir=t/w", -EXDEV,
		       "workdir: t/w: not on the same file system as upperdir");
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=u,workdir=b/w", -EXDEV,
		       "workdir: b/w: not on the same mount as upperdir");
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=t/u,workdir=t/w");
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=b/u,workdir=b/w");
	fixture_close(&f);
	ASSERT_INT(mount(NULL, "t", NULL, MS_REMOUNT | MS_RDONLY, ""), 0);
	EXPECT_REFUSED(&f, "lowerdir=l1,upperdir=t/u,workdir=t/w", -EROFS, "upperdir: t/u: read-only file system");
	EXPECT_INT(umount("b"), 0);
	EXPECT_INT(umount("t"), 0);
}

TEST("work on another file system or mount is refused, and so is a read-only upper")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, other_places);
}

TEST("data-only layers lie behind the others and are no part of their number")
{
	FIXTURE(f);
	struct stack_layer layers[] = {{.path = (char *)"l1"}, {.path = (char *)"l2", .data_only = true}};
	struct stack_spec spec = {.layers = layers, .layer_count = 2};

	ASSERT_INT(fixture_open_spec(&f, &spec, "m"), 0);
	EXPECT_INT(f.set->n, 1);
	EXPECT_INT(f.set->n_data, 1);
	EXPECT_STR(f.set->layers[1].path, "l2");
	EXPECT(f.set->layers[1].root_fd >= 0);
}

TEST("a data-only layer alone, or one that is a lower layer too, is refused")
{
	FIXTURE(f);
	struct stack_layer alone[] = {{.path = (char *)"l1", .data_only = true}};
	struct stack_layer twice[] = {{.path = (char *)"l1"}, {.path = (char *)"l1", .data_only = true}};
	struct stack_spec spec = {.layers = alone, .layer_count = 1};

	EXPECT_INT(fixture_open_spec(&f, &spec, "m"), -EINVAL);
	EXPECT_STR(f.error, "datadir: l1: no other layer is given");
	free(f.error);
	f.error = NULL;
	spec = (struct stack_spec){.layers = twice, .layer_count = 2};
	EXPECT_INT(fixture_open_spec(&f, &spec, "m"), -ELOOP);
	EXPECT_STR(f.error, "datadir: l1: the same directory as lowerdir l1");
}

TEST("metacopy=on without xattrs in trusted.* is refused, but not of who is lenient")
{
	FIXTURE(f);
	struct stack_layer layers[] = {{.path = (char *)"l1"}};
	struct stack_spec spec = {.layers = layers, .layer_count = 1, .metacopy = 1, .userxattr = true};

	EXPECT_INT(fixture_open_spec(&f, &spec, "m"), -EPERM);
	EXPECT_STR(f.error, "metacopy: on: needs xattrs in trusted.*, and so privilege in the initial user namespace");
	free(f.error);
	f.error = NULL;
	spec.lenient = true;
	ASSERT_INT(fixture_open_spec(&f, &spec, "m"), 0);
	EXPECT(!f.set->follow_metacopy);
}

TEST("no lower layer, or an upper without a work directory, is refused")
{
	FIXTURE(f);
	struct stack_layer layers[] = {{.path = (char *)"l1"}};
	struct stack_spec none = {0}, no_work = {.layers = layers, .layer_count = 1, .upperdir = (char *)"u"};

	EXPECT_INT(fixture_open_spec(&f, &none, "m"), -EINVAL);
	EXPECT_STR(f.error, "lowerdir: missing");
	free(f.error);
	EXPECT_INT(fixture_open_spec(&f, &no_work, "m"), -EINVAL);
	EXPECT_STR(f.error, "workdir: missing, upperdir needs one");
}

TEST("a refusal is one line whatever the path holds")
{
	FIXTURE(f);
	EXPECT_REFUSED(&f, "lowerdir=a\nb", -ENOENT, "lowerdir: a?b: No such file or directory");
}

static int open_descriptors(void)
{
	return count_entries("/proc/self/fd");
}

TEST("a refusal leaves no descriptor open, and success one a lower layer")
{
	FIXTURE(f);
	int before = open_descriptors();

	EXPECT_REFUSED(&f, "lowerdir=l1:l2:l1," UPPER, -ELOOP, "lowerdir: l1: the same directory as lowerdir l1");
	EXPECT_REFUSED(&f, "lowerdir=l1:l2:gone," UPPER, -ENOENT, "lowerdir: gone: No such file or directory");
	EXPECT_INT(open_descriptors(), before);
	EXPECT_OPENS(&f, "lowerdir=l1:l2:l3");
	EXPECT(open_descriptors() <= before + 3 + 1);
	fixture_close(&f);
	EXPECT_OPENS(&f, "lowerdir=l1:l2:l3," UPPER);
	fixture_close(&f);
	EXPECT_INT(open_descriptors(), before);
}

TEST("600 lower layers open")
{
	FIXTURE(f);
	char name[16], *text = calloc(600, 8), *end;

	ASSERT(text);
	end = stpcpy(text, "lowerdir=");
	for (int i = 0; i < 600; i++) {
		snprintf(name, sizeof(name), "n%d", i);
		EXPECT_INT(mkdir(name, 0755), 0);
		end += sprintf(end, "%s%s", i ? ":" : "", name);
	}
	EXPECT_INT(fixture_open(&f, text), 0);
	EXPECT_STR(f.error, NULL);
	if (f.set)
		EXPECT_INT(f.set->n, 600);
	free(text);
}

TEST("more layers than there are indexes are refused, before any is opened")
{
	FIXTURE(f);
	static struct stack_layer layers[LAYERS_MAX + 1];
	const struct stack_spec spec = {.layers = layers, .layer_count = LAYERS_MAX + 1};

	for (size_t i = 0; i <= LAYERS_MAX; i++)
		layers[i].path = (char *)"l1";
	EXPECT_INT(fixture_open_spec(&f, &spec, "m"), -E2BIG);
	EXPECT_STR(f.error, "lowerdir: more than 65534 layers");
}
