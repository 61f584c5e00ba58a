/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Nothing leads out of a layer, nothing that is mounted below it is seen, and a lower layer can't be written to.
 */
#include "fixture.h"

static int open_in(struct fixture *f, unsigned layer, const char *name)
{
	const struct layer *l = &f->set->layers[layer];
	int fd = layer_openat(l, l->root_fd, name, O_RDONLY);

	if (fd >= 0)
		close(fd);
	return fd < 0 ? fd : 0;
}

TEST("a symlink in a layer is never followed, `..` never climbs")
{
	FIXTURE(f);
	ASSERT_INT(symlink("/", "l1/root"), 0);
	ASSERT_INT(symlink("..", "l1/up"), 0);
	ASSERT_INT(symlink("/etc/passwd", "l1/file"), 0);
	EXPECT_OPENS(&f, "lowerdir=l1:l2");
	EXPECT_INT(open_in(&f, 0, "root"), -ELOOP);
	EXPECT_INT(open_in(&f, 0, "up"), -ELOOP);
	EXPECT_INT(open_in(&f, 0, "file"), -ELOOP);
	EXPECT_INT(open_in(&f, 0, ".."), -EXDEV);
	EXPECT_INT(open_in(&f, 0, "up/.."), -ELOOP);
	EXPECT_INT(open_in(&f, 0, "/etc/passwd"), -EXDEV);
}

TEST("a symlink to a layer, written by the user, is followed")
{
	FIXTURE(f);
	struct stat st;
	ASSERT_INT(symlink("l1", "link"), 0);
	EXPECT_OPENS(&f, "lowerdir=link:l2");
	ASSERT_INT(stat("l1", &st), 0);
	EXPECT_INT(f.set->layers[0].dev, st.st_dev);
	EXPECT_STR(f.set->layers[0].path, "link");
}

/* l1/sub is overmounted by a bind mount of l2, which holds `secret`. */
static bool cover(void)
{
	return !mkdir("l1/sub", 0755) && make_file("l1/sub/own", "own", 0644) &&
	       make_file("l2/secret", "secret", 0644) && !mount("l2", "l1/sub", NULL, MS_BIND, NULL);
}

static void overmounted_in_clone(void)
{
	FIXTURE(f);
	struct statx stx;
	bool overmounted = true;
	int fd;
	ASSERT(cover());
	EXPECT_OPENS(&f, "lowerdir=l1");
	ASSERT(f.set->layers[0].cloned);
	fd = layer_openat(&f.set->layers[0], f.set->layers[0].root_fd, "sub", O_PATH | O_DIRECTORY);
	ASSERT(fd >= 0);
	EXPECT_INT(layer_statx(&f.set->layers[0], f.set->layers[0].root_fd, "sub", &stx, &overmounted), 0);
	EXPECT(!overmounted);
	EXPECT_INT(layer_statx(&f.set->layers[0], fd, "own", &stx, &overmounted), 0);
	EXPECT_INT(layer_statx(&f.set->layers[0], fd, "secret", &stx, &overmounted), -ENOENT);
	close(fd);
	EXPECT_INT(umount("l1/sub"), 0);
}

TEST("a bind mount below a layer is not seen through the clone, what it covers is")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, overmounted_in_clone);
}

static void mounted_later(void)
{
	FIXTURE(f);
	struct statx stx;
	ASSERT_INT(mount("t", "l1", "tmpfs", 0, ""), 0);
	ASSERT_INT(mount(NULL, "l1", NULL, MS_SHARED, NULL), 0);
	ASSERT_INT(mkdir("l1/sub", 0755), 0);
	EXPECT_OPENS(&f, "lowerdir=l1");
	ASSERT(make_file("l2/secret", "secret", 0644));
	ASSERT_INT(mount("l2", "l1/sub", NULL, MS_BIND, NULL), 0);
	EXPECT(exists("l1/sub/secret"));
	EXPECT_INT(open_in(&f, 0, "sub"), 0);
	EXPECT_INT(os_statx(f.set->layers[0].root_fd, "sub", &stx), 0);
	EXPECT(!(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT));
	EXPECT_INT(umount("l1/sub"), 0);
	EXPECT_INT(umount("l1"), 0);
}

TEST("what is mounted later doesn't come into the clone, also where mounts are shared")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, mounted_later);
}

static void lower_is_readonly(void)
{
	FIXTURE(f);
	int fd;
	ASSERT(make_file("l1/file", "lower", 0644));
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=u,workdir=w");
	fd = f.set->layers[1].root_fd;
	EXPECT_INT(os_mkdirat(fd, "dir", 0755), -EROFS);
	EXPECT_INT(os_unlinkat(fd, "file", 0), -EROFS);
	EXPECT_INT(os_openat(fd, "file", O_WRONLY, 0, OS_NO_XDEV), -EROFS);
	EXPECT_INT(os_fchmodat(fd, "file", 0600), -EROFS);
	EXPECT_INT(os_setxattr(fd, "file", "user.x", "y", 1, 0), -EROFS);
	EXPECT_INT(os_mkdirat(layer_upper(f.set)->root_fd, "dir", 0755), 0);
	EXPECT(exists("u/dir"));
}

TEST("the kernel itself refuses to write to a lower layer")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, lower_is_readonly);
}

static void devices_stay_closed(void)
{
	FIXTURE(f);
	ASSERT_INT(mknod("l1/null", S_IFCHR | 0666, makedev(1, 3)), 0);
	ASSERT_INT(mknod("u/null", S_IFCHR | 0666, makedev(1, 3)), 0);
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=u,workdir=w");
	ASSERT(f.set->layers[0].cloned && f.set->layers[1].cloned);
	EXPECT_INT(open_in(&f, 0, "null"), -EACCES);
	EXPECT_INT(open_in(&f, 1, "null"), -EACCES);
}

TEST("no device of a layer can be opened")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, devices_stay_closed);
}

TEST("rename and link work between upper and work")
{
	FIXTURE(f);
	int upper;
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=u,workdir=w");
	upper = layer_upper(f.set)->root_fd;
	EXPECT_INT(os_mknodat(f.set->work_fd, "#x", S_IFREG | 0644, 0), 0);
	EXPECT_INT(os_linkat(f.set->work_fd, "#x", upper, "linked"), 0);
	EXPECT_INT(os_renameat2(f.set->work_fd, "#x", upper, "renamed", 0), 0);
	EXPECT(exists("u/linked") || exists("u/renamed"));
}

static void upper_overmounted(void)
{
	FIXTURE(f);
	struct statx stx;
	ASSERT_INT(mkdir("u/sub", 0755), 0);
	ASSERT_INT(mount("t", "u/sub", "tmpfs", 0, ""), 0);
	ASSERT(make_file("u/sub/secret", "secret", 0644));
	EXPECT_OPENS(&f, "lowerdir=l1,upperdir=u,workdir=w");
	ASSERT(layer_upper(f.set)->cloned);
	EXPECT_INT(open_in(&f, 0, "sub"), 0);
	EXPECT_INT(os_statx(layer_upper(f.set)->root_fd, "sub", &stx), 0);
	EXPECT(!(stx.stx_attributes & STATX_ATTR_MOUNT_ROOT));
	EXPECT_INT(umount("u/sub"), 0);
}

TEST("a mount below the upper is not seen")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, upper_overmounted);
}

/* Outer half: makes the mounts that are locked for the user namespace in which the inner half runs. */
static struct fixture *outer;

static void locked_mounts(void)
{
	struct fixture *f = outer;
	const struct layer *l;
	struct statx stx;
	bool overmounted = false;

	EXPECT_INT(fixture_open(f, "lowerdir=l1,upperdir=u,workdir=w"), 0);
	EXPECT_STR(f->error, NULL);
	ASSERT(f->set);
	l = &f->set->layers[1];
	EXPECT(!l->cloned);
	EXPECT_INT(open_in(f, 1, "sub"), -EXDEV);
	EXPECT_INT(layer_statx(l, l->root_fd, "sub", &stx, &overmounted), 0);
	EXPECT(overmounted);
	EXPECT_INT(layer_statx(l, l->root_fd, "", &stx, &overmounted), 0);
	EXPECT(!overmounted);
	EXPECT_INT(layer_statx(l, l->root_fd, "plain", &stx, &overmounted), 0);
	EXPECT(!overmounted);
	EXPECT_INT(os_mkdirat(l->root_fd, "new", 0755), -EROFS);
	fixture_close(f);
}

static void locked_mounts_outside(void)
{
	FIXTURE(f);
	ASSERT(cover());
	ASSERT_INT(mkdir("l1/plain", 0755), 0);
	outer = &f;
	run_in_namespaces(CLONE_NEWUSER | CLONE_NEWNS, locked_mounts);
	EXPECT_INT(umount("l1/sub"), 0);
}

TEST("in a user namespace a overmounted directory is refused, recognised, and the layer read-only")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, locked_mounts_outside);
}

static void user_namespace(void)
{
	FIXTURE(f);
	EXPECT_OPENS(&f, "lowerdir=l1:l2,upperdir=u,workdir=w");
	EXPECT(layer_upper(f.set)->cloned);
	EXPECT(f.set->layers[1].cloned);
	EXPECT_INT(f.set->ns, XATTR_NS_USER);
	EXPECT(f.set->can_reopen);
	EXPECT(f.set->can_chown);
	EXPECT(f.set->has_upper_xattr);
	EXPECT_INT(f.set->whiteout_form, WHITEOUT_DEVICE);
	EXPECT_INT(os_mkdirat(f.set->layers[1].root_fd, "new", 0755), -EROFS);
}

TEST("root of a user namespace gets plain clones where nothing is locked, and user attributes")
{
	run_in_namespaces(CLONE_NEWUSER | CLONE_NEWNS, user_namespace);
}

static void silent_fuse_below(void)
{
	FIXTURE(f);
	struct layer uncloned;
	struct statx stx;
	bool overmounted = false;
	int fuse, fd;
	ASSERT_INT(mkdir("l1/m", 0755), 0);
	EXPECT_OPENS(&f, "lowerdir=l1");
	uncloned = f.set->layers[0];
	uncloned.cloned = false;
	fd = open("l1", O_PATH | O_DIRECTORY | O_CLOEXEC);
	fuse = mount_silent_fuse("l1/m");
	if (fuse < 0) {
		printf("# no FUSE here\n");
		return;
	}
	alarm(10);
	EXPECT_INT(layer_statx(&uncloned, fd, "m", &stx, &overmounted), 0);
	EXPECT(overmounted);
	EXPECT(S_ISDIR(stx.stx_mode));
	EXPECT_INT(layer_statx(&uncloned, fd, "m", &stx, NULL), -EXDEV);
	EXPECT_INT(layer_openat(&uncloned, fd, "m", O_RDONLY), -EXDEV);
	EXPECT_INT(layer_statx(&uncloned, fd, "", &stx, &overmounted), 0);
	EXPECT(!overmounted);
	/* Another user's, which keeps even root out. */
	EXPECT_INT(seteuid(65534), 0);
	EXPECT_INT(layer_statx(&uncloned, fd, "m", &stx, &overmounted), 0);
	EXPECT(overmounted && S_ISDIR(stx.stx_mode));
	EXPECT_INT(seteuid(0), 0);
	umount_silent_fuse("l1/m", fuse);
	close(fd);
}

TEST("without a clone a FUSE mount below the layer is recognised and never asked, so our own can't hang us")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, silent_fuse_below);
}

static void plain_user(void)
{
	FIXTURE(f);
	ASSERT(!chmod(f.path, 0755) && !chown("u", 1234, 1234) && !chown("w", 1234, 1234));
	ASSERT(!setresgid(1234, 1234, 0) && !setresuid(1234, 1234, 0));
	EXPECT_OPENS(&f, "lowerdir=l1:l2,upperdir=u,workdir=w");
	EXPECT(!layer_upper(f.set)->cloned);
	EXPECT(!f.set->layers[1].cloned);
	EXPECT_INT(f.set->clone_fd, -1);
	EXPECT_INT(f.set->ns, XATTR_NS_USER);
	EXPECT(!f.set->can_reopen);
	EXPECT(!f.set->can_chown);
	EXPECT(f.set->has_upper_xattr);
	EXPECT(!f.set->layers[1].has_handles);
	layer_set_shutdown(f.set);
	EXPECT_INT(count_entries("w/work"), 0);
	EXPECT(!setresuid(0, 0, 0) && !setresgid(0, 0, 0));
}

TEST("a plain user gets no clone, can't reopen files without permission bits, and all else works")
{
	NEEDS_ROOT();
	run_in_namespaces(0, plain_user);
}

TEST("as root the probes find all that ext4, xfs, btrfs and tmpfs have")
{
	FIXTURE(f);
	NEEDS_ROOT();
	EXPECT_OPENS(&f, "lowerdir=l1:l2,upperdir=u,workdir=w");
	EXPECT_INT(f.set->ns, XATTR_NS_TRUSTED);
	EXPECT(f.set->can_reopen);
	EXPECT(f.set->can_chown);
	EXPECT(f.set->has_upper_xattr);
	EXPECT(f.set->has_tmpfile);
	EXPECT(f.set->has_rename_whiteout);
	EXPECT_INT(f.set->whiteout_form, WHITEOUT_DEVICE);
	EXPECT_INT(f.set->n_fs, 1);
	EXPECT(f.set->layers[1].has_handles);
	EXPECT_INT(count_entries("w/work"), 0);
	EXPECT_OPENS(&f, "lowerdir=l1:l2,upperdir=u,workdir=w,userxattr");
	EXPECT_INT(f.set->ns, XATTR_NS_USER);
}
