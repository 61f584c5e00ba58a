/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One system call a function. All functions return >= 0 or a negative errno. They retry on EINTR if that is safe (not
 * if names change), set O_CLOEXEC, and never follow a symbolic link in the last component. They take a directory
 * descriptor (O_PATH is enough) and ONE name without a slash; a slash is a broken invariant. Where the text says so the
 * name may be "", with a descriptor of the object itself. Calls that change something or sync pass a fault point.
 *
 * Some calls are impossible on O_PATH descriptors. They use the *at system calls of newer kernels, and otherwise
 * /proc/self/fd, which os_init() opens once.
 */
#ifndef OS_FS_H
#define OS_FS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/types.h>
#include <linux/stat.h>

/* Finds out which calls the running kernel has (fchmodat2, *xattrat), and opens /proc/self/fd. The child of a later
 * fork() opens its own. 0 or -errno: -ENOSYS without openat2 (-EPERM from a seccomp filter), -ENOENT without /proc. */
int os_init(void);

/* --- open -------------------------------------------------------------------------------------------------------- */

/* How a name is confined. RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS are always added. */
enum os_confine { OS_CROSS_MOUNTS = 0, OS_NO_XDEV = 1 };

/* openat2(2). O_NOFOLLOW and O_CLOEXEC are added; flags that openat(2) would ignore are removed. With O_PATH a symlink
 * itself is opened (RESOLVE_NO_SYMLINKS permits that). Names with slashes (a relative path beneath dirfd) are permitted
 * here, but no "..". -EAGAIN: with O_NONBLOCK, if a process has a lease on the file (fcntl(2), F_SETLEASE) and is being
 * told to give it up. */
int os_openat(int dirfd, const char *name, int flags, mode_t mode, enum os_confine confine);
/* Opens a directory (O_PATH) by a path whose symlinks are followed. Neither may they lead out of dirfd, nor is another
 * mount entered: -EXDEV. */
int os_open_beneath(int dirfd, const char *path);
/* Opens the object of `fd` (may be O_PATH) anew, with other flags. Never creates. O_NOFOLLOW must not be given. */
int os_reopen(int fd, int flags);
/* Opens a path that a user gave, before the mount exists. Symlinks are followed; O_CLOEXEC is added. */
int os_open_path(const char *path, int flags, mode_t mode);
/* From now on os_open_path() stays behind /proc/PID/root if a path begins with it: symlinks and ".." are followed as
 * the process itself follows them. For a program that looks at what others have mounted. */
void os_confine_roots(void);
/* Returns the part of a path that is behind /proc/PID/root, with its slash, or NULL. */
const char *os_behind_root(const char *path);
/* memfd_create(2). */
int os_memory_file(const char *name);
/* O_TMPFILE in dirfd. -EOPNOTSUPP or -EISDIR if the file system has none. */
int os_open_tmpfile(int dirfd, int flags, mode_t mode);
/* The descriptor is closed, whatever the result is. */
int os_close(int fd);
int os_dup(int fd);

/* --- look -------------------------------------------------------------------------------------------------------- */

/* statx(2) without following; name "" looks at dirfd itself. It asks for the basic fields and btime. */
int os_statx(int dirfd, const char *name, struct statx *ret_stx);
/* The same from the kernel's cache. Identity, type and mount attributes are right; the rest may be old on network and
 * FUSE file systems. It sends no request to them, so it can't hang on one (the union itself, for example). */
int os_statx_cached(int dirfd, const char *name, struct statx *ret_stx);
/* Whether the file systems of all paths answer within `ms`, be it with an error; links are followed. A process of its
 * own asks them. -ETIMEDOUT: the path of number *ret_silent doesn't. */
int os_paths_answer(const char *const *paths, size_t n, unsigned ms, size_t *ret_silent);
/* The target of a symlink, not terminated. Returns its length. Name "" with an O_PATH descriptor of the link. */
ssize_t os_readlinkat(int dirfd, const char *name, char *buf, size_t size);
/* statx of the directory `levels` (>= 1) above the one at dirfd, as a path walk goes up: out of a mount too, and the
 * root is its own parent. The values are from the kernel's cache. -ENAMETOOLONG beyond 1,365 levels. */
int os_statx_up(int dirfd, unsigned levels, struct statx *ret_stx);
/* The present path of the object at fd: absolute if it is below this process's root (proc(5), /proc/pid/fd). As
 * os_readlinkat. */
ssize_t os_fd_target(int fd, char *buf, size_t size);
int os_fstatvfs(int fd, struct statvfs *ret);
/* Whether this process may make names in the directory: 0, -EACCES, -EROFS. */
int os_may_write_dir(int dirfd);
/* statfs f_type. */
int os_fs_type(int fd, long *ret_type);

/* --- names ------------------------------------------------------------------------------------------------------- */

int os_mkdirat(int dirfd, const char *name, mode_t mode);
int os_mknodat(int dirfd, const char *name, mode_t mode, dev_t rdev);
int os_symlinkat(const char *target, int dirfd, const char *name);
int os_linkat(int olddirfd, const char *oldname, int newdirfd, const char *newname);
/* Gives the file of `fd` a name (O_TMPFILE, or O_PATH of any non-directory): with AT_EMPTY_PATH, else by
 * /proc/self/fd. */
int os_link_fd(int fd, int newdirfd, const char *newname);
int os_unlinkat(int dirfd, const char *name, int flags);
/* renameat2(2) with RENAME_NOREPLACE, RENAME_EXCHANGE, RENAME_WHITEOUT. */
int os_renameat2(int olddirfd, const char *oldname, int newdirfd, const char *newname, unsigned flags);

/* --- attributes (fd may be O_PATH, also of a symlink or device) -------------------------------------------------- */

int os_fchown(int fd, uid_t uid, gid_t gid);
int os_fchmod(int fd, mode_t mode);
int os_futimens(int fd, const struct timespec times[2]);
/* The same by name. An id of -1 is not changed. */
int os_fchownat(int dirfd, const char *name, uid_t uid, gid_t gid);
int os_fchmodat(int dirfd, const char *name, mode_t mode);
/* The descriptor must be open for writing. */
int os_ftruncate(int fd, off_t length);
/* FS_IOC_GETFLAGS, FS_IOC_SETFLAGS, FS_IOC_FSGETXATTR (struct fsxattr, linux/fs.h). The descriptor must not be
 * O_PATH. */
int os_getflags(int fd, unsigned *ret_flags);
int os_setflags(int fd, unsigned flags);
struct fsxattr;
int os_fsgetxattr(int fd, struct fsxattr *ret);
int os_fssetxattr(int fd, const struct fsxattr *xa);
/* An ioctl(2) that only reads: *ret has the size that `request` says. -ENOTTY: not of this object. */
int os_ioctl_read(int fd, unsigned long request, void *ret);

/* --- data -------------------------------------------------------------------------------------------------------- */

/* Fewer bytes than `size`: the file ends there, or an error comes next, which the next call gives. */
ssize_t os_pread(int fd, void *buf, size_t size, off_t off);
/* Fewer bytes than `size`: the file ends there. An error behind some bytes is returned in their place. */
ssize_t os_pread_all(int fd, void *buf, size_t size, off_t off);
/* Writes all bytes or fails: a short write is continued. Returns `size` or -errno. If some bytes were written before
 * the error (ENOSPC, EDQUOT, EFBIG) it returns their number. */
ssize_t os_pwrite_all(int fd, const void *buf, size_t size, off_t off);
/* Copies some bytes and moves both offsets on; 0 at the end of `in`. -EXDEV, -EOPNOTSUPP: the file systems can't
 * copy. */
ssize_t os_copy_file_range(int in, off_t *off_in, int out, off_t *off_out, size_t len);
/* FICLONE: `out` shares all data of `in`, or nothing. */
int os_ficlone(int out, int in);
int os_fallocate(int fd, int mode, off_t off, off_t len);
/* SEEK_DATA, SEEK_HOLE, SEEK_END, SEEK_SET. */
off_t os_lseek(int fd, off_t off, int whence);
/* The kernel may read that much ahead. */
void os_will_read(int fd, off_t off, off_t len);
int os_fsync(int fd);
int os_fdatasync(int fd);
int os_syncfs(int fd);
/* sync_file_range(2): starts or awaits the write-back of a range. It promises nothing about the content of the disk. */
int os_sync_file_range(int fd, off_t off, off_t len, unsigned flags);
/* A signal ends a wait for the lock with -EINTR. */
int os_flock(int fd, int operation);

/* --- reading a directory ----------------------------------------------------------------------------------------- */

/* One entry of getdents64. */
struct os_dirent {
	uint64_t ino;
	unsigned char type; /* DT_* */
	uint16_t name_len;
	const char *name; /* valid during the call-back */
};
/* Reads the whole directory of `dirfd` (O_PATH is enough: it is reopened), without "." and "..". Stops at the first
 * non-zero value that `each` returns and returns this value; 0 at the end. */
int os_read_dir(int dirfd, int (*each)(void *arg, const struct os_dirent *entry), void *arg);
/* The same for a descriptor that is open for reading. It begins at the offset of the descriptor, which is at the end
 * afterwards. */
int os_read_dir_once(int fd, int (*each)(void *arg, const struct os_dirent *entry), void *arg);

/* --- xattrs (name "" means fd itself, which may be O_PATH) ------------------------------------------------------- */

/* Return the length of the value. Size 0 asks for the length only. -ERANGE: the buffer is too small; -ENODATA,
 * -EOPNOTSUPP. */
ssize_t os_getxattr(int dirfd, const char *name, const char *xattr, void *value, size_t size);
ssize_t os_listxattr(int dirfd, const char *name, char *list, size_t size);
int os_setxattr(int dirfd, const char *name, const char *xattr, const void *value, size_t size, int flags);
int os_removexattr(int dirfd, const char *name, const char *xattr);

#endif
