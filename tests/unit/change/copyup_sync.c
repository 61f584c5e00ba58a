/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is on the disk before a name shows it. The linker puts the functions below in the place of the system call
 * tier's: they write down what happened, in order, and make the call.
 */
#include "change/union.h"

int __real_os_fsync(int fd);
int __real_os_link_fd(int fd, int dirfd, const char *name);
int __real_os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags);
int __real_os_futimens(int fd, const struct timespec times[2]);
int __wrap_os_fsync(int fd);
int __wrap_os_link_fd(int fd, int dirfd, const char *name);
int __wrap_os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags);
int __wrap_os_futimens(int fd, const struct timespec times[2]);

/* S: synced, P: published under a name, T: times set. */
static char events[64];
static off_t synced_size;
static int sync_error;
static _Atomic bool synced;

static void event(char what)
{
	size_t n = strlen(events);

	if (n + 1 < sizeof(events))
		events[n] = what;
}

static void forget_events(void)
{
	memset(events, 0, sizeof(events));
	synced_size = -1;
}

int __wrap_os_fsync(int fd)
{
	struct stat st;

	event('S');
	if (!fstat(fd, &st))
		synced_size = st.st_size;
	int r = sync_error ? sync_error : __real_os_fsync(fd);

	synced = true;
	return r;
}

int __wrap_os_link_fd(int fd, int dirfd, const char *name)
{
	event('P');
	return __real_os_link_fd(fd, dirfd, name);
}

int __wrap_os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags)
{
	event('P');
	return __real_os_renameat2(olddirfd, oldname, newdirfd, newname, flags);
}

int __wrap_os_futimens(int fd, const struct timespec times[2])
{
	event('T');
	return __real_os_futimens(fd, times);
}

static void copy_and_expect(struct uni *u, const char *name, const char *want)
{
	struct inode *inode = uni_find(u, name);

	ASSERT(inode);
	forget_events();
	EXPECT_INT(copyup_now(u->writer, inode, COPYUP_FULL), 0);
	EXPECT_STR(events, want);
}

TEST("a file with all its data and times is synced before its name shows it")
{
	UNI(u);
	ASSERT(uni_fill("l1/one", 0, 300000) && uni_fill("l1/two", 0, 300000));
	UNI_OPEN(u);
	/* The last one puts back the times of the parent. */
	copy_and_expect(&u, "one", "TSPT");
	EXPECT_INT(synced_size, 300000);
	u.f.set->has_tmpfile = false;
	copy_and_expect(&u, "two", "TSPT");
	EXPECT_INT(synced_size, 300000);
}

TEST("a directory is synced before its name shows it")
{
	UNI(u);
	ASSERT(!mkdir("l1/dir", 0755));
	UNI_OPEN(u);
	copy_and_expect(&u, "dir", "TSPT");
}

TEST("a volatile union syncs nothing")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 300000) && !mkdir("l1/dir", 0755));
	ASSERT(uni_open(&u, UNI_LAYERS ",volatile"));
	copy_and_expect(&u, "file", "TPT");
	copy_and_expect(&u, "dir", "TPT");
}

TEST("a file that can't be synced is not shown")
{
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 300000));
	UNI_OPEN(u);
	struct inode *inode = uni_find(&u, "file");

	ASSERT(inode);
	sync_error = -EIO;
	forget_events();
	EXPECT_INT(copyup_now(u.writer, inode, COPYUP_FULL), -EIO);
	sync_error = 0;
	EXPECT_STR(events, "TS");
	EXPECT(!exists("u/file"));
	EXPECT_INT(uni_work_entries(), 0);
}

TEST("a copy that only waits to be published is dropped when the last waiter leaves")
{
	struct uni_waiter a = UNI_WAITER_INIT;
	UNI(u);
	ASSERT(uni_fill("l1/file", 0, 1000));
	UNI_OPEN(u);
	struct inode *inode = uni_find(&u, "file");

	ASSERT(inode);
	forget_events();
	synced = false;
	rwlock_write(&u.writer->gate);
	copyup_request(u.writer, inode, COPYUP_FULL, &a.waiter);
	while (!synced)
		usleep(1000);
	/* From the sync to the closed gate it is not far. */
	usleep(50000);
	EXPECT(copyup_cancel(u.writer, &a.waiter));
	rwlock_drop(&u.writer->gate);
	pool_drain(u.writer->copy_small);
	EXPECT(!a.done);
	EXPECT(!inode_in_upper(inode));
	EXPECT(!exists("u/file"));
	EXPECT_STR(events, "TS");
}
