/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two unions of one host over one scripted /dev/fuse: each is a directory of the host's root. They have the same lower
 * layers and an upper each.
 */
#include "device.h"

#include "layer/no_xattrs.h"

static void several(struct host_options *host, struct fs_options *opt)
{
	host->several = true;
	opt->name = "a";
}

static bool make_unions(struct device *d)
{
	d->second = "lowerdir=l1:l2,upperdir=u2,workdir=w2";
	return mkdir("u2", 0755) == 0 && mkdir("w2", 0755) == 0 &&
	       device_open_with(d, "lowerdir=l1:l2,upperdir=u,workdir=w", several) && device_init(d, DEVICE_FLAGS) == 0;
}

#define UNIONS(d, a, b)                                                                                                \
	DEVICE(d);                                                                                                     \
	uint64_t a, b;                                                                                                 \
	ASSERT(make_file("l1/f", "lower", 0644) && mkdir("l1/d", 0755) == 0 && make_file("l1/d/g", "deep", 0644));     \
	ASSERT(make_unions(d));                                                                                        \
	a = device_lookup(d, FUSE_ROOT_ID, "a", NULL);                                                                 \
	b = device_lookup(d, FUSE_ROOT_ID, "b", NULL);                                                                 \
	ASSERT(a &&b &&a != b)

/* The number of a name in a listing, or 0. */
static uint64_t listed(struct device *d, uint64_t dir, const char *name)
{
	struct fuse_read_in in = {.size = 4096};

	if (device_call(d, FUSE_READDIR, dir, PART(in), PART_NONE, PART_NONE) < 0)
		return 0;
	for (size_t at = 0; at + FUSE_NAME_OFFSET < d->size;) {
		struct fuse_dirent entry;

		memcpy(&entry, d->body + at, sizeof(entry));
		if (entry.namelen == strlen(name) && !memcmp(d->body + at + FUSE_NAME_OFFSET, name, entry.namelen))
			return entry.ino;
		at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
	}
	return 0;
}

static int make_dir(struct device *d, uint64_t parent, const char *name)
{
	struct fuse_mkdir_in in = {.mode = 0755};

	return device_call(d, FUSE_MKDIR, parent, PART(in), PART_NAME(name), PART_NONE);
}

static int rename_to(struct device *d, uint64_t parent, const char *name, uint64_t newparent, const char *newname)
{
	struct fuse_rename2_in in = {.newdir = newparent};

	return device_call(d, FUSE_RENAME2, parent, PART(in), PART_NAME(name), PART_NAME(newname));
}

static int link_to(struct device *d, uint64_t node, uint64_t parent, const char *name)
{
	struct fuse_link_in in = {.oldnodeid = node};

	return device_call(d, FUSE_LINK, parent, PART(in), PART_NAME(name), PART_NONE);
}

TEST("the root shows the unions by their names, and nothing else can be done with it")
{
	struct fuse_attr attr;
	UNIONS(d, a, b);

	EXPECT(listed(d, FUSE_ROOT_ID, ".") && listed(d, FUSE_ROOT_ID, ".."));
	EXPECT(listed(d, FUSE_ROOT_ID, "a") && listed(d, FUSE_ROOT_ID, "b"));
	EXPECT_INT(listed(d, FUSE_ROOT_ID, "f"), 0);
	EXPECT_INT(device_lookup(d, FUSE_ROOT_ID, "c", NULL), 0);
	EXPECT_INT(d->error, -ENOENT);
	ASSERT_INT(device_getattr(d, FUSE_ROOT_ID, &attr), 0);
	EXPECT_INT(attr.mode, S_IFDIR | 0555);
	EXPECT_INT(attr.nlink, 4);
	EXPECT_INT(make_dir(d, FUSE_ROOT_ID, "c"), -EOPNOTSUPP);
	EXPECT_INT(device_call(d, FUSE_RMDIR, FUSE_ROOT_ID, PART_NAME("a"), PART_NONE, PART_NONE), -EOPNOTSUPP);
	EXPECT_INT(rename_to(d, FUSE_ROOT_ID, "a", FUSE_ROOT_ID, "c"), -EOPNOTSUPP);
	EXPECT_INT(device_call(d, FUSE_STATFS, FUSE_ROOT_ID, PART_NONE, PART_NONE, PART_NONE), 0);
}

TEST("a listing of the root in pieces has each name once")
{
	struct fuse_read_in in = {.size = 2 * FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + 1)};
	unsigned names = 0;
	UNIONS(d, a, b);

	for (unsigned i = 0; i < 5; i++) {
		ASSERT_INT(device_call(d, FUSE_READDIR, FUSE_ROOT_ID, PART(in), PART_NONE, PART_NONE), 0);
		for (size_t at = 0; at < d->size; names++) {
			struct fuse_dirent entry;

			memcpy(&entry, d->body + at, sizeof(entry));
			in.offset = entry.off;
			at += FUSE_DIRENT_ALIGN(FUSE_NAME_OFFSET + entry.namelen);
		}
	}
	EXPECT_INT(names, 4);
}

TEST("a file of a layer that both unions have is two files, with two numbers")
{
	struct fuse_entry_out in_a, in_b;
	UNIONS(d, a, b);

	ASSERT(device_lookup(d, a, "f", &in_a) && device_lookup(d, b, "f", &in_b));
	EXPECT(in_a.nodeid != in_b.nodeid && in_a.attr.ino != in_b.attr.ino);
	EXPECT_INT(listed(d, a, "f"), in_a.attr.ino);
	EXPECT_INT(listed(d, b, "f"), in_b.attr.ino);
	EXPECT(listed(d, a, ".") != listed(d, b, "."));
	EXPECT_INT(listed(d, FUSE_ROOT_ID, "a"), listed(d, a, "."));
	ASSERT_INT(device_write(d, in_a.nodeid, 0, "L", 0), 1);
	ASSERT_INT(device_read(d, in_a.nodeid, 0, 100), 5);
	EXPECT_MEM(d->body, "Lower", 5);
	ASSERT_INT(device_read(d, in_b.nodeid, 0, 100), 5);
	EXPECT_MEM(d->body, "lower", 5);
	EXPECT(exists("u/f") && !exists("u2/f"));
}

TEST("nothing moves from one union to the other, and nothing is copied up for the attempt")
{
	struct fuse_copy_file_range_in copy = {.len = 5};
	uint64_t f, g;
	UNIONS(d, a, b);

	f = device_lookup(d, a, "f", NULL);
	g = device_lookup(d, b, "f", NULL);
	ASSERT(f && g);
	EXPECT_INT(rename_to(d, a, "f", b, "h"), -EXDEV);
	EXPECT_INT(rename_to(d, b, "d", a, "h"), -EXDEV);
	EXPECT_INT(rename_to(d, a, "f", FUSE_ROOT_ID, "h"), -EXDEV);
	EXPECT_INT(link_to(d, f, b, "h"), -EXDEV);
	EXPECT_INT(link_to(d, f, FUSE_ROOT_ID, "h"), -EXDEV);
	copy.nodeid_out = g;
	EXPECT_INT(device_call(d, FUSE_COPY_FILE_RANGE, f, PART(copy), PART_NONE, PART_NONE), -EXDEV);
	EXPECT_INT(count_entries("u"), 0);
	EXPECT_INT(count_entries("u2"), 0);
	EXPECT_INT(rename_to(d, a, "f", a, "h"), 0);
	EXPECT_INT(link_to(d, g, b, "h"), 0);
	EXPECT(exists("u/h") && exists("u2/h"));
}

TEST("what is forgotten of one union is still known of the other, and its id is stale")
{
	struct fuse_forget_in forget = {.nlookup = 1};
	struct fuse_attr attr;
	uint64_t f, g;
	UNIONS(d, a, b);

	f = device_lookup(d, a, "f", NULL);
	g = device_lookup(d, b, "f", NULL);
	ASSERT(f && g);
	ASSERT(device_send(d, FUSE_FORGET, f, PART(forget), PART_NONE, PART_NONE));
	EXPECT_INT(device_getattr(d, f, &attr), -ESTALE);
	EXPECT_INT(device_getattr(d, g, &attr), 0);
	EXPECT_INT(device_getattr(d, UINT64_C(1) << 40 | 77, &attr), -ESTALE);
	EXPECT_INT(device_getattr(d, 50000000, &attr), -ESTALE);
	ASSERT(device_send(d, FUSE_FORGET, a, PART(forget), PART_NONE, PART_NONE));
	EXPECT_INT(device_lookup(d, FUSE_ROOT_ID, "a", NULL), a);
}

TEST("while one union is frozen the other one changes")
{
	UNIONS(d, a, b);

	ASSERT_INT(fs_freeze(d->fs, 1000), 0);
	EXPECT_INT(make_dir(d, b, "new"), 0);
	EXPECT(exists("u2/new") && !exists("u/new"));
	fs_thaw(d->fs);
	EXPECT_INT(make_dir(d, a, "new"), 0);
	EXPECT(exists("u/new"));
}

TEST("the end of one union's requests leaves those of the other waiting")
{
	struct fuse_mkdir_in in = {.mode = 0755};
	struct fs_figures figures;
	uint64_t waits;
	UNIONS(d, a, b);

	ASSERT_INT(fs_freeze(d->second_fs, 1000), 0);
	waits = device_send(d, FUSE_MKDIR, b, PART(in), PART_NAME("new"), PART_NONE);
	do {
		usleep(1000);
		fs_figures(d->second_fs, &figures);
	} while (!figures.changes_waiting);
	fs_figures(d->fs, &figures);
	EXPECT_INT(figures.changes_waiting, 0);
	fs_quiesce(d->fs);
	EXPECT_INT(make_dir(d, a, "new"), 0);
	EXPECT(exists("u/new") && !exists("u2/new"));
	fs_thaw(d->second_fs);
	EXPECT_INT(device_receive(d), waits);
	EXPECT_INT(d->error, 0);
	EXPECT(exists("u2/new"));
}

TEST("each union counts its own requests")
{
	uint64_t before[2], f;
	UNIONS(d, a, b);

	f = device_lookup(d, a, "f", NULL);
	ASSERT(f);
	before[0] = fs_counter(d->fs, COUNTER_READ);
	before[1] = fs_counter(d->second_fs, COUNTER_READ);
	ASSERT_INT(device_read(d, f, 0, 100), 5);
	EXPECT_INT(fs_counter(d->fs, COUNTER_READ), before[0] + 1);
	EXPECT_INT(fs_counter(d->second_fs, COUNTER_READ), before[1]);
	ASSERT_INT(device_write(d, f, 0, "L", 0), 1);
	EXPECT_INT(fs_counter(d->fs, COUNTER_COPY_UP), 1);
	EXPECT_INT(fs_counter(d->second_fs, COUNTER_COPY_UP), 0);
}

static void few_descriptors(struct host_options *host, struct fs_options *opt)
{
	several(host, opt);
	host->max_fds = 400;
}

/* Reads so many files of the union, each of which stays open. */
static void read_files(struct device *d, uint64_t dir, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		char name[32];
		uint64_t node;

		snprintf(name, sizeof(name), "file%u", i);
		node = device_lookup(d, dir, name, NULL);
		ASSERT_INT(device_read(d, node, 0, 100), 1);
	}
}

TEST("the unions of a host share its descriptors, and each has the least")
{
	struct fs_figures of_a, of_b;
	uint64_t a, b;
	DEVICE(d);

	for (unsigned i = 0; i < 200; i++) {
		char name[32];

		snprintf(name, sizeof(name), "l1/file%u", i);
		ASSERT(make_file(name, "x", 0644));
	}
	d->second = "lowerdir=l1:l2,upperdir=u2,workdir=w2";
	ASSERT(mkdir("u2", 0755) == 0 && mkdir("w2", 0755) == 0);
	ASSERT(device_open_with(d, "lowerdir=l1:l2,upperdir=u,workdir=w", few_descriptors));
	ASSERT_INT(device_init(d, DEVICE_FLAGS), 0);
	a = device_lookup(d, FUSE_ROOT_ID, "a", NULL);
	b = device_lookup(d, FUSE_ROOT_ID, "b", NULL);
	read_files(d, a, 200);
	fs_figures(d->fs, &of_a);
	EXPECT(of_a.files_open > 32 && of_a.files_open < 100);
	read_files(d, b, 200);
	fs_figures(d->fs, &of_a);
	fs_figures(d->second_fs, &of_b);
	EXPECT(of_b.files_open >= 16 && of_b.files_open <= 17);
	read_files(d, a, 100);
	fs_figures(d->fs, &of_a);
	EXPECT(of_a.files_open + of_b.files_open < 100);
	read_files(d, b, 200);
	fs_figures(d->second_fs, &of_b);
	EXPECT(of_b.files_open >= 16);
}

static int get_xattr(struct device *d, uint64_t node)
{
	struct fuse_getxattr_in in = {.size = 64};

	return device_call(d, FUSE_GETXATTR, node, PART(in), PART_NAME("user.x"), PART_NONE);
}

TEST("a union without any attribute doesn't end the kernel's questions about those of the other")
{
	uint64_t a, b;
	DEVICE(d);

	ASSERT(mkdir("overlay", 0755) == 0 && mkdir("overlay/l", 0755) == 0);
	ASSERT(mkdir("overlay/l/CHECO6EITI6ZRDV5U7UHEUBNSA", 0755) == 0);
	ASSERT(setxattr("l1", "user.x", "y", 1, 0) == 0);
	d->second = "lowerdir=overlay/l/CHECO6EITI6ZRDV5U7UHEUBNSA:l2";
	ASSERT(device_open_with(d, "lowerdir=l1:l2", several));
	ASSERT_INT(device_init(d, DEVICE_FLAGS), 0);
	a = device_lookup(d, FUSE_ROOT_ID, "a", NULL);
	b = device_lookup(d, FUSE_ROOT_ID, "b", NULL);
	ASSERT(a && b && d->second_f.set->no_xattrs);
	while (!layer_has_no_xattrs(d->second_f.set))
		usleep(1000);
	EXPECT_INT(get_xattr(d, b), -ENODATA);
	EXPECT_INT(get_xattr(d, a), 0);
	layer_no_xattrs_stop(d->second_f.set);
}

TEST("a host of several unions takes none without a name, and no name twice; one of a single takes no second")
{
	struct fs_options opt;
	struct host *host;
	struct fs *fs;
	UNIONS(d, a, b);

	opt = device_options(d->f.set);
	EXPECT_INT(fs_new(d->host, d->f.set, &opt, &fs), -EINVAL);
	opt.name = "b";
	EXPECT_INT(fs_new(d->host, d->f.set, &opt, &fs), -EEXIST);
	ASSERT_INT(host_new(&(struct host_options){.acl = true, .answers_open = true, .max_fds = 1024}, &host), 0);
	EXPECT_INT(fs_new(host, d->f.set, &opt, &fs), -EINVAL);
	opt.name = NULL;
	ASSERT_INT(fs_new(host, d->f.set, &opt, &fs), 0);
	fs_free(fs);
	host_free(host);
}
