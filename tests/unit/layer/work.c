/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whiteouts, their sharing, and taking directories out of the upper.
 */
#include <pthread.h>

#include "fixture.h"
#include "format/name.h"
#include "../../../src/layer/internal.h"

#define SET "lowerdir=l1,upperdir=u,workdir=w"

static struct stat stat_of(const char *path)
{
	struct stat st = {0};

	lstat(path, &st);
	return st;
}

static int upper_of(const struct fixture *f)
{
	return layer_upper(f->set)->root_fd;
}

static bool is_device(const char *path)
{
	struct stat st = stat_of(path);

	return st.st_mode == S_IFCHR && st.st_rdev == makedev(0, 0);
}

TEST("a whiteout is a device 0:0 of mode 0, and all of them are one inode")
{
	FIXTURE(f);
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(work_make_whiteout(f.set, upper_of(&f), "a"), 0);
	EXPECT_INT(work_make_whiteout(f.set, upper_of(&f), "b"), 0);
	EXPECT(is_device("u/a"));
	EXPECT(is_device("u/b"));
	EXPECT_INT(stat_of("u/a").st_ino, stat_of("u/b").st_ino);
	EXPECT_INT(stat_of("u/a").st_nlink, 3);
	EXPECT_INT(count_entries("w/work"), 1);
	layer_set_shutdown(f.set);
	EXPECT_INT(count_entries("w/work"), 0);
	EXPECT_INT(stat_of("u/a").st_nlink, 2);
}

TEST("a whiteout is not made over a name that is taken")
{
	FIXTURE(f);
	ASSERT(make_file("u/a", "precious", 0644));
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(work_make_whiteout(f.set, upper_of(&f), "a"), -EEXIST);
	EXPECT_INT(stat_of("u/a").st_size, 8);
}

TEST("whiteouts go on when the shared one can't be linked any more")
{
	FIXTURE(f);
	ino_t first;
	int dir;
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(work_make_whiteout(f.set, upper_of(&f), "a"), 0);
	first = stat_of("u/a").st_ino;
	/* Somebody removes it beneath us. */
	dir = open("w", O_PATH | O_DIRECTORY | O_CLOEXEC);
	ASSERT(!work_remove_tree(dir, "work") && !mkdir("w/work", 0700));
	close(dir);
	EXPECT_INT(work_make_whiteout(f.set, upper_of(&f), "b"), 0);
	EXPECT(is_device("u/b"));
	EXPECT(stat_of("u/b").st_ino != first);
}

TEST("at the file system's limit of links a new whiteout becomes the shared one")
{
	FIXTURE(f);
	char name[32];
	long limit;
	struct stat last;
	EXPECT_OPENS(&f, SET);
	limit = pathconf("u", _PC_LINK_MAX);
	if (limit < 8 || limit > 70000)
		SKIP("no limit to reach");
	for (long i = 0; i < limit + 2; i++) {
		snprintf(name, sizeof(name), "n%ld", i);
		ASSERT_INT(work_make_whiteout(f.set, upper_of(&f), name), 0);
	}
	/* The C library has a number for file systems that it doesn't know, too. */
	if (stat_of("u/n0").st_nlink > (nlink_t)limit)
		SKIP("no limit here");
	snprintf(name, sizeof(name), "u/n%ld", limit + 1);
	last = stat_of(name);
	EXPECT(is_device(name));
	EXPECT(last.st_ino != stat_of("u/n0").st_ino);
	EXPECT(last.st_nlink > 1);
	EXPECT_INT(count_entries("w/work"), 1);
}

TEST("a file is replaced by a whiteout in one step, and the work directory keeps nothing of it")
{
	FIXTURE(f);
	ASSERT(make_file("u/a", "x", 0644));
	ASSERT_INT(mkfifo("u/fifo", 0644), 0);
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(work_replace_by_whiteout(f.set, upper_of(&f), "a"), 0);
	EXPECT_INT(work_replace_by_whiteout(f.set, upper_of(&f), "fifo"), 0);
	EXPECT(is_device("u/a"));
	EXPECT(is_device("u/fifo"));
	EXPECT_INT(count_entries("w/work"), 1);
}

TEST("a directory is never replaced by work_replace_by_whiteout")
{
	FIXTURE(f);
	ASSERT_INT(mkdir("u/d", 0755), 0);
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(work_replace_by_whiteout(f.set, upper_of(&f), "d"), -EISDIR);
	EXPECT(S_ISDIR(stat_of("u/d").st_mode));
	EXPECT_INT(count_entries("w/work"), 1);
}

TEST("a retired directory leaves a whiteout, and what it held is gone at once")
{
	FIXTURE(f);
	ASSERT(!mkdir("u/d", 0755) && !mkdir("u/d/sub", 0) && !mknod("u/d/wh", S_IFCHR, makedev(0, 0)));
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(work_retire_dir(f.set, upper_of(&f), "d", true), 0);
	EXPECT(is_device("u/d"));
	EXPECT_INT(count_entries("w/work"), 1);
}

TEST("a directory retired without whiteout leaves nothing")
{
	FIXTURE(f);
	ASSERT(!mkdir("u/d", 0755) && !mknod("u/d/wh", S_IFCHR, makedev(0, 0)));
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(work_retire_dir(f.set, upper_of(&f), "d", false), 0);
	EXPECT(!exists("u/d"));
	EXPECT_INT(count_entries("w/work"), 0);
	EXPECT_INT(work_retire_dir(f.set, upper_of(&f), "d", false), -ENOENT);
	EXPECT_INT(work_retire_dir(f.set, upper_of(&f), "d", true), -ENOENT);
	EXPECT(!exists("u/d"));
	EXPECT_INT(count_entries("w/work"), 1);
}

static void xattr_form(struct fixture *f)
{
	f->set->whiteout_form = WHITEOUT_XATTR;
}

static bool has_value(const char *path, const char *xattr, const char *value)
{
	char buf[8];
	ssize_t size = lgetxattr(path, xattr, buf, sizeof(buf));

	return size == (ssize_t)strlen(value) && !memcmp(buf, value, (size_t)size);
}

TEST("a whiteout of the attribute form is an empty file with an xattr, in a directory that says so")
{
	FIXTURE(f);
	NEEDS_ROOT();
	EXPECT_OPENS(&f, SET);
	xattr_form(&f);
	EXPECT_INT(work_make_whiteout(f.set, upper_of(&f), "a"), 0);
	EXPECT_INT(work_make_whiteout(f.set, upper_of(&f), "b"), 0);
	EXPECT(S_ISREG(stat_of("u/a").st_mode));
	EXPECT_INT(stat_of("u/a").st_size, 0);
	EXPECT_INT(stat_of("u/a").st_ino, stat_of("u/b").st_ino);
	EXPECT(has_value("u/a", "trusted.overlay.whiteout", "y"));
	EXPECT(has_value("u", "trusted.overlay.opaque", "x"));
	EXPECT_INT(work_make_whiteout(f.set, upper_of(&f), "a"), -EEXIST);
	EXPECT_INT(count_entries("w/work"), 1);
}

TEST("an opaque directory stays opaque: it takes no whiteout of the attribute form")
{
	FIXTURE(f);
	NEEDS_ROOT();
	int fd;
	ASSERT_INT(mkdir("u/d", 0755), 0);
	ASSERT_INT(setxattr("u/d", "trusted.overlay.opaque", "y", 1, 0), 0);
	EXPECT_OPENS(&f, SET);
	xattr_form(&f);
	fd = open("u/d", O_PATH | O_DIRECTORY | O_CLOEXEC);
	EXPECT_INT(work_make_whiteout(f.set, fd, "a"), -EOPNOTSUPP);
	EXPECT(has_value("u/d", "trusted.overlay.opaque", "y"));
	close(fd);
}

TEST("retiring and replacing work with whiteouts of the attribute form")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(!mkdir("u/d", 0755) && make_file("u/d/x", "x", 0644) && make_file("u/a", "x", 0644));
	EXPECT_OPENS(&f, SET);
	xattr_form(&f);
	EXPECT_INT(work_retire_dir(f.set, upper_of(&f), "d", true), 0);
	EXPECT_INT(work_replace_by_whiteout(f.set, upper_of(&f), "a"), 0);
	EXPECT(has_value("u/d", "trusted.overlay.whiteout", "y"));
	EXPECT(has_value("u/a", "trusted.overlay.whiteout", "y"));
	EXPECT(has_value("u", "trusted.overlay.opaque", "x"));
	EXPECT_INT(count_entries("w/work"), 1);
}

TEST("temp names are what kernel overlayfs removes too")
{
	FIXTURE(f);
	char a[WORK_NAME_MAX], b[WORK_NAME_MAX];
	EXPECT_OPENS(&f, SET);
	work_temp_name(f.set, a);
	work_temp_name(f.set, b);
	EXPECT_INT(a[0], '#');
	EXPECT(strcmp(a, b) != 0);
}

/* --- threads ------------------------------------------------------------------------------------------------------ */

#define THREADS 4
#define EACH 300

struct maker {
	pthread_t thread;
	struct fixture *f;
	int number, failed;
};

static void *make_many(void *arg)
{
	struct maker *m = arg;
	char name[32];

	for (int i = 0; i < EACH; i++) {
		snprintf(name, sizeof(name), "t%d-%d", m->number, i);
		m->failed += work_make_whiteout(m->f->set, upper_of(m->f), name) != 0;
		if (i % 50 == 0)
			work_drop_shared_whiteout(m->f->set);
	}
	return NULL;
}

TEST("threads make whiteouts at once while the shared one is renewed, and none is lost or left over")
{
	FIXTURE(f);
	struct maker makers[THREADS];
	EXPECT_OPENS(&f, SET);
	for (int i = 0; i < THREADS; i++) {
		makers[i] = (struct maker){.f = &f, .number = i};
		ASSERT_INT(pthread_create(&makers[i].thread, NULL, make_many, &makers[i]), 0);
	}
	for (int i = 0; i < THREADS; i++) {
		pthread_join(makers[i].thread, NULL);
		EXPECT_INT(makers[i].failed, 0);
	}
	EXPECT_INT(count_entries("u"), THREADS * EACH);
	EXPECT(count_entries("w/work") <= 1);
	layer_set_shutdown(f.set);
	EXPECT_INT(count_entries("w/work"), 0);
}
