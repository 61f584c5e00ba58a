/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The descriptor cache: pins, eviction, the change of version at copy-up, and what becomes of a failed sync. The linker
 * puts the sync functions below in the place of the system call tier's, so that they can be counted, held up and made
 * to fail.
 */
#include "unit.h"

#include <errno.h>

#include "data/store.h"

int __real_os_fdatasync(int fd);
int __real_os_fsync(int fd);
int __wrap_os_fdatasync(int fd);
int __wrap_os_fsync(int fd);

static _Atomic int sync_error; /* told to one caller, like a failed write-back of one open file */
static _Atomic unsigned n_syncs, n_running, max_running;
static _Atomic bool hold;

static int test_sync(int fd, int (*real)(int fd))
{
	unsigned running = atomic_fetch_add(&n_running, 1) + 1;
	int r;

	if (running > atomic_load(&max_running))
		atomic_store(&max_running, running);
	atomic_fetch_add(&n_syncs, 1);
	while (atomic_load(&hold))
		usleep(1000);
	r = atomic_exchange(&sync_error, 0);
	if (r == 0)
		r = real(fd);
	atomic_fetch_sub(&n_running, 1);
	return r;
}

int __wrap_os_fdatasync(int fd)
{
	return test_sync(fd, __real_os_fdatasync);
}

int __wrap_os_fsync(int fd)
{
	return test_sync(fd, __real_os_fsync);
}

static void forget_syncs(void)
{
	n_syncs = n_running = max_running = 0;
	sync_error = 0;
	hold = false;
}

static bool write_byte(struct store *s, struct inode *inode)
{
	return data_write(s->data, inode, "x", 1, 0, 0) == 1;
}

/* Files f0, f1, ... in the upper; their inodes. */
static bool make_files(const char *dir, unsigned n)
{
	char path[64];

	for (unsigned i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/f%u", dir, i);
		if (!uni_fill(path, 0, 10))
			return false;
	}
	return true;
}

static struct inode *file(struct store *s, unsigned i)
{
	char path[32];

	snprintf(path, sizeof(path), "f%u", i);
	return uni_find(&s->u, path);
}

TEST("no more clean descriptors than asked for stay open")
{
	STORE(s);
	ASSERT(make_files("l1", 40));
	STORE_OPEN(s, 8);
	unsigned before;
	char byte;

	ASSERT(data_read(s.data, file(&s, 0), &byte, 1, 0) == 1);
	before = open_descriptors();
	for (unsigned i = 1; i < 40; i++)
		EXPECT_INT(data_read(s.data, file(&s, i), &byte, 1, 0), 1);
	EXPECT(open_descriptors() <= before + 8);
}

TEST("a pinned descriptor outlives any number of others")
{
	STORE(s);
	ASSERT(make_files("l1", 40));
	STORE_OPEN(s, 4);
	struct data_fd pinned;
	char byte;

	ASSERT(data_get(s.data, file(&s, 0), false, &pinned) == 0);
	for (unsigned i = 1; i < 40; i++)
		EXPECT_INT(data_read(s.data, file(&s, i), &byte, 1, 0), 1);
	EXPECT(is_open_on(pinned.fd, "l1/f0"));
	data_put(s.data, &pinned);
}

TEST("a file that lies in a lower layer is not opened for writing")
{
	STORE(s);
	ASSERT(make_files("l1", 1));
	STORE_OPEN(s, 8);
	struct data_fd fd;

	EXPECT_INT(data_get(s.data, file(&s, 0), true, &fd), -LOOK_AGAIN);
	EXPECT_INT(data_write(s.data, file(&s, 0), "x", 1, 0, 0), -LOOK_AGAIN);
	EXPECT_INT(data_sync(s.data, file(&s, 0), false), 0);
}

TEST("after a copy-up new users get the upper's file, and one who read the lower's keeps it open")
{
	STORE(s);
	ASSERT(make_files("l1", 1));
	STORE_OPEN(s, 8);
	struct inode *inode = file(&s, 0);
	struct data_fd old, new;
	int old_fd;

	ASSERT(data_get(s.data, inode, false, &old) == 0);
	old_fd = old.fd;
	ASSERT(copyup_now(s.u.writer, inode, COPYUP_FULL) == 0);
	ASSERT(data_get(s.data, inode, false, &new) == 0);
	EXPECT(is_open_on(new.fd, "u/f0"));
	EXPECT(is_open_on(old_fd, "l1/f0"));
	EXPECT(write_byte(&s, inode));
	EXPECT(is_open_on(old_fd, "l1/f0"));
	data_put(s.data, &old);
	EXPECT(!is_open_on(old_fd, "l1/f0"));
	data_put(s.data, &new);
}

TEST("a written file is synced before its descriptor is closed, a read one is not")
{
	STORE(s);
	ASSERT(make_files("u", 20));
	STORE_OPEN(s, 4);
	char byte;

	forget_syncs();
	for (unsigned i = 0; i < 10; i++)
		EXPECT_INT(data_read(s.data, file(&s, i), &byte, 1, 0), 1);
	EXPECT_INT(n_syncs, 0);
	for (unsigned i = 0; i < 10; i++)
		EXPECT(write_byte(&s, file(&s, i)));
	for (unsigned i = 10; i < 20; i++)
		EXPECT_INT(data_read(s.data, file(&s, i), &byte, 1, 0), 1);
	pool_drain(s.pool);
	EXPECT(n_syncs >= 5 && n_syncs <= 10);
}

TEST("written files are told to be too many while their syncs lag behind, and no longer when they have caught up")
{
	STORE(s);
	ASSERT(make_files("u", 40));
	STORE_OPEN(s, 8);

	forget_syncs();
	hold = true;
	EXPECT(!data_is_crowded(s.data));
	for (unsigned i = 0; i < 40; i++)
		EXPECT(write_byte(&s, file(&s, i)));
	EXPECT(data_is_crowded(s.data));
	hold = false;
	pool_drain(s.pool);
	EXPECT(!data_is_crowded(s.data));
}

TEST("a sync before eviction that failed fails every later fsync of this file and of no other")
{
	STORE(s);
	ASSERT(make_files("u", 20));
	STORE_OPEN(s, 4);
	char byte;

	forget_syncs();
	EXPECT(write_byte(&s, file(&s, 0)));
	sync_error = -ENOSPC;
	/* More writers push out the oldest, one at a time: of two syncs that run together either could meet the
	 * error. */
	for (unsigned i = 1; i < 20; i++) {
		EXPECT(write_byte(&s, file(&s, i)));
		pool_drain(s.pool);
	}
	EXPECT_INT(sync_error, 0);
	EXPECT_INT(data_sync(s.data, file(&s, 0), false), -ENOSPC);
	EXPECT_INT(data_sync(s.data, file(&s, 0), true), -ENOSPC);
	for (unsigned i = 1; i < 20; i++)
		EXPECT_INT(data_sync(s.data, file(&s, i), true), 0);
	/* It can still be read and written. */
	EXPECT_INT(data_read(s.data, file(&s, 0), &byte, 1, 0), 1);
	EXPECT(write_byte(&s, file(&s, 0)));
	EXPECT_INT(data_sync(s.data, file(&s, 0), false), -ENOSPC);
}

TEST("an error is forgotten with the inode")
{
	STORE(s);
	ASSERT(make_files("u", 1));
	STORE_OPEN(s, 4);
	struct inode *inode = file(&s, 0);

	forget_syncs();
	EXPECT(write_byte(&s, inode));
	sync_error = -EIO;
	EXPECT_INT(data_sync(s.data, inode, false), -EIO);
	EXPECT_INT(data_sync(s.data, inode, false), -EIO);
	data_evict(s.data, inode);
	EXPECT_INT(data_sync(s.data, inode, false), 0);
}

struct sync_call {
	struct store *s;
	struct inode *inode;
	int result;
};

static void *sync_thread(void *arg)
{
	struct sync_call *a = arg;

	a->result = data_sync(a->s->data, a->inode, true);
	return NULL;
}

TEST("of two syncs of one file at once both learn of a failed write-back")
{
	STORE(s);
	ASSERT(make_files("u", 1));
	STORE_OPEN(s, 4);
	struct sync_call a[2];
	pthread_t threads[2];

	forget_syncs();
	EXPECT(write_byte(&s, file(&s, 0)));
	hold = true;
	sync_error = -EIO;
	for (unsigned i = 0; i < 2; i++) {
		a[i].s = &s;
		a[i].inode = file(&s, 0);
		ASSERT(pthread_create(&threads[i], NULL, sync_thread, &a[i]) == 0);
	}
	usleep(50000);
	hold = false;
	for (unsigned i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	EXPECT_INT(a[0].result, -EIO);
	EXPECT_INT(a[1].result, -EIO);
	EXPECT_INT(max_running, 1);
}

TEST("a file that is written while its last sync runs is dirty afterwards")
{
	STORE(s);
	ASSERT(make_files("u", 1));
	STORE_OPEN(s, 4);
	struct sync_call a = {.s = &s, .inode = file(&s, 0)};
	pthread_t thread;

	forget_syncs();
	EXPECT(write_byte(&s, a.inode));
	EXPECT(data_is_dirty(s.data, a.inode));
	hold = true;
	ASSERT(pthread_create(&thread, NULL, sync_thread, &a) == 0);
	while (!n_running)
		usleep(1000);
	EXPECT(write_byte(&s, a.inode));
	hold = false;
	pthread_join(thread, NULL);
	EXPECT(data_is_dirty(s.data, a.inode));
	EXPECT_INT(data_sync(s.data, a.inode, true), 0);
	EXPECT(!data_is_dirty(s.data, a.inode));
}

TEST("an inode that is forgotten during its sync leaves no descriptor")
{
	STORE(s);
	ASSERT(make_files("u", 12));
	STORE_OPEN(s, 2);
	unsigned before = open_descriptors();

	forget_syncs();
	hold = true;
	for (unsigned i = 0; i < 12; i++)
		EXPECT(write_byte(&s, file(&s, i)));
	/* The syncs of the oldest have begun; written again they are dirty when those end. */
	while (!n_running)
		usleep(1000);
	for (unsigned i = 0; i < 12; i++)
		EXPECT(write_byte(&s, file(&s, i)));
	for (unsigned i = 0; i < 12; i++)
		data_evict(s.data, file(&s, i));
	hold = false;
	pool_drain(s.pool);
	EXPECT(open_descriptors() <= before + 4); /* directories */
}

TEST("without syncs written files are closed like read ones")
{
	STORE(s);
	ASSERT(make_files("u", 20));
	ASSERT(store_open(&s, 4, false));
	unsigned before;

	forget_syncs();
	EXPECT(write_byte(&s, file(&s, 0)));
	before = open_descriptors();
	for (unsigned i = 1; i < 20; i++)
		EXPECT(write_byte(&s, file(&s, i)));
	EXPECT_INT(data_sync(s.data, file(&s, 19), false), 0);
	EXPECT_INT(n_syncs, 0);
	EXPECT(open_descriptors() <= before + 5);
}
