/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calls on file data: what is read, written, copied and sought, on files of either kind of layer.
 */
#include "unit.h"

#include <errno.h>
#include <linux/fs.h>

#include "data/store.h"
#include "os/fs.h"

static bool set_flags(const char *path, unsigned flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int r = fd < 0 ? fd : os_setflags(fd, flags);

	if (fd >= 0)
		close(fd);
	return r == 0;
}

TEST("what is written is read, and the lower file stays as it was")
{
	STORE(s);
	ASSERT(uni_fill("l1/f", 0, 10000) && uni_fill("copy", 0, 10000));
	STORE_OPEN(s, 8);
	struct inode *inode = uni_find(&s.u, "f");
	char buf[16] = "";

	ASSERT(copyup_now(s.u.writer, inode, COPYUP_FULL) == 0);
	EXPECT_INT(data_write(s.data, inode, "hello", 5, 9998, 0), 5);
	EXPECT_INT(data_read(s.data, inode, buf, 16, 9998), 5);
	EXPECT_STR(buf, "hello");
	EXPECT_INT(data_read(s.data, inode, buf, 16, 20000), 0);
	EXPECT(uni_same("l1/f", "copy"));
}

static bool has_old_mtime(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mtim.tv_sec == 1000000000 && st.st_mtim.tv_nsec == 123456789;
}

TEST("where modification times are kept, no change of data changes one")
{
	STORE(s);
	ASSERT(uni_fill("u/f", 0, 10000) && uni_fill("u/from", 0, 10000));
	STORE_OPEN(s, 8);
	struct inode *inode = uni_find(&s.u, "f"), *from = uni_find(&s.u, "from");
	struct timespec old[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000, .tv_nsec = 123456789}};

	ASSERT(utimensat(AT_FDCWD, "u/f", old, 0) == 0);
	data_keep_mtimes(s.data);
	EXPECT_INT(data_write(s.data, inode, "hello", 5, 10000, 0), 5);
	EXPECT(has_old_mtime("u/f"));
	EXPECT_INT(data_fallocate(s.data, inode, 0, 0, 20000), 0);
	EXPECT(has_old_mtime("u/f"));
	EXPECT_INT(data_copy(s.data, from, 0, inode, 5000, 10000), 10000);
	EXPECT(has_old_mtime("u/f"));
}

static bool set_old_mtime(struct store *s, struct inode *inode, const char *path)
{
	struct timespec old[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1000000000, .tv_nsec = 123456789}};

	data_time_set(s->data, inode);
	return utimensat(AT_FDCWD, path, old, 0) == 0;
}

TEST("data that was held back leaves a time that was set, until something shows that it is younger")
{
	STORE(s);
	ASSERT(uni_fill("u/f", 0, 10000) && uni_fill("u/unread", 0, 10000));
	STORE_OPEN(s, 8);
	struct inode *inode = uni_find(&s.u, "f"), *unread = uni_find(&s.u, "unread");
	char buf[16];

	EXPECT_INT(data_read(s.data, inode, buf, 16, 0), 16);
	ASSERT(set_old_mtime(&s, inode, "u/f"));
	EXPECT_INT(data_write(s.data, inode, "hello", 5, 0, DATA_HELD_BACK), 5);
	EXPECT(has_old_mtime("u/f"));
	data_evict(s.data, inode);
	EXPECT_INT(data_write(s.data, inode, "hello", 5, 0, DATA_HELD_BACK), 5);
	EXPECT(has_old_mtime("u/f"));
	EXPECT_INT(data_write(s.data, inode, "hello", 5, 0, 0), 5);
	EXPECT(!has_old_mtime("u/f"));
	ASSERT(set_old_mtime(&s, inode, "u/f"));
	EXPECT_INT(data_sync(s.data, inode, false), 0);
	EXPECT_INT(data_write(s.data, inode, "hello", 5, 0, DATA_HELD_BACK), 5);
	EXPECT(!has_old_mtime("u/f"));
	ASSERT(set_old_mtime(&s, unread, "u/unread"));
	EXPECT_INT(data_write(s.data, unread, "hello", 5, 0, DATA_HELD_BACK), 5);
	EXPECT(!has_old_mtime("u/unread"));
}

TEST("an append-only file takes appending writes only, and others again when the flag has gone")
{
	STORE(s);
	ASSERT(uni_fill("u/f", 0, 10));
	STORE_OPEN(s, 8);
	struct inode *inode = uni_find(&s.u, "f");
	bool can = set_flags("u/f", FS_APPEND_FL);

	if (!can)
		SKIP("the file system keeps no append-only flag");
	EXPECT_INT(data_write(s.data, inode, "x", 1, 0, 0), -EPERM);
	EXPECT_INT(data_write(s.data, inode, "x", 1, 0, DATA_APPENDS), 1);
	ASSERT(set_flags("u/f", 0));
	data_flags_changed(s.data, inode);
	EXPECT(data_is_dirty(s.data, inode));
	EXPECT_INT(data_write(s.data, inode, "x", 1, 0, 0), 1);
	ASSERT(set_flags("u/f", FS_APPEND_FL));
	data_flags_changed(s.data, inode);
	EXPECT_INT(data_write(s.data, inode, "x", 1, 0, 0), -EPERM);
	EXPECT(data_is_dirty(s.data, inode));
	EXPECT(set_flags("u/f", 0));
}

TEST("copying goes on to the source's end, from a lower file and within one")
{
	STORE(s);
	ASSERT(uni_fill("l1/from", 0, 300000) && uni_fill("u/to", 0, 1));
	STORE_OPEN(s, 8);
	struct inode *from = uni_find(&s.u, "from"), *to = uni_find(&s.u, "to");

	EXPECT_INT(data_copy(s.data, from, 0, to, 0, 1 << 20), 300000);
	EXPECT(uni_same("l1/from", "u/to"));
	EXPECT_INT(data_copy(s.data, from, 400000, to, 0, 100), 0);
	EXPECT_INT(data_copy(s.data, to, 0, from, 0, 100), -LOOK_AGAIN);
	EXPECT_INT(data_copy(s.data, to, 0, to, 300000, 1000), 1000);
	EXPECT_INT(data_copy(s.data, to, 0, to, 100, 1000), -EINVAL);
}

TEST("beyond the end there is neither data nor hole")
{
	STORE(s);
	ASSERT(uni_fill("l1/f", 0, 100));
	STORE_OPEN(s, 8);
	struct inode *inode = uni_find(&s.u, "f");

	EXPECT_INT(data_seek(s.data, inode, 0, SEEK_DATA), 0);
	EXPECT_INT(data_seek(s.data, inode, 0, SEEK_HOLE), 100);
	EXPECT_INT(data_seek(s.data, inode, 100, SEEK_HOLE), -ENXIO);
	EXPECT_INT(data_seek(s.data, inode, 1000, SEEK_DATA), -ENXIO);
}
