/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work directory is empty after each mount, whatever a crash or somebody else left in it, and what it forbids is
 * obeyed.
 */
#include <linux/fs.h>
#include <sys/ioctl.h>

#include "fixture.h"
#include "format/work_state.h"

#define SET "lowerdir=l1,upperdir=u,workdir=w"

static bool set_flags(const char *path, int flags)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && !ioctl(fd, FS_IOC_SETFLAGS, &flags);

	close(fd);
	return good;
}

TEST("work/ is made with mode 0 and nothing else is in the work directory but the state file")
{
	FIXTURE(f);
	struct stat st;
	EXPECT_OPENS(&f, SET);
	ASSERT_INT(stat("w/work", &st), 0);
	EXPECT_INT(st.st_mode, S_IFDIR | 0);
	EXPECT_INT(count_entries("w"), 2);
	EXPECT_INT(count_entries("w/work"), 0);
	layer_set_shutdown(f.set);
	EXPECT_INT(count_entries("w"), 1);
}

TEST("a work directory of kernel overlayfs, mode 0 and with an index, is taken over")
{
	FIXTURE(f);
	struct stat st;
	ASSERT_INT(mkdir("w/work", 0), 0);
	ASSERT_INT(mkdir("w/index", 0), 0);
	EXPECT_OPENS(&f, SET);
	ASSERT_INT(stat("w/work", &st), 0);
	EXPECT_INT(st.st_mode, S_IFDIR | 0);
	EXPECT(exists("w/index"));
}

TEST("setgid and default ACL of the work directory don't reach the files made in it")
{
	FIXTURE(f);
	static const unsigned char acl[] = "\2\0\0\0"
					   "\1\0\7\0\377\377\377\377"
					   "\4\0\7\0\377\377\377\377"
					   "\x20\0\7\0\377\377\377\377";
	struct stat st;
	ASSERT_INT(mkdir("w/work", 0755), 0);
	ASSERT_INT(chmod("w/work", 02777), 0);
	if (setxattr("w/work", "system.posix_acl_default", acl, sizeof(acl) - 1, 0) < 0)
		SKIP("no ACLs on this file system");
	EXPECT_OPENS(&f, SET);
	ASSERT_INT(stat("w/work", &st), 0);
	EXPECT_INT(st.st_mode, S_IFDIR | 0);
	EXPECT_INT(getxattr("w/work", "system.posix_acl_default", NULL, 0), -1);
	layer_set_shutdown(f.set);
}

TEST("leftovers of any type are removed at mount")
{
	FIXTURE(f);
	ASSERT_INT(mkdir("w/work", 0755), 0);
	ASSERT(make_file("w/work/#1", "stale", 0));
	ASSERT_INT(symlink("/", "w/work/#2"), 0);
	ASSERT_INT(mkfifo("w/work/fifo", 0644), 0);
	ASSERT_INT(mknod("w/work/socket", S_IFSOCK | 0644, 0), 0);
	ASSERT_INT(mknod("w/work/whiteout", S_IFCHR, makedev(0, 0)), 0);
	ASSERT_INT(mkdir("w/work/#3", 0), 0);
	ASSERT_INT(mkdir("w/work/tree", 0755), 0);
	ASSERT_INT(mkdir("w/work/tree/a", 0755), 0);
	ASSERT(make_file("w/work/tree/a/file", "x", 0444));
	ASSERT_INT(symlink("../../../../l1", "w/work/tree/a/link"), 0);
	ASSERT_INT(chmod("w/work/tree/a", 0), 0);
	ASSERT_INT(mkdir("w/work/incompat", 0755), 0);
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(count_entries("w/work"), 0);
	EXPECT(exists("l1"));
}

TEST("a file or symlink called work is a leftover too")
{
	FIXTURE(f);
	struct stat st;
	ASSERT_INT(symlink("../l1", "w/work"), 0);
	ASSERT(make_file("l1/precious", "x", 0644));
	EXPECT_OPENS(&f, SET);
	ASSERT(!lstat("w/work", &st));
	EXPECT(S_ISDIR(st.st_mode));
	EXPECT(exists("l1/precious"));
	fixture_close(&f);
	ASSERT_INT(rmdir("w/work"), 0);
	ASSERT(make_file("w/work", "x", 0644));
	EXPECT_OPENS(&f, SET);
}

TEST("immutable and append-only leftovers are removed")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT_INT(mkdir("w/work", 0755), 0);
	ASSERT_INT(mkdir("w/work/dir", 0755), 0);
	ASSERT_INT(mkdir("w/work/dir/sub", 0755), 0);
	ASSERT(make_file("w/work/dir/sub/i", "x", 0644));
	ASSERT(make_file("w/work/a", "x", 0644));
	if (!set_flags("w/work/a", FS_APPEND_FL))
		SKIP("no immutable files on this file system");
	ASSERT(set_flags("w/work/dir/sub/i", FS_IMMUTABLE_FL));
	ASSERT(set_flags("w/work/dir/sub", FS_IMMUTABLE_FL));
	ASSERT(set_flags("w/work/dir", FS_APPEND_FL));
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(count_entries("w/work"), 0);
}

/* A chain of directories `depth` deep, with a file at every tenth level. */
static bool make_deep(const char *top, int depth)
{
	int fd = open(top, O_PATH | O_DIRECTORY | O_CLOEXEC);
	bool good = fd >= 0;

	for (int i = 0; good && i < depth; i++) {
		int next;

		good = !mkdirat(fd, "deep", 0755) && (i % 10 || !mknodat(fd, "file", S_IFREG | 0644, 0));
		next = openat(fd, "deep", O_PATH | O_DIRECTORY | O_CLOEXEC);
		close(fd);
		fd = next;
	}
	if (fd >= 0)
		close(fd);
	return good && fd >= 0;
}

TEST("a tree deeper than any path is removed with few descriptors")
{
	FIXTURE(f);
	int before;
	ASSERT_INT(mkdir("w/work", 0755), 0);
	ASSERT(make_deep("w/work", 3000));
	before = count_entries("/proc/self/fd");
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(count_entries("w/work"), 0);
	EXPECT(count_entries("/proc/self/fd") < before + 12);
}

TEST("removing a tree follows no link and says when there is nothing to remove")
{
	FIXTURE(f);
	ASSERT(make_file("l1/file", "x", 0644));
	ASSERT_INT(symlink("l1", "link"), 0);
	EXPECT_INT(work_remove_tree(f.fd, "link"), 0);
	EXPECT(exists("l1/file"));
	EXPECT_INT(work_remove_tree(f.fd, "link"), -ENOENT);
}

static void overmounted_tree(void)
{
	FIXTURE(f);
	ASSERT_INT(mkdir("tree", 0755), 0);
	ASSERT_INT(mkdir("tree/mnt", 0755), 0);
	ASSERT(make_file("l1/file", "x", 0644));
	ASSERT_INT(mount("l1", "tree/mnt", NULL, MS_BIND, NULL), 0);
	EXPECT(work_remove_tree(f.fd, "tree") < 0);
	EXPECT(exists("l1/file"));
	EXPECT_INT(umount("tree/mnt"), 0);
	EXPECT_INT(work_remove_tree(f.fd, "tree"), 0);
}

TEST("removing a tree never enters another mount")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, overmounted_tree);
}

TEST("volatile leaves incompat/volatile, also after a clean end, and no mount is taken until somebody removes it")
{
	FIXTURE(f);
	static const char line[] = "volatile: w: an earlier mount did not sync the upper; if that may be lost, empty "
				   "upperdir, else delete work/incompat/volatile there";
	EXPECT_OPENS(&f, SET ",volatile");
	EXPECT(f.set->is_volatile);
	EXPECT(exists("w/work/incompat/volatile/dirty"));
	layer_set_shutdown(f.set);
	fixture_close(&f);
	EXPECT(exists("w/work/incompat/volatile/dirty"));
	ASSERT(make_file("w/work/#9", "kept until the work directory may be used", 0644));
	EXPECT_REFUSED(&f, SET, -EINVAL, line);
	EXPECT_REFUSED(&f, SET ",volatile", -EINVAL, line);
	EXPECT(exists("w/work/#9"));
	ASSERT_INT(unlink("w/work/incompat/volatile/dirty"), 0);
	ASSERT_INT(rmdir("w/work/incompat/volatile"), 0);
	EXPECT_OPENS(&f, SET);
	EXPECT_INT(count_entries("w/work"), 0);
}

TEST("an incompatible feature that isn't known is refused")
{
	FIXTURE(f);
	ASSERT(!mkdir("w/work", 0755) && !mkdir("w/work/incompat", 0755) && !mkdir("w/work/incompat/new", 0755));
	EXPECT_REFUSED(&f, SET, -EINVAL, "workdir: w: unknown feature work/incompat/new");
	EXPECT(exists("w/work/incompat/new"));
}

static bool write_state(const void *bytes, size_t size)
{
	int fd = open("w/" WORK_STATE_NAME, O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
	bool good = fd >= 0 && write(fd, bytes, size) == (ssize_t)size;

	close(fd);
	return good;
}

TEST("a state file of a later version is refused, a damaged one replaced")
{
	FIXTURE(f);
	struct work_state state = {.version = WORK_STATE_VERSION + 1};
	uint8_t bytes[WORK_STATE_SIZE];
	struct stat st;
	work_state_encode(&state, bytes);
	ASSERT(write_state(bytes, sizeof(bytes)));
	EXPECT_REFUSED(&f, SET, -EPROTONOSUPPORT, "workdir: w: plyfs.state was written by a later version of plyfs");
	ASSERT(write_state("rubbish", 7));
	EXPECT_OPENS(&f, SET);
	ASSERT_INT(stat("w/" WORK_STATE_NAME, &st), 0);
	EXPECT_INT(st.st_size, WORK_STATE_SIZE);
}

static bool read_state(struct work_state *ret)
{
	uint8_t bytes[WORK_STATE_SIZE];
	int fd = open("w/" WORK_STATE_NAME, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && read(fd, bytes, sizeof(bytes)) == sizeof(bytes) &&
		    !work_state_decode(bytes, sizeof(bytes), ret);

	close(fd);
	return good;
}

TEST("the state file tells the same mount from another one")
{
	FIXTURE(f);
	struct work_state a, b, c;
	ASSERT_INT(mkdir("m2", 0755), 0);
	EXPECT_OPENS(&f, "lowerdir=l1:l2,upperdir=u,workdir=w");
	ASSERT(read_state(&a));
	EXPECT_OPENS(&f, "lowerdir=l1:l2,upperdir=u,workdir=w");
	ASSERT(read_state(&b));
	EXPECT_MEM(a.uuid, b.uuid, sizeof(a.uuid));
	EXPECT_OPENS(&f, "lowerdir=l2:l1,upperdir=u,workdir=w");
	ASSERT(read_state(&c));
	EXPECT(memcmp(a.uuid, c.uuid, sizeof(a.uuid)) != 0);
	ASSERT_INT(fixture_open_at(&f, "lowerdir=l1:l2,upperdir=u,workdir=w", "m2"), 0);
	ASSERT(read_state(&c));
	EXPECT(memcmp(a.uuid, c.uuid, sizeof(a.uuid)) != 0);
}

/* As somebody whose permissions count; FIXTURE's files are then his. */
static void locked_tree(void)
{
	ASSERT_INT(setresgid(12345, 12345, 12345), 0);
	ASSERT_INT(setresuid(12345, 12345, 12345), 0);
	FIXTURE(f);
	ASSERT_INT(mkdir("tree", 0755), 0);
	ASSERT_INT(mkdir("tree/a", 0755), 0);
	ASSERT_INT(mkdir("tree/a/b", 0755), 0);
	ASSERT(make_file("tree/a/b/file", "x", 0));
	ASSERT_INT(chmod("tree/a/b", 0555), 0);
	ASSERT_INT(chmod("tree/a", 0300), 0);
	ASSERT_INT(chmod("tree", 0), 0);
	EXPECT_INT(work_remove_tree(f.fd, "tree"), 0);
	EXPECT(!exists("tree"));
	ASSERT_INT(mkdir("tree", 0755), 0);
	ASSERT(make_deep("tree", 40));
	ASSERT_INT(system("find tree -depth -exec chmod 0 {} +"), 0);
	EXPECT_INT(work_remove_tree(f.fd, "tree"), 0);
	EXPECT(!exists("tree"));
}

TEST("a tree of directories that permit nothing is removed without privilege")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, locked_tree);
}
