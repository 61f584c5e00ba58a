/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating names: what comes into being, as whom, and what it inherits.
 */
#include "change/names.h"
#include "format/acl.h"
#include "os/task.h"

static const mode_t all_types[] = {S_IFREG | 0640,  S_IFDIR | 0750, S_IFLNK | 0777, S_IFIFO | 0600,
				   S_IFSOCK | 0600, S_IFBLK | 0600, S_IFCHR | 0600};

TEST("every type of object can be created, and is there after a remount")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ u/d/"));
	UNI_OPEN(u);
	for (size_t i = 0; i < sizeof(all_types) / sizeof(*all_types); i++) {
		char path[8], real[16];
		struct stat st;

		snprintf(path, sizeof(path), "d/%zu", i);
		snprintf(real, sizeof(real), "u/%s", path);
		EXPECT_INT(names_create(&u, path, all_types[i]), 0);
		ASSERT_INT(lstat(real, &st), 0);
		EXPECT_INT(st.st_mode, all_types[i] & ~(S_ISLNK(all_types[i]) ? 0 : 022));
		EXPECT_INT(names_create(&u, path, all_types[i]), -EEXIST);
	}
	EXPECT_VIEW(&u, "d/\nd/0=\nd/1/\nd/2>target\nd/3|\nd/4|\nd/5|\nd/6|\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("every type of object can replace a whiteout, and a directory is opaque then")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ u/d/"));
	for (size_t i = 0; i < sizeof(all_types) / sizeof(*all_types); i++) {
		char word[64];

		snprintf(word, sizeof(word), "l1/d/%zu/ l1/d/%zu/below= u/d/%zu!", i, i, i);
		ASSERT(layers_make(word));
	}
	UNI_OPEN(u);
	EXPECT_VIEW(&u, "d/\n");
	for (size_t i = 0; i < sizeof(all_types) / sizeof(*all_types); i++) {
		char path[8], real[16];
		struct stat st;

		snprintf(path, sizeof(path), "d/%zu", i);
		snprintf(real, sizeof(real), "u/%s", path);
		EXPECT_INT(names_create(&u, path, all_types[i]), 0);
		ASSERT_INT(lstat(real, &st), 0);
		EXPECT_INT(st.st_mode, all_types[i] & ~(S_ISLNK(all_types[i]) ? 0 : 022));
		EXPECT_INT(is_opaque(real), S_ISDIR(st.st_mode));
	}
	EXPECT_VIEW(&u, "d/\nd/0=\nd/1/\nd/2>target\nd/3|\nd/4|\nd/5|\nd/6|\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("a whiteout in the attribute form is replaced too")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low l1/d/g/ l1/d/g/below= u/d/ u/d@x u/d/f~ u/d/g~"));
	UNI_OPEN(u);
	EXPECT_VIEW(&u, "d/\n");
	EXPECT_INT(names_create(&u, "d/f", S_IFREG | 0644), 0);
	EXPECT_INT(names_create(&u, "d/g", S_IFDIR | 0755), 0);
	EXPECT_VIEW(&u, "d/\nd/f=\nd/g/\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("where a lower layer's whiteout hides a directory below, a new one is empty without an xattr")
{
	UNI(u);
	ASSERT(layers_make("l2/d/ l2/d/below= l1/d! "));
	UNI_OPEN(u);
	EXPECT_INT(names_create(&u, "d", S_IFDIR | 0755), 0);
	EXPECT(!is_opaque("u/d"));
	EXPECT_VIEW(&u, "d/\n");
}

TEST("what exists below can't be created, and a parent in a lower layer is asked for before anything is touched")
{
	UNI(u);
	ASSERT(layers_make("l1/d/ l1/d/f=low"));
	UNI_OPEN(u);
	EXPECT_INT(names_create(&u, "d/f", S_IFREG | 0644), -EEXIST);
	EXPECT_INT(names_create(&u, "d/new", S_IFREG | 0644), -LOOK_AGAIN);
	EXPECT_INT(count_entries("u"), 0);
}

TEST("a character device 0:0 is refused, for it would be a whiteout")
{
	UNI(u);
	UNI_OPEN(u);
	struct create_spec spec = {.mode = S_IFCHR | 0600};
	struct inode *inode;

	EXPECT_INT(names_create_as(&u, &names_root, "w", &spec, &inode), -EPERM);
	EXPECT_INT(count_entries("u"), 0);
}

TEST("names of the aufs dialect can't be made, linked or moved to while it is read, and can without it")
{
	static const char *const options[] = {UNI_LAYERS, UNI_LAYERS ",whiteouts=aufs"};

	for (int aufs = 0; aufs < 2; aufs++) {
		struct create_spec spec = {.mode = S_IFDIR | 0755};
		int want = aufs ? -EPERM : 0;
		struct inode *inode;
		UNI(u);

		ASSERT(layers_make("u/f=up l1/low=low"));
		ASSERT(uni_open(&u, options[aufs]));
		EXPECT_INT(names_create_as(&u, &names_root, ".wh.low", &spec, &inode), want);
		EXPECT_INT(names_link(&u, "f", ".wh.link"), want);
		EXPECT_INT(names_rename(&u, "f", ".wh.f", 0), want);
		EXPECT_INT(names_rename(&u, "gone", ".wh.gone", 0), -ENOENT);
		EXPECT_INT(names_unlink(&u, ".wh.f"), aufs ? -ENOENT : 0);
		EXPECT_INT(exists("u/.wh.low"), !aufs);
		EXPECT(uni_find(&u, "low"));
	}
}

TEST("the descriptor of a new file can be written, also when its mode permits no writing")
{
	UNI(u);
	ASSERT(layers_make("l1/w=low u/w!"));
	UNI_OPEN(u);
	static const char *const names[] = {"f", "w"};

	for (int i = 0; i < 2; i++) {
		struct create_spec spec = {.mode = S_IFREG | 0400, .want_fd = true};
		struct inode *inode;
		struct statx stx;
		int fd;

		ASSERT_INT(create_entry(u.writer, &names_root, u.tree->root, names[i], &spec, &inode, &stx, &fd), 0);
		EXPECT_INT(write(fd, "new", 3), 3);
		EXPECT_INT(stx.stx_mode, S_IFREG | 0400);
		EXPECT_INT(stx.stx_ino, inode->ino);
		close(fd);
	}
	EXPECT_VIEW(&u, "f=new\nw=new\n");
}

/* --- owner, mode, ACL --------------------------------------------------------------------------------------------- */

static const struct caller user = {.uid = 1000, .gid = 1001, .umask = 027};

/* What is made in its place and what comes from the work directory must not differ. */
static void expect_like(const char *path, const char *other)
{
	static const char *const xattrs[] = {ACL_XATTR_ACCESS, ACL_XATTR_DEFAULT};
	struct stat a, b;

	ASSERT_INT(lstat(path, &a), 0);
	ASSERT_INT(lstat(other, &b), 0);
	EXPECT_INT(b.st_mode, a.st_mode);
	EXPECT_INT(b.st_uid, a.st_uid);
	EXPECT_INT(b.st_gid, a.st_gid);
	for (int i = 0; i < 2; i++) {
		char va[512], vb[512];
		ssize_t na = lgetxattr(path, xattrs[i], va, sizeof(va)),
			nb = lgetxattr(other, xattrs[i], vb, sizeof(vb));

		EXPECT_INT(nb, na);
		if (na > 0 && na == nb)
			EXPECT_MEM(vb, va, (size_t)na);
	}
}

/* Creates each type twice, in an empty place and over a whiteout. */
static void create_both(struct uni *u, const char *dir)
{
	for (size_t i = 0; i < sizeof(all_types) / sizeof(*all_types); i++) {
		struct create_spec spec = {.mode = all_types[i] | (S_ISLNK(all_types[i]) ? 0 : 0666),
					   .rdev = makedev(1, 3),
					   .target = "t"};
		struct inode *inode;
		char plain[32], over[32], real_plain[40], real_over[40];

		snprintf(plain, sizeof(plain), "%s/p%zu", dir, i);
		snprintf(over, sizeof(over), "%s/w%zu", dir, i);
		snprintf(real_plain, sizeof(real_plain), "u/%s", plain);
		snprintf(real_over, sizeof(real_over), "u/%s", over);
		EXPECT_INT(names_create_as(u, &user, plain, &spec, &inode), 0);
		ASSERT(!mknod(real_over, S_IFCHR, 0));
		EXPECT_INT(names_create_as(u, &user, over, &spec, &inode), 0);
		expect_like(real_plain, real_over);
	}
}

TEST("owner, group and mode are the same in an empty place and over a whiteout: plain, setgid and default ACL parents")
{
	static const struct {
		unsigned short tag, perm;
		unsigned id;
	} __attribute__((packed))
	entries[] = {{0x01, 7, -1u}, {0x02, 6, 1234}, {0x04, 5, -1u}, {0x10, 7, -1u}, {0x20, 0, -1u}};
	char acl[4 + sizeof(entries)] = {2};
	struct stat st;

	UNI(u);
	memcpy(acl + 4, entries, sizeof(entries));
	ASSERT(layers_make("u/plain/ u/setgid/ u/acl/ u/both/"));
	ASSERT(!chown("u/setgid", 5, 77) && !chmod("u/setgid", 02777) && !chmod("u/plain", 0777));
	ASSERT(!chown("u/both", 5, 78) && !chmod("u/both", 02777));
	if (setxattr("u/acl", ACL_XATTR_DEFAULT, acl, sizeof(acl), 0))
		SKIP("no ACLs here");
	ASSERT(!setxattr("u/both", ACL_XATTR_DEFAULT, acl, sizeof(acl), 0));
	ASSERT_INT(os_keep_caps_on_fsuid(), 0);
	UNI_OPEN(u);
	ASSERT(u.f.set->can_chown);
	create_both(&u, "plain");
	create_both(&u, "setgid");
	create_both(&u, "acl");
	create_both(&u, "both");
	ASSERT_INT(lstat("u/plain/p0", &st), 0);
	EXPECT_INT(st.st_uid, 1000);
	EXPECT_INT(st.st_gid, 1001);
	EXPECT_INT(st.st_mode, S_IFREG | 0640);
	ASSERT_INT(lstat("u/setgid/w1", &st), 0);
	EXPECT_INT(st.st_gid, 77);
	EXPECT_INT(st.st_mode, S_IFDIR | S_ISGID | 0750);
	ASSERT_INT(lstat("u/acl/w0", &st), 0);
	EXPECT_INT(st.st_mode & 0777, 0660); /* no umask: 0640|0666 masked by the ACL, group bits are its mask */
	EXPECT_INT(work_temps(), 0);
}

TEST("objects are given to their caller by the work directory where they can't be made as him")
{
	UNI(u);
	struct stat st;
	struct inode *inode;
	struct create_spec spec = {.mode = S_IFREG | 0666};

	ASSERT(layers_make("u/d/"));
	UNI_OPEN(u);
	u.writer->as_caller = false;
	EXPECT_INT(names_create_as(&u, &user, "d/f", &spec, &inode), 0);
	ASSERT_INT(lstat("u/d/f", &st), 0);
	EXPECT_INT(st.st_uid, 1000);
	EXPECT_INT(st.st_gid, 1001);
	EXPECT_INT(st.st_mode, S_IFREG | 0640);
	EXPECT_INT(work_temps(), 0);
}

/* --- links and nameless files ------------------------------------------------------------------------------------- */

TEST("a link is another name of the same inode, also over a whiteout; a lower file is asked for first")
{
	UNI(u);
	ASSERT(layers_make("l1/low=low l1/w=hidden u/f=up u/w!"));
	UNI_OPEN(u);
	struct inode *f = uni_find(&u, "f");
	struct statx stx;

	EXPECT_INT(names_link(&u, "low", "x"), -LOOK_AGAIN);
	EXPECT_INT(names_link(&u, "f", "low"), -EEXIST);
	EXPECT_INT(names_link(&u, "f", "g"), 0);
	EXPECT_INT(names_link(&u, "f", "w"), 0);
	EXPECT(uni_find(&u, "g") == f && uni_find(&u, "w") == f);
	ASSERT_INT(inode_statx(u.tree, f, &stx), 0);
	EXPECT_INT(stx.stx_nlink, 3);
	EXPECT_VIEW(&u, "f=up\ng=up\nlow=low\nw=up\n");
	EXPECT_INT(work_temps(), 0);
}

TEST("a directory can't be linked, a removed file neither")
{
	UNI(u);
	ASSERT(layers_make("u/d/ u/f=up"));
	UNI_OPEN(u);
	struct inode *f = uni_find(&u, "f");
	struct statx stx;

	EXPECT_INT(names_link(&u, "d", "e"), -EPERM);
	ASSERT_INT(names_unlink(&u, "f"), 0);
	EXPECT_INT(create_link(u.writer, f, u.tree->root, "g", &stx), -ENOENT);
	EXPECT_VIEW(&u, "d/\n");
}

TEST("a removed file that is kept by a name in the work directory can't be linked, but while it has another name")
{
	UNI(u);
	ASSERT(layers_make("u/f=up u/one=1 u/two:u/one"));
	UNI_OPEN(u);
	u.tree->own_pinned.max = 0;
	struct inode *f = uni_find(&u, "f"), *one = uni_find(&u, "one");
	struct statx stx;

	ASSERT_INT(names_unlink(&u, "f"), 0);
	EXPECT(orphan_is_held_by_name(f));
	EXPECT_INT(create_link(u.writer, f, u.tree->root, "g", &stx), -ENOENT);
	ASSERT_INT(names_unlink(&u, "one"), 0);
	EXPECT(orphan_is_held_by_name(one));
	ASSERT_INT(inode_statx(u.tree, one, &stx), 0);
	EXPECT_INT(stx.stx_nlink, 1);
	EXPECT_INT(create_link(u.writer, one, u.tree->root, "three", &stx), 0);
	EXPECT_INT(stx.stx_nlink, 2);
	EXPECT_VIEW(&u, "three=1\ntwo=1\n");
}

TEST("a nameless file can be written and linked")
{
	UNI(u);
	ASSERT(layers_make("u/d/ l1/e/"));
	UNI_OPEN(u);
	struct inode *inode;
	struct statx stx;
	int fd;
	int r = create_tmpfile(u.writer, &names_root, uni_find(&u, "d"), S_IFREG | 0666, &inode, &stx, &fd);

	if (r == -EOPNOTSUPP)
		SKIP("no O_TMPFILE here");
	ASSERT_INT(r, 0);
	EXPECT_INT(stx.stx_nlink, 0);
	EXPECT_INT(stx.stx_mode, S_IFREG | 0644);
	EXPECT_INT(pwrite(atomic_load(&inode->pinned_fd), "data", 4, 0), 4);
	EXPECT_INT(pwrite(fd, "D", 1, 0), 1);
	close(fd);
	EXPECT_INT(create_link(u.writer, inode, uni_find(&u, "d"), "named", &stx), 0);
	EXPECT_INT(stx.stx_nlink, 1);
	EXPECT_VIEW(&u, "d/\nd/named=Data\ne/\n");
	EXPECT_INT(create_tmpfile(u.writer, &names_root, uni_find(&u, "e"), S_IFREG | 0666, &inode, &stx, &fd),
		   -LOOK_AGAIN);
}

TEST("a nameless file that is kept by a name in the work directory can be written and linked, once")
{
	UNI(u);
	ASSERT(layers_make("u/d/"));
	UNI_OPEN(u);
	u.tree->own_pinned.max = 0;
	struct inode *inode;
	struct statx stx;
	int fd;
	int r = create_tmpfile(u.writer, &names_root, uni_find(&u, "d"), S_IFREG | 0666, &inode, &stx, &fd);

	if (r == -EOPNOTSUPP)
		SKIP("no O_TMPFILE here");
	ASSERT_INT(r, 0);
	EXPECT(orphan_is_held_by_name(inode));
	EXPECT_INT(stx.stx_nlink, 0);
	close(fd);
	fd = inode_open(u.tree, inode, O_RDWR, NULL);
	ASSERT(fd >= 0);
	EXPECT_INT(pwrite(fd, "data", 4, 0), 4);
	close(fd);
	EXPECT_INT(create_link(u.writer, inode, uni_find(&u, "d"), "named", &stx), 0);
	EXPECT_INT(stx.stx_nlink, 1);
	EXPECT_VIEW(&u, "d/\nd/named=data\n");
	ASSERT_INT(names_unlink(&u, "d/named"), 0);
	ASSERT_INT(inode_statx(u.tree, inode, &stx), 0);
	EXPECT_INT(stx.stx_nlink, 0);
	EXPECT_INT(create_link(u.writer, inode, uni_find(&u, "d"), "again", &stx), -ENOENT);
	EXPECT_INT(work_temps(), 1);
	inode_forget(u.tree, inode, inode->nlookup);
	EXPECT_INT(work_temps(), 0);
}

TEST("nothing can be created in a removed directory")
{
	UNI(u);
	ASSERT(layers_make("u/d/ l1/m/ u/m/"));
	UNI_OPEN(u);
	static const char *const dirs[] = {"d", "m"};

	for (int i = 0; i < 2; i++) {
		struct inode *d = uni_find(&u, dirs[i]), *inode;
		struct create_spec spec = {.mode = S_IFREG | 0644};
		struct statx stx;
		int fd;

		ASSERT_INT(names_rmdir(&u, dirs[i]), 0);
		EXPECT_INT(create_entry(u.writer, &names_root, d, "f", &spec, &inode, &stx, &fd), -ENOENT);
		EXPECT_INT(create_tmpfile(u.writer, &names_root, d, 0644, &inode, &stx, &fd), -ENOENT);
	}
	EXPECT_VIEW(&u, "");
}
