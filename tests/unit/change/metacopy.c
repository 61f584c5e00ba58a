/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Copies without data, and the data that follows.
 */
#include "change/union.h"

#include "os/fs.h"
#include "os/task.h"

#define METACOPY_XATTR "trusted.overlay.metacopy"
#define CAP_XATTR "security.capability"

/* A valid capability set of version 2: CAP_NET_RAW permitted and effective. */
static const unsigned char cap_value[20] = {0x01, 0, 0, 0x02, 0, 0x20};

#define METACOPY_OPEN(u) ASSERT(uni_open(&(u), UNI_LAYERS ",metacopy=on"))

/* Called once, when a copy has written a part of the data. */
static void (*after_part)(void);

ssize_t __real_os_copy_file_range(int in, off_t *in_off, int out, off_t *out_off, size_t size);
ssize_t __wrap_os_copy_file_range(int in, off_t *in_off, int out, off_t *out_off, size_t size);
ssize_t __wrap_os_copy_file_range(int in, off_t *in_off, int out, off_t *out_off, size_t size)
{
	void (*call)(void) = *in_off > 0 ? after_part : NULL;

	if (call) {
		after_part = NULL;
		call();
	}
	return __real_os_copy_file_range(in, in_off, out, out_off, size);
}

/* The next removal of an xattr fails: after it is done, or before. */
static enum { REMOVES, REMOVES_AND_FAILS, FAILS } removal;

int __real_os_removexattr(int dirfd, const char *name, const char *xattr);
int __wrap_os_removexattr(int dirfd, const char *name, const char *xattr);
int __wrap_os_removexattr(int dirfd, const char *name, const char *xattr)
{
	int r = removal == FAILS ? -EIO : __real_os_removexattr(dirfd, name, xattr);

	if (removal == REMOVES_AND_FAILS)
		r = -EIO;
	removal = REMOVES;
	return r;
}

static bool has_xattr_named(const char *path)
{
	return lgetxattr(path, METACOPY_XATTR, NULL, 0) == 0;
}

static bool set_mtime(const char *path, long sec)
{
	struct timespec times[2] = {{.tv_sec = sec}, {.tv_sec = sec, .tv_nsec = 987654321}};

	return !utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW);
}

static struct stat stat_of(const char *path)
{
	struct stat st = {0};

	EXPECT(!lstat(path, &st));
	return st;
}

static const char *data_of(struct uni *u, struct inode *inode, bool *ret_upper)
{
	static char text[64];
	int fd = inode_open_data(u->tree, inode, O_RDONLY, ret_upper);
	ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);

	text[n < 0 ? 0 : n] = '\0';
	if (fd >= 0)
		close(fd);
	return text;
}

TEST("a copy of metadata has the size, all attributes and an xattr, and no data")
{
	uint64_t bytes;
	bool upper = true;
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 1000000));
	ASSERT(!chown("l1/file", 1234, 2345) && !chmod("l1/file", 06751));
	ASSERT(!setxattr("l1/file", CAP_XATTR, cap_value, sizeof(cap_value), 0));
	ASSERT(!setxattr("l1/file", "user.colour", "red", 3, 0));
	ASSERT(set_mtime("l1/file", 1000000));
	METACOPY_OPEN(u);
	struct inode *file = uni_find(&u, "file");
	struct stat st;

	ASSERT(file);
	bytes = counter_read(COUNTER_COPY_UP_BYTES);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_META), 0);
	EXPECT(inode_in_upper(file) && inode_is_metacopy(file) && !inode_data_in_upper(file));
	EXPECT_INT(counter_read(COUNTER_COPY_UP_BYTES), bytes);
	st = stat_of("u/file");
	EXPECT(has_xattr_named("u/file"));
	EXPECT_INT(st.st_size, 1000000);
	EXPECT(st.st_blocks < 64);
	EXPECT_INT(st.st_mode & 07777, 06751);
	EXPECT_INT(st.st_uid, 1234);
	EXPECT_INT(st.st_mtim.tv_sec, 1000000);
	EXPECT_INT(lgetxattr("u/file", "user.colour", NULL, 0), 3);
	EXPECT_INT(lgetxattr("u/file", CAP_XATTR, NULL, 0), sizeof(cap_value));
	(void)data_of(&u, file, &upper);
	EXPECT(!upper);
	EXPECT_INT(uni_work_entries(), 0);
	EXPECT(tree_check(u.tree));
}

TEST("the data follows into the same object, and leaves times, mode and capabilities as they were")
{
	bool upper = false;
	ino_t ino;
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 3000000));
	ASSERT(!chmod("l1/file", 06751) && !setxattr("l1/file", CAP_XATTR, cap_value, sizeof(cap_value), 0));
	ASSERT(set_mtime("l1/file", 1000000));
	METACOPY_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_META), 0);
	ino = stat_of("u/file").st_ino;
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	EXPECT(inode_data_in_upper(file));
	EXPECT(!has_xattr_named("u/file"));
	EXPECT(uni_same("u/file", "l1/file"));
	EXPECT_INT(stat_of("u/file").st_ino, ino);
	EXPECT_INT(stat_of("u/file").st_mode & 07777, 06751);
	EXPECT_INT(stat_of("u/file").st_mtim.tv_sec, 1000000);
	EXPECT_INT(stat_of("u/file").st_mtim.tv_nsec, 987654321);
	EXPECT_INT(lgetxattr("u/file", CAP_XATTR, NULL, 0), sizeof(cap_value));
	(void)data_of(&u, file, &upper);
	EXPECT(upper);
	EXPECT(tree_check(u.tree));
}

TEST("a truncation to nothing copies no data before it or after")
{
	uint64_t bytes = counter_read(COUNTER_COPY_UP_BYTES);
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 1000000));
	METACOPY_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_META), 0);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_NO_DATA), 0);
	EXPECT(inode_data_in_upper(file));
	EXPECT(!has_xattr_named("u/file"));
	EXPECT_INT(stat_of("u/file").st_size, 0);
	EXPECT_INT(counter_read(COUNTER_COPY_UP_BYTES), bytes);
}

TEST("what lay in the object before doesn't show in the holes of the data")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 500000, 1000));
	ASSERT(!truncate("l1/file", 1000000));
	ASSERT(uni_fill("u/file", 0, 1000000));
	ASSERT(!setxattr("u/file", METACOPY_XATTR, "", 0, 0));
	METACOPY_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file && inode_is_metacopy(file));
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	EXPECT(uni_same("u/file", "l1/file"));
}

TEST("without its data a file stays as it is, and the request fails")
{
	bool upper;
	UNI(u);
	ASSERT(make_file("l1/file", "content", 0644));
	METACOPY_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_META), 0);
	ASSERT(!truncate("l1/file", 3));
	EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), -EIO);
	EXPECT(has_xattr_named("u/file"));
	EXPECT_STR(data_of(&u, file, &upper), "");
	ASSERT(!truncate("l1/file", 7));
	EXPECT_STR(data_of(&u, file, &upper), "con");
	EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
}

TEST("without metacopy=on, and for directories, such a request copies all")
{
	UNI(u);
	ASSERT(make_file("l1/file", "content", 0644));
	UNI_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_META), 0);
	EXPECT(inode_data_in_upper(file) && !has_xattr_named("u/file"));
	EXPECT(uni_same("u/file", "l1/file"));
}

TEST("a file of metadata in a lower layer is copied up with its data, or with an xattr of its own")
{
	bool upper;
	UNI(u);
	ASSERT(make_file("l1/a", "zeros 1", 0600) && make_file("l1/b", "zeros 2", 0600));
	ASSERT(!setxattr("l1/a", METACOPY_XATTR, "", 0, 0) && !setxattr("l1/b", METACOPY_XATTR, "", 0, 0));
	ASSERT(make_file("l2/a", "content", 0644) && make_file("l2/b", "content", 0644));
	METACOPY_OPEN(u);
	struct inode *a = uni_find(&u, "a"), *b = uni_find(&u, "b");

	ASSERT(a && b);
	ASSERT_INT(copyup_now(u.writer, a, COPYUP_FULL), 0);
	EXPECT(uni_same("u/a", "l2/a") && !has_xattr_named("u/a"));
	EXPECT_INT(stat_of("u/a").st_mode & 0777, 0600);
	ASSERT_INT(copyup_now(u.writer, b, COPYUP_META), 0);
	EXPECT(has_xattr_named("u/b"));
	EXPECT_STR(data_of(&u, b, &upper), "content");
	ASSERT_INT(copyup_now(u.writer, b, COPYUP_FULL), 0);
	EXPECT(uni_same("u/b", "l2/b"));
	EXPECT(tree_check(u.tree));
}

TEST("who asks for the data while the metadata is copied gets it in the next round")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 1000000));
	METACOPY_OPEN(u);
	struct inode *file = uni_find(&u, "file");
	struct uni_waiter meta = UNI_WAITER_INIT, full = UNI_WAITER_INIT;

	ASSERT(file);
	copyup_request(u.writer, file, COPYUP_META, &meta.waiter);
	copyup_request(u.writer, file, COPYUP_FULL, &full.waiter);
	EXPECT_INT(uni_wait(&meta), 0);
	EXPECT_INT(uni_wait(&full), 0);
	EXPECT(copyup_is_done(file, COPYUP_META));
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	EXPECT(copyup_is_done(file, COPYUP_FULL));
	EXPECT(uni_same("u/file", "l1/file"));
}

TEST("while changes are frozen no data follows, and after the thaw it does")
{
	struct uni_waiter full = UNI_WAITER_INIT;
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 3000000) && set_mtime("l1/file", 1000000));
	METACOPY_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_META), 0);
	rwlock_write(&u.writer->gate);
	copyup_request(u.writer, file, COPYUP_FULL, &full.waiter);
	for (int i = 0; i < 300 && stat_of("u/file").st_blocks < 64; i++)
		os_sleep_us(1000);
	EXPECT(stat_of("u/file").st_blocks < 64);
	EXPECT_INT(stat_of("u/file").st_mtim.tv_sec, 1000000);
	rwlock_drop(&u.writer->gate);
	EXPECT_INT(uni_wait(&full), 0);
	EXPECT(uni_same("u/file", "l1/file"));
	EXPECT_INT(stat_of("u/file").st_mtim.tv_sec, 1000000);
}

static struct {
	struct uni *u;
	struct inode *file;
	pthread_t thread;
	bool frozen, started;
} meanwhile;

static void *freeze_and_thaw(void *arg)
{
	meanwhile.frozen = writer_freeze(meanwhile.u->writer, os_now_ms() + 20000, NULL) == 0;
	if (!meanwhile.frozen)
		return arg;
	EXPECT(has_xattr_named("u/file"));
	EXPECT_INT(stat_of("u/file").st_mtim.tv_sec, 1000000);
	EXPECT_INT(lgetxattr("u/file", CAP_XATTR, NULL, 0), sizeof(cap_value));
	writer_thaw(meanwhile.u->writer);
	return arg;
}

static void *set_times(void *arg)
{
	struct attr_change attr = {.valid = ATTR_SET_ATIME | ATTR_SET_MTIME, .atime.tv_sec = 7, .mtime.tv_sec = 8};
	struct statx stx;

	EXPECT_INT(attr_set(meanwhile.u->writer, meanwhile.file, &attr, -1, &stx), 0);
	return arg;
}

static void start_freezing(void)
{
	meanwhile.started = pthread_create(&meanwhile.thread, NULL, freeze_and_thaw, NULL) == 0;
}

static void start_setting_times(void)
{
	meanwhile.started = pthread_create(&meanwhile.thread, NULL, set_times, NULL) == 0;
	/* Enough for who isn't held up; who is sets them between two parts, or after the last one. */
	os_sleep_us(50000);
}

static void copy_meanwhile(struct uni *u, void (*call)(void))
{
	struct inode *file = uni_find(u, "file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u->writer, file, COPYUP_META), 0);
	memset(&meanwhile, 0, sizeof(meanwhile));
	meanwhile.u = u;
	meanwhile.file = file;
	after_part = call;
	EXPECT_INT(copyup_now(u->writer, file, COPYUP_FULL), 0);
	ASSERT(meanwhile.started);
	pthread_join(meanwhile.thread, NULL);
	EXPECT(uni_same("u/file", "l1/file"));
}

TEST("changes are frozen between two parts of the data, and the file is what it was meanwhile")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 40 << 20) && set_mtime("l1/file", 1000000));
	ASSERT(!setxattr("l1/file", CAP_XATTR, cap_value, sizeof(cap_value), 0));
	METACOPY_OPEN(u);
	copy_meanwhile(&u, start_freezing);
	EXPECT(meanwhile.frozen);
	EXPECT_INT(stat_of("u/file").st_mtim.tv_sec, 1000000);
}

TEST("times that are set while the data follows stay")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 20 << 20) && set_mtime("l1/file", 1000000));
	METACOPY_OPEN(u);
	copy_meanwhile(&u, start_setting_times);
	EXPECT_INT(stat_of("u/file").st_mtim.tv_sec, 8);
}

static struct uni_waiter leaver = UNI_WAITER_INIT, follower = UNI_WAITER_INIT;

static bool has_answer(struct uni_waiter *w)
{
	bool done;

	pthread_mutex_lock(&w->mutex);
	done = w->done;
	pthread_mutex_unlock(&w->mutex);
	return done;
}

/* In the midst of the copy whoever wanted it leaves, and another request comes. */
static void leave_and_follow(void)
{
	meanwhile.started = copyup_cancel(meanwhile.u->writer, &leaver.waiter);
	copyup_request(meanwhile.u->writer, meanwhile.file, COPYUP_FULL, &follower.waiter);
	for (int i = 0; i < 60000 && !has_answer(&follower); i++)
		os_sleep_us(1000);
}

static int request_again(struct uni *u, struct inode *file)
{
	struct uni_waiter full = UNI_WAITER_INIT;

	copyup_request(u->writer, file, COPYUP_FULL, &full.waiter);
	return uni_wait(&full);
}

TEST("a copy of the data waits for the end of one that nobody wants any more")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 20 << 20));
	METACOPY_OPEN(u);
	struct inode *file = uni_find(&u, "file");

	ASSERT(file);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_META), 0);
	memset(&meanwhile, 0, sizeof(meanwhile));
	meanwhile.u = &u;
	meanwhile.file = file;
	after_part = leave_and_follow;
	copyup_request(u.writer, file, COPYUP_FULL, &leaver.waiter);
	EXPECT_INT(uni_wait(&follower), -MUST_WAIT);
	EXPECT(meanwhile.started);
	for (int i = 0; i < 20000 && request_again(&u, file) == -MUST_WAIT; i++)
		os_sleep_us(1000);
	EXPECT(!has_xattr_named("u/file"));
	EXPECT(uni_same("u/file", "l1/file"));
}

TEST("an xattr that is gone makes the data that of the file, whatever its removal answered")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 1 << 20) && uni_fill("l1/other", 0, 1 << 20));
	METACOPY_OPEN(u);
	struct inode *file = uni_find(&u, "file"), *other = uni_find(&u, "other");

	ASSERT(file && other);
	ASSERT_INT(copyup_now(u.writer, file, COPYUP_META), 0);
	ASSERT_INT(copyup_now(u.writer, other, COPYUP_META), 0);
	removal = REMOVES_AND_FAILS;
	EXPECT_INT(copyup_now(u.writer, file, COPYUP_FULL), 0);
	EXPECT(uni_same("u/file", "l1/file"));
	removal = FAILS;
	EXPECT_INT(copyup_now(u.writer, other, COPYUP_FULL), -EIO);
	EXPECT(has_xattr_named("u/other"));
	EXPECT(stat_of("u/other").st_blocks < 64);
	EXPECT_INT(copyup_now(u.writer, other, COPYUP_FULL), 0);
	EXPECT(uni_same("u/other", "l1/other"));
}
