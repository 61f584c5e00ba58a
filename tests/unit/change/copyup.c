/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a copy keeps of the original, and who gets it.
 */
#include <dirent.h>
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "change/union.h"
#include "format/acl.h"
#include "os/task.h"

#define CAP_XATTR "security.capability"
#define ORIGIN_XATTR "trusted.overlay.origin"

/* A valid capability set of version 2: CAP_NET_RAW permitted and effective. */
static const unsigned char cap_value[20] = {0x01, 0, 0, 0x02, 0, 0x20};

/* user::rwx user:1000:r-- group::r-x mask::r-x other::--- */
static const unsigned char acl_value[] = {
	2, 0,	 0,    0,    1,	   0,	 7,    0, 0xff, 0xff, 0xff, 0xff, 2,	0,    4,
	0, 0xe8, 3,    0,    0,	   4,	 0,    5, 0,	0xff, 0xff, 0xff, 0xff, 0x10, 0,
	5, 0,	 0xff, 0xff, 0xff, 0xff, 0x20, 0, 0,	0,    0xff, 0xff, 0xff, 0xff,
};

static bool set_times(const char *path, long sec)
{
	struct timespec times[2] = {{.tv_sec = sec, .tv_nsec = 123456789}, {.tv_sec = sec + 1, .tv_nsec = 987654321}};

	return !utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static bool same_time(struct timespec a, struct timespec b)
{
	return a.tv_sec == b.tv_sec && a.tv_nsec == b.tv_nsec;
}

static void expect_same_attributes(const char *copy, const char *original)
{
	struct stat a, b;

	ASSERT(!lstat(copy, &a));
	ASSERT(!lstat(original, &b));
	EXPECT_INT(a.st_mode, b.st_mode);
	EXPECT_INT(a.st_uid, b.st_uid);
	EXPECT_INT(a.st_gid, b.st_gid);
	EXPECT_INT(a.st_rdev, b.st_rdev);
	if (!S_ISDIR(a.st_mode))
		EXPECT_INT(a.st_size, b.st_size);
	EXPECT(same_time(a.st_mtim, b.st_mtim));
	EXPECT_INT(a.st_atim.tv_sec, b.st_atim.tv_sec);
}

static void expect_same_xattr(const char *copy, const char *original, const char *name)
{
	char a[256], b[256];
	ssize_t na = lgetxattr(copy, name, a, sizeof(a)), nb = lgetxattr(original, name, b, sizeof(b));

	EXPECT(nb > 0);
	ASSERT_INT(na, nb);
	EXPECT_MEM(a, b, (size_t)na);
}

TEST("a copied-up file keeps owner, mode, times, data, attributes, ACL and capability")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 100000));
	ASSERT(!chown("l1/file", 1234, 2345));
	ASSERT(!setxattr("l1/file", "user.colour", "red", 3, 0));
	ASSERT(!setxattr("l1/file", "user.empty", "", 0, 0));
	ASSERT(!setxattr("l1/file", "trusted.overlay.overlay.nested", "yes", 3, 0));
	ASSERT(!setxattr("l1/file", "trusted.overlay.redirect", "no", 2, 0));
	ASSERT(!setxattr("l1/file", ACL_XATTR_ACCESS, acl_value, sizeof(acl_value), 0));
	ASSERT(!setxattr("l1/file", CAP_XATTR, cap_value, sizeof(cap_value), 0));
	ASSERT(!chmod("l1/file", 06751));
	ASSERT(set_times("l1/file", 1000000));
	ASSERT(!removexattr("l1/file", "trusted.overlay.redirect"));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	EXPECT(inode_in_upper(file));
	expect_same_attributes("u/file", "l1/file");
	EXPECT(uni_same("u/file", "l1/file"));
	expect_same_xattr("u/file", "l1/file", "user.colour");
	expect_same_xattr("u/file", "l1/file", "trusted.overlay.overlay.nested");
	expect_same_xattr("u/file", "l1/file", ACL_XATTR_ACCESS);
	expect_same_xattr("u/file", "l1/file", CAP_XATTR);
	EXPECT_INT(lgetxattr("u/file", "user.empty", NULL, 0), 0);
	EXPECT_INT(uni_work_entries(), 0);
}

TEST("private attributes of a lower directory are not copied")
{
	UNI(u);
	ASSERT(!mkdir("l1/dir", 0750) && !mkdir("l2/dir", 0700));
	ASSERT(!setxattr("l1/dir", "trusted.overlay.opaque", "y", 1, 0));
	UNI_OPEN(u);
	struct inode *dir = uni_find(&u, "dir");

	ASSERT(dir);
	ASSERT_INT(copyup_now(u.writer, dir, COPYUP_FULL), 0);
	EXPECT_INT(lgetxattr("u/dir", "trusted.overlay.opaque", NULL, 0), -1);
	EXPECT_INT(errno, ENODATA);
	expect_same_attributes("u/dir", "l1/dir");
}

TEST("holes stay holes and data is the same")
{
	struct stat st;
	UNI(u);
	ASSERT(uni_fill("l1/sparse", 4 << 20, 5000));
	ASSERT(uni_fill("l1/sparse", 40 << 20, 3 << 20));
	ASSERT(!truncate("l1/sparse", 100 << 20));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "sparse");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	ASSERT(!stat("u/sparse", &st));
	EXPECT_INT(st.st_size, 100 << 20);
	EXPECT(st.st_blocks * 512 < 8 << 20);
	EXPECT(uni_same("u/sparse", "l1/sparse"));
}

TEST("a file that ends in a hole, one of holes only and an empty one are copied")
{
	static const char *const names[] = {"tail", "holes", "empty"};
	UNI(u);
	ASSERT(uni_fill("l1/tail", 0, 10));
	ASSERT(!truncate("l1/tail", 1000001));
	ASSERT(make_file("l1/holes", "", 0600) && !truncate("l1/holes", 777777));
	ASSERT(make_file("l1/empty", "", 0600));
	UNI_OPEN(u);
	for (size_t i = 0; i < 3; i++) {
		char copy[16], original[16];
		struct inode *file = uni_find(&u, names[i]);

		ASSERT(file);
		snprintf(copy, sizeof(copy), "u/%s", names[i]);
		snprintf(original, sizeof(original), "l1/%s", names[i]);
		EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
		expect_same_attributes(copy, original);
		EXPECT(uni_same(copy, original));
	}
}

TEST("symlinks, fifos, sockets and devices are copied with owner and times")
{
	static const char *const names[] = {"link", "fifo", "sock", "dev"};
	char target[32] = "";
	UNI(u);
	ASSERT(!symlink("/no/such/target", "l1/link"));
	ASSERT(!mkfifo("l1/fifo", 0640));
	ASSERT(!mknod("l1/sock", S_IFSOCK | 0755, 0));
	ASSERT(!mknod("l1/dev", S_IFCHR | 0600, makedev(1, 3)));
	for (size_t i = 0; i < 4; i++) {
		char original[16];

		snprintf(original, sizeof(original), "l1/%s", names[i]);
		ASSERT(!lchown(original, 77, 88) && set_times(original, 5000000));
		ASSERT(!lsetxattr(original, "trusted.mine", "1", 1, 0));
	}
	UNI_OPEN(u);
	for (size_t i = 0; i < 4; i++) {
		char copy[16], original[16];
		struct inode *inode = uni_find(&u, names[i]);

		ASSERT(inode);
		snprintf(copy, sizeof(copy), "u/%s", names[i]);
		snprintf(original, sizeof(original), "l1/%s", names[i]);
		EXPECT_INT(copyup_now(u.writer, inode, COPYUP_FULL), 0);
		expect_same_attributes(copy, original);
		expect_same_xattr(copy, original, "trusted.mine");
	}
	EXPECT_INT(readlink("u/link", target, sizeof(target) - 1), 15);
	EXPECT_STR(target, "/no/such/target");
	EXPECT_INT(uni_work_entries(), 0);
}

TEST("ancestors come along with their attributes, are impure, and keep their times")
{
	struct stat before, after;
	char value = 0;
	UNI(u);
	ASSERT(!mkdir("l1/a", 0711) && !mkdir("l1/a/b", 0700) && !mkdir("l1/a/b/c", 01777));
	ASSERT(uni_fill("l1/a/b/c/file", 0, 10));
	ASSERT(!chown("l1/a/b", 5, 6));
	ASSERT(set_times("l1/a/b/c", 3000) && set_times("l1/a/b", 2000) && set_times("l1/a", 1000) &&
	       set_times("u", 1));
	ASSERT(!stat("u", &before));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "a/b/c/file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	expect_same_attributes("u/a", "l1/a");
	expect_same_attributes("u/a/b", "l1/a/b");
	expect_same_attributes("u/a/b/c", "l1/a/b/c");
	ASSERT(!stat("u", &after));
	EXPECT(same_time(before.st_mtim, after.st_mtim));
	EXPECT_INT(lgetxattr("u/a/b/c", "trusted.overlay.impure", &value, 1), 1);
	EXPECT_INT(value, 'y');
	EXPECT_INT(lgetxattr("u", "trusted.overlay.impure", &value, 1), 1);
	EXPECT(lgetxattr("u/a/b", ORIGIN_XATTR, NULL, 0) > 0);
}

TEST("a chain of a thousand directories is copied up")
{
	char path[4096] = "l1";
	UNI(u);

	for (int i = 0; i < 1000; i++) {
		strcat(path, "/d");
		ASSERT(!mkdir(path, 0755));
	}
	strcat(path, "/file");
	ASSERT(uni_fill(path, 0, 10));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, path + 3);

	ASSERT(file);
	u.writer->sync = false; /* a thousand journal commits prove nothing */
	EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	path[0] = 'u';
	memmove(path + 1, path + 2, strlen(path + 2) + 1);
	EXPECT(exists(path));
}

TEST("st_ino stays over copy-up and a remount, except for one of several links without an index")
{
	UNI(u);
	struct statx before[2], after;
	ASSERT(uni_fill("l1/one", 0, 10) && uni_fill("l1/two", 0, 10) && !link("l1/two", "l1/three"));
	ASSERT(uni_open(&u, UNI_LAYERS ",index=off"));
	struct inode *one = uni_find(&u, "one"), *two = uni_find(&u, "two");

	ASSERT(one && two);
	EXPECT_INT(inode_statx(u.tree, one, &before[0]), 0);
	EXPECT_INT(inode_statx(u.tree, two, &before[1]), 0);
	ASSERT_INT(copyup_now(u.writer, one, COPYUP_FULL), 0);
	ASSERT_INT(copyup_now(u.writer, two, COPYUP_FULL), 0);
	EXPECT_INT(inode_statx(u.tree, one, &after), 0);
	EXPECT_INT(after.stx_ino, before[0].stx_ino);
	EXPECT_INT(inode_statx(u.tree, two, &after), 0);
	EXPECT(after.stx_ino != before[1].stx_ino);
	before[1] = after;
	EXPECT_INT(lgetxattr("u/two", ORIGIN_XATTR, NULL, 0), -1);

	uni_close(&u);
	ASSERT(uni_open(&u, UNI_LAYERS ",index=off"));
	EXPECT_INT(inode_statx(u.tree, uni_find(&u, "one"), &after), 0);
	EXPECT_INT(after.stx_ino, before[0].stx_ino);
	EXPECT_INT(inode_statx(u.tree, uni_find(&u, "two"), &after), 0);
	EXPECT_INT(after.stx_ino, before[1].stx_ino);
}

TEST("with an index all names of a lower file are one inode, before and after copy-up and a remount")
{
	UNI(u);
	struct statx before, after;
	ASSERT(uni_fill("l1/two", 0, 10) && !link("l1/two", "l1/three"));
	UNI_OPEN(u);
	struct inode *two = uni_find(&u, "two");

	ASSERT(two && uni_find(&u, "three") == two);
	EXPECT_INT(inode_statx(u.tree, two, &before), 0);
	EXPECT_INT(before.stx_nlink, 2);
	ASSERT_INT(copyup_now(u.writer, two, COPYUP_FULL), 0);
	EXPECT_INT(inode_statx(u.tree, two, &after), 0);
	EXPECT_INT(after.stx_ino, before.stx_ino);
	EXPECT_INT(after.stx_nlink, 2);
	EXPECT_INT(access("u/three", F_OK), -1);
	EXPECT(tree_check(u.tree));

	uni_close(&u);
	UNI_OPEN(u);
	two = uni_find(&u, "two");
	ASSERT(two && uni_find(&u, "three") == two);
	EXPECT(inode_in_upper(two) && inode_is_indexed(two));
	EXPECT_INT(inode_statx(u.tree, two, &after), 0);
	EXPECT_INT(after.stx_ino, before.stx_ino);
	EXPECT_INT(after.stx_nlink, 2);
	EXPECT(tree_check(u.tree));
}

TEST("a name that was looked up before its file came into the index, and is made known after, is looked up again")
{
	UNI(u);
	struct resolved before, after;
	struct inode *b;
	ASSERT(uni_fill("l1/a", 0, 10) && !link("l1/a", "l1/b"));
	UNI_OPEN(u);
	struct inode *a = uni_find(&u, "a");

	ASSERT_INT(resolve_child(u.tree, u.tree->root, "b", &before), 0);
	ASSERT_INT(copyup_now(u.writer, a, COPYUP_FULL), 0);
	/* While the inode is known the old number leads to it. */
	ASSERT_INT(inode_intern(u.tree, u.tree->root, "b", &before, &b), 0);
	EXPECT(b == a);
	inode_name_removed(u.tree, u.tree->root, "b");
	inode_name_removed(u.tree, u.tree->root, "a");
	inode_forget(u.tree, a, a->nlookup);
	EXPECT_INT(inode_intern(u.tree, u.tree->root, "b", &before, &b), -LOOK_AGAIN);
	ASSERT_INT(resolve_child(u.tree, u.tree->root, "b", &after), 0);
	EXPECT(after.indexed && !after.in_upper);
	EXPECT_INT(after.nlink, 2);
	ASSERT_INT(inode_intern(u.tree, u.tree->root, "b", &after, &b), 0);
	EXPECT(inode_in_upper(b));
	resolved_finish(&before);
	resolved_finish(&after);
}

TEST("with an index an unlinked name is counted, and the last one leaves nothing behind")
{
	UNI(u);
	struct statx stx;
	ASSERT(uni_fill("l1/a", 0, 10) && !link("l1/a", "l1/b") && !link("l1/a", "l1/c"));
	UNI_OPEN(u);
	struct inode *a = uni_find(&u, "a");

	ASSERT(a && uni_find(&u, "b") == a);
	EXPECT_INT(remove_file(u.writer, u.tree->root, "a"), 0);
	EXPECT_INT(inode_statx(u.tree, a, &stx), 0);
	EXPECT_INT(stx.stx_nlink, 2);
	ASSERT_INT(copyup_now(u.writer, a, COPYUP_FULL), 0);
	EXPECT_INT(inode_statx(u.tree, a, &stx), 0);
	EXPECT_INT(stx.stx_nlink, 2);
	EXPECT_INT(remove_file(u.writer, u.tree->root, "b"), 0);
	EXPECT_INT(remove_file(u.writer, u.tree->root, "c"), 0);
	EXPECT_INT(inode_statx(u.tree, a, &stx), 0);
	EXPECT_INT(stx.stx_nlink, 0);
	EXPECT(tree_check(u.tree));
	EXPECT_INT(rmdir("w/index"), 0);
	EXPECT_INT(rmdir("w/nlink"), 0);
}

TEST("st_ino stays where no handle can be opened")
{
	UNI(u);
	struct statx before, after;
	ASSERT(uni_fill("l1/one", 0, 10));
	UNI_OPEN(u);
	struct inode *one = uni_find(&u, "one");

	ASSERT(one);
	for (unsigned i = 0; i < u.f.set->n_fs; i++)
		u.f.set->fs[i].has_handles = false;
	EXPECT_INT(inode_statx(u.tree, one, &before), 0);
	ASSERT_INT(copyup_now(u.writer, one, COPYUP_FULL), 0);
	EXPECT_INT(inode_statx(u.tree, one, &after), 0);
	EXPECT_INT(after.stx_ino, before.stx_ino);
	EXPECT_INT(lgetxattr("u/one", ORIGIN_XATTR, NULL, 0), 0);

	uni_close(&u);
	UNI_OPEN(u);
	EXPECT_INT(inode_statx(u.tree, uni_find(&u, "one"), &after), 0);
	EXPECT_INT(after.stx_ino, before.stx_ino);
}

TEST("a listing that is known shows the copy where it stood, with the number that stat gives")
{
	static struct listing_batch before, after;
	struct statx stx;
	UNI(u);
	ASSERT(uni_fill("l1/a", 0, 1) && uni_fill("l1/b", 0, 1) && !link("l1/b", "l1/c"));
	UNI_OPEN(u);
	struct inode *b = uni_find(&u, "b");

	ASSERT(b);
	ASSERT_INT(listing_read(u.tree, u.tree->root, 0, 1 << 16, &before), 0);
	ASSERT_INT(copyup_now(u.writer, b, COPYUP_FULL), 0);
	ASSERT_INT(listing_read(u.tree, u.tree->root, 0, 1 << 16, &after), 0);
	ASSERT_INT(after.n, before.n);
	ASSERT_INT(inode_statx(u.tree, b, &stx), 0);
	for (unsigned i = 0; i < after.n; i++) {
		EXPECT_STR(after.entries[i].name, before.entries[i].name);
		EXPECT_INT(after.entries[i].cookie, before.entries[i].cookie);
		if (!strcmp(after.entries[i].name, "b")) {
			EXPECT_INT(after.entries[i].ino, stx.stx_ino);
			EXPECT_INT(after.entries[i].type, DT_REG);
		}
	}
}

TEST("a file that is about to be truncated is copied without its data")
{
	struct stat st;
	UNI(u);
	ASSERT(uni_fill("l1/big", 0, 8 << 20));
	ASSERT(!chmod("l1/big", 0640));
	UNI_OPEN(u);
	struct inode *big = uni_find(&u, "big");

	ASSERT(big);
	EXPECT_INT(copyup_now(u.writer, big, COPYUP_NO_DATA), 0);
	ASSERT(!stat("u/big", &st));
	EXPECT_INT(st.st_size, 0);
	EXPECT_INT(st.st_mode, S_IFREG | 0640);
}

static void expect_nameless_copy(unsigned max_pinned, bool has_tmpfile)
{
	char buf[64];
	struct statx stx;
	const struct layer *layer = NULL;
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 50));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	u.tree->own_pinned.max = max_pinned;
	u.f.set->has_tmpfile = u.f.set->has_tmpfile && has_tmpfile;

	ASSERT(file);
	ASSERT_INT(remove_file(u.writer, u.tree->root, "file"), 0);
	EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	EXPECT(inode_in_upper(file));
	int fd = inode_open(u.tree, file, O_RDWR, &layer);

	ASSERT(fd >= 0);
	EXPECT(layer->upper);
	EXPECT_INT(read(fd, buf, sizeof(buf)), 50);
	for (size_t i = 0; i < 50; i++)
		EXPECT_INT((unsigned char)buf[i], uni_byte(i));
	close(fd);
	EXPECT_INT(inode_statx(u.tree, file, &stx), 0);
	EXPECT_INT(stx.stx_nlink, 0);
	/* Only the whiteout is there. */
	EXPECT_INT(count_entries("u"), 1);
	EXPECT_INT(uni_work_entries(), max_pinned ? 1 : 2);
	EXPECT_INT(orphan_is_held_by_name(file), !max_pinned);
	EXPECT(tree_check(u.tree));
}

TEST("an unlinked lower file is copied into a nameless file")
{
	expect_nameless_copy(64, true);
	expect_nameless_copy(64, false);
}

TEST("beyond the limit of descriptors that copy has a name in the work directory")
{
	expect_nameless_copy(0, true);
	expect_nameless_copy(0, false);
}

static void expect_nameless_copies(unsigned max_pinned)
{
	struct attr_change attr = {.valid = ATTR_SET_UID | ATTR_SET_GID, .uid = 7, .gid = 8};
	struct statx stx;
	UNI(u);
	ASSERT(!symlink("x", "l1/link") && !mkfifo("l1/fifo", 0600));
	UNI_OPEN(u);
	struct inode *inodes[] = {uni_find(&u, "link"), uni_find(&u, "fifo")};

	u.tree->own_pinned.max = max_pinned;

	ASSERT(inodes[0] && inodes[1]);
	EXPECT_INT(remove_file(u.writer, u.tree->root, "link"), 0);
	EXPECT_INT(remove_file(u.writer, u.tree->root, "fifo"), 0);
	for (int i = 0; i < 2; i++) {
		EXPECT_INT(attr_set(u.writer, inodes[i], &attr, -1, &stx), -LOOK_AGAIN);
		EXPECT_INT(copyup_now(u.writer, inodes[i], COPYUP_FULL), 0);
		EXPECT_INT(attr_set(u.writer, inodes[i], &attr, -1, &stx), 0);
		EXPECT_INT(stx.stx_uid, 7);
		EXPECT_INT(stx.stx_nlink, 0);
		EXPECT_INT(orphan_is_held_by_name(inodes[i]), !max_pinned);
	}
	EXPECT_INT(count_entries("u"), 2);
}

TEST("an unlinked symlink and an unlinked fifo are copied without a name")
{
	expect_nameless_copies(64);
	expect_nameless_copies(0);
}

static void *try_to_freeze(void *writer)
{
	return (void *)(intptr_t)writer_freeze(writer, os_now_ms() + 20, NULL);
}

TEST("two requests share one copy")
{
	struct uni_waiter a = UNI_WAITER_INIT, b = UNI_WAITER_INIT;
	uint64_t before = counter_read(COUNTER_COPY_UP);
	UNI(u);
	ASSERT(uni_fill("l1/big", 0, 3 << 20));
	UNI_OPEN(u);
	struct inode *big = uni_find(&u, "big");

	ASSERT(big);
	/* Nothing is published while the gate is closed, so the second request finds the first one's copy running. */
	rwlock_write(&u.writer->gate);
	copyup_request(u.writer, big, COPYUP_FULL, &a.waiter);
	copyup_request(u.writer, big, COPYUP_NO_DATA, &b.waiter);
	rwlock_drop(&u.writer->gate);
	EXPECT_INT(uni_wait(&a), 0);
	EXPECT_INT(uni_wait(&b), 0);
	EXPECT_INT(counter_read(COUNTER_COPY_UP) - before, 1);
	EXPECT(uni_same("u/big", "l1/big"));
}

TEST("while changes are frozen a copy gets no name, and it gets one after the thaw")
{
	struct uni_waiter a = UNI_WAITER_INIT;
	UNI(u);
	ASSERT(uni_fill("l1/big", 0, 3 << 20));
	UNI_OPEN(u);
	struct inode *big = uni_find(&u, "big");

	ASSERT(big);
	ASSERT_INT(writer_freeze(u.writer, os_now_ms() + 10000, NULL), 0);
	copyup_request(u.writer, big, COPYUP_FULL, &a.waiter);
	for (int i = 0; i < 1000 && uni_work_entries() == 0 && !exists("u/big"); i++)
		os_sleep_us(1000);
	EXPECT(!exists("u/big") && !inode_in_upper(big) && !a.done);
	writer_thaw(u.writer);
	EXPECT_INT(uni_wait(&a), 0);
	EXPECT(uni_same("u/big", "l1/big"));
}

TEST("changes aren't frozen while one takes too long, and the next change isn't held up by the attempt")
{
	UNI(u);
	UNI_OPEN(u);
	pthread_t thread;
	void *r;

	rwlock_read(&u.writer->gate);
	ASSERT_INT(pthread_create(&thread, NULL, try_to_freeze, u.writer), 0);
	pthread_join(thread, &r);
	EXPECT_INT((intptr_t)r, -ETIMEDOUT);
	rwlock_drop(&u.writer->gate);
	rwlock_read(&u.writer->gate);
	rwlock_drop(&u.writer->gate);
}

TEST("when the last waiter leaves nothing is left")
{
	struct uni_waiter a = UNI_WAITER_INIT, b = UNI_WAITER_INIT;
	UNI(u);
	ASSERT(!mkdir("l1/dir", 0755) && uni_fill("l1/dir/big", 0, 3 << 20));
	UNI_OPEN(u);
	struct inode *big = uni_find(&u, "dir/big");

	ASSERT(big);
	rwlock_write(&u.writer->gate);
	copyup_request(u.writer, big, COPYUP_FULL, &a.waiter);
	copyup_request(u.writer, big, COPYUP_FULL, &b.waiter);
	EXPECT(copyup_cancel(u.writer, &a.waiter));
	EXPECT(!copyup_cancel(u.writer, &a.waiter));
	EXPECT(copyup_cancel(u.writer, &b.waiter));
	rwlock_drop(&u.writer->gate);
	pool_drain(u.writer->copy_small);
	pool_drain(u.writer->copy_large);
	EXPECT(!a.done && !b.done);
	EXPECT(!inode_in_upper(big));
	EXPECT(!exists("u/dir/big"));
	EXPECT_INT(uni_work_entries(), 0);
}

TEST("one waiter that leaves takes nothing from the other")
{
	struct uni_waiter a = UNI_WAITER_INIT, b = UNI_WAITER_INIT;
	UNI(u);
	ASSERT(uni_fill("l1/big", 0, 3 << 20));
	UNI_OPEN(u);
	struct inode *big = uni_find(&u, "big");

	ASSERT(big);
	rwlock_write(&u.writer->gate);
	copyup_request(u.writer, big, COPYUP_FULL, &a.waiter);
	copyup_request(u.writer, big, COPYUP_FULL, &b.waiter);
	EXPECT(copyup_cancel(u.writer, &a.waiter));
	rwlock_drop(&u.writer->gate);
	EXPECT_INT(uni_wait(&b), 0);
	EXPECT(!a.done);
	EXPECT(uni_same("u/big", "l1/big"));
}

TEST("a request after a cancelled one gets a copy of its own")
{
	struct uni_waiter a = UNI_WAITER_INIT, b = UNI_WAITER_INIT;
	UNI(u);
	ASSERT(uni_fill("l1/big", 0, 3 << 20));
	UNI_OPEN(u);
	struct inode *big = uni_find(&u, "big");

	ASSERT(big);
	rwlock_write(&u.writer->gate);
	copyup_request(u.writer, big, COPYUP_NO_DATA, &a.waiter);
	EXPECT(copyup_cancel(u.writer, &a.waiter));
	copyup_request(u.writer, big, COPYUP_FULL, &b.waiter);
	rwlock_drop(&u.writer->gate);
	EXPECT_INT(uni_wait(&b), 0);
	EXPECT(uni_same("u/big", "l1/big"));
	pool_drain(u.writer->copy_small);
	EXPECT_INT(uni_work_entries(), 0);
}

TEST("many requests at once copy every file once")
{
	enum { FILES = 24, WAITERS = 3 * FILES };
	static struct uni_waiter waiters[WAITERS];
	struct inode *inodes[FILES];
	uint64_t before = counter_read(COUNTER_COPY_UP);
	char path[32];
	UNI(u);
	ASSERT(!mkdir("l1/d", 0755) && !mkdir("l1/d/e", 0755));
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "l1/d/e/%d", i);
		ASSERT(uni_fill(path, 0, i % 4 ? 1000 : 2 << 20));
	}
	UNI_OPEN(u);
	for (int i = 0; i < FILES; i++) {
		snprintf(path, sizeof(path), "d/e/%d", i);
		inodes[i] = uni_find(&u, path);
		ASSERT(inodes[i]);
	}
	rwlock_write(&u.writer->gate);
	for (int i = 0; i < WAITERS; i++) {
		waiters[i] = (struct uni_waiter)UNI_WAITER_INIT;
		copyup_request(u.writer, inodes[i % FILES], COPYUP_FULL, &waiters[i].waiter);
	}
	rwlock_drop(&u.writer->gate);
	for (int i = 0; i < WAITERS; i++)
		EXPECT_INT(uni_wait(&waiters[i]), 0);
	EXPECT_INT(counter_read(COUNTER_COPY_UP) - before, FILES + 2);
	EXPECT_INT(uni_work_entries(), 0);
}

TEST("a name that is taken in the upper is not replaced")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 10));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT(make_file("u/file", "somebody else's", 0600));
	for (int i = 0; i < 2; i++) {
		EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), -ESTALE);
		EXPECT(!inode_in_upper(file));
		EXPECT(!uni_same("u/file", "l1/file"));
		EXPECT_INT(uni_work_entries(), 0);
		u.f.set->has_tmpfile = false;
	}
}

TEST("without nameless files a temp name does as well")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 100000) && uni_fill("l1/gone", 0, 10));
	ASSERT(!chown("l1/file", 1234, 2345) && set_times("l1/file", 1000000));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file"), *gone = uni_find(&u, "gone");

	ASSERT(file && gone);
	u.f.set->has_tmpfile = false;
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	expect_same_attributes("u/file", "l1/file");
	EXPECT(uni_same("u/file", "l1/file"));
	ASSERT_INT(remove_file(u.writer, u.tree->root, "gone"), 0);
	ASSERT_INT(copyup_now(u.writer, gone, COPYUP_FULL), 0);
	EXPECT(inode_in_upper(gone));
	EXPECT_INT(count_entries("u"), 2);
}

static void copy_to_small_tmpfs(void)
{
	UNI(u);
	ASSERT(!mount("upper", "u", "tmpfs", 0, "size=2m"));
	ASSERT(!mkdir("u/up", 0755) && !mkdir("u/work", 0755));
	ASSERT(uni_fill("l1/fits", 0, 300000) && uni_fill("l1/big", 0, 4 << 20));
	ASSERT(!chown("l1/fits", 12, 13) && set_times("l1/fits", 1000000));
	ASSERT(uni_open(&u, "lowerdir=l1:l2,upperdir=u/up,workdir=u/work"));
	struct inode *fits = uni_find(&u, "fits"), *big = uni_find(&u, "big");

	ASSERT(fits && big);
	EXPECT_INT(copyup_now(u.writer, big, COPYUP_FULL), -ENOSPC);
	EXPECT(!exists("u/up/big"));
	EXPECT_INT(count_entries("u/work/work"), 0);
	EXPECT_INT(copyup_now(u.writer, fits, COPYUP_FULL), 0);
	expect_same_attributes("u/up/fits", "l1/fits");
	EXPECT(uni_same("u/up/fits", "l1/fits"));
	uni_close(&u);
	EXPECT(!umount("u"));
}

TEST("a file goes to another file system; where that is full nothing stays")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, copy_to_small_tmpfs);
}

TEST("without an upper there is no copy-up")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 10));
	ASSERT(uni_open(&u, "lowerdir=l1:l2"));
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), -EROFS);
}

static bool set_flags(const char *path, unsigned add, unsigned drop)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), flags = 0;
	bool good = fd >= 0 && !ioctl(fd, FS_IOC_GETFLAGS, &flags);

	flags = (int)(((unsigned)flags | add) & ~drop);
	good = good && !ioctl(fd, FS_IOC_SETFLAGS, &flags);
	if (fd >= 0)
		close(fd);
	return good;
}

TEST("below an immutable lower directory files are copied up, and it is not changed itself")
{
	UNI(u);
	ASSERT(!mkdir("l1/dir", 0755) && uni_fill("l1/dir/file", 0, 10));
	if (!set_flags("l1/dir", FS_IMMUTABLE_FL, 0))
		SKIP("no immutable directories here");
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "dir/file"), *dir = uni_find(&u, "dir");

	EXPECT(file && dir);
	if (file && dir) {
		EXPECT_INT(copyup_now(u.writer, dir, COPYUP_FULL), -EPERM);
		EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
		EXPECT(uni_same("u/dir/file", "l1/dir/file"));
		EXPECT_INT(lgetxattr("u/dir", "trusted.overlay.protattr", NULL, 0), 1);
	}
	set_flags("l1/dir", 0, FS_IMMUTABLE_FL);
}

TEST("an immutable lower file is changed in nothing but its flags")
{
	unsigned flags = 0;
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 10));
	if (!set_flags("l1/file", FS_IMMUTABLE_FL, 0))
		SKIP("no immutable files here");
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	EXPECT(file);
	if (file) {
		EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), -EPERM);
		EXPECT_INT(copyup_now(u.writer, file, COPYUP_NO_DATA), -EPERM);
		EXPECT(!exists("u/file"));
		EXPECT_INT(copyup_now(u.writer, file, COPYUP_FLAGS), 0);
		EXPECT_INT(attr_get_flags(u.writer, file, &flags), 0);
		EXPECT(flags & FS_IMMUTABLE_FL);
		EXPECT_INT(attr_set_flags(u.writer, file, flags & ~(unsigned)FS_IMMUTABLE_FL), 0);
		EXPECT_INT(attr_get_flags(u.writer, file, &flags), 0);
		EXPECT(!(flags & FS_IMMUTABLE_FL));
		EXPECT_INT(lgetxattr("u/file", "trusted.overlay.protattr", NULL, 0), -1);
	}
	set_flags("l1/file", 0, FS_IMMUTABLE_FL);
	if (exists("u/file"))
		set_flags("u/file", 0, FS_IMMUTABLE_FL);
}
