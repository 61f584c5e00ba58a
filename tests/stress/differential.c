/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The kernel's overlayfs and plyfs side by side: random operations are applied to both in lockstep, and results, errors
 * and what is then to be seen must be the same.
 *
 * All of an operation is drawn before it is applied, from a generator that depends on the seed alone and on what the
 * kernel's side shows, so that a seed always gives the same run.
 *
 * Not drawn, because plyfs documents that it differs: a write-open without a change of a file with several links
 * (copy-up breaks the link at the open there, at the first change here), changes through a read-only descriptor of a
 * file that is unlinked (EEXIST there), setgid files without group-execute (a stranger's write leaves the bit): no file
 * is made setgid, as the umask could make it one of these.
 *
 * usage: differential build DIR SEED | run KERNEL PLYFS SEED OPS | trees A B | uppers KERNEL PLYFS strict|either|loose
 * | print DIR
 */
#include "differential.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SLOTS 6
#define OUT_SIZE 20000
#define DESCRIPTION_SIZE 700
#define TAIL 14
#define CHECK_ALL_EVERY 100
#define FORGET_EVERY 170

enum { KERNEL, PLYFS, SIDES };

/* A file or directory that is held open on both sides. */
struct slot {
	int fd[SIDES];
	int flags;
	bool dir;
};

struct kind;

struct op {
	const struct kind *kind;
	int base; /* a slot that is a directory, or -1: the root */
	int slot; /* for operations on descriptors */
	char p[2][PATH_SIZE];
	unsigned user;
	mode_t umask, mode;
	int flags;
	uint32_t off, len, data, pick;
	const char *xattr;
	struct timespec when;
	char acl[64];
	size_t acl_size;
};

struct result {
	long ret;
	int err;
	int fd; /* for a slot */
	char out[OUT_SIZE];
};

struct kind {
	const char *name;
	unsigned weight;
	void (*apply)(const struct op *op, int side, struct result *r);
	unsigned paths; /* how many it names */
	bool on_slot;
};

static const struct user {
	uid_t uid;
	gid_t gid;
	gid_t groups[2];
} users[] = {{0, 0, {0, 0}},
	     {0, 0, {0, 0}},
	     {1000, 1000, {1000, 2000}},
	     {1001, 2000, {2000, 2000}},
	     {1002, 1002, {1002, 1002}}};

static const char *roots[SIDES];
static int root_fds[SIDES];
static struct slot slots[SLOTS];
static char (*history)[DESCRIPTION_SIZE];

/* --- paths -------------------------------------------------------------------------------------------------------- */

static void full_path(const struct op *op, int side, unsigned which, char out[2 * PATH_SIZE])
{
	int dir = op->base < 0 ? root_fds[side] : slots[op->base].fd[side];

	snprintf(out, 2 * PATH_SIZE, "/proc/self/fd/%d/%s", dir, op->p[which]);
}
#define PATHS(op, side)                                                                                                \
	char a[2 * PATH_SIZE], b[2 * PATH_SIZE];                                                                       \
	full_path(op, side, 0, a);                                                                                     \
	full_path(op, side, 1, b);                                                                                     \
	(void)a;                                                                                                       \
	(void)b

/* Opens; where that is for writing and the file still has other names, copy-up is made to break the link at once. */
static int open_file(const char *path, int flags, mode_t mode)
{
	int fd = open(path, flags, mode);
	uid_t uid = geteuid();
	struct stat st;

	if (fd < 0 || (flags & O_ACCMODE) == O_RDONLY || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_nlink < 2)
		return fd;
	/* A change that shows nowhere. */
	if (seteuid(0) < 0 || fchmod(fd, st.st_mode & 07777) < 0 || seteuid(uid) < 0)
		die("fchmod", path);
	prctl(PR_SET_DUMPABLE, 1);
	return fd;
}

/* --- operations on names ------------------------------------------------------------------------------------------ */

static void do_mkdir(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = mkdir(a, op->mode);
}

static void do_rmdir(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = rmdir(a);
}

static void do_unlink(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = unlink(a);
}

static void do_rename(const struct op *op, int side, struct result *r)
{
	static const unsigned flags[] = {0, 0, 0, 0, 1, 2, 2, 4};

	PATHS(op, side);
	r->ret = syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, flags[op->pick % 8]);
}

static void do_link(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = linkat(AT_FDCWD, a, AT_FDCWD, b, op->pick % 4 ? 0 : AT_SYMLINK_FOLLOW);
}

static void do_symlink(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = symlink(op->p[1], a);
}

static void do_mknod(const struct op *op, int side, struct result *r)
{
	static const mode_t types[] = {S_IFREG, S_IFIFO, S_IFSOCK, S_IFCHR, S_IFCHR};

	PATHS(op, side);
	r->ret = mknod(a, types[op->pick % 5] | (op->mode & 0777), op->pick % 5 == 3 ? 0 : makedev(1, 3));
}

static int write_data(const struct op *op, int fd, bool at)
{
	static char data[70000];

	rng_fill(op->data, data, op->len);
	return (int)(at ? pwrite(fd, data, op->len, op->off) : write(fd, data, op->len));
}

static void do_create(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	int flags = O_CREAT | O_WRONLY | O_NONBLOCK | (op->pick & 1 ? O_EXCL : 0) | (op->pick & 2 ? O_TRUNC : 0);
	int fd = open_file(a, flags, op->mode & ~S_ISGID);

	r->ret = fd < 0 ? -1 : write_data(op, fd, false);
	if (fd >= 0)
		close(fd);
}

static void do_write(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	int fd = open_file(a, O_WRONLY | O_NONBLOCK | (op->pick & 1 ? O_APPEND : 0), 0);

	r->ret = fd < 0 ? -1 : write_data(op, fd, op->pick & 2);
	if (fd >= 0)
		close(fd);
}

static void do_truncate(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = truncate(a, op->len);
}

static void do_fallocate(const struct op *op, int side, struct result *r)
{
	static const int modes[] = {0, 1, 3, 16, 17};

	PATHS(op, side);
	int fd = open_file(a, O_RDWR | O_NONBLOCK | O_NOFOLLOW, 0);

	r->ret = fd < 0 ? -1 : fallocate(fd, modes[op->pick % 5], op->off, 1 + op->len);
	if (fd >= 0)
		close(fd);
}

static void do_mmap(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	int fd = open_file(a, O_RDWR | O_NONBLOCK | O_NOFOLLOW, 0);
	struct stat st;
	char *map;

	r->ret = fd < 0 || fstat(fd, &st) < 0 ? -1 : 0;
	if (r->ret == 0 && S_ISREG(st.st_mode) && st.st_size) {
		map = mmap(NULL, (size_t)st.st_size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
		if (map == MAP_FAILED) {
			r->ret = -1;
		} else {
			map[op->off % st.st_size] ^= (char)(1 + op->data % 255);
			r->ret = msync(map, (size_t)st.st_size, MS_SYNC);
			munmap(map, (size_t)st.st_size);
			/* tmpfs doesn't note the time of a store. */
			if (r->ret == 0)
				r->ret = futimens(fd, NULL);
		}
	}
	if (fd >= 0)
		close(fd);
}

static void do_copy_range(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	int from = open(a, O_RDONLY | O_NONBLOCK | O_NOFOLLOW),
	    to = open_file(b, O_WRONLY | O_NONBLOCK | O_NOFOLLOW, 0);
	off_t off_in = op->off / 8, off_out = op->off;

	/* Only what is a file on both ends: which error others give depends on the kernel's mood. */
	r->ret = from < 0 || to < 0 ? -1 : 0;
	if (r->ret == 0) {
		struct stat sa, sb;

		if (fstat(from, &sa) == 0 && fstat(to, &sb) == 0 && S_ISREG(sa.st_mode) && S_ISREG(sb.st_mode))
			r->ret = copy_file_range(from, &off_in, to, &off_out, op->len + 1, 0);
	}
	r->err = errno;
	if (from >= 0)
		close(from);
	if (to >= 0)
		close(to);
	errno = r->err;
}

/* --- operations on attributes ------------------------------------------------------------------------------------- */

static void do_chmod(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = chmod(a, op->mode);
}

static void do_chown(const struct op *op, int side, struct result *r)
{
	static const uid_t ids[] = {0, 1000, 2000, (uid_t)-1, 1001};

	uid_t uid = ids[op->pick % 5], gid = ids[op->pick / 8 % 5];

	PATHS(op, side);
	/* A stranger's that changes neither is a known difference (DEVIATIONS.md: chown-nothing). */
	if (uid == (uid_t)-1 && gid == (gid_t)-1 && geteuid() != 0)
		gid = ids[4];
	r->ret = fchownat(AT_FDCWD, a, uid, gid, op->pick & 128 ? AT_SYMLINK_NOFOLLOW : 0);
}

static void do_utimens(const struct op *op, int side, struct result *r)
{
	struct timespec ts[2] = {op->when, op->when};

	PATHS(op, side);
	if (op->pick % 5 == 0)
		ts[1].tv_nsec = UTIME_OMIT;
	if (op->pick % 5 == 1)
		ts[0].tv_nsec = UTIME_OMIT;
	if (op->pick % 5 == 2)
		ts[0].tv_nsec = ts[1].tv_nsec = UTIME_NOW;
	r->ret = utimensat(AT_FDCWD, a, ts, op->pick & 32 ? AT_SYMLINK_NOFOLLOW : 0);
}

/* Whether an ACL would be removed that isn't there: an error in a layer and none in the upper, and the kernel's copies
 * come earlier. */
static bool removes_no_acl(const char *path, const char *name)
{
	return !strncmp(name, "system.posix_acl_", strlen("system.posix_acl_")) && lgetxattr(path, name, NULL, 0) < 0 &&
	       errno == ENODATA;
}

static void do_setxattr(const struct op *op, int side, struct result *r)
{
	char value[4];

	PATHS(op, side);
	memcpy(value, &op->data, sizeof(value));
	if (op->len % 5 || !removes_no_acl(a, op->xattr))
		r->ret = lsetxattr(a, op->xattr, value, op->len % 5, op->pick % 3);
}

static void do_removexattr(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	if (!removes_no_acl(a, op->xattr))
		r->ret = lremovexattr(a, op->xattr);
}

static void do_setacl(const struct op *op, int side, struct result *r)
{
	const char *name = op->pick & 1 ? "system.posix_acl_access" : "system.posix_acl_default";

	PATHS(op, side);
	if (op->pick % 5)
		r->ret = lsetxattr(a, name, op->acl, op->acl_size, 0);
	else if (!removes_no_acl(a, name))
		r->ret = lremovexattr(a, name);
}

/* --- operations that only look ------------------------------------------------------------------------------------ */

static void read_all(int fd, struct result *r)
{
	static char data[OUT_SIZE];
	uint64_t sum = 0;
	ssize_t n;

	r->ret = 0;
	while ((n = read(fd, data, sizeof(data))) > 0 && r->ret < 1000000) {
		for (ssize_t i = 0; i < n; i++)
			sum = (sum ^ (unsigned char)data[i]) * 0x100000001b3;
		r->ret += n;
	}
	if (n < 0)
		r->ret = -1;
	snprintf(r->out, OUT_SIZE, "%016lx", (unsigned long)sum);
}

static void do_read(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	int fd = open(a, O_RDONLY | O_NONBLOCK);

	r->ret = -1;
	if (fd < 0)
		return;
	read_all(fd, r);
	close(fd);
}

static void do_readlink(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = readlink(a, r->out, OUT_SIZE - 1);
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_dir(int fd, struct result *r)
{
	char *names[1000];
	DIR *d = fdopendir(fd);
	struct dirent *de;
	struct stat st;
	size_t n = 0;

	r->ret = -1;
	if (!d) {
		close(fd);
		return;
	}
	rewinddir(d);
	while (n < 1000 && (errno = 0, de = readdir(d))) {
		/* The kernel lists the whiteouts of a directory that nothing is merged with, though they can't be
		 * looked up. */
		if (de->d_type == DT_CHR && fstatat(dirfd(d), de->d_name, &st, AT_SYMLINK_NOFOLLOW) < 0)
			continue;
		if (asprintf(&names[n], "%s/%u ", de->d_name, de->d_type) > 0)
			n++;
	}
	r->ret = errno ? -1 : (long)n;
	r->err = errno;
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++) {
		strncat(r->out, names[i], OUT_SIZE - 1 - strlen(r->out));
		free(names[i]);
	}
	closedir(d);
}

static void do_readdir(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	int fd = open(a, O_RDONLY | O_DIRECTORY);

	r->ret = -1;
	if (fd >= 0)
		list_dir(fd, r);
}

static void do_access(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = faccessat(AT_FDCWD, a, (int)(op->pick % 8), AT_EACCESS);
}

static void do_getxattr(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->ret = lgetxattr(a, op->xattr, r->out, op->pick & 1 ? OUT_SIZE - 1 : op->pick & 2 ? 1 : 0);
}

static void do_listxattr(const struct op *op, int side, struct result *r)
{
	char list[OUT_SIZE / 4], *names[200];
	size_t n = 0;

	PATHS(op, side);
	/* Not the length alone: there the kernel counts private names too. */
	r->ret = llistxattr(a, list, sizeof(list));
	for (char *p = list; p < list + r->ret && n < 200; p += strlen(p) + 1)
		names[n++] = p;
	qsort(names, n, sizeof(*names), by_name);
	for (size_t i = 0; i < n; i++)
		strcat(strcat(r->out, names[i]), " ");
}

/* --- operations on descriptors ------------------------------------------------------------------------------------ */

static void do_open(const struct op *op, int side, struct result *r)
{
	PATHS(op, side);
	r->fd = open_file(a, op->flags, op->mode & ~S_ISGID);
	r->ret = r->fd < 0 ? -1 : 0;
}

static void do_fd_write(const struct op *op, int side, struct result *r)
{
	r->ret = write_data(op, slots[op->slot].fd[side], op->pick & 1);
}

static void do_fd_read(const struct op *op, int side, struct result *r)
{
	if (op->pick & 1)
		lseek(slots[op->slot].fd[side], 0, SEEK_SET);
	read_all(slots[op->slot].fd[side], r);
}

static void do_fd_stat(const struct op *op, int side, struct result *r)
{
	struct stat st;

	r->ret = fstat(slots[op->slot].fd[side], &st);
	if (r->ret < 0)
		return;
	snprintf(r->out, OUT_SIZE, "%o %u:%u", st.st_mode, st.st_uid, st.st_gid);
	if (!S_ISDIR(st.st_mode))
		snprintf(r->out + strlen(r->out), 100, " size=%ld", (long)st.st_size);
	if (st.st_mtime < TIME_OF_RUN)
		snprintf(r->out + strlen(r->out), 100, " mtime=%ld", (long)st.st_mtime);
}

static void do_fd_truncate(const struct op *op, int side, struct result *r)
{
	r->ret = ftruncate(slots[op->slot].fd[side], op->len);
}

static void do_fd_chmod(const struct op *op, int side, struct result *r)
{
	r->ret = fchmod(slots[op->slot].fd[side], op->mode);
}

static void do_fd_xattr(const struct op *op, int side, struct result *r)
{
	r->ret = fsetxattr(slots[op->slot].fd[side], "user.fd", &op->data, sizeof(op->data), 0);
}

static void do_fd_sync(const struct op *op, int side, struct result *r)
{
	r->ret = fsync(slots[op->slot].fd[side]);
}

static void do_fd_readdir(const struct op *op, int side, struct result *r)
{
	int fd = dup(slots[op->slot].fd[side]);

	r->ret = -1;
	if (fd >= 0)
		list_dir(fd, r);
}

static void do_fd_close(const struct op *op, int side, struct result *r)
{
	r->ret = close(slots[op->slot].fd[side]);
}

static const struct kind kinds[] = {
	{"mkdir", 8, do_mkdir, 1, false},
	{"rmdir", 6, do_rmdir, 1, false},
	{"unlink", 8, do_unlink, 1, false},
	{"rename", 16, do_rename, 2, false},
	{"link", 6, do_link, 2, false},
	{"symlink", 3, do_symlink, 1, false},
	{"mknod", 3, do_mknod, 1, false},
	{"create", 8, do_create, 1, false},
	{"write", 6, do_write, 1, false},
	{"truncate", 4, do_truncate, 1, false},
	{"fallocate", 3, do_fallocate, 1, false},
	{"mmap", 2, do_mmap, 1, false},
	{"copy_range", 3, do_copy_range, 2, false},
	{"chmod", 5, do_chmod, 1, false},
	{"chown", 5, do_chown, 1, false},
	{"utimens", 5, do_utimens, 1, false},
	{"setxattr", 5, do_setxattr, 1, false},
	{"removexattr", 3, do_removexattr, 1, false},
	{"setacl", 5, do_setacl, 1, false},
	{"read", 4, do_read, 1, false},
	{"readlink", 1, do_readlink, 1, false},
	{"readdir", 4, do_readdir, 1, false},
	{"access", 3, do_access, 1, false},
	{"getxattr", 3, do_getxattr, 1, false},
	{"listxattr", 3, do_listxattr, 1, false},
	{"open", 6, do_open, 1, false},
	{"fd_write", 4, do_fd_write, 0, true},
	{"fd_read", 3, do_fd_read, 0, true},
	{"fd_stat", 3, do_fd_stat, 0, true},
	{"fd_truncate", 2, do_fd_truncate, 0, true},
	{"fd_chmod", 2, do_fd_chmod, 0, true},
	{"fd_xattr", 2, do_fd_xattr, 0, true},
	{"fd_sync", 1, do_fd_sync, 0, true},
	{"fd_readdir", 2, do_fd_readdir, 0, true},
	{"fd_close", 4, do_fd_close, 0, true},
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* --- drawing ------------------------------------------------------------------------------------------------------ */

static const struct kind *draw_kind(struct rng *rng)
{
	unsigned sum = 0;
	uint32_t at;

	for (size_t i = 0; i < KINDS; i++)
		sum += kinds[i].weight;
	at = rng_below(rng, sum);
	for (size_t i = 0;; i++) {
		if (at < kinds[i].weight)
			return &kinds[i];
		at -= kinds[i].weight;
	}
}

/* A path that exists, mostly: by going down from the root on the kernel's side. */
static void draw_path(struct rng *rng, char path[PATH_SIZE])
{
	char dir[2 * PATH_SIZE], **names;
	uint32_t depth = 1 + rng_below(rng, 4);

	if (rng_one_in(rng, 4)) {
		rng_path(rng, path);
		return;
	}
	*path = 0;
	for (uint32_t i = 0; i < depth; i++) {
		int n;

		snprintf(dir, sizeof(dir), "%s/%s", roots[KERNEL], path);
		n = names_of(dir, &names);
		if (n <= 0)
			break;
		if (*path)
			strcat(path, "/");
		strcat(path, rng_one_in(rng, 6) ? rng_name(rng) : names[rng_below(rng, (uint32_t)n)]);
		names_free(names, n);
	}
	if (!*path)
		rng_path(rng, path);
}

static int draw_open_flags(struct rng *rng)
{
	static const int modes[] = {O_RDONLY, O_RDONLY, O_RDWR, O_RDWR, O_WRONLY};
	int flags = modes[rng_below(rng, 5)] | O_NONBLOCK;

	if (rng_one_in(rng, 4))
		return O_RDONLY | O_DIRECTORY;
	if (rng_one_in(rng, 4))
		flags |= O_CREAT;
	if (rng_one_in(rng, 8))
		flags |= O_EXCL;
	if (rng_one_in(rng, 5) && flags & O_ACCMODE)
		flags |= O_TRUNC;
	if (rng_one_in(rng, 4))
		flags |= O_APPEND;
	if (rng_one_in(rng, 5))
		flags |= O_NOFOLLOW;
	return flags;
}

static int draw_slot(struct rng *rng, bool dir)
{
	int at = (int)rng_below(rng, SLOTS);

	return slots[at].fd[KERNEL] >= 0 && slots[at].dir == dir ? at : -1;
}

static void draw(struct rng *rng, struct op *op)
{
	static const char *const xattrs[] = {"user.a",
					     "user.b",
					     "trusted.t",
					     "trusted.overlay.foo",
					     "user.overlay.b",
					     "trusted.overlay.opaque",
					     "system.posix_acl_access",
					     "security.x",
					     "nonsense.a"};
	static const mode_t umasks[] = {0, 022, 077, 027, 002};
	static const mode_t modes[] = {0755, 0777, 0700, 02775, 0644, 0666, 0600, 04755, 02755, 06711, 01777, 0555, 0};

	memset(op, 0, sizeof(*op));
	op->kind = draw_kind(rng);
	op->base = rng_one_in(rng, 10) ? draw_slot(rng, true) : -1;
	op->slot = draw_slot(rng, !strcmp(op->kind->name, "fd_readdir"));
	draw_path(rng, op->p[0]);
	draw_path(rng, op->p[1]);
	op->user = rng_below(rng, sizeof(users) / sizeof(users[0]));
	op->umask = umasks[rng_below(rng, 5)];
	op->mode = modes[rng_below(rng, 13)];
	op->flags = draw_open_flags(rng);
	op->off = rng_below(rng, rng_one_in(rng, 3) ? 60000 : 300);
	op->len = rng_below(rng, rng_one_in(rng, 3) ? 60000 : 300);
	op->data = rng_below(rng, 100000);
	op->pick = rng_below(rng, 256);
	op->xattr = xattrs[rng_below(rng, 9)];
	op->when.tv_sec = 1100000000 + rng_below(rng, 1000);
	op->when.tv_nsec = rng_below(rng, 1000000000);
	op->acl_size = rng_acl(rng, op->acl);
}

/* Whether the operation may be made: not where plyfs documents that it differs. */
static bool is_apt(const struct op *op)
{
	struct stat st;

	if (!op->kind->on_slot)
		return true;
	if (op->slot < 0)
		return false;
	if (!strcmp(op->kind->name, "fd_chmod") || !strcmp(op->kind->name, "fd_xattr"))
		return (slots[op->slot].flags & O_ACCMODE) != O_RDONLY ||
		       (fstat(slots[op->slot].fd[KERNEL], &st) == 0 && S_ISDIR(st.st_mode));
	return true;
}

static void describe(const struct op *op, unsigned number, const struct result *r, char out[DESCRIPTION_SIZE])
{
	int n = snprintf(out, DESCRIPTION_SIZE, "%5u %s", number, op->kind->name);

	if (op->base >= 0 && op->kind->paths)
		n += snprintf(out + n, DESCRIPTION_SIZE - (size_t)n, " [in slot %d]", op->base);
	for (unsigned i = 0; i < op->kind->paths; i++)
		n += snprintf(out + n, DESCRIPTION_SIZE - (size_t)n, " %s", op->p[i]);
	if (op->kind->on_slot)
		n += snprintf(out + n, DESCRIPTION_SIZE - (size_t)n, " slot %d", op->slot);
	snprintf(out + n, DESCRIPTION_SIZE - (size_t)n,
		 " (user %u:%u umask %03o mode %04o flags %#o off %u len %u pick %u xattr %s to %s) = %ld %s",
		 users[op->user].uid, users[op->user].gid, op->umask, op->mode, op->flags, op->off, op->len, op->pick,
		 op->xattr, op->p[1], r->ret, r->ret < 0 ? strerror(r->err) : "");
}

/* --- applying ----------------------------------------------------------------------------------------------------- */

static void become(const struct user *user)
{
	if (user->uid == 0)
		return;
	if (setgroups(2, user->groups) < 0 || setegid(user->gid) < 0 || seteuid(user->uid) < 0)
		die("become", "user");
	/* Or /proc/self/fd is root's. */
	prctl(PR_SET_DUMPABLE, 1);
}

static void become_root(void)
{
	gid_t none = 0;

	if (seteuid(0) < 0 || setegid(0) < 0 || setgroups(1, &none) < 0)
		die("become", "root");
}

static void apply(const struct op *op, int side, struct result *r)
{
	memset(r, 0, sizeof(*r));
	r->fd = -1;
	umask(op->umask);
	become(&users[op->user]);
	errno = 0;
	op->kind->apply(op, side, r);
	if (!r->err)
		r->err = errno;
	become_root();
	umask(0);
}

static void keep_open(const struct op *op, const struct result r[SIDES])
{
	int at = (int)(op->pick % SLOTS);
	struct stat st;

	for (int side = 0; side < SIDES; side++) {
		if (slots[at].fd[side] >= 0)
			close(slots[at].fd[side]);
		slots[at].fd[side] = r[side].fd;
	}
	slots[at].flags = op->flags;
	slots[at].dir = r[KERNEL].fd >= 0 && fstat(r[KERNEL].fd, &st) == 0 && S_ISDIR(st.st_mode);
}

static unsigned compare_snaps(const struct op *op, unsigned which, bool parent)
{
	static char s[SIDES][SNAP_SIZE];
	char path[2 * PATH_SIZE];

	for (int side = 0; side < SIDES; side++) {
		full_path(op, side, which, path);
		if (parent)
			*strrchr(path, '/') = 0;
		/* The root, by more than its magic link. */
		if (parent && !strchr(path + strlen("/proc/self/fd/"), '/'))
			strcat(path, "/.");
		snap(path, SNAP_MERGED, s[side]);
	}
	if (!strcmp(s[KERNEL], s[PLYFS]))
		return 0;
	printf("DIFF after: %s%s\n     kernel: %s\n     plyfs:  %s\n", op->p[which], parent ? " (parent)" : "",
	       s[KERNEL], s[PLYFS]);
	return 1;
}

static unsigned compare_results(const struct op *op, struct result r[SIDES])
{
	unsigned bad = 0;

	if (r[KERNEL].ret != r[PLYFS].ret || (r[KERNEL].ret < 0 && r[KERNEL].err != r[PLYFS].err) ||
	    strcmp(r[KERNEL].out, r[PLYFS].out)) {
		for (int side = 0; side < SIDES; side++)
			printf("DIFF %s: %ld %s %s\n", side == KERNEL ? "kernel" : "plyfs ", r[side].ret,
			       r[side].ret < 0 ? strerror(r[side].err) : "", r[side].out);
		bad++;
	}
	for (unsigned i = 0; i < op->kind->paths; i++)
		bad += compare_snaps(op, i, false) + compare_snaps(op, i, true);
	return bad;
}

/* Inodes are dropped on both sides, so that the next look asks anew. */
static void forget(void)
{
	int fd = open("/proc/sys/vm/drop_caches", O_WRONLY);

	if (fd >= 0) {
		(void)!write(fd, "2", 1);
		close(fd);
	}
}

/* The last operations, and those before that named the same. */
static void print_history(const struct op *op, unsigned number, uint64_t seed)
{
	printf("--- seed %lu, operation %u\n", (unsigned long)seed, number);
	for (unsigned i = 0; i <= number; i++) {
		bool related = false;

		for (unsigned k = 0; k < op->kind->paths; k++) {
			char word[PATH_SIZE + 2];

			snprintf(word, sizeof(word), " %s ", op->p[k]);
			related = related || strstr(history[i], word);
		}
		if (related || i + TAIL > number || (op->kind->on_slot && strstr(history[i], " open ")))
			printf("%s\n", history[i]);
	}
}

static unsigned step(struct rng *rng, unsigned number, struct op *op)
{
	static struct result r[SIDES];
	unsigned bad;

	do
		draw(rng, op);
	while (!is_apt(op));
	for (int side = 0; side < SIDES; side++)
		apply(op, side, &r[side]);
	describe(op, number, &r[KERNEL], history[number]);
	if (getenv("DIFFERENTIAL_VERBOSE"))
		printf("%s\n", history[number]);
	bad = compare_results(op, r);
	if (op->kind->apply == do_open)
		keep_open(op, r);
	if (op->kind->apply == do_fd_close)
		slots[op->slot].fd[KERNEL] = slots[op->slot].fd[PLYFS] = -1;
	if (number % FORGET_EVERY == FORGET_EVERY - 1)
		forget();
	if (number % CHECK_ALL_EVERY == CHECK_ALL_EVERY - 1)
		bad += trees_compare(roots[KERNEL], roots[PLYFS]);
	return bad;
}

int ops_run(const char *kernel, const char *plyfs, uint64_t seed, unsigned n)
{
	struct rng rng = {seed * 1000003};
	struct op op;
	unsigned bad = 0;

	roots[KERNEL] = kernel;
	roots[PLYFS] = plyfs;
	history = calloc(n, sizeof(*history));
	for (int side = 0; side < SIDES; side++) {
		root_fds[side] = open(roots[side], O_PATH | O_DIRECTORY);
		if (root_fds[side] < 0)
			die("open", roots[side]);
		for (int i = 0; i < SLOTS; i++)
			slots[i].fd[side] = -1;
	}
	umask(0);
	for (unsigned i = 0; i < n && !bad; i++) {
		bad = step(&rng, i, &op);
		if (bad)
			print_history(&op, i, seed);
	}
	return bad ? 1 : 0;
}

static enum uppers how_of(const char *word)
{
	return !strcmp(word, "loose") ? UPPERS_LOOSE : !strcmp(word, "either") ? UPPERS_EITHER : UPPERS_STRICT;
}

int main(int argc, char **argv)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 4 && !strcmp(argv[1], "build"))
		return layers_build(argv[2], strtoull(argv[3], NULL, 10));
	if (argc == 6 && !strcmp(argv[1], "run"))
		return ops_run(argv[2], argv[3], strtoull(argv[4], NULL, 10), (unsigned)atoi(argv[5]));
	if (argc == 4 && !strcmp(argv[1], "trees"))
		return trees_compare(argv[2], argv[3]) ? 1 : 0;
	if (argc == 5 && !strcmp(argv[1], "uppers"))
		return uppers_compare(argv[2], argv[3], how_of(argv[4])) ? 1 : 0;
	if (argc == 3 && !strcmp(argv[1], "print"))
		layer_print(argv[2]);
	else
		fprintf(stderr, "usage: differential build DIR SEED | run KERNEL PLYFS SEED OPS | trees A B | "
				"uppers KERNEL PLYFS strict|either|loose | print DIR\n");
	return argc == 3 ? 0 : 2;
}
