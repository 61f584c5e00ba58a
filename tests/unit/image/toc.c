// SPDX-License-Identifier: Apache-2.0
#include "made.h"

#include <sys/resource.h>
#include <sys/wait.h>

#include "image/toc.h"

#define TOC(var) struct image_toc *var __attribute__((cleanup(image_toc_cleanup))) = NULL

/* The table of the one layer of an image, whose tar is given. */
static int read_toc(struct made *m, struct image_toc **ret, struct image_error *error)
{
	struct folder f = {.path = "/tmp/plyfs-image-XXXXXX"};
	struct image *image = NULL;
	int r;

	if (os_init() < 0 || !mkdtemp(f.path))
		return -EIO;
	m->n = 1;
	made_layout(m, &f);
	r = image_open_in(IMAGE_OCI, f.path, NULL, &image, error);
	if (r == 0)
		r = image_toc_read(image, 0, ret, error);
	image_free(image);
	folder_finish(&f);
	return r;
}

static const struct image_toc_entry *found(const struct image_toc *toc, const char *path)
{
	static const struct image_toc_entry none;
	const struct image_toc_entry *e = image_toc_find(toc, path);

	if (!e)
		UNIT_FAIL("no entry %s", path);
	return e ? e : &none;
}

TEST("a table has each path once, whatever its order, and directories before what is in them")
{
	static const char *const want[] = {"", "a", "a/b", "a/b/c", "a b", "a.x", "z"};
	struct image_error error = {0};
	MADE(m);
	TOC(toc);

	made_file(&m.tar[0], "./z", "z");
	made_file(&m.tar[0], "a.x", "x");
	made_file(&m.tar[0], "a b", "x");
	made_file(&m.tar[0], "a/./b//c", "old");
	made_file(&m.tar[0], "a/b/c", "newest");
	made_dir(&m.tar[0], "a/");
	made_end(&m.tar[0]);
	ASSERT_INT(read_toc(&m, &toc, &error), 0);
	ASSERT_INT(toc->n_entries, 7);
	for (size_t i = 0; i < 7; i++)
		EXPECT_STR(toc->entries[i].path, want[i]);
	EXPECT_INT(found(toc, "a/b/c")->size, 6);
	EXPECT(found(toc, "")->implied);
	EXPECT(found(toc, "a/b")->implied);
	EXPECT(!found(toc, "a")->implied);
	EXPECT_INT(toc->apparent, 9);
	EXPECT_INT(toc->tar, m.tar[0].len);
	EXPECT(!image_toc_find(toc, "a/"));
	EXPECT(!image_toc_find(toc, "zz"));
}

TEST("whiteouts are told by their meaning, opaque markers in any position, aufs's own names not at all")
{
	struct image_error error = {0};
	MADE(m);
	TOC(toc);

	made_dir(&m.tar[0], "late/");
	made_file(&m.tar[0], "late/x", "x");
	made_file(&m.tar[0], "late/.wh..wh..opq", "");
	made_file(&m.tar[0], "early/.wh..wh..opq", "");
	made_dir(&m.tar[0], "early/");
	made_file(&m.tar[0], "alone/.wh..wh..opq", "");
	made_file(&m.tar[0], "deep/er/.wh.gone", "");
	made_file(&m.tar[0], "both", "x");
	made_file(&m.tar[0], ".wh.both", "");
	made_file(&m.tar[0], ".wh.dir", "");
	made_dir(&m.tar[0], "dir");
	made_dir(&m.tar[0], ".wh..wh.plnk");
	made_file(&m.tar[0], ".wh..wh.aufs", "");
	made_file(&m.tar[0], ".prefetch.landmark", "x");
	made_file(&m.tar[0], "stargz.index.json", "{}");
	made_end(&m.tar[0]);
	ASSERT_INT(read_toc(&m, &toc, &error), 0);
	EXPECT(found(toc, "late")->opaque && !found(toc, "late")->implied);
	EXPECT(found(toc, "early")->opaque && !found(toc, "early")->implied);
	EXPECT(found(toc, "alone")->opaque && found(toc, "alone")->implied);
	EXPECT(found(toc, "deep/er/gone")->whiteout);
	EXPECT(found(toc, "deep/er")->implied);
	EXPECT(S_ISREG(found(toc, "both")->mode) && !found(toc, "both")->whiteout);
	EXPECT(found(toc, "dir")->opaque);
	EXPECT_INT(toc->n_whiteouts, 1);
	EXPECT_INT(toc->n_opaque, 4);
	EXPECT_INT(toc->n_entries, 10);
}

TEST("names with newlines and invalid UTF-8 are kept")
{
	static const char odd[] = "d\xff/new\nline \x1b[2J";
	struct image_error error = {0};
	MADE(m);
	TOC(toc);

	made_pax(&m.tar[0], "path", odd, strlen(odd));
	made_file(&m.tar[0], "short", "x");
	made_end(&m.tar[0]);
	ASSERT_INT(read_toc(&m, &toc, &error), 0);
	EXPECT_INT(found(toc, odd)->size, 1);
}

TEST("names that lead out, absolute ones and a whiteout of nothing are refused in one line")
{
	static const char *const names[] = {"../x",   "a/../../x", "a/..",	   "..",      "/etc/passwd",
					    "a/.wh.", ".wh.",	   "../\n\x1b[2J", "a/.wh..", ".wh..."};

	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
		struct image_error error = {0};
		MADE(m);
		TOC(toc);

		made_file(&m.tar[0], names[i], "x");
		made_end(&m.tar[0]);
		if (read_toc(&m, &toc, &error) != -EBADMSG || !*error.text)
			UNIT_FAIL("taken: %s", names[i]);
		EXPECT(!strpbrk(error.text, "\n\x1b"));
		EXPECT(!toc);
	}
}

TEST("names of very many components are refused quickly, as their directories are too many bytes")
{
	struct image_error error = {0};
	MADE(m);
	TOC(toc);
	BYTES(name);

	for (unsigned i = 0; i < 30000; i++)
		bytes_add(&name, "a/", 2);
	bytes_add(&name, "x", 1);
	for (unsigned i = 0; i < 100; i++) {
		name.data[name.len - 1] = (char)('A' + i % 50);
		made_pax(&m.tar[0], "path", name.data, name.len);
		made_file(&m.tar[0], "short", "x");
	}
	made_end(&m.tar[0]);
	EXPECT_INT(read_toc(&m, &toc, &error), -E2BIG);
}

TEST("hard links name a path of the layer, and one that leads out is refused")
{
	struct image_error error = {0};
	MADE(m);
	MADE(bad);
	TOC(toc);
	TOC(none);

	made_file(&m.tar[0], "a/f", "12345");
	made_entry(&m.tar[0], (struct tar_made){.name = "h", .type = '1', .link = "./a/f"}, "", 0);
	made_entry(&m.tar[0], (struct tar_made){.name = "l", .type = '2', .link = "/../x"}, "", 0);
	made_end(&m.tar[0]);
	ASSERT_INT(read_toc(&m, &toc, &error), 0);
	EXPECT(found(toc, "h")->hardlink);
	EXPECT_STR(found(toc, "h")->link, "a/f");
	EXPECT_STR(found(toc, "l")->link, "/../x");
	EXPECT_INT(toc->apparent, 5);
	made_entry(&bad.tar[0], (struct tar_made){.name = "h", .type = '1', .link = "../../etc/shadow"}, "", 0);
	made_end(&bad.tar[0]);
	EXPECT_INT(read_toc(&bad, &none, &error), -EBADMSG);
}

TEST("gzip and zstd are read, and both digests are checked")
{
	static const int filters[] = {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD};

	for (size_t i = 0; i < 2; i++) {
		struct image_error error = {0};
		MADE(m);
		TOC(toc);
		TOC(none);

		made_file(&m.tar[0], "f", "content");
		made_end(&m.tar[0]);
		bytes_pack(&m.blob[0], &m.tar[0], filters[i]);
		ASSERT_INT(read_toc(&m, &toc, &error), 0);
		EXPECT_INT(toc->tar, m.tar[0].len);
		EXPECT_INT(toc->compressed, m.blob[0].len);
		EXPECT_INT(found(toc, "f")->size, 7);
		/* The diff_id is that of other bytes: what is zero after the end counts too. */
		bytes_zeros(&m.tar[0], 512);
		EXPECT_INT(read_toc(&m, &none, &error), -EBADMSG);
		EXPECT(strstr(error.text, "has the digest sha256:"));
	}
}

TEST("a compressed layer that is cut off or damaged is refused, byte after byte")
{
	static const int filters[] = {ARCHIVE_FILTER_GZIP, ARCHIVE_FILTER_ZSTD};

	for (size_t i = 0; i < 2; i++) {
		BYTES(packed);
		MADE(m);

		made_file(&m.tar[0], "f", "content");
		made_end(&m.tar[0]);
		bytes_pack(&packed, &m.tar[0], filters[i]);
		for (size_t at = 1; at < packed.len; at++) {
			struct image_error error = {0};
			TOC(cut);
			TOC(wrong);

			m.blob[0].len = 0;
			bytes_add(&m.blob[0], packed.data, at);
			if (read_toc(&m, &cut, &error) != -EBADMSG)
				UNIT_FAIL("cut off at %zu: taken", at);
			m.blob[0].len = 0;
			bytes_add(&m.blob[0], packed.data, packed.len);
			m.blob[0].data[at] ^= 0x55;
			/* Some bytes of a gzip header mean nothing, so the content may be right. */
			if (read_toc(&m, &wrong, &error) != -EBADMSG && !wrong)
				UNIT_FAIL("damaged at %zu: %s", at, error.text);
		}
	}
}

TEST("much that inflates out of little is refused")
{
	struct image_error error = {0};
	MADE(m);
	TOC(toc);
	BYTES(zeros);
	size_t one;

	/* A tar of 1 GB, made of frames of zeros. */
	made_header(&m.tar[0], (struct tar_made){.name = "zeros", .size = 1LL << 30, .mode = 0644});
	bytes_pack(&m.blob[0], &m.tar[0], ARCHIVE_FILTER_ZSTD);
	bytes_zeros(&zeros, 1 << 20);
	one = m.blob[0].len;
	bytes_pack(&m.blob[0], &zeros, ARCHIVE_FILTER_ZSTD);
	one = m.blob[0].len - one;
	for (unsigned i = 1; i < 1024; i++) {
		BYTES(again);

		bytes_add(&again, m.blob[0].data + m.blob[0].len - one, one);
		bytes_add(&m.blob[0], again.data, one);
	}
	ASSERT_INT(read_toc(&m, &toc, &error), -E2BIG);
	EXPECT(strstr(error.text, "inflate to more than 200 times their size"));
}

static void many_entries(struct bytes *b, size_t n, size_t spread)
{
	char name[100];

	for (size_t i = 0; i < n; i++) {
		UNIT_PRINT(name, "usr/share/locale/directory-%05zu/LC_MESSAGES/messages-%07zu.mo", i / spread, i);
		made_header(b, (struct tar_made){.name = name, .mode = 0644});
	}
	made_end(b);
}

/* Sanitizers want memory of their own. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define MEMORY_COUNTS false
#else
#define MEMORY_COUNTS true
#endif

/* In a process of its own, which has no other memory: the exit status tells what is wrong. */
static int read_many(const struct folder *f)
{
	struct image_error error = {0};
	struct rusage usage;
	IMAGE(image);
	TOC(toc);

	if (image_open_in(IMAGE_OCI, f->path, NULL, &image, &error) < 0 || image_toc_read(image, 0, &toc, &error) < 0)
		return 1;
	if (toc->n_entries < 300000 || getrusage(RUSAGE_SELF, &usage) < 0)
		return 2;
	return MEMORY_COUNTS && usage.ru_maxrss >= 100000 ? 3 : 0;
}

TEST("300,000 entries take less than 100 MB")
{
	int status;
	pid_t pid;
	MADE(m);
	FOLDER(f);

	many_entries(&m.tar[0], 300000, 100);
	m.n = 1;
	made_layout(&m, &f);
	bytes_free(&m.tar[0]);
	m.tar[0] = (struct bytes){0};
	pid = fork();
	if (pid == 0)
		_exit(read_many(&f));
	ASSERT(pid > 0 && waitpid(pid, &status, 0) == pid);
	EXPECT(WIFEXITED(status));
	EXPECT_INT(WEXITSTATUS(status), 0);
}

static int add_content(void *arg, const void *data, size_t len)
{
	bytes_add(arg, data, len);
	return 0;
}

TEST("the content of a file is read, over hard links, and of the last entry of its name")
{
	struct image_error error = {0};
	BYTES(content);
	BYTES(link);
	MADE(m);
	FOLDER(f);
	IMAGE(image);

	m.n = 1;
	made_file(&m.tar[0], "a/f", "old");
	made_file(&m.tar[0], "a/f", "the new content");
	made_entry(&m.tar[0], (struct tar_made){.name = "h", .type = '1', .link = "a/f"}, "", 0);
	made_entry(&m.tar[0], (struct tar_made){.name = "x", .type = '1', .link = "y"}, "", 0);
	made_entry(&m.tar[0], (struct tar_made){.name = "y", .type = '1', .link = "x"}, "", 0);
	made_end(&m.tar[0]);
	bytes_pack(&m.blob[0], &m.tar[0], ARCHIVE_FILTER_GZIP);
	made_layout(&m, &f);
	ASSERT_INT(image_open_in(IMAGE_OCI, f.path, "app", &image, &error), 0);
	ASSERT_INT(image_toc_content(image, 0, "a/f", add_content, &content, &error), 0);
	EXPECT_STR(content.data, "the new content");
	ASSERT_INT(image_toc_content(image, 0, "h", add_content, &link, &error), 0);
	EXPECT_STR(link.data, "the new content");
	EXPECT_INT(image_toc_content(image, 0, "a", add_content, &link, &error), -ENOENT);
	EXPECT_INT(image_toc_content(image, 0, "x", add_content, &link, &error), -EBADMSG);
}
