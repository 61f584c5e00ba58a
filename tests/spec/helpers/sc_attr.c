/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on attributes: extended attributes (never followed), file flags, statx and statfs.
 */
#include "sc.h"

#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/xattr.h>

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list_xattrs(const char *path)
{
	static char list[65536];
	const char *names[512];
	size_t count = 0;
	ssize_t len = llistxattr(path, list, sizeof(list));

	if (len < 0) {
		sc_result(-1);
		return;
	}
	for (char *at = list; at < list + len && count < 512; at += strlen(at) + 1)
		names[count++] = at;
	qsort(names, count, sizeof(names[0]), compare_names);
	for (size_t i = 0; i < count; i++)
		printf("%s%s", i ? " " : "", names[i]);
	puts(count ? "" : "none");
}

static void get_xattr(const char *path, const char *name)
{
	static char value[65536];
	ssize_t len = lgetxattr(path, name, value, sizeof(value));

	if (len < 0) {
		sc_result(-1);
		return;
	}
	/* the size alone must agree with the size that came */
	if (lgetxattr(path, name, NULL, 0) != len)
		fputs("(size differs) ", stdout);
	putchar('"');
	sc_print_bytes(value, (size_t)len);
	puts("\"");
}

int sc_xattr(int argc, char **argv)
{
	int flags = 0;

	if (argc >= 3 && !strcmp(argv[1], "list")) {
		list_xattrs(argv[2]);
	} else if (argc >= 4 && !strcmp(argv[1], "get")) {
		get_xattr(argv[2], argv[3]);
	} else if (argc >= 4 && !strcmp(argv[1], "remove")) {
		sc_result(lremovexattr(argv[2], argv[3]));
	} else if (argc >= 5 && !strcmp(argv[1], "set")) {
		if (argc > 5)
			flags = !strcmp(argv[5], "create") ? XATTR_CREATE : XATTR_REPLACE;
		sc_result(lsetxattr(argv[2], argv[3], argv[4], strlen(argv[4]), flags));
	} else {
		sc_misuse("xattr get|set|list|remove PATH [NAME [VALUE]]");
	}
	return 0;
}

static const struct {
	char letter;
	unsigned int flag;
} flag_letters[] = {
	{'i', FS_IMMUTABLE_FL}, {'a', FS_APPEND_FL}, {'d', FS_NODUMP_FL}, {'A', FS_NOATIME_FL}, {'S', FS_SYNC_FL}};

/* Without a change prints those of the flags above that are set; the others depend on the file system. */
int sc_flags(int argc, char **argv)
{
	unsigned int flags = 0;
	int fd;

	if (argc < 2)
		sc_misuse("flags PATH [+LETTERS|-LETTERS]");
	fd = open(argv[1], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FS_IOC_GETFLAGS, &flags)) {
		sc_result(-1);
		return 0;
	}
	if (argc == 2) {
		for (size_t i = 0; i < sizeof(flag_letters) / sizeof(flag_letters[0]); i++)
			putchar(flags & flag_letters[i].flag ? flag_letters[i].letter : '-');
		putchar('\n');
		return 0;
	}
	for (size_t i = 0; i < sizeof(flag_letters) / sizeof(flag_letters[0]); i++) {
		if (strchr(argv[2] + 1, flag_letters[i].letter))
			flags = argv[2][0] == '+' ? flags | flag_letters[i].flag : flags & ~flag_letters[i].flag;
	}
	sc_result(ioctl(fd, FS_IOC_SETFLAGS, &flags));
	return 0;
}

int sc_fsxattr(int argc, char **argv)
{
	struct fsxattr attr = {0};
	int fd;

	if (argc != 2)
		sc_misuse("fsxattr PATH");
	fd = open(argv[1], O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 || ioctl(fd, FS_IOC_FSGETXATTR, &attr))
		sc_result(-1);
	else
		printf("xflags %#x projid %u\n",
		       attr.fsx_xflags & (FS_XFLAG_IMMUTABLE | FS_XFLAG_APPEND | FS_XFLAG_NODUMP | FS_XFLAG_NOATIME),
		       attr.fsx_projid);
	return 0;
}

int sc_statx(int argc, char **argv)
{
	struct statx stx;

	if (argc != 2)
		sc_misuse("statx PATH");
	if (statx(AT_FDCWD, argv[1], AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS | STATX_BTIME, &stx)) {
		sc_result(-1);
		return 0;
	}
	printf("mode %o size %llu btime %s\n", stx.stx_mode,
	       S_ISDIR(stx.stx_mode) ? 0 : (unsigned long long)stx.stx_size, stx.stx_mask & STATX_BTIME ? "yes" : "no");
	return 0;
}

int sc_attributes(int argc, char **argv)
{
	struct statx stx;

	if (argc != 2)
		sc_misuse("attributes PATH");
	if (statx(AT_FDCWD, argv[1], AT_SYMLINK_NOFOLLOW, STATX_BASIC_STATS, &stx)) {
		sc_result(-1);
		return 0;
	}
	printf("attributes%s%s%s%s\n", stx.stx_attributes & STATX_ATTR_IMMUTABLE ? " immutable" : "",
	       stx.stx_attributes & STATX_ATTR_APPEND ? " append" : "",
	       stx.stx_attributes & STATX_ATTR_NODUMP ? " nodump" : "",
	       stx.stx_attributes & STATX_ATTR_MOUNT_ROOT ? " root" : "");
	return 0;
}

int sc_statfs(int argc, char **argv)
{
	struct statvfs vfs;

	if (argc != 2)
		sc_misuse("statfs PATH");
	if (statvfs(argv[1], &vfs))
		sc_result(-1);
	else
		printf("bsize %lu frsize %lu blocks %llu files %llu namemax %lu\n", vfs.f_bsize, vfs.f_frsize,
		       (unsigned long long)vfs.f_blocks, (unsigned long long)vfs.f_files, vfs.f_namemax);
	return 0;
}

/* The kernel forgets what it knows of the file system and nobody uses at the moment: a remount that changes nothing
 * does that. */
int sc_forget(int argc, char **argv)
{
	if (argc != 2)
		sc_misuse("forget MOUNTPOINT");
	if (mount(NULL, argv[1], NULL, MS_REMOUNT, NULL))
		sc_result(-1);
	return 0;
}
