/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mount objects and mountinfo. The mount calls are made by number: sys/mount.h and linux/mount.h can't be included
 * together with several versions of the C library.
 */
#include "os/mount.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "internal.h"
#include "os/fs.h"

/* Of sys/mount.h and of linux/fcntl.h. */
#define DETACH 2
#ifndef AT_RECURSIVE
#define AT_RECURSIVE 0x8000
#endif

int os_open_tree_clone(int dirfd, bool recursive)
{
	unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	return (int)OS_CHANGE(syscall(SYS_open_tree, dirfd, "", flags));
}

static int mount_set_attributes(int mount_fd, bool recursive, struct mount_attr *attr)
{
	unsigned flags = AT_EMPTY_PATH | (recursive ? AT_RECURSIVE : 0);

	(void)CHECK(mount_fd >= 0 && !(attr->attr_set & attr->attr_clr & ~(uint64_t)MOUNT_ATTR__ATIME));
	return (int)OS_CHANGE(syscall(SYS_mount_setattr, mount_fd, "", flags, attr, sizeof(*attr)));
}

int os_mount_set_readonly(int mount_fd, bool recursive)
{
	/* The modes of access time are values of one field, which is cleared to be set. */
	struct mount_attr quiet = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOATIME,
				   .attr_clr = MOUNT_ATTR__ATIME};
	struct mount_attr readonly = {.attr_set = MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV};
	int r = mount_set_attributes(mount_fd, recursive, &quiet);

	/* A user namespace may not change a locked access-time mode. */
	return r < 0 ? mount_set_attributes(mount_fd, recursive, &readonly) : r;
}

int os_mount_set_nodev(int mount_fd, bool recursive)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_NODEV};

	return mount_set_attributes(mount_fd, recursive, &attr);
}

static int set_lazytime(const char *path)
{
	_cleanup_close_ int fd = (int)OS_CHANGE(syscall(SYS_fspick, AT_FDCWD, path, FSPICK_CLOEXEC));
	int r;

	if (fd < 0)
		return fd;
	r = (int)OS_CHANGE(syscall(SYS_fsconfig, fd, FSCONFIG_SET_FLAG, "lazytime", NULL, 0));
	return r < 0 ? r : (int)OS_CHANGE(syscall(SYS_fsconfig, fd, FSCONFIG_CMD_RECONFIGURE, NULL, NULL, 0));
}

int os_mount_add_flags(const char *path, unsigned long flags)
{
	struct mount_attr attr = {.attr_set = 0};
	_cleanup_close_ int fd = (int)OS_CHANGE(open(path, O_PATH | O_DIRECTORY | O_CLOEXEC));

	if (fd < 0)
		return fd;
	if (flags & MS_NODIRATIME)
		attr.attr_set |= MOUNT_ATTR_NODIRATIME;
	if (flags & MS_NOSYMFOLLOW)
		attr.attr_set |= MOUNT_ATTR_NOSYMFOLLOW;
	if (flags & MS_STRICTATIME) {
		attr.attr_set |= MOUNT_ATTR_STRICTATIME;
		attr.attr_clr |= MOUNT_ATTR__ATIME;
	}
	if (flags & MS_LAZYTIME)
		(void)set_lazytime(path);
	return attr.attr_set ? mount_set_attributes(fd, false, &attr) : 0;
}

int os_mount_allow(const char *path, bool suid, bool dev)
{
	struct mount_attr attr = {.attr_clr = (suid ? MOUNT_ATTR_NOSUID : 0) | (dev ? MOUNT_ATTR_NODEV : 0)};

	(void)CHECK(suid || dev);
	return (int)OS_CHANGE(syscall(SYS_mount_setattr, AT_FDCWD, path, AT_SYMLINK_NOFOLLOW, &attr, sizeof(attr)));
}

int os_mount_set_atime(int mount_fd, unsigned long mode)
{
	struct mount_attr attr = {.attr_clr = MOUNT_ATTR__ATIME};

	if (mode == MS_NOATIME)
		attr.attr_set = MOUNT_ATTR_NOATIME;
	else if (mode == MS_STRICTATIME)
		attr.attr_set = MOUNT_ATTR_STRICTATIME;
	else
		attr.attr_set = MOUNT_ATTR_RELATIME;
	return mount_set_attributes(mount_fd, false, &attr);
}

int os_mount(const char *source, const char *path, const char *type, unsigned long flags, const char *data)
{
	return (int)OS_CHANGE_ONCE(syscall(SYS_mount, source, path, type, flags, data));
}

int os_umount_fd(int fd)
{
	char path[OS_FD_PATH_MAX];
	int r = os_fd_path(fd, "", path, sizeof(path));

	return r < 0 ? r : (int)OS_CHANGE_ONCE(syscall(SYS_umount2, path, DETACH));
}

static bool mount_is_same(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && a->stx_dev_major == b->stx_dev_major && a->stx_dev_minor == b->stx_dev_minor;
}

/* Whether one of the directories above `path` is `dir`. */
static bool has_parent(const char *path, const struct statx *dir)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = slash ? strndup(path, MAX((size_t)(slash - path), 1U)) : NULL;
	_cleanup_close_ int fd = parent ? os_open_path(parent, O_PATH | O_DIRECTORY, 0) : -1;
	struct statx now, before = {.stx_ino = 0};
	unsigned level = 0;
	int r = fd < 0 ? fd : os_statx_cached(fd, "", &now);

	while (!r && !mount_is_same(&now, &before)) {
		if (mount_is_same(&now, dir))
			return true;
		before = now;
		r = os_statx_up(fd, ++level, &now);
	}
	return false;
}

bool os_leads_through(const char *path, const char *dir)
{
	_cleanup_close_ int fd = os_open_path(dir, O_PATH | O_DIRECTORY, 0);
	_cleanup_free_ char *real = realpath(path, NULL);
	struct statx stx;

	if (fd < 0 || os_statx_cached(fd, "", &stx) < 0)
		return false;
	return has_parent(path, &stx) || (real && has_parent(real, &stx));
}

static bool is_path_of(const char *path, const char *real)
{
	_cleanup_free_ char *own = realpath(path, NULL);

	return own && !strcmp(own, real);
}

char *os_path_behind(const char *path, const char *dir)
{
	_cleanup_free_ char *whole = NULL;
	_cleanup_free_ char *start = NULL;
	char *slash;

	(void)CHECK(*dir == '/');
	if (asprintf(&whole, "%s%s", *path == '/' ? "" : "./", path) < 0)
		whole = NULL;
	start = whole ? strdup(whole) : NULL;
	while (start && !is_path_of(start, dir)) {
		slash = strrchr(start, '/');
		if (!slash)
			return NULL;
		*slash = '\0';
	}
	return start ? strdup(whole + strlen(start)) : NULL;
}

int os_receive_fd(int socket)
{
	union {
		struct cmsghdr header;
		char room[CMSG_SPACE(sizeof(int))];
	} control;
	char byte;
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof(control)};
	ssize_t n = OS_LOOK(recvmsg(socket, &msg, MSG_CMSG_CLOEXEC));
	struct cmsghdr *first = n > 0 ? CMSG_FIRSTHDR(&msg) : NULL;
	int fd;

	if (n < 0)
		return (int)n;
	if (!first || first->cmsg_type != SCM_RIGHTS)
		return -EIO;
	memcpy(&fd, CMSG_DATA(first), sizeof(fd));
	return fd;
}

int os_set_read_ahead(const char *mountpoint, unsigned kib)
{
	_cleanup_close_ int fd = -1;
	char text[64];
	struct statx stx;
	int len, r;

	r = (int)OS_CHANGE(
		statx(AT_FDCWD, mountpoint, AT_SYMLINK_NOFOLLOW | AT_NO_AUTOMOUNT | AT_STATX_DONT_SYNC, 0, &stx));
	if (r < 0)
		return r;
	if (!(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT))
		return -ENOENT;
	snprintf(text, sizeof(text), "/sys/class/bdi/%u:%u/read_ahead_kb", stx.stx_dev_major, stx.stx_dev_minor);
	fd = (int)OS_CHANGE(open(text, O_WRONLY | O_CLOEXEC));
	if (fd < 0)
		return fd;
	len = snprintf(text, sizeof(text), "%u", kib);
	r = (int)OS_CHANGE(write(fd, text, (size_t)len));
	return MIN(r, 0);
}

/* --- mountinfo --------------------------------------------------------------------------------------------------- */

static bool is_octal(const char *s)
{
	return s[0] >= '0' && s[0] <= '3' && s[1] >= '0' && s[1] <= '7' && s[2] >= '0' && s[2] <= '7';
}

void os_mountinfo_unescape(char *text)
{
	char *to = text;

	for (const char *from = text; *from; to++) {
		if (*from == '\\' && is_octal(from + 1)) {
			*to = (char)((from[1] - '0') << 6 | (from[2] - '0') << 3 | (from[3] - '0'));
			from += 4;
		} else {
			*to = *from++;
		}
	}
	*to = '\0';
}

static char *next_field(char **rest)
{
	char *field = strsep(rest, " ");

	if (field)
		os_mountinfo_unescape(field);
	return field;
}

/* The optional fields, any number of them, end with a lone "-". */
static bool skip_optional(char **rest)
{
	for (char *field; (field = strsep(rest, " "));)
		if (!strcmp(field, "-"))
			return true;
	return false;
}

static bool is_idmapped(const char *options)
{
	static const char word[] = "idmapped";

	for (size_t n; *options; options += n + (options[n] == ',')) {
		n = strcspn(options, ",");
		if (n == sizeof(word) - 1 && !memcmp(options, word, n))
			return true;
	}
	return false;
}

static bool parse_numbers(char **rest, struct os_mountinfo *m)
{
	unsigned major, minor;
	char *id = strsep(rest, " "), *parent = strsep(rest, " "), *dev = strsep(rest, " ");

	if (!dev || sscanf(dev, "%u:%u", &major, &minor) != 2)
		return false;
	m->id = atoi(id);
	m->parent_id = atoi(parent);
	m->dev = makedev(major, minor);
	return true;
}

bool os_parse_mountinfo(char *line, struct os_mountinfo *m)
{
	char *rest = line;

	line[strcspn(line, "\n")] = '\0';
	if (!parse_numbers(&rest, m))
		return false;
	m->root = next_field(&rest);
	m->mountpoint = next_field(&rest);
	m->options = strsep(&rest, " ");
	if (!m->options)
		return false;
	m->idmapped = is_idmapped(m->options);
	if (!skip_optional(&rest))
		return false;
	m->fstype = next_field(&rest);
	m->source = next_field(&rest);
	m->super_options = rest ? rest : "";
	return m->source != NULL;
}

static void cleanup_fclose(FILE **file)
{
	if (*file)
		fclose(*file);
}

/* Takes the file. */
static int each_mount_in(FILE *taken, int (*each)(void *arg, const struct os_mountinfo *m), void *arg)
{
	_cleanup_(cleanup_fclose) FILE *file = taken;
	_cleanup_free_ char *line = NULL;
	size_t size = 0;

	(void)CHECK(file);
	while (getline(&line, &size, file) > 0) {
		struct os_mountinfo m;

		if (!os_parse_mountinfo(line, &m))
			continue;
		int r = each(arg, &m);

		if (r)
			return r;
	}
	return ferror(file) ? -EIO : 0;
}

int os_each_mount(int (*each)(void *arg, const struct os_mountinfo *m), void *arg)
{
	FILE *file = fopen("/proc/self/mountinfo", "re");

	return file ? each_mount_in(file, each, arg) : -errno;
}

int os_each_mount_of(int pid_fd, int (*each)(void *arg, const struct os_mountinfo *m), void *arg)
{
	int fd = os_openat(pid_fd, "mountinfo", O_RDONLY, 0, OS_CROSS_MOUNTS);
	FILE *file = fd < 0 ? NULL : fdopen(fd, "r");

	if (fd >= 0 && !file)
		os_close(fd);
	return file ? each_mount_in(file, each, arg) : fd < 0 ? fd : -ENOMEM;
}
