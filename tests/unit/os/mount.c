/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts, mountinfo and handles. A clone that was never attached shows nowhere and is gone with its descriptor.
 */
#include "os/mount.h"

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "base/cleanup.h"
#include "scratch.h"
#include "unit.h"

TEST("a clone gives the same objects, beneath one mount, and is made read-only")
{
	SCRATCH(s);
	_cleanup_close_ int clone = os_open_tree_clone(s.fd, false);
	struct statvfs st;

	if (clone == -EPERM)
		SKIP("not permitted to clone mounts");
	ASSERT(clone >= 0);
	EXPECT_INT(fcntl(clone, F_GETFD), FD_CLOEXEC);
	_cleanup_close_ int file = os_openat(clone, "file", O_RDONLY, 0, OS_NO_XDEV);
	struct statx stx;

	EXPECT(file >= 0);
	ASSERT_INT(os_statx(clone, "file", &stx), 0);
	EXPECT_INT(stx.stx_ino, scratch_stat(&s, "file").st_ino);
	EXPECT_INT(os_mkdirat(clone, "writable", 0700), 0);
	EXPECT_INT(os_linkat(clone, "file", clone, "again"), 0);
	EXPECT_INT(os_linkat(clone, "file", s.fd, "across"), -EXDEV);
	ASSERT_INT(os_mount_set_readonly(clone, false), 0);
	EXPECT_INT(os_mkdirat(clone, "refused", 0700), -EROFS);
	EXPECT_INT(os_mkdirat(s.fd, "elsewhere", 0700), 0);
	ASSERT_INT(os_fstatvfs(clone, &st), 0);
	EXPECT(st.f_flag & ST_RDONLY);
	EXPECT(st.f_flag & ST_NOATIME);
}

TEST("what was opened beneath a read-only clone stays read-only when reopened")
{
	SCRATCH(s);
	_cleanup_close_ int clone = os_open_tree_clone(s.fd, true);

	if (clone == -EPERM)
		SKIP("not permitted to clone mounts");
	ASSERT(clone >= 0);
	ASSERT_INT(os_mount_set_readonly(clone, true), 0);
	_cleanup_close_ int path = os_openat(clone, "file", O_PATH, 0, OS_NO_XDEV);

	EXPECT_INT(os_reopen(path, O_RDWR), -EROFS);
	EXPECT_INT(os_fchmod(path, 0600), -EROFS);
	EXPECT_INT(os_setxattr(path, "", "user.x", "x", 1, 0), -EROFS);
}

TEST("a name is found by its handle after a rename, and is stale after its end")
{
	SCRATCH(s);
	struct os_handle h, h2;
	_cleanup_close_ int path = scratch_path(&s, "file");
	_cleanup_close_ int mount = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int ret = os_name_to_handle(s.fd, "file", &h);

	if (ret == -EOPNOTSUPP)
		SKIP("the file system has no handles");
	ASSERT_INT(ret, 0);
	EXPECT_INT(os_name_to_handle(path, "", &h2), 0);
	EXPECT(h.type == h2.type && h.len == h2.len && h.mount_id == h2.mount_id && !memcmp(h.bytes, h2.bytes, h.len));
	ASSERT_INT(os_name_to_handle(s.fd, "link", &h2), 0);
	EXPECT(h.len != h2.len || memcmp(h.bytes, h2.bytes, h.len));
	ASSERT_INT(os_renameat2(s.fd, "file", s.fd, "moved", 0), 0);
	int fd = os_open_by_handle(mount, &h, O_RDONLY);

	if (fd == -EPERM)
		SKIP("not permitted to open handles");
	ASSERT(fd >= 0);
	struct statx stx;

	EXPECT_INT(os_statx(fd, "", &stx), 0);
	EXPECT_INT(stx.stx_ino, scratch_stat(&s, "moved").st_ino);
	EXPECT_INT(fcntl(fd, F_GETFD), FD_CLOEXEC);
	os_close(fd);
	os_close(TAKE_FD(path));
	ASSERT_INT(os_unlinkat(s.fd, "moved", 0), 0);
	EXPECT_INT(os_open_by_handle(mount, &h, O_RDONLY), -ESTALE);
	h.len = OS_HANDLE_MAX + 1;
	EXPECT_INT(os_open_by_handle(mount, &h, O_RDONLY), -EINVAL);
}

struct churn {
	const struct scratch *scratch;
	_Atomic bool stop;
};

/* The number of a removed file is given to the next one. */
static void *churn_main(void *arg)
{
	struct churn *c = arg;

	while (!atomic_load(&c->stop)) {
		os_close(os_openat(c->scratch->fd, "next", O_WRONLY | O_CREAT, 0600, 0));
		os_unlinkat(c->scratch->fd, "next", 0);
	}
	return NULL;
}

TEST("a handle whose object has gone is stale, also while its number is given to another one")
{
	SCRATCH(s);
	_cleanup_close_ int mount = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct churn churn = {.scratch = &s};
	struct os_handle h;
	pthread_t thread;
	int fd, others = 0;

	if (os_name_to_handle(s.fd, "file", &h) < 0)
		SKIP("the file system has no handles");
	fd = os_open_by_handle(mount, &h, O_RDONLY);
	if (fd == -EPERM)
		SKIP("not permitted to open handles");
	ASSERT(fd >= 0);
	os_close(fd);
	ASSERT_INT(os_unlinkat(s.fd, "file", 0), 0);
	ASSERT_INT(pthread_create(&thread, NULL, churn_main, &churn), 0);
	for (int i = 0; i < 100000 && !others; i++) {
		fd = os_open_by_handle(mount, &h, O_RDONLY);
		if (fd != -ESTALE)
			others = fd;
	}
	atomic_store(&churn.stop, true);
	pthread_join(thread, NULL);
	EXPECT_INT(others, 0);
}

TEST("the identity of the file system is the same for all its files, or zeros with an error")
{
	SCRATCH(s);
	static const uint8_t zeros[16];
	uint8_t a[16], b[16];
	_cleanup_close_ int dir = open(s.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	_cleanup_close_ int file = os_openat(s.fd, "file", O_RDONLY, 0, OS_CROSS_MOUNTS);
	int ret = os_fs_uuid(dir, a);

	if (ret < 0) {
		EXPECT_MEM(a, zeros, 16);
		SKIP("neither kernel nor file system tells it");
	}
	EXPECT_INT(os_fs_uuid(file, b), 0);
	EXPECT_MEM(a, b, 16);
	memset(b, 1, 16);
	EXPECT_INT(os_fs_uuid(s.fd, b), -EBADF); /* O_PATH */
	EXPECT_MEM(b, zeros, 16);
}

/* What follows the directory in path "DIRECTORY" + text, or "none". */
static const char *behind(const struct scratch *s, const char *text, const char *dir)
{
	static char rest[64];
	char path[128], real[PATH_MAX];
	char *found;

	snprintf(path, sizeof(path), "%s%s", s->path, text);
	if (!realpath(s->path, real))
		return "no directory";
	strcat(real, dir);
	found = os_path_behind(path, real);
	snprintf(rest, sizeof(rest), "%s", found ? found : "none");
	free(found);
	return rest;
}

TEST("what follows a directory in a path is told, whether it is there or not, also behind symbolic links to it")
{
	SCRATCH(s);

	EXPECT_STR(behind(&s, "/dir", "/dir"), "");
	EXPECT_STR(behind(&s, "/dir/", "/dir"), "");
	EXPECT_STR(behind(&s, "/dir/no/such", "/dir"), "/no/such");
	EXPECT_STR(behind(&s, "/./dir//../dir/inner", "/dir"), "/inner");
	EXPECT_STR(behind(&s, "/out/", ""), "/out/");
	EXPECT_STR(behind(&s, "/dir2/x", "/dir"), "none");
	EXPECT_STR(behind(&s, "/file", "/dir"), "none");
	ASSERT_INT(symlinkat("dir", s.fd, "way"), 0);
	EXPECT_STR(behind(&s, "/way/x", "/dir"), "/x");
	ASSERT_INT(chdir(s.path), 0);
	EXPECT_STR(behind(&(struct scratch){.path = "dir"}, "/x", ""), "/x");
	ASSERT_INT(chdir("dir"), 0);
	EXPECT_STR(behind(&(struct scratch){.path = "."}, "/x", ""), "/x");
	ASSERT_INT(chdir("/"), 0);
}

static bool enters(const struct scratch *s, const char *name)
{
	char path[128];
	struct stat st;

	UNIT_PRINT(path, "%s%s", s->path, name);
	return !stat("/proc", &st) && os_path_enters(path, st.st_dev);
}

TEST("a path is known to lead into a file system, at once, by links, and by what isn't there any more")
{
	char longest[PATH_MAX + 2];
	struct stat st;
	SCRATCH(s);

	ASSERT_INT(stat("/proc", &st), 0);
	EXPECT(os_path_enters("/proc", st.st_dev) && os_path_enters("/proc/", st.st_dev));
	EXPECT(os_path_enters("//proc/no/such", st.st_dev) && os_path_enters("/proc/../tmp", st.st_dev));
	EXPECT(!enters(&s, "") && !enters(&s, "/dir/inner") && !enters(&s, "/none") && !enters(&s, "/out/none"));
	ASSERT(!symlinkat("/proc", s.fd, "to") && !symlinkat("../to/self", s.fd, "dir/by") &&
	       !symlinkat("dir/by/x", s.fd, "far") && !symlinkat("round", s.fd, "round"));
	EXPECT(enters(&s, "/to") && enters(&s, "/dir/by") && enters(&s, "/far") && enters(&s, "/far/none"));
	EXPECT(enters(&s, "/dir/.././to") && !enters(&s, "/round") && !enters(&s, "/file/x"));
	ASSERT_INT(chdir(s.path), 0);
	EXPECT(os_path_enters("far", st.st_dev) && !os_path_enters("dir", st.st_dev));
	ASSERT_INT(chdir("/proc"), 0);
	EXPECT(os_path_enters("x", st.st_dev));
	ASSERT_INT(chdir("/"), 0);
	memset(longest, '/', sizeof(longest));
	longest[sizeof(longest) - 1] = '\0';
	EXPECT(!os_path_enters(longest, st.st_dev));
	memset(longest + 1, 'x', NAME_MAX + 1);
	longest[NAME_MAX + 3] = '\0';
	EXPECT(!os_path_enters(longest, st.st_dev));
}

static int find_root(void *arg, const struct os_mountinfo *m)
{
	struct os_mountinfo *found = arg;

	if (strcmp(m->mountpoint, "/"))
		return 0;
	found->id = m->id;
	found->dev = m->dev;
	return m->fstype && m->source && m->super_options && m->root ? 17 : -EINVAL;
}

TEST("mountinfo tells the root's mount, and stops where it was told to")
{
	struct os_mountinfo found = {0};
	struct stat st;

	EXPECT_INT(os_each_mount(find_root, &found), 17);
	EXPECT(found.id > 0);
	ASSERT_INT(stat("/", &st), 0);
	/* btrfs and overlay give their files other device numbers than their mounts. */
	EXPECT(found.dev == st.st_dev || major(found.dev) == 0);
}

TEST("a line of mountinfo is taken apart, its escapes undone, with any number of optional fields")
{
	struct os_mountinfo m;
	char line[] = "36 35 98:1 /a\\040b /mnt\\011\\134x\\012 rw,noatime master:1 shared:7 - ext4 /dev/my\\040disk "
		      "rw,errors=x\n";
	char bare[] = "36 35 0:255 / / rw - tmpfs none rw";
	char cut[] = "36 35 0:255 / / rw shared:1\n";
	char empty[] = "\n";

	ASSERT(os_parse_mountinfo(line, &m));
	EXPECT_INT(m.id, 36);
	EXPECT_INT(m.parent_id, 35);
	EXPECT_INT(m.dev, makedev(98, 1));
	EXPECT_STR(m.root, "/a b");
	EXPECT_STR(m.mountpoint, "/mnt\t\\x\n");
	EXPECT_STR(m.fstype, "ext4");
	EXPECT_STR(m.source, "/dev/my disk");
	EXPECT_STR(m.super_options, "rw,errors=x");
	ASSERT(os_parse_mountinfo(bare, &m));
	EXPECT_STR(m.fstype, "tmpfs");
	EXPECT_STR(m.super_options, "rw");
	EXPECT(!os_parse_mountinfo(cut, &m));
	EXPECT(!os_parse_mountinfo(empty, &m));
}

TEST("unmounting what is no mount is an error")
{
	SCRATCH(s);
	int ret = os_umount_fd(s.fd), missing = os_umount_fd(-1);

	EXPECT(ret == -EINVAL || ret == -EPERM);
	EXPECT(missing == -ENOENT || missing == -EPERM);
}
