/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors behind the commit. The linker puts the functions below in the place of the system call tier's: once a name was
 * made, looking at it fails, and perhaps its removal too.
 */
#include "change/names.h"

int __real_os_statx(int dirfd, const char *name, struct statx *ret_stx);
int __real_os_unlinkat(int dirfd, const char *name, int flags);
int __real_os_mkdirat(int dirfd, const char *name, mode_t mode);
int __real_os_link_fd(int fd, int dirfd, const char *name);
int __real_os_linkat(int olddirfd, const char *oldname, int newdirfd, const char *newname);
int __real_os_setxattr(int dirfd, const char *name, const char *xattr, const void *value, size_t size, int flags);
int __wrap_os_linkat(int olddirfd, const char *oldname, int newdirfd, const char *newname);
int __wrap_os_setxattr(int dirfd, const char *name, const char *xattr, const void *value, size_t size, int flags);
int __wrap_os_statx(int dirfd, const char *name, struct statx *ret_stx);
int __wrap_os_unlinkat(int dirfd, const char *name, int flags);
int __wrap_os_mkdirat(int dirfd, const char *name, mode_t mode);
int __wrap_os_link_fd(int fd, int dirfd, const char *name);

static bool on, made, stays; /* armed; a name was made since; and can't be removed */

int __wrap_os_statx(int dirfd, const char *name, struct statx *ret_stx)
{
	return on && made ? -EIO : __real_os_statx(dirfd, name, ret_stx);
}

int __wrap_os_unlinkat(int dirfd, const char *name, int flags)
{
	return on && made && stays ? -EIO : __real_os_unlinkat(dirfd, name, flags);
}

int __wrap_os_mkdirat(int dirfd, const char *name, mode_t mode)
{
	int r = __real_os_mkdirat(dirfd, name, mode);

	made |= r == 0;
	return r;
}

int __wrap_os_link_fd(int fd, int dirfd, const char *name)
{
	int r = __real_os_link_fd(fd, dirfd, name);

	made |= r == 0;
	return r;
}

int __wrap_os_linkat(int olddirfd, const char *oldname, int newdirfd, const char *newname)
{
	int r = __real_os_linkat(olddirfd, oldname, newdirfd, newname);

	made |= r == 0;
	return r;
}

static bool counts_fail; /* what is written about a name that was made */

int __wrap_os_setxattr(int dirfd, const char *name, const char *xattr, const void *value, size_t size, int flags)
{
	if (counts_fail && made)
		return -EIO;
	return __real_os_setxattr(dirfd, name, xattr, value, size, flags);
}

static unsigned doubts;

static void note_doubt(struct inode *dir, const char *name, void *arg)
{
	doubts += inode_is_dir(dir) && !strcmp(name, arg);
}

/* `run` on a union of `layers`: it must answer EIO, and the union show `want`, after as many doubts about `name`. */
static void expect_late(const char *layers, int (*run)(struct uni *u), bool can_be_removed, const char *want,
			unsigned want_doubts)
{
	struct view listed;
	UNI(u);
	ASSERT(layers_make(layers));
	UNI_OPEN(u);
	u.writer->on_doubt = note_doubt;
	u.writer->arg = (void *)"new";
	view_kept(&u, &listed);
	doubts = 0;
	made = false;
	stays = !can_be_removed;
	on = true;
	EXPECT_INT(run(&u), -EIO);
	on = false;
	EXPECT_VIEW(&u, want);
	EXPECT_INT(doubts, want_doubts);
}

static int make_dir(struct uni *u)
{
	return names_create(u, "d/new", S_IFDIR | 0755);
}

static int make_link(struct uni *u)
{
	return names_link(u, "f", "d/new");
}

TEST("a directory that can't be looked at is taken back, and else in doubt")
{
	expect_late("u/d/", make_dir, true, "d/\n", 0);
	expect_late("u/d/", make_dir, false, "d/\nd/new/\n", 1);
}

TEST("a link to what can't be looked at is taken back, and else in doubt")
{
	expect_late("u/d/ u/f=x", make_link, true, "d/\nf=x\n", 0);
	expect_late("u/d/ u/f=x", make_link, false, "d/\nd/new=x\nf=x\n", 1);
}

TEST("a name that comes into the upper uncounted is there")
{
	UNI(u);
	ASSERT(layers_make("l1/a=x l1/b:l1/a l1/c:l1/a"));
	UNI_OPEN(u);
	struct inode *a = uni_find(&u, "a");
	struct stat st;

	ASSERT(a);
	ASSERT_INT(copyup_now(u.writer, a, COPYUP_FULL), 0);
	if (stat("w/index", &st))
		SKIP("no index here");
	EXPECT_VIEW(&u, "a=x\nb=x\nc=x\n");
	made = false;
	counts_fail = true;
	EXPECT_INT(names_rename(&u, "b", "new", 0), 0);
	counts_fail = false;
	EXPECT(!stat("u/new", &st));
	EXPECT_VIEW(&u, "a=x\nc=x\nnew=x\n");
	EXPECT_INT(names_unlink(&u, "new"), 0);
	EXPECT_INT(names_unlink(&u, "c"), 0);
	EXPECT_VIEW(&u, "a=x\n");
}
