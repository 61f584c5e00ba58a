/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening and names: confinement, and what is and isn't followed.
 */
#include "os/fs.h"

#include <sys/wait.h>

#include "base/cleanup.h"
#include "scratch.h"
#include "unit.h"

TEST("a name is opened beneath its directory, a relative path too, and the descriptor closes on exec")
{
	SCRATCH(s);
	_cleanup_close_ int file = os_openat(s.fd, "file", O_RDONLY, 0, OS_CROSS_MOUNTS);
	_cleanup_close_ int inner = os_openat(s.fd, "dir/inner", O_RDONLY, 0, OS_NO_XDEV);

	ASSERT(file >= 0 && inner >= 0);
	EXPECT_INT(fcntl(file, F_GETFD), FD_CLOEXEC);
}

TEST("no path leads out of the directory or through a symlink")
{
	SCRATCH(s);
	EXPECT_INT(os_openat(s.fd, "..", O_PATH, 0, OS_CROSS_MOUNTS), -EXDEV);
	EXPECT_INT(os_openat(s.fd, "dir/../..", O_PATH, 0, OS_CROSS_MOUNTS), -EXDEV);
	EXPECT_INT(os_openat(s.fd, "/etc", O_PATH, 0, OS_CROSS_MOUNTS), -EXDEV);
	EXPECT_INT(os_openat(s.fd, "out/x", O_PATH, 0, OS_CROSS_MOUNTS), -ELOOP);
	EXPECT_INT(os_openat(s.fd, "link", O_RDONLY, 0, OS_CROSS_MOUNTS), -ELOOP);
	EXPECT_INT(os_openat(s.fd, "link", O_CREAT | O_RDWR, 0600, OS_CROSS_MOUNTS), -ELOOP);
}

TEST("opening a symlink with O_PATH gives the symlink itself")
{
	SCRATCH(s);
	_cleanup_close_ int fd = os_openat(s.fd, "link", O_PATH, 0, OS_CROSS_MOUNTS);
	struct statx stx;
	char target[16];

	ASSERT(fd >= 0);
	ASSERT_INT(os_statx(fd, "", &stx), 0);
	EXPECT(S_ISLNK(stx.stx_mode));
	ASSERT_INT(os_readlinkat(fd, "", target, sizeof(target)), 4);
	EXPECT_MEM(target, "file", 4);
	EXPECT_INT(os_readlinkat(s.fd, "link", target, 2), 2);
	EXPECT_INT(os_readlinkat(s.fd, "file", target, sizeof(target)), -EINVAL);
}

TEST("flags and mode bits that only the kernel's own openat takes don't spoil an open")
{
	SCRATCH(s);
	mode_t mask = umask(0);
	_cleanup_close_ int fd =
		os_openat(s.fd, "new", O_CREAT | O_EXCL | O_RDWR | 040, S_IFREG | 04640, OS_CROSS_MOUNTS);
	_cleanup_close_ int dir = os_openat(s.fd, "dir", O_PATH | O_DIRECTORY | O_RDWR | O_NOATIME, 0, OS_CROSS_MOUNTS);

	umask(mask);
	ASSERT(fd >= 0 && dir >= 0);
	EXPECT_INT(scratch_stat(&s, "new").st_mode, S_IFREG | 04640);
	EXPECT_INT(os_openat(s.fd, "new", O_CREAT | O_EXCL | O_RDWR, 0600, OS_CROSS_MOUNTS), -EEXIST);
}

TEST("reopening gives other access to the same object and creates nothing")
{
	SCRATCH(s);
	_cleanup_close_ int path = scratch_path(&s, "file");
	_cleanup_close_ int fd = os_reopen(path, O_RDWR | O_CREAT);
	_cleanup_close_ int link = scratch_path(&s, "link");
	char buf[16];

	ASSERT(fd >= 0);
	EXPECT_INT(os_pread(fd, buf, sizeof(buf), 0), 7);
	EXPECT_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT_INT(os_reopen(link, O_RDONLY), -ELOOP);
	EXPECT_INT(os_unlinkat(s.fd, "file", 0), 0);
	_cleanup_close_ int gone = os_reopen(path, O_RDONLY | O_CREAT);

	EXPECT(gone >= 0);
	EXPECT_INT(scratch_stat(&s, "file").st_nlink, 0);
}

TEST("the child of a fork reopens its own descriptors, not its parent's")
{
	SCRATCH(s);
	int status, file;
	pid_t pid = fork();

	if (!pid) {
		struct statx a, b;
		int path = scratch_path(&s, "dir"); /* a number that the parent doesn't use */
		int fd = os_reopen(path, O_RDONLY | O_DIRECTORY);

		_exit(fd < 0 || os_statx(path, "", &a) || os_statx(fd, "", &b) || a.stx_ino != b.stx_ino);
	}
	ASSERT(pid > 0);
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	EXPECT_INT(status, 0);
	file = os_reopen(s.fd, O_RDONLY);
	EXPECT(file >= 0);
	os_close(file);
}

TEST("a path from the user is followed")
{
	SCRATCH(s);
	char path[128];
	struct statx stx;

	snprintf(path, sizeof(path), "%s/link", s.path);
	_cleanup_close_ int fd = os_open_path(path, O_PATH, 0);

	ASSERT(fd >= 0);
	ASSERT_INT(os_statx(fd, "", &stx), 0);
	EXPECT(S_ISREG(stx.stx_mode));
	EXPECT_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT_INT(os_open_path("/nonexistent/x", O_CREAT | O_WRONLY, 0600), -ENOENT);
}

TEST("an unnamed file gets a name, and only a free one")
{
	SCRATCH(s);
	_cleanup_close_ int fd = os_open_tmpfile(s.fd, O_RDWR, 0600);

	if (fd == -EOPNOTSUPP || fd == -EISDIR)
		SKIP("no O_TMPFILE here");
	ASSERT(fd >= 0);
	EXPECT_INT(os_link_fd(fd, s.fd, "file"), -EEXIST);
	EXPECT_INT(os_link_fd(fd, s.fd, "named"), 0);
	EXPECT(S_ISREG(scratch_stat(&s, "named").st_mode));
}

TEST("what an O_PATH descriptor refers to gets another name, a symlink itself and not its target")
{
	SCRATCH(s);
	_cleanup_close_ int link = scratch_path(&s, "link");
	_cleanup_close_ int fifo = scratch_path(&s, "fifo");

	EXPECT_INT(os_link_fd(link, s.fd, "link2"), 0);
	EXPECT_INT(scratch_stat(&s, "link2").st_ino, scratch_stat(&s, "link").st_ino);
	EXPECT_INT(os_link_fd(fifo, s.fd, "fifo2"), 0);
	EXPECT_INT(scratch_stat(&s, "fifo").st_nlink, 2);
	EXPECT_INT(os_linkat(s.fd, "link", s.fd, "link3"), 0);
	EXPECT_INT(scratch_stat(&s, "link").st_nlink, 3);
}

TEST("statx doesn't follow and has the time of birth where the file system keeps one")
{
	SCRATCH(s);
	struct statx stx;

	ASSERT_INT(os_statx(s.fd, "link", &stx), 0);
	EXPECT(S_ISLNK(stx.stx_mode));
	EXPECT((stx.stx_mask & STATX_BASIC_STATS) == STATX_BASIC_STATS);
	EXPECT_INT(os_statx(s.fd, "missing", &stx), -ENOENT);
}

TEST("names are made, moved, exchanged and removed")
{
	SCRATCH(s);
	ino_t file = scratch_stat(&s, "file").st_ino, fifo = scratch_stat(&s, "fifo").st_ino;

	EXPECT_INT(os_mkdirat(s.fd, "d", 0700), 0);
	EXPECT_INT(os_mkdirat(s.fd, "d", 0700), -EEXIST);
	EXPECT_INT(os_mknodat(s.fd, "p", S_IFIFO | 0600, 0), 0);
	EXPECT_INT(os_symlinkat("nowhere", s.fd, "l"), 0);
	EXPECT_INT(os_renameat2(s.fd, "file", s.fd, "fifo", RENAME_NOREPLACE), -EEXIST);
	EXPECT_INT(os_renameat2(s.fd, "file", s.fd, "fifo", RENAME_EXCHANGE), 0);
	EXPECT_INT(scratch_stat(&s, "fifo").st_ino, file);
	EXPECT_INT(scratch_stat(&s, "file").st_ino, fifo);
	EXPECT_INT(os_renameat2(s.fd, "fifo", s.fd, "moved", 0), 0);
	EXPECT_INT(scratch_stat(&s, "moved").st_ino, file);
	EXPECT_INT(os_unlinkat(s.fd, "d", 0), -EISDIR);
	EXPECT_INT(os_unlinkat(s.fd, "d", AT_REMOVEDIR), 0);
	EXPECT_INT(os_unlinkat(s.fd, "dir", AT_REMOVEDIR), -ENOTEMPTY);
	EXPECT_INT(os_unlinkat(s.fd, "l", 0), 0);
	EXPECT_INT(os_unlinkat(s.fd, "l", 0), -ENOENT);
}

static void name_with_slash(int dirfd)
{
	if (os_mkdirat(dirfd, "dir/sub", 0700) == -EIO)
		_exit(42);
	_exit(1);
}

TEST("a name with a slash is a broken invariant and makes nothing")
{
	SCRATCH(s);
	int status;

	fflush(NULL);
	pid_t pid = fork();

	if (!pid) {
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		name_with_slash(s.fd);
	}
	ASSERT(pid > 0);
	ASSERT_INT(waitpid(pid, &status, 0), pid);
#ifdef PLYFS_DEBUG
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
#else
	EXPECT(WIFEXITED(status) && WEXITSTATUS(status) == 42);
#endif
	EXPECT_INT(scratch_stat(&s, "dir/sub").st_ino, 0);
}

TEST("going up by levels follows the parents, and the root is its own parent")
{
	SCRATCH(s);
	_cleanup_close_ int dir = scratch_path(&s, "dir");
	struct statx up, root;

	ASSERT_INT(os_statx_up(dir, 1, &up), 0);
	EXPECT_INT(up.stx_ino,
		   scratch_stat(&s, "").st_ino ? scratch_stat(&s, "").st_ino : scratch_stat(&s, ".").st_ino);
	ASSERT_INT(os_statx_up(dir, 100, &up), 0);
	ASSERT_INT(os_statx(AT_FDCWD, ".", &root), 0);
	_cleanup_close_ int slash = open("/", O_PATH | O_CLOEXEC);

	ASSERT_INT(os_statx(slash, "", &root), 0);
	EXPECT_INT(up.stx_ino, root.stx_ino);
	EXPECT_INT(os_statx_up(dir, 1366, &up), -ENAMETOOLONG);
}

TEST("a descriptor's target is the object's path now")
{
	SCRATCH(s);
	_cleanup_close_ int dir = scratch_path(&s, "dir");
	char want[128], got[128];

	ASSERT_INT(os_renameat2(s.fd, "dir", s.fd, "renamed", 0), 0);
	snprintf(want, sizeof(want), "%s/renamed", s.path);
	ASSERT_INT(os_fd_target(dir, got, sizeof(got)), strlen(want));
	EXPECT_MEM(got, want, strlen(want));
}

TEST("a duplicate is a descriptor of its own that closes on exec")
{
	SCRATCH(s);
	int fd = os_dup(s.fd);

	ASSERT(fd >= 0 && fd != s.fd);
	EXPECT_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	EXPECT_INT(os_close(fd), 0);
	EXPECT_INT(os_close(fd), -EBADF);
	EXPECT_INT(os_dup(fd), -EBADF);
}

TEST("the file system's type and size are told for an O_PATH descriptor")
{
	SCRATCH(s);
	struct statvfs st;
	long type = 0;

	EXPECT_INT(os_fs_type(s.fd, &type), 0);
	EXPECT(type != 0);
	EXPECT_INT(os_fstatvfs(s.fd, &st), 0);
	EXPECT(st.f_bsize > 0 && st.f_namemax > 0);
}

TEST("creating, truncating and every change of a name pass a fault point, looking passes none")
{
#ifndef PLYFS_FAULTS
	SKIP("built without fault points");
#else
	SCRATCH(s);
	struct statx stx;
	int status;

	fflush(NULL);
	pid_t pid = fork();

	if (!pid) {
		int failed = 0;

		setenv("PLYFS_FAULT", "fail:create:6:5", 1);
		fault_init();
		FAULT_SCOPE(FAULT_CREATE);
		failed |= os_mkdirat(s.fd, "1", 0700);
		failed |= os_statx(s.fd, "1", &stx);
		failed |= os_close(os_openat(s.fd, "2", O_CREAT | O_WRONLY, 0600, OS_CROSS_MOUNTS));
		failed |= os_close(os_openat(s.fd, "2", O_WRONLY, 0, OS_CROSS_MOUNTS));
		failed |= os_close(os_openat(s.fd, "2", O_WRONLY | O_TRUNC, 0, OS_CROSS_MOUNTS));
		failed |= os_symlinkat("t", s.fd, "4");
		failed |= os_renameat2(s.fd, "4", s.fd, "5", 0);
		failed |= os_unlinkat(s.fd, "5", 0) != -EIO;
		failed |= os_unlinkat(s.fd, "5", 0);
		_exit(failed != 0);
	}
	ASSERT(pid > 0);
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	EXPECT_INT(status, 0);
#endif
}

TEST("os_statx_up climbs as a path walk does, and stays at the root directory")
{
	SCRATCH(s);
	struct statx stx, root;
	int fd = scratch_path(&s, "dir");

	EXPECT_INT(os_statx_up(fd, 1, &stx), 0);
	EXPECT_INT(stx.stx_ino, scratch_stat(&s, ".").st_ino);
	EXPECT_INT(os_statx_up(fd, 1000, &stx), 0);
	EXPECT_INT(os_statx_up(fd, 1001, &root), 0);
	EXPECT_INT(stx.stx_ino, root.stx_ino);
	EXPECT_INT(os_statx_up(fd, 1366, &stx), -ENAMETOOLONG);
	close(fd);
}

TEST("os_fd_target tells where a directory is now")
{
	SCRATCH(s);
	char path[128] = "", want[128];
	int fd = scratch_path(&s, "dir");

	ASSERT_INT(renameat(s.fd, "dir", s.fd, "moved"), 0);
	snprintf(want, sizeof(want), "%s/moved", s.path);
	EXPECT_INT(os_fd_target(fd, path, sizeof(path) - 1), strlen(want));
	EXPECT_STR(path, want);
	close(fd);
}

TEST("os_statx_cached looks at a name and at the descriptor itself without following")
{
	SCRATCH(s);
	struct statx stx;

	EXPECT_INT(os_statx_cached(s.fd, "link", &stx), 0);
	EXPECT(S_ISLNK(stx.stx_mode));
	EXPECT_INT(os_statx_cached(s.fd, "", &stx), 0);
	EXPECT_INT(stx.stx_ino, scratch_stat(&s, ".").st_ino);
}
