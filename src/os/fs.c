/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening, looking and changing names. Confinement is the kernel's: openat2 with RESOLVE_BENEATH and
 * RESOLVE_NO_SYMLINKS, so that neither ".." nor a symlink that somebody swaps in leads out of a layer; every other call
 * gets one name, and none of them follows its last component.
 */
#include "os/fs.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <pthread.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "internal.h"

/* The same numbers on every architecture; the C library's headers may be older than the kernel. */
#ifndef SYS_fchmodat2
#define SYS_fchmodat2 452
#endif
#ifndef SYS_getxattrat
#define SYS_getxattrat 464
#endif

/* openat2 refuses what openat ignores, and flags from a FUSE request carry bits of the kernel's own (__FMODE_EXEC). */
#define KNOWN_FLAGS                                                                                                    \
	(O_ACCMODE | O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_APPEND | O_NONBLOCK | O_DSYNC | O_SYNC | O_ASYNC |      \
	 O_DIRECT | O_LARGEFILE | O_DIRECTORY | O_NOATIME | O_PATH | O_TMPFILE)
#define KNOWN_PATH_FLAGS (O_PATH | O_DIRECTORY)

struct os_kernel os_kernel = {.proc_fd = -1};

const char *os_fd_name(int fd, char buf[OS_FD_NAME_MAX])
{
	(void)CHECK(fd >= 0);
	snprintf(buf, OS_FD_NAME_MAX, "%d", fd);
	return buf;
}

int os_fd_path(int fd, const char *name, char *buf, size_t size)
{
	int len = snprintf(buf, size, *name ? "/proc/self/fd/%d/%s" : "/proc/self/fd/%d", fd, name);

	return len < (int)size ? 0 : -ENAMETOOLONG;
}

/* --- init -------------------------------------------------------------------------------------------------------- */

static int open_proc_fd(int *ret_fd)
{
	int fd = open("/proc/self/fd", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	*ret_fd = fd;
	return 0;
}

/* A descriptor of /proc/self/fd names the process that opened it: what a fork leaves behind must open its own. */
static void reopen_proc_after_fork(void)
{
	int fd = -1;

	if (os_kernel.proc_fd < 0 || open_proc_fd(&fd) < 0)
		return;
	if (dup3(fd, os_kernel.proc_fd, O_CLOEXEC) >= 0)
		close(fd);
}

/* An existing call fails on the descriptor or on the empty name. A seccomp filter that doesn't know it says EPERM. */
static bool kernel_has(long ret)
{
	return ret >= 0 || (errno != ENOSYS && errno != EPERM);
}

static int check_openat2(void)
{
	struct open_how how = {.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
			       .resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS};
	_cleanup_close_ int fd = (int)syscall(SYS_openat2, os_kernel.proc_fd, ".", &how, sizeof(how));

	return fd < 0 ? -errno : 0;
}

int os_init(void)
{
	if (os_kernel.proc_fd < 0) {
		int r = open_proc_fd(&os_kernel.proc_fd);

		if (r < 0)
			return r;
		pthread_atfork(NULL, NULL, reopen_proc_after_fork);
	}
	os_kernel.fchmodat2 = kernel_has(syscall(SYS_fchmodat2, -1, "", 0, 0));
	os_kernel.xattrat = kernel_has(syscall(SYS_getxattrat, -1, "", 0, "user.x", NULL, 0));
	return check_openat2();
}

/* --- open -------------------------------------------------------------------------------------------------------- */

static bool creates(int flags)
{
	return (flags & (O_CREAT | O_TRUNC)) || (flags & O_TMPFILE) == O_TMPFILE;
}

static int openat2_confined(int dirfd, const char *name, const struct open_how *how)
{
	long fd;

	do
		fd = syscall(SYS_openat2, dirfd, name, how, sizeof(*how));
	while (fd < 0 && errno == EINTR && !(how->flags & O_EXCL));
	return fd < 0 ? -errno : (int)fd;
}

static int openat2_counted(int dirfd, const char *name, const struct open_how *how)
{
	int r = fault_before();

	(void)CHECK(!(how->flags & O_CREAT) || !strchr(name, '/') || (how->resolve & RESOLVE_IN_ROOT));
	if (r < 0)
		return r;
	r = openat2_confined(dirfd, name, how);
	if (r >= 0)
		fault_after();
	return r;
}

int os_openat(int dirfd, const char *name, int flags, mode_t mode, enum os_confine confine)
{
	struct open_how how = {
		.flags = (unsigned)(flags & (flags & O_PATH ? KNOWN_PATH_FLAGS : KNOWN_FLAGS)) | O_NOFOLLOW | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS,
	};

	if (confine == OS_NO_XDEV)
		how.resolve |= RESOLVE_NO_XDEV;
	if (!creates((int)how.flags))
		return openat2_confined(dirfd, name, &how);
	if ((how.flags & O_CREAT) || (how.flags & O_TMPFILE) == O_TMPFILE)
		how.mode = mode & 07777;
	return openat2_counted(dirfd, name, &how);
}

int os_open_beneath(int dirfd, const char *path)
{
	const struct open_how how = {
		.flags = O_PATH | O_DIRECTORY | O_CLOEXEC,
		.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	return openat2_confined(dirfd, path, &how);
}

int os_reopen(int fd, int flags)
{
	char name[OS_FD_NAME_MAX];

	if (!CHECK(fd >= 0 && os_kernel.proc_fd >= 0))
		return -EIO;
	os_fd_name(fd, name);
	flags = (flags & ~(O_CREAT | O_EXCL | O_NOFOLLOW)) | O_CLOEXEC;
	if (flags & O_TRUNC)
		return OS_CHANGE(openat(os_kernel.proc_fd, name, flags));
	return OS_LOOK(openat(os_kernel.proc_fd, name, flags));
}

void os_confine_roots(void)
{
	os_kernel.confines_roots = true;
}

const char *os_behind_root(const char *path)
{
	static const char proc[] = "/proc/", root[] = "/root";
	size_t digits, end;

	if (strncmp(path, proc, sizeof(proc) - 1) != 0)
		return NULL;
	digits = strspn(path + sizeof(proc) - 1, "0123456789");
	end = sizeof(proc) - 1 + digits + sizeof(root) - 1;
	if (!digits || strncmp(path + sizeof(proc) - 1 + digits, root, sizeof(root) - 1) != 0 || path[end] != '/')
		return NULL;
	return path + end;
}

static int open_in_root(const char *path, const char *rest, int flags, mode_t mode)
{
	struct open_how how = {
		.flags = (unsigned)(flags & (KNOWN_FLAGS | O_NOFOLLOW)) | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS,
	};
	_cleanup_free_ char *root = strndup(path, (size_t)(rest - path));
	_cleanup_close_ int fd = root ? OS_LOOK(open(root, O_PATH | O_DIRECTORY | O_CLOEXEC)) : -ENOMEM;

	(void)CHECK(*rest == '/');
	if (fd < 0)
		return fd;
	if (flags & O_PATH)
		how.flags &= KNOWN_PATH_FLAGS | O_NOFOLLOW | O_CLOEXEC;
	if (!creates(flags))
		return openat2_confined(fd, rest, &how);
	how.mode = mode & 07777;
	return openat2_counted(fd, rest, &how);
}

int os_open_path(const char *path, int flags, mode_t mode)
{
	const char *rest = os_kernel.confines_roots ? os_behind_root(path) : NULL;

	if (rest)
		return open_in_root(path, rest, flags, mode);
	if (creates(flags))
		return OS_CHANGE_ONCE(open(path, flags | O_CLOEXEC, mode));
	return OS_LOOK(open(path, flags | O_CLOEXEC));
}

int os_memory_file(const char *name)
{
	return OS_LOOK(memfd_create(name, MFD_CLOEXEC));
}

int os_open_tmpfile(int dirfd, int flags, mode_t mode)
{
	(void)CHECK((flags & O_ACCMODE) != O_RDONLY);
	return os_openat(dirfd, ".", (flags & ~O_CREAT) | O_TMPFILE, mode, OS_CROSS_MOUNTS);
}

int os_close(int fd)
{
	(void)CHECK(fd >= 0);
	/* Linux has released the descriptor when close() says EINTR. */
	return close(fd) < 0 && errno != EINTR ? -errno : 0;
}

int os_dup(int fd)
{
	return OS_LOOK(fcntl(fd, F_DUPFD_CLOEXEC, 0));
}

/* --- look -------------------------------------------------------------------------------------------------------- */

static int statx_name(int dirfd, const char *name, int flags, struct statx *ret_stx)
{
	flags |= AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | (*name ? 0 : AT_EMPTY_PATH);
	if (!os_name_ok(name))
		return -EIO;
	return OS_LOOK(statx(dirfd, name, flags, STATX_BASIC_STATS | STATX_BTIME, ret_stx));
}

int os_statx(int dirfd, const char *name, struct statx *ret_stx)
{
	return statx_name(dirfd, name, AT_STATX_SYNC_AS_STAT, ret_stx);
}

int os_statx_cached(int dirfd, const char *name, struct statx *ret_stx)
{
	return statx_name(dirfd, name, AT_STATX_DONT_SYNC, ret_stx);
}

ssize_t os_readlinkat(int dirfd, const char *name, char *buf, size_t size)
{
	(void)CHECK(size > 0);
	if (!os_name_ok(name))
		return -EIO;
	return OS_LOOK(readlinkat(dirfd, name, buf, size));
}

int os_statx_up(int dirfd, unsigned levels, struct statx *ret_stx)
{
	char path[PATH_MAX];
	size_t len = 3 * (size_t)levels;

	if (!CHECK(levels))
		return -EIO;
	if (len >= sizeof(path))
		return -ENAMETOOLONG;
	for (size_t i = 0; i < len; i++)
		path[i] = i % 3 == 2 ? '/' : '.';
	path[len - 1] = '\0';
	return OS_LOOK(statx(dirfd, path, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, STATX_BASIC_STATS,
			     ret_stx));
}

ssize_t os_fd_target(int fd, char *buf, size_t size)
{
	char name[OS_FD_NAME_MAX];

	os_fd_name(fd, name);
	return OS_LOOK(readlinkat(os_kernel.proc_fd, name, buf, size));
}

int os_fstatvfs(int fd, struct statvfs *ret)
{
	return OS_LOOK(fstatvfs(fd, ret));
}

int os_may_write_dir(int dirfd)
{
	return OS_LOOK(faccessat(dirfd, ".", W_OK | X_OK, AT_EACCESS));
}

int os_fs_type(int fd, long *ret_type)
{
	struct statfs st;
	int r = OS_LOOK(fstatfs(fd, &st));

	if (!r)
		*ret_type = (long)st.f_type;
	return r;
}

/* --- names ------------------------------------------------------------------------------------------------------- */

int os_mkdirat(int dirfd, const char *name, mode_t mode)
{
	return os_name_ok(name) ? OS_CHANGE_ONCE(mkdirat(dirfd, name, mode)) : -EIO;
}

int os_mknodat(int dirfd, const char *name, mode_t mode, dev_t rdev)
{
	return os_name_ok(name) ? OS_CHANGE_ONCE(mknodat(dirfd, name, mode, rdev)) : -EIO;
}

int os_symlinkat(const char *target, int dirfd, const char *name)
{
	return os_name_ok(name) ? OS_CHANGE_ONCE(symlinkat(target, dirfd, name)) : -EIO;
}

int os_linkat(int olddirfd, const char *oldname, int newdirfd, const char *newname)
{
	if (!os_name_ok(oldname) || !os_name_ok(newname))
		return -EIO;
	return OS_CHANGE_ONCE(linkat(olddirfd, oldname, newdirfd, newname, 0));
}

static int link_by_proc(int fd, int newdirfd, const char *newname)
{
	char name[OS_FD_NAME_MAX];

	os_fd_name(fd, name);
	return OS_CHANGE_ONCE(linkat(os_kernel.proc_fd, name, newdirfd, newname, AT_SYMLINK_FOLLOW));
}

int os_link_fd(int fd, int newdirfd, const char *newname)
{
	(void)CHECK(fd >= 0);
	if (!os_name_ok(newname))
		return -EIO;
	int r = OS_CHANGE_ONCE(linkat(fd, "", newdirfd, newname, AT_EMPTY_PATH));

	/* AT_EMPTY_PATH needs CAP_DAC_READ_SEARCH and says ENOENT without. */
	return r == -ENOENT || r == -EPERM ? link_by_proc(fd, newdirfd, newname) : r;
}

int os_unlinkat(int dirfd, const char *name, int flags)
{
	(void)CHECK(*name && !(flags & ~AT_REMOVEDIR));
	return os_name_ok(name) ? OS_CHANGE_ONCE(unlinkat(dirfd, name, flags)) : -EIO;
}

int os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags)
{
	(void)CHECK(*oldname && *newname &&
		    !(flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE | RENAME_WHITEOUT)));
	if (!os_name_ok(oldname) || !os_name_ok(newname))
		return -EIO;
	return (int)OS_CHANGE_ONCE(syscall(SYS_renameat2, olddirfd, oldname, newdirfd, newname, flags));
}
