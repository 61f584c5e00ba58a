/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Xattr flags as they are found on an object, and the inode numbers that a union of several file systems shows.
 */
#include "fixture.h"

static unsigned xattr_flags_of(struct fixture *f, const char *name)
{
	unsigned xattr_flags = ~0U;
	int ret = layer_read_xattr_flags(f->set, &f->set->layers[0], f->set->layers[0].root_fd, name, &xattr_flags);

	EXPECT_INT(ret, 0);
	return xattr_flags;
}

TEST("an object without attributes has no flags")
{
	FIXTURE(f);
	ASSERT(make_file("l1/file", "", 0644) && !symlink("x", "l1/link") && !mkfifo("l1/fifo", 0644));
	EXPECT_OPENS(&f, "lowerdir=l1");
	EXPECT_INT(xattr_flags_of(&f, "file"), 0);
	EXPECT_INT(xattr_flags_of(&f, "link"), 0);
	EXPECT_INT(xattr_flags_of(&f, "fifo"), 0);
	EXPECT_INT(xattr_flags_of(&f, ""), 0);
}

TEST("a missing object is an error")
{
	FIXTURE(f);
	unsigned xattr_flags = 5;
	EXPECT_OPENS(&f, "lowerdir=l1");
	EXPECT_INT(layer_read_xattr_flags(f.set, &f.set->layers[0], f.set->layers[0].root_fd, "gone", &xattr_flags),
		   -ENOENT);
	EXPECT_INT(xattr_flags, 5);
}

TEST("opaque is y, x announces whiteouts of the attribute form, any other value says nothing")
{
	FIXTURE(f);
	NEEDS_ROOT();
	static const struct {
		const char *name, *value;
		unsigned xattr_flags;
	} table[] = {{"y", "y", XATTR_FLAG_OPAQUE},
		     {"x", "x", XATTR_FLAG_XWHITEOUTS},
		     {"n", "n", 0},
		     {"long", "yy", 0},
		     {"none", "", 0}};
	char path[32];

	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
		snprintf(path, sizeof(path), "l1/%s", table[i].name);
		ASSERT_INT(mkdir(path, 0755), 0);
		ASSERT_INT(setxattr(path, "trusted.overlay.opaque", table[i].value, strlen(table[i].value), 0), 0);
	}
	EXPECT_OPENS(&f, "lowerdir=l1");
	for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++)
		EXPECT_INT(xattr_flags_of(&f, table[i].name), table[i].xattr_flags);
}

TEST("fuse-overlayfs's own opaque xattr counts with the aufs dialect only, and is no user's attribute then")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(!mkdir("l1/y", 0755) && !mkdir("l1/n", 0755));
	ASSERT_INT(setxattr("l1/y", "user.fuseoverlayfs.opaque", "y", 1, 0), 0);
	ASSERT_INT(setxattr("l1/n", "user.fuseoverlayfs.opaque", "n", 1, 0), 0);
	EXPECT_OPENS(&f, "lowerdir=l1");
	EXPECT_INT(xattr_flags_of(&f, "y"), XATTR_FLAG_OTHER_XATTR);
	EXPECT_OPENS(&f, "lowerdir=l1,whiteouts=both");
	EXPECT_INT(xattr_flags_of(&f, "y"), XATTR_FLAG_OPAQUE);
	EXPECT_INT(xattr_flags_of(&f, "n"), 0);
}

static bool set(const char *path, const char *xattr, const char *value)
{
	return !lsetxattr(path, xattr, value, strlen(value), 0);
}

TEST("each flag is told apart, in one reading")
{
	FIXTURE(f);
	NEEDS_ROOT();
	static const char cap[] = "\1\0\0\2\0\4\0\0\0\0\0\0\0\0\0\0\0\0\0\0";
	ASSERT(make_file("l1/f", "", 0644) && make_file("l1/cap", "", 0755) && make_file("l1/wh", "", 0644));
	ASSERT(set("l1/f", "trusted.overlay.redirect", "/a") && set("l1/f", "trusted.overlay.metacopy", "") &&
	       set("l1/f", "trusted.overlay.origin", "x") && set("l1/f", "trusted.overlay.impure", "y") &&
	       set("l1/wh", "trusted.overlay.whiteout", "y") && set("l1/wh", "trusted.overlay.protattr", "i"));
	ASSERT_INT(setxattr("l1/cap", "security.capability", cap, 20, 0), 0);
	EXPECT_OPENS(&f, "lowerdir=l1");
	EXPECT_INT(xattr_flags_of(&f, "f"),
		   XATTR_FLAG_REDIRECT | XATTR_FLAG_METACOPY | XATTR_FLAG_ORIGIN | XATTR_FLAG_IMPURE);
	EXPECT_INT(xattr_flags_of(&f, "wh"), XATTR_FLAG_WHITEOUT | XATTR_FLAG_PROTATTR);
	EXPECT_INT(xattr_flags_of(&f, "cap"), XATTR_FLAG_CAPABILITY);
}

TEST("ACLs are seen")
{
	FIXTURE(f);
	static const unsigned char acl[] = "\2\0\0\0"
					   "\1\0\7\0\377\377\377\377"
					   "\2\0\4\0\5\0\0\0"
					   "\4\0\7\0\377\377\377\377"
					   "\x10\0\7\0\377\377\377\377"
					   "\x20\0\7\0\377\377\377\377";
	ASSERT_INT(mkdir("l1/d", 0755), 0);
	if (setxattr("l1/d", "system.posix_acl_access", acl, sizeof(acl) - 1, 0) < 0)
		SKIP("no ACLs on this file system");
	ASSERT_INT(setxattr("l1/d", "system.posix_acl_default", acl, sizeof(acl) - 1, 0), 0);
	EXPECT_OPENS(&f, "lowerdir=l1");
	EXPECT_INT(xattr_flags_of(&f, "d"), XATTR_FLAG_ACL | XATTR_FLAG_DEFAULT_ACL);
}

TEST("xattrs of the namespace that isn't active are ordinary attributes, and so are escaped ones")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(!mkdir("l1/t", 0755) && !mkdir("l1/u", 0755) && !mkdir("l1/esc", 0755));
	ASSERT(set("l1/t", "trusted.overlay.opaque", "y") && set("l1/u", "user.overlay.opaque", "y") &&
	       set("l1/esc", "trusted.overlay.overlay.opaque", "y"));
	EXPECT_OPENS(&f, "lowerdir=l1");
	EXPECT_INT(xattr_flags_of(&f, "t"), XATTR_FLAG_OPAQUE);
	EXPECT_INT(xattr_flags_of(&f, "u"), XATTR_FLAG_OTHER_XATTR);
	EXPECT_INT(xattr_flags_of(&f, "esc"), XATTR_FLAG_OTHER_XATTR);
	EXPECT_OPENS(&f, "lowerdir=l1,userxattr");
	EXPECT_INT(xattr_flags_of(&f, "t"), XATTR_FLAG_OTHER_XATTR);
	EXPECT_INT(xattr_flags_of(&f, "u"), XATTR_FLAG_OPAQUE);
}

TEST("a list of names longer than a kilobyte is read whole")
{
	FIXTURE(f);
	NEEDS_ROOT();
	char name[300];
	ASSERT_INT(mkdir("l1/d", 0755), 0);
	for (int i = 0; i < 15; i++) {
		snprintf(name, sizeof(name), "user.%0100d", i);
		ASSERT(set("l1/d", name, ""));
	}
	ASSERT(set("l1/d", "trusted.overlay.opaque", "y"));
	EXPECT_OPENS(&f, "lowerdir=l1");
	EXPECT_INT(xattr_flags_of(&f, "d"), XATTR_FLAG_OPAQUE | XATTR_FLAG_OTHER_XATTR);
}

TEST("layers of one file system keep their inode numbers")
{
	FIXTURE(f);
	EXPECT_OPENS(&f, "lowerdir=l1:l2");
	EXPECT_INT(f.set->n_fs, 1);
	EXPECT_INT(number_of(f.set, 1, 4711), 4711);
}

static void several_fs(void)
{
	FIXTURE(f);
	uint64_t on_tmpfs, on_disk, folded;
	ASSERT_INT(mount("t", "l2", "tmpfs", 0, ""), 0);
	EXPECT_OPENS(&f, "lowerdir=l1:l2");
	EXPECT_INT(f.set->n_fs, 2);
	on_disk = number_of(f.set, 0, 42);
	on_tmpfs = number_of(f.set, 1, 42);
	EXPECT(on_disk != on_tmpfs);
	EXPECT_INT(on_disk & 0xffffffffffff, 42);
	EXPECT_INT(on_tmpfs & 0xffffffffffff, 42);
	EXPECT(on_disk >> 48 && on_tmpfs >> 48 && !(on_disk >> 63) && !(on_tmpfs >> 63));
	folded = number_of(f.set, 1, UINT64_C(0xfedcba9876543210));
	EXPECT_INT(folded, number_of(f.set, 1, UINT64_C(0xfedcba9876543210)));
	EXPECT(folded >> 48 == on_tmpfs >> 48);
	EXPECT_OPENS(&f, "lowerdir=l2:l3:l1");
	EXPECT_INT(number_of(f.set, 0, 42), on_tmpfs);
	EXPECT_INT(number_of(f.set, 1, 42), on_disk);
	fixture_close(&f);
	EXPECT_INT(umount("l2"), 0);
}

TEST("layers of several file systems get numbers that differ and stay the same in another order")
{
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, several_fs);
}

TEST("redirects: trusted ones are followed and made unless it is said otherwise, those of users only on request")
{
	static const struct {
		const char *options;
		bool follow, make;
	} rows[] = {
		{"", true, true},
		{",redirect_dir=on", true, true},
		{",redirect_dir=follow", true, false},
		{",redirect_dir=off", true, false},
		{",redirect_dir=nofollow", false, false},
		{",userxattr", false, false},
		{",userxattr,redirect_dir=off", false, false},
		{",userxattr,redirect_dir=nofollow", false, false},
		{",userxattr,redirect_dir=follow", true, false},
		{",userxattr,redirect_dir=on", true, true},
	};

	NEEDS_ROOT();
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FIXTURE(f);
		char text[128];

		snprintf(text, sizeof(text), "lowerdir=l1,upperdir=u,workdir=w%s", rows[i].options);
		ASSERT_INT(fixture_open(&f, text), 0);
		EXPECT_INT(f.set->follow_redirects, rows[i].follow);
		EXPECT_INT(f.set->make_redirects, rows[i].make);
	}
}
