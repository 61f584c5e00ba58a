// SPDX-License-Identifier: Apache-2.0
#include "made.h"

#include <sys/mman.h>

#include "image/stream.h"
#include "image/tar.h"
#include "../../../src/image/tar_number.h"

struct opened {
	struct stream *stream;
	struct tar tar;
	struct tar_entry e;
	struct image_error error;
};

static void opened_finish(struct opened *o)
{
	tar_finish(&o->tar);
	stream_free(o->stream);
}

static bool opened_init(struct opened *o, const struct bytes *b)
{
	int fd = memfd_create("tar", MFD_CLOEXEC);

	if (fd < 0 || write(fd, b->data, b->len) != (ssize_t)b->len ||
	    stream_of_file(fd, 0, (int64_t)b->len, &o->stream))
		return false;
	tar_init(&o->tar, o->stream);
	return true;
}

#define OPENED(o, b)                                                                                                   \
	struct opened o __attribute__((cleanup(opened_finish))) = {0};                                                 \
	ASSERT(opened_init(&o, &b))
#define NEXT(o) tar_next(&o.tar, &o.e, &o.error)

TEST("entries come with type, size, mode, owner, time and link, contents are skipped or read")
{
	char text[16] = "";
	BYTES(b);

	made_entry(&b, (struct tar_made){.name = "d/", .type = '5', .mode = 01777, .uid = 7, .gid = 8, .mtime = 99}, "",
		   0);
	made_file(&b, "d/f", "content");
	made_entry(&b, (struct tar_made){.name = "d/l", .type = '2', .link = "../x"}, "", 0);
	made_entry(&b, (struct tar_made){.name = "d/h", .type = '1', .link = "d/f"}, "", 0);
	made_end(&b);
	OPENED(o, b);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_STR(o.e.path, "d/");
	EXPECT_INT(o.e.mode, S_IFDIR | 01777);
	EXPECT_INT(o.e.uid, 7);
	EXPECT_INT(o.e.gid, 8);
	EXPECT_INT(o.e.mtime, 99);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_INT(o.e.size, 7);
	EXPECT_INT(tar_read(&o.tar, text, sizeof(text), &o.error), 7);
	EXPECT_STR(text, "content");
	EXPECT_INT(tar_read(&o.tar, text, sizeof(text), &o.error), 0);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_INT(o.e.mode & S_IFMT, S_IFLNK);
	EXPECT_STR(o.e.link, "../x");
	ASSERT_INT(NEXT(o), 1);
	EXPECT(o.e.hardlink);
	EXPECT_STR(o.e.link, "d/f");
	EXPECT_INT(NEXT(o), 0);
}

TEST("a link, a directory and a device have no content, whatever their size says")
{
	static const char types[] = "123456";
	BYTES(b);

	for (const char *t = types; *t; t++)
		made_header(&b, (struct tar_made){.name = "x", .type = *t, .link = "y", .size = 5000, .mode = 0644});
	made_end(&b);
	OPENED(o, b);
	for (const char *t = types; *t; t++) {
		ASSERT_INT(NEXT(o), 1);
		EXPECT_INT(o.e.size, 0);
	}
	EXPECT_INT(NEXT(o), 0);
}

TEST("names of ustar with a prefix, of GNU and of pax come whole, byte for byte")
{
	static const char odd[] = "new\nline \xff\xfe \xea\xb0\x80 \xe1\x84\x80\xe1\x85\xa1";
	char name[400];
	BYTES(b);

	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = 0;
	made_entry(&b, (struct tar_made){.name = "base", .prefix = "some/where"}, "", 0);
	made_entry(&b, (struct tar_made){.name = "base", .prefix = "no prefix", .gnu = true}, "", 0);
	made_entry(&b, (struct tar_made){.name = "././@LongLink", .type = 'L', .gnu = true}, name, sizeof(name));
	made_entry(&b, (struct tar_made){.name = "nnn", .gnu = true}, "x", 1);
	made_pax(&b, "path", odd, strlen(odd));
	made_file(&b, "short", "x");
	made_file(&b, "after", "x");
	made_end(&b);
	OPENED(o, b);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_STR(o.e.path, "some/where/base");
	ASSERT_INT(NEXT(o), 1);
	EXPECT_STR(o.e.path, "base");
	ASSERT_INT(NEXT(o), 1);
	EXPECT_STR(o.e.path, name);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_STR(o.e.path, odd);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_STR(o.e.path, "after");
	EXPECT_INT(NEXT(o), 0);
}

TEST("values of pax replace those of the header")
{
	BYTES(b);

	made_pax(&b, "mtime", "-1.25", 5);
	made_file(&b, "a", "x");
	made_pax(&b, "uid", "3000000", 7);
	made_file(&b, "b", "x");
	made_end(&b);
	OPENED(o, b);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_INT(o.e.mtime, -2);
	EXPECT_INT(o.e.mtime_nsec, 750000000);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_INT(o.e.uid, 3000000);
	EXPECT_INT(o.e.mtime_nsec, 0);
}

TEST("numbers are octal or binary, and binary ones may be negative or too large")
{
	int64_t n;

	EXPECT(tar_number("0000644\0", 8, &n) && n == 0644);
	EXPECT(tar_number("   644 \0", 8, &n) && n == 0644);
	EXPECT(tar_number("\0\0\0\0\0\0\0\0", 8, &n) && n == 0);
	EXPECT(tar_number("\x80\0\0\0\0\0\0\0\0\0\x01\x02", 12, &n) && n == 0x102);
	EXPECT(tar_number("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xfe", 12, &n) && n == -2);
	EXPECT(!tar_number("\x80\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff", 12, &n));
	EXPECT(!tar_number("0000648\0", 8, &n));
	EXPECT(!tar_number("-000644\0", 8, &n));
	EXPECT(tar_decimal("12.5", &n, &(uint32_t){0}) && n == 12);
	EXPECT(!tar_decimal("12.5", &n, NULL));
	EXPECT(!tar_decimal("99999999999999999999", &n, NULL));
	EXPECT(!tar_decimal("", &n, NULL));
	EXPECT(!tar_decimal("-", &n, NULL));
}

TEST("an archive that is cut off anywhere but between entries is refused")
{
	BYTES(b);

	made_file(&b, "a", "content");
	made_pax(&b, "path", "name", 4);
	made_file(&b, "b", "content");
	for (size_t len = 1; len < b.len; len++) {
		struct bytes cut = {.data = b.data, .len = len};
		OPENED(o, cut);
		int r;

		while ((r = NEXT(o)) > 0)
			;
		/* Between entries, and where a header that is about the next one is the last. */
		if (len % 512 == 0 && (len == 1024 || len == 2048 || len == 512 * 4))
			EXPECT_INT(r, 0);
		else
			EXPECT_INT(r, -EBADMSG);
	}
}

TEST("a wrong checksum, an unknown type and data after the end are refused with a text")
{
	BYTES(sum);
	BYTES(type);
	BYTES(after);

	made_file(&sum, "a", "x");
	sum.data[0] = 'b';
	OPENED(one, sum);
	EXPECT_INT(NEXT(one), -EBADMSG);
	EXPECT_STR(one.error.text, "malformed archive: wrong checksum of a header");
	made_entry(&type, (struct tar_made){.name = "a", .type = '\n'}, "", 0);
	OPENED(two, type);
	EXPECT_INT(NEXT(two), -EBADMSG);
	EXPECT_STR(two.error.text, "malformed archive: an entry of type \"\\x0a\"");
	bytes_zeros(&after, 512);
	made_file(&after, "a", "x");
	OPENED(three, after);
	EXPECT_INT(NEXT(three), -EBADMSG);
}

TEST("malformed and huge pax headers are refused")
{
	static const char *const records[] = {"",
					      "5",
					      "x a=b\n",
					      "7 a=b\n",
					      "6 a=b\n6 =b\n",
					      "5 ab\n",
					      "99999999999999999999 a=b\n",
					      "15 size=-1234\n\n",
					      "12 size=abc\n",
					      "0 a=b\n",
					      "6 a=b\n\0"};

	for (size_t i = 1; i < sizeof(records) / sizeof(*records) - 1; i++) {
		BYTES(b);

		made_entry(&b, (struct tar_made){.name = "pax", .type = 'x'}, records[i], strlen(records[i]));
		made_file(&b, "a", "x");
		OPENED(o, b);
		if (NEXT(o) != -EBADMSG)
			UNIT_FAIL("taken: %s", records[i]);
	}
	BYTES(huge);
	made_header(&huge, (struct tar_made){.name = "pax", .type = 'x', .size = 2 << 20});
	bytes_zeros(&huge, 2 << 20);
	OPENED(o, huge);
	EXPECT_INT(NEXT(o), -E2BIG);
}

TEST("a sparse file has the size that it would have")
{
	char block[512];
	BYTES(b);

	made_entry(&b, (struct tar_made){.name = "old", .type = 'S', .gnu = true}, "0123456789", 10);
	memcpy(block, b.data, 512);
	memset(block + 345, 0, 167);
	snprintf(block + 483, 12, "%011o", 1 << 20);
	made_sum(block);
	memcpy(b.data, block, 512);
	made_pax(&b, "GNU.sparse.realsize", "5000", 4);
	made_file(&b, "new", "map and data");
	made_end(&b);
	OPENED(o, b);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_INT(o.e.size, 1 << 20);
	EXPECT_INT(o.e.stored, 10);
	ASSERT_INT(NEXT(o), 1);
	EXPECT_STR(o.e.path, "new");
	EXPECT_INT(o.e.size, 5000);
	EXPECT(o.e.sparse);
	EXPECT_INT(NEXT(o), 0);
}
