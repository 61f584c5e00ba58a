/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Extended attributes by directory and name. The *xattrat calls (Linux 6.13) do that directly; older kernels take the
 * path /proc/self/fd/N/NAME.
 *
 * What a descriptor itself refers to is asked for by the descriptor. All calls that take one refuse O_PATH descriptors
 * (EBADF); then it is reached by its magic link in /proc/self/fd, which takes several times as long. The link leads to
 * the object and no further, also where that is a symlink. So that link is followed, and a name never is.
 */
#include "base/check.h"
#include "os/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "base/macros.h"
#include "internal.h"

#ifndef SYS_setxattrat
#define SYS_setxattrat 463
#define SYS_getxattrat 464
#define SYS_listxattrat 465
#define SYS_removexattrat 466
#endif

/* The kernel's struct xattr_args, newer than many C libraries' headers. */
struct xattr_value {
	uint64_t value __attribute__((aligned(8)));
	uint32_t size;
	uint32_t flags;
};

/* "/proc/self/fd/", a number, a slash, NAME_MAX bytes. */
#define OBJECT_PATH_MAX (32 + NAME_MAX)

/* How an object is addressed: by `dirfd` and `name` for the *xattrat calls, by `name` alone else. */
struct object {
	int dirfd;
	unsigned at_flags;
	int fd;	     /* the object itself, or -1; then `follow` */
	bool follow; /* a magic link */
	const char *name;
	char buf[OBJECT_PATH_MAX];
};

static int object_init(struct object *o, int dirfd, const char *name)
{
	if (!os_name_ok(name) || !CHECK(dirfd >= 0 || *name))
		return -EIO;
	o->follow = !*name;
	o->fd = o->follow ? dirfd : -1;
	o->at_flags = o->follow ? 0 : AT_SYMLINK_NOFOLLOW;
	o->name = o->buf;
	if (!os_kernel.xattrat)
		return os_fd_path(dirfd, name, o->buf, sizeof(o->buf));
	o->dirfd = o->follow ? os_kernel.proc_fd : dirfd;
	if (o->follow)
		os_fd_name(dirfd, o->buf);
	else
		o->name = name;
	return 0;
}

static struct xattr_value value_of(const void *value, size_t size, int flags)
{
	(void)CHECK(value || !size);
	return (struct xattr_value){
		.value = (uintptr_t)value,
		.size = (uint32_t)MIN(size, (size_t)UINT32_MAX),
		.flags = (uint32_t)flags,
	};
}

/* The descriptor was of no use. */
static bool takes_link(ssize_t err)
{
	return err < 0 && errno == EBADF;
}

static ssize_t get(const struct object *o, const char *xattr, void *value, size_t size)
{
	struct xattr_value v = value_of(value, size, 0);

	if (o->follow) {
		ssize_t r = fgetxattr(o->fd, xattr, value, size);

		if (!takes_link(r))
			return r;
	}
	if (os_kernel.xattrat)
		return syscall(SYS_getxattrat, o->dirfd, o->name, o->at_flags, xattr, &v, sizeof(v));
	return o->follow ? getxattr(o->name, xattr, value, size) : lgetxattr(o->name, xattr, value, size);
}

static ssize_t list(const struct object *o, char *names, size_t size)
{
	if (o->follow) {
		ssize_t r = flistxattr(o->fd, names, size);

		if (!takes_link(r))
			return r;
	}
	if (os_kernel.xattrat)
		return syscall(SYS_listxattrat, o->dirfd, o->name, o->at_flags, names, size);
	return o->follow ? listxattr(o->name, names, size) : llistxattr(o->name, names, size);
}

static int set(const struct object *o, const char *xattr, const void *value, size_t size, int flags)
{
	struct xattr_value v = value_of(value, size, flags);

	if (o->follow) {
		int r = fsetxattr(o->fd, xattr, value, size, flags);

		if (!takes_link(r))
			return r;
	}
	if (os_kernel.xattrat)
		return (int)syscall(SYS_setxattrat, o->dirfd, o->name, o->at_flags, xattr, &v, sizeof(v));
	return o->follow ? setxattr(o->name, xattr, value, size, flags) : lsetxattr(o->name, xattr, value, size, flags);
}

static int remove_one(const struct object *o, const char *xattr)
{
	if (o->follow) {
		int r = fremovexattr(o->fd, xattr);

		if (!takes_link(r))
			return r;
	}
	if (os_kernel.xattrat)
		return (int)syscall(SYS_removexattrat, o->dirfd, o->name, o->at_flags, xattr);
	return o->follow ? removexattr(o->name, xattr) : lremovexattr(o->name, xattr);
}

ssize_t os_getxattr(int dirfd, const char *name, const char *xattr, void *value, size_t size)
{
	struct object o;
	int r = object_init(&o, dirfd, name);

	return r < 0 ? r : OS_LOOK(get(&o, xattr, value, size));
}

ssize_t os_listxattr(int dirfd, const char *name, char *names, size_t size)
{
	struct object o;
	int r = object_init(&o, dirfd, name);

	return r < 0 ? r : OS_LOOK(list(&o, names, size));
}

int os_setxattr(int dirfd, const char *name, const char *xattr, const void *value, size_t size, int flags)
{
	struct object o;
	int r = object_init(&o, dirfd, name);

	return r < 0 ? r : OS_CHANGE(set(&o, xattr, value, size, flags));
}

int os_removexattr(int dirfd, const char *name, const char *xattr)
{
	struct object o;
	int r = object_init(&o, dirfd, name);

	return r < 0 ? r : OS_CHANGE(remove_one(&o, xattr));
}
