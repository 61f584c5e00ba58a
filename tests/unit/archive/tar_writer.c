// SPDX-License-Identifier: Apache-2.0
/* What the writer writes is read by libarchive, whose tar reader is no code of plyfs. */
#include "archive/tar_writer.h"

#include <archive.h>
#include <archive_entry.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "unit.h"

struct written {
	char data[65536];
	size_t len;
};

static int keep(void *arg, const void *data, size_t len)
{
	struct written *w = arg;

	if (w->len + len > sizeof(w->data))
		return -ENOSPC;
	memcpy(w->data + w->len, data, len);
	w->len += len;
	return 0;
}

static void write_one(struct written *w, const struct tar_object *o, const char *content)
{
	struct tar_writer tar;

	w->len = 0;
	tar_writer_init(&tar, keep, w);
	EXPECT_INT(tar_writer_object(&tar, o), 0);
	if (content) {
		_cleanup_close_ int fd = memfd_create("content", MFD_CLOEXEC);

		EXPECT_INT(write(fd, content, strlen(content)), (long)strlen(content));
		EXPECT_INT(tar_writer_content(&tar, fd, (int64_t)strlen(content)), 0);
	}
	EXPECT_INT(tar_writer_end(&tar), 0);
	tar_writer_finish(&tar);
}

static struct archive *read_one(const struct written *w, struct archive_entry **ret)
{
	struct archive *a = archive_read_new();

	archive_read_support_format_tar(a);
	EXPECT_INT(archive_read_open_memory(a, w->data, w->len), ARCHIVE_OK);
	EXPECT_INT(archive_read_next_header(a, ret), ARCHIVE_OK);
	return a;
}

TEST("a plain file is a header and its content, without pax")
{
	static struct written w;
	struct archive_entry *e;

	write_one(&w,
		  &(struct tar_object){
			  .path = "a/b", .mode = S_IFREG | 04755, .uid = 1, .gid = 2, .size = 5, .mtime = 77},
		  "hello");
	EXPECT_INT(w.len, 512 + 512 + 1024);
	struct archive *a = read_one(&w, &e);
	EXPECT_STR(archive_entry_pathname(e), "a/b");
	EXPECT_INT(archive_entry_mode(e), S_IFREG | 04755);
	EXPECT_INT(archive_entry_uid(e), 1);
	EXPECT_INT(archive_entry_gid(e), 2);
	EXPECT_INT(archive_entry_size(e), 5);
	EXPECT_INT(archive_entry_mtime(e), 77);
	archive_read_free(a);
}

TEST("large ids, sizes and times come back")
{
	static struct written w;
	struct archive_entry *e;

	w.len = 0;
	struct tar_writer tar;
	tar_writer_init(&tar, keep, &w);
	EXPECT_INT(tar_writer_object(&tar, &(struct tar_object){.path = "x",
								.mode = S_IFREG | 0600,
								.uid = 4000000000u,
								.gid = 3000000,
								.size = 100000000000,
								.mtime = -5,
								.mtime_nsec = 250000000}),
		   0);
	tar_writer_finish(&tar);
	struct archive *a = read_one(&w, &e);
	EXPECT_INT(archive_entry_uid(e), 4000000000);
	EXPECT_INT(archive_entry_gid(e), 3000000);
	EXPECT_INT(archive_entry_size(e), 100000000000);
	/* -5 s and a quarter is "-4.75" */
	EXPECT(memmem(w.data, w.len, "mtime=-4.75\n", 12));
	archive_read_free(a);
}

TEST("a fraction of a second is written without zeros at its end")
{
	static struct written w;

	write_one(&w, &(struct tar_object){.path = "x", .mode = S_IFDIR | 0755, .mtime = 5, .mtime_nsec = 120000000},
		  NULL);
	EXPECT(memmem(w.data, w.len, "15 mtime=5.12\n", 14) || memmem(w.data, w.len, "14 mtime=5.12\n", 14));
	write_one(&w, &(struct tar_object){.path = "x", .mode = S_IFDIR | 0755, .mtime = -1, .mtime_nsec = 500000000},
		  NULL);
	EXPECT(memmem(w.data, w.len, "mtime=-0.5\n", 11));
}

TEST("long names and targets come back, whatever their bytes are")
{
	static struct written w;
	struct archive_entry *e;
	char path[400], link[300];

	for (size_t len = 90; len < sizeof(path); len += 13) {
		memset(path, 'n', len);
		path[len] = 0;
		if (len > 200)
			path[len / 2] = path[len / 3] = '/';
		else
			path[30] = '/';
		memset(link, 'l', sizeof(link) - 1);
		link[len % 299] = 0;
		write_one(&w, &(struct tar_object){.path = path, .mode = S_IFLNK | 0777, .link = link}, NULL);
		struct archive *a = read_one(&w, &e);
		EXPECT_STR(archive_entry_pathname(e), path);
		EXPECT_STR(archive_entry_symlink(e), link);
		archive_read_free(a);
	}
}

TEST("xattrs come back with all bytes")
{
	static struct written w;
	struct archive_entry *e;
	const struct tar_xattr list[] = {{"security.capability", "\0\1\2\n", 4}, {"user.empty", "", 0}};
	const char *name;
	const void *value;
	size_t size;

	write_one(&w, &(struct tar_object){.path = "x", .mode = S_IFDIR | 0755, .xattrs = list, .n_xattrs = 2}, NULL);
	struct archive *a = read_one(&w, &e);
	EXPECT_INT(archive_entry_xattr_count(e), 2);
	archive_entry_xattr_reset(e);
	for (int i = 0; i < 2; i++) {
		EXPECT_INT(archive_entry_xattr_next(e, &name, &value, &size), ARCHIVE_OK);
		if (!strcmp(name, "security.capability"))
			EXPECT(size == 4 && !memcmp(value, "\0\1\2\n", 4));
		else
			EXPECT_INT(size, 0);
	}
	archive_read_free(a);
}

TEST("devices and hard links come back; a socket is refused")
{
	static struct written w;
	struct archive_entry *e;
	struct tar_writer tar;

	write_one(&w, &(struct tar_object){.path = "null", .mode = S_IFCHR | 0666, .major = 1, .minor = 300}, NULL);
	struct archive *a = read_one(&w, &e);
	EXPECT_INT(archive_entry_rdevmajor(e), 1);
	EXPECT_INT(archive_entry_rdevminor(e), 300);
	archive_read_free(a);
	write_one(&w,
		  &(struct tar_object){.path = "b", .link = "a", .hardlink = true, .mode = S_IFREG | 0644, .size = 7},
		  NULL);
	a = read_one(&w, &e);
	EXPECT_STR(archive_entry_hardlink(e), "a");
	archive_read_free(a);
	tar_writer_init(&tar, keep, &w);
	EXPECT_INT(tar_writer_object(&tar, &(struct tar_object){.path = "s", .mode = S_IFSOCK | 0644}), -EINVAL);
	tar_writer_finish(&tar);
}
