/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading, writing and copying.
 */
#include <signal.h>
#include <stdint.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "base/cleanup.h"
#include "scratch.h"
#include "unit.h"

static int open_rw(struct scratch *s, const char *name)
{
	return os_openat(s->fd, name, O_RDWR | O_CREAT, 0600, OS_CROSS_MOUNTS);
}

TEST("what is written is read back at its place")
{
	SCRATCH(s);
	_cleanup_close_ int fd = open_rw(&s, "file");
	char buf[16];

	EXPECT_INT(os_pwrite_all(fd, "tINUO", 5, 3), 5);
	ASSERT_INT(os_pread(fd, buf, sizeof(buf), 0), 8);
	EXPECT_MEM(buf, "contINUO", 8);
	EXPECT_INT(os_pread(fd, buf, sizeof(buf), 100), 0);
	EXPECT_INT(os_pwrite_all(fd, buf, 0, 0), 0);
}

TEST("a read that fails on its way tells why, and what there is to the end is all that is read")
{
	SCRATCH(s);
	_cleanup_close_ int fd = open_rw(&s, "file");
	_cleanup_close_ int memory = open("/proc/self/mem", O_RDONLY | O_CLOEXEC);
	char buf[8192];
	char *pages = mmap(NULL, sizeof(buf), PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT(pages != MAP_FAILED && memory >= 0);
	ASSERT_INT(munmap(pages + 4096, 4096), 0);
	EXPECT_INT(os_pread(memory, buf, sizeof(buf), (off_t)(uintptr_t)pages), 4096);
	EXPECT_INT(os_pread_all(memory, buf, sizeof(buf), (off_t)(uintptr_t)pages), -EIO);
	EXPECT_INT(os_pread_all(memory, buf, 4096, (off_t)(uintptr_t)pages), 4096);
	munmap(pages, 4096);
	ASSERT_INT(os_pwrite_all(fd, buf, 1024, 0), 1024);
	EXPECT_INT(os_pread_all(fd, buf, sizeof(buf), 0), 1024);
	EXPECT_INT(os_pread_all(fd, buf, sizeof(buf), 1000), 24);
	EXPECT_INT(os_pread_all(fd, buf, sizeof(buf), 2000), 0);
	EXPECT_INT(os_pread_all(s.fd, buf, sizeof(buf), 0), -EBADF);
}

TEST("a write that fails on its way tells how much it wrote, one that fails at once tells why")
{
	SCRATCH(s);
	_cleanup_close_ int fd = open_rw(&s, "new");
	struct rlimit before, limit;
	char block[100] = "";

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	limit = (struct rlimit){.rlim_cur = 40, .rlim_max = before.rlim_max};
	ASSERT_INT(setrlimit(RLIMIT_FSIZE, &limit), 0);
	ssize_t part = os_pwrite_all(fd, block, sizeof(block), 0);
	ssize_t none = os_pwrite_all(fd, block, sizeof(block), 40);

	setrlimit(RLIMIT_FSIZE, &before);
	EXPECT_INT(part, 40);
	EXPECT_INT(none, -EFBIG);
	EXPECT_INT(os_pwrite_all(s.fd, block, 1, 0), -EBADF);
}

TEST("a range is copied between files and moves the offsets")
{
	SCRATCH(s);
	_cleanup_close_ int in = open_rw(&s, "file");
	_cleanup_close_ int out = open_rw(&s, "copy");
	off_t from = 3, to = 0;
	char buf[16];

	EXPECT_INT(os_copy_file_range(in, &from, out, &to, 100), 4);
	EXPECT_INT(from, 7);
	EXPECT_INT(to, 4);
	ASSERT_INT(os_pread(out, buf, sizeof(buf), 0), 4);
	EXPECT_MEM(buf, "tent", 4);
	EXPECT_INT(os_copy_file_range(in, &from, out, &to, 100), 0);
}

TEST("a clone shares the data or says that the file system can't")
{
	SCRATCH(s);
	_cleanup_close_ int in = open_rw(&s, "file");
	_cleanup_close_ int out = open_rw(&s, "clone");
	int ret = os_ficlone(out, in);

	if (!ret)
		EXPECT_INT(scratch_stat(&s, "clone").st_size, 7);
	else
		EXPECT(ret == -EOPNOTSUPP || ret == -EINVAL || ret == -ENOTTY);
}

TEST("holes are found and made")
{
	SCRATCH(s);
	_cleanup_close_ int fd = open_rw(&s, "sparse");

	EXPECT_INT(os_ftruncate(fd, 1 << 20), 0);
	EXPECT_INT(os_lseek(fd, 0, SEEK_DATA), -ENXIO);
	EXPECT_INT(os_pwrite_all(fd, "x", 1, 512 << 10), 1);
	EXPECT_INT(os_lseek(fd, 0, SEEK_DATA), 512 << 10);
	EXPECT(os_lseek(fd, 512 << 10, SEEK_HOLE) > 512 << 10);
	EXPECT_INT(os_lseek(fd, 0, SEEK_END), 1 << 20);
	int ret = os_fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 1 << 20);

	if (ret == -EOPNOTSUPP)
		SKIP("the file system can't punch holes");
	EXPECT_INT(ret, 0);
	EXPECT_INT(os_lseek(fd, 0, SEEK_DATA), -ENXIO);
}

TEST("files are synced, and a bad descriptor is an error")
{
	SCRATCH(s);
	_cleanup_close_ int fd = open_rw(&s, "file");

	EXPECT_INT(os_fsync(fd), 0);
	EXPECT_INT(os_fdatasync(fd), 0);
	EXPECT_INT(os_fsync(s.fd), -EBADF); /* O_PATH */
	EXPECT_INT(os_syncfs(-1), -EBADF);
}

TEST("a lock that another description holds is refused")
{
	SCRATCH(s);
	_cleanup_close_ int a = open_rw(&s, "file");
	_cleanup_close_ int b = open_rw(&s, "file");

	EXPECT_INT(os_flock(a, LOCK_EX | LOCK_NB), 0);
	EXPECT_INT(os_flock(b, LOCK_EX | LOCK_NB), -EWOULDBLOCK);
	EXPECT_INT(os_flock(a, LOCK_UN), 0);
	EXPECT_INT(os_flock(b, LOCK_EX | LOCK_NB), 0);
}
