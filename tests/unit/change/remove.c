/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing names: what stays in the upper, what the union shows, and that what is open stays usable.
 */
#include "change/names.h"

TEST("unlink of a lower file copies no data and leaves one shared whiteout")
{
	struct stat a, b;

	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low l1/d/g=low u/d/"));
	UNI_OPEN(u);
	EXPECT_INT(names_unlink(&u, "d/f"), 0);
	EXPECT_INT(names_unlink(&u, "d/g"), 0);
	EXPECT(is_whiteout("u/d/f") && is_whiteout("u/d/g"));
	ASSERT(!lstat("u/d/f", &a) && !lstat("u/d/g", &b));
	EXPECT_INT(a.st_ino, b.st_ino);
	EXPECT(exists("l1/d/f"));
	EXPECT_INT(names_unlink(&u, "d/f"), -ENOENT);
	EXPECT_VIEW(&u, "d/\n");
}

TEST("unlink of an upper file leaves nothing, and a whiteout only where a lower layer has the name")
{
	UNI(u);
	ASSERT(layers_make(
		"l1/d/ l1/d/both=low l1/d/link>x l2/d/ l2/d/deep=low u/d/ u/d/own=up u/d/both=up u/d/deep=up "
		"u/d/link>y"));
	UNI_OPEN(u);
	EXPECT_INT(names_unlink(&u, "d/own"), 0);
	EXPECT_INT(names_unlink(&u, "d/both"), 0);
	EXPECT_INT(names_unlink(&u, "d/deep"), 0);
	EXPECT_INT(names_unlink(&u, "d/link"), 0);
	EXPECT(!exists("u/d/own"));
	EXPECT(is_whiteout("u/d/both") && is_whiteout("u/d/deep") && is_whiteout("u/d/link"));
	EXPECT_VIEW(&u, "d/\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("a name that a lower whiteout hides needs none in the upper")
{
	UNI(u);
	ASSERT(layers_make("l2/d/ l2/d/f=low l1/d/ l1/d/f! u/d/ u/d/f=up"));
	UNI_OPEN(u);
	EXPECT_INT(names_unlink(&u, "d/f"), 0);
	EXPECT(!exists("u/d/f"));
	EXPECT_VIEW(&u, "d/\n");
}

TEST("in an opaque directory nothing leaves a whiteout")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low l1/d/e/ u/d/ u/d@ u/d/f=up u/d/e/"));
	UNI_OPEN(u);
	EXPECT_INT(names_unlink(&u, "d/f"), 0);
	EXPECT_INT(names_rmdir(&u, "d/e"), 0);
	EXPECT_INT(count_entries("u/d"), 0);
	EXPECT_VIEW(&u, "d/\n");
}

TEST("a parent in a lower layer is asked for before anything is touched, a plain error comes first")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low l1/d/e/ l1/d/e/x="));
	UNI_OPEN(u);
	EXPECT_INT(names_unlink(&u, "d/f"), -LOOK_AGAIN);
	EXPECT_INT(names_unlink(&u, "d/none"), -ENOENT);
	EXPECT_INT(names_unlink(&u, "d/e"), -EISDIR);
	EXPECT_INT(names_rmdir(&u, "d/f"), -ENOTDIR);
	EXPECT_INT(names_rmdir(&u, "d/e"), -ENOTEMPTY);
	EXPECT_INT(count_entries("u"), 0);
}

TEST("an unlinked file stays readable and writable by who has it open, its attributes too")
{
	UNI(u);
	ASSERT(layers_make("l1/low=low u/up=up l1/both=low u/both=up"));
	UNI_OPEN(u);
	static const char *const names[] = {"low", "up", "both"};

	for (int i = 0; i < 3; i++) {
		struct inode *inode = uni_find(&u, names[i]);
		uint64_t ino = inode->ino;
		struct statx stx;
		char text[8] = "";
		int fd;

		ASSERT_INT(names_unlink(&u, names[i]), 0);
		ASSERT_INT(inode_statx(u.tree, inode, &stx), 0);
		EXPECT_INT(stx.stx_nlink, 0);
		EXPECT_INT(stx.stx_ino, ino);
		fd = inode_open(u.tree, inode, i ? O_RDWR : O_RDONLY, NULL);
		ASSERT(fd >= 0);
		EXPECT_INT(pread(fd, text, sizeof(text) - 1, 0), i == 1 ? 2 : i == 2 ? 2 : 3);
		EXPECT_STR(text, i ? "up" : "low");
		close(fd);
	}
	EXPECT_VIEW(&u, "");
}

TEST("beyond the limit a removed file of the upper is kept by a name, a directory by a descriptor")
{
	UNI(u);
	ASSERT(layers_make("u/up=up u/d/ l1/both=low u/both=up"));
	UNI_OPEN(u);
	u.tree->own_pinned.max = 0;
	struct inode *up = uni_find(&u, "up"), *both = uni_find(&u, "both"), *d = uni_find(&u, "d");

	ASSERT_INT(names_unlink(&u, "up"), 0);
	ASSERT_INT(names_unlink(&u, "both"), 0);
	ASSERT_INT(names_rmdir(&u, "d"), 0);
	EXPECT(orphan_is_held_by_name(up) && orphan_is_held_by_name(both));
	EXPECT(atomic_load(&d->pinned_fd) >= 0);
	EXPECT_INT(work_temps(), 2);
	EXPECT_VIEW(&u, "");
	inode_forget(u.tree, up, up->nlookup);
	EXPECT_INT(work_temps(), 1);
}

TEST("a file with another name is not pinned, and keeps its count")
{
	UNI(u);
	ASSERT(layers_make("u/a=up u/b:u/a"));
	UNI_OPEN(u);
	struct inode *inode = uni_find(&u, "a");
	struct statx stx;

	ASSERT(uni_find(&u, "b") == inode);
	ASSERT_INT(names_unlink(&u, "a"), 0);
	EXPECT_INT(atomic_load(&inode->pinned_fd), -1);
	ASSERT_INT(inode_statx(u.tree, inode, &stx), 0);
	EXPECT_INT(stx.stx_nlink, 1);
	ASSERT_INT(names_unlink(&u, "b"), 0);
	EXPECT(atomic_load(&inode->pinned_fd) >= 0);
	EXPECT_VIEW(&u, "");
}

TEST("a file whose other name nobody has looked up is found by that name afterwards")
{
	UNI(u);
	ASSERT(layers_make("u/a=up u/b:u/a"));
	UNI_OPEN(u);
	struct inode *inode = uni_find(&u, "a");

	ASSERT_INT(names_unlink(&u, "a"), 0);
	EXPECT(uni_find(&u, "b") == inode);
	EXPECT_VIEW(&u, "b=up\n");
}

/* --- directories -------------------------------------------------------------------------------------------------- */

TEST("rmdir of a merged directory whose lower entries were removed leaves a whiteout and no temps")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low l1/d/g=low u/d/ u/d/f!"));
	UNI_OPEN(u);
	EXPECT_INT(names_rmdir(&u, "d"), -ENOTEMPTY);
	EXPECT_INT(names_unlink(&u, "d/g"), 0);
	struct inode *d = uni_find(&u, "d");
	struct statx stx;

	EXPECT_INT(names_rmdir(&u, "d"), 0);
	EXPECT(is_whiteout("u/d"));
	EXPECT_INT(inode_statx(u.tree, d, &stx), 0);
	EXPECT_INT(work_temps(), 0);
	EXPECT_VIEW(&u, "");
}

TEST("rmdir and mkdir of a lower directory don't bring its files back")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low u/d/"));
	UNI_OPEN(u);
	EXPECT_INT(names_unlink(&u, "d/f"), 0);
	EXPECT_INT(names_rmdir(&u, "d"), 0);
	EXPECT_INT(names_create(&u, "d", S_IFDIR | 0755), 0);
	EXPECT(is_opaque("u/d"));
	EXPECT_VIEW(&u, "d/\n");
	EXPECT_INT(names_rmdir(&u, "d"), 0);
	EXPECT(is_whiteout("u/d"));
	EXPECT_VIEW(&u, "");
}

TEST("rmdir of an empty lower directory makes a whiteout and copies nothing")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/e/ u/d/"));
	UNI_OPEN(u);
	EXPECT_INT(names_rmdir(&u, "d/e"), 0);
	EXPECT(is_whiteout("u/d/e"));
	EXPECT_VIEW(&u, "d/\n");
}

TEST("rmdir of an upper directory that holds only whiteouts removes them; one that shows an entry is left alone")
{
	UNI(u);
	ASSERT(layers_make("u/d/ u/d/a! u/d/b! u/e/ u/e/a! u/e/f=up"));
	UNI_OPEN(u);
	EXPECT_INT(names_rmdir(&u, "d"), 0);
	EXPECT_INT(names_rmdir(&u, "e"), -ENOTEMPTY);
	EXPECT(!exists("u/d") && is_whiteout("u/e/a"));
	EXPECT_VIEW(&u, "e/\ne/f=up\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("an opaque directory over a lower one is replaced by a whiteout")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low u/d/ u/d@ u/d/w!"));
	UNI_OPEN(u);
	EXPECT_INT(names_rmdir(&u, "d"), 0);
	EXPECT(is_whiteout("u/d"));
	EXPECT_VIEW(&u, "");
}

TEST("a whole tree goes, names read before or not")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/a/ l1/d/a/f=1 l2/d/ l2/d/a/ l2/d/a/g=2 u/d/ u/d/a/ u/d/a/h=3"));
	UNI_OPEN(u);
	EXPECT_INT(names_unlink(&u, "d/a/f"), 0);
	EXPECT_VIEW(&u, "d/\nd/a/\nd/a/g=2\nd/a/h=3\n");
	EXPECT_INT(names_unlink(&u, "d/a/g"), 0);
	EXPECT_INT(names_unlink(&u, "d/a/h"), 0);
	EXPECT_INT(names_rmdir(&u, "d/a"), 0);
	EXPECT_INT(names_rmdir(&u, "d"), 0);
	EXPECT_VIEW(&u, "");
	EXPECT(is_whiteout("u/d"));
	EXPECT_INT(work_temps(), 0);
}

TEST("without an upper everything is EROFS")
{
	UNI(u);
	ASSERT(layers_make("l1/f=low l1/d/"));
	ASSERT(uni_open(&u, "lowerdir=l1:l2"));
	EXPECT_INT(names_unlink(&u, "f"), -EROFS);
	EXPECT_INT(names_rmdir(&u, "d"), -EROFS);
	EXPECT_INT(names_create(&u, "g", S_IFREG | 0644), -EROFS);
	EXPECT_INT(names_rename(&u, "f", "g", 0), -EROFS);
}
