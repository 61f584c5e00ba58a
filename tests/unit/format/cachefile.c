/* SPDX-License-Identifier: Apache-2.0 */
#include "format/cachefile.h"

#include <dirent.h>
#include <errno.h>
#include <xxhash.h>

#include "unit.h"

static const struct cachefile_key sample_key = {
	.uuid = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	.handle_type = 1,
	.handle_len = 8,
	.handle = {8, 7, 6, 5, 4, 3, 2, 1},
	.view = 5,
};

/* The file of a root with "b", a directory "a" that holds "x", and a whiteout "c". */
static uint8_t *make_sample(size_t *ret_size)
{
	struct cachefile_builder w = {0};
	struct cachefile_entry file = {.ino = 11,
				       .ctime = {.sec = -3, .nsec = 4},
				       .type = DT_REG,
				       .xattr_flags = 8,
				       .xattr_flags_known = true};
	struct cachefile_entry dir = {.ino = 12, .type = DT_DIR, .dir = 2}, whiteout = {.ino = 13, .type = DT_WHT};
	uint8_t *bytes = NULL;
	bool good = cachefile_add_dir(&w) == 1 && cachefile_add_entry(&w, &file, "b") == 0 &&
		    cachefile_add_dir(&w) == 2 && cachefile_add_entry(&w, &dir, "a") == 0 &&
		    cachefile_add_entry(&w, &whiteout, "c") == 0;

	w.dirs[0] = (struct cachefile_dir){.stamp = {.ino = 10,
						     .size = 4096,
						     .ctime = {.sec = 100, .nsec = 1},
						     .mtime = {.sec = 99, .nsec = 2},
						     .btime = {.sec = 98, .nsec = 3},
						     .nlink = 3,
						     .mode = 040755},
					   .xattr_flags = 1,
					   .n = 3};
	w.dirs[1] = (struct cachefile_dir){.stamp = {.ino = 12}, .first = 3, .n = 1};
	file.ino = 14;
	good = good && cachefile_add_entry(&w, &file, "x") == 0;
	EXPECT(good && cachefile_encode(&w, &sample_key, &bytes, ret_size) == 0);
	cachefile_builder_finish(&w);
	return bytes;
}

TEST("what was written is read again, in the order in which it came")
{
	static const char *const names[] = {"b", "a", "c"};
	char name[CACHEFILE_NAME_MAX + 1];
	size_t size;
	uint8_t *bytes = make_sample(&size);
	struct cachefile_entry e;
	struct cachefile_dir root;
	struct cachefile c;

	ASSERT_INT(cachefile_open(bytes, size, &sample_key, &c), 0);
	ASSERT_INT(cachefile_dir(&c, CACHEFILE_ROOT, &root), 0);
	EXPECT_INT(root.stamp.ino, 10);
	EXPECT_INT(root.stamp.size, 4096);
	EXPECT_INT(root.stamp.ctime.sec * 10 + root.stamp.ctime.nsec, 1001);
	EXPECT_INT(root.stamp.mtime.sec * 10 + root.stamp.mtime.nsec, 992);
	EXPECT_INT(root.stamp.btime.sec * 10 + root.stamp.btime.nsec, 983);
	EXPECT_INT(root.stamp.nlink, 3);
	EXPECT_INT(root.stamp.mode, 040755);
	EXPECT_INT(root.xattr_flags, 1);
	ASSERT_INT(root.n, 3);
	for (uint32_t i = 0; i < 3; i++) {
		ASSERT_INT(cachefile_entry(&c, &root, i, &e, name), 0);
		EXPECT_STR(name, names[i]);
		EXPECT_INT(e.ino, 11 + i);
	}
	EXPECT_INT(e.type, DT_WHT);
	EXPECT(!e.xattr_flags_known);
	EXPECT_INT(cachefile_entry(&c, &root, 3, &e, name), -EBADMSG);
	free(bytes);
}

TEST("a name is found in its directory and in no other")
{
	size_t size;
	uint8_t *bytes = make_sample(&size);
	struct cachefile_dir root, dir;
	struct cachefile_entry e;
	struct cachefile c;

	ASSERT_INT(cachefile_open(bytes, size, &sample_key, &c), 0);
	ASSERT_INT(cachefile_dir(&c, CACHEFILE_ROOT, &root), 0);
	EXPECT_INT(cachefile_find(&c, &root, "b", &e), 1);
	EXPECT_INT(e.ctime.sec, -3);
	EXPECT_INT(e.ctime.nsec, 4);
	EXPECT_INT(e.xattr_flags, 8);
	EXPECT(e.xattr_flags_known);
	EXPECT_INT(cachefile_find(&c, &root, "a", &e), 1);
	ASSERT_INT(e.dir, 2);
	EXPECT_INT(cachefile_find(&c, &root, "x", &e), 0);
	EXPECT_INT(cachefile_find(&c, &root, "aa", &e), 0);
	EXPECT_INT(cachefile_find(&c, &root, "", &e), 0);
	ASSERT_INT(cachefile_dir(&c, 2, &dir), 0);
	EXPECT_INT(cachefile_find(&c, &dir, "x", &e), 1);
	EXPECT_INT(cachefile_find(&c, &dir, "b", &e), 0);
	EXPECT_INT(cachefile_dir(&c, 0, &dir), -EBADMSG);
	EXPECT_INT(cachefile_dir(&c, 3, &dir), -EBADMSG);
	free(bytes);
}

TEST("every one of many names is found")
{
	struct cachefile_builder w = {0};
	struct cachefile_entry e = {.type = DT_REG};
	struct cachefile_dir root;
	uint8_t *bytes;
	struct cachefile c;
	char name[16];
	size_t size;

	ASSERT_INT(cachefile_add_dir(&w), 1);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%u", i * 7919 % 3000);
		e.ino = i * 7919 % 3000 + 1;
		ASSERT_INT(cachefile_add_entry(&w, &e, name), 0);
	}
	w.dirs[0].n = 3000;
	ASSERT_INT(cachefile_encode(&w, &sample_key, &bytes, &size), 0);
	ASSERT_INT(cachefile_open(bytes, size, &sample_key, &c), 0);
	ASSERT_INT(cachefile_dir(&c, CACHEFILE_ROOT, &root), 0);
	for (unsigned i = 0; i < 3000; i++) {
		snprintf(name, sizeof(name), "%u", i);
		ASSERT_INT(cachefile_find(&c, &root, name, &e), 1);
		ASSERT_INT(e.ino, i + 1);
	}
	cachefile_builder_finish(&w);
	free(bytes);
}

TEST("what can't be a name isn't entered")
{
	struct cachefile_builder w = {0};
	struct cachefile_entry e = {.type = DT_REG};

	EXPECT_INT(cachefile_add_entry(&w, &e, ""), -EINVAL);
	EXPECT_INT(cachefile_add_entry(&w, &e, "."), -EINVAL);
	EXPECT_INT(cachefile_add_entry(&w, &e, ".."), -EINVAL);
	EXPECT_INT(cachefile_add_entry(&w, &e, "a/b"), -EINVAL);
	EXPECT_INT(cachefile_add_entry(&w, &e, "..."), 0);
	EXPECT_INT(cachefile_add_entry(&w, &e, ".a"), 0);
	cachefile_builder_finish(&w);
}

TEST("the bytes on disk are the same on every machine and in every version of plyfs")
{
	char name[CACHEFILE_FILE_NAME_SIZE];
	size_t size;
	uint8_t *bytes = make_sample(&size);

	EXPECT_INT(size, 256 + 2 * 72 + 4 * 36 + 4);
	EXPECT_MEM(bytes, "plyfscat\1\0\0\0\0\1\0\0", 16);
	EXPECT_INT(XXH3_64bits(bytes, size), -7233309413577116501LL);
	cachefile_file_name(&sample_key, name);
	EXPECT_STR(name, "a7d996af312d0f45421630c4f3a93209");
	free(bytes);
}

TEST("a file that is cut off or longer is refused, at every length")
{
	size_t size;
	uint8_t *bytes = make_sample(&size), *cut = malloc(size + 8);
	struct cachefile c = {.n_dirs = 77};

	ASSERT(bytes && cut);
	memset(cut, 0, size + 8);
	memcpy(cut, bytes, size);
	for (size_t n = 0; n <= size + 8; n++)
		if (n != size)
			EXPECT_INT(cachefile_open(cut, n, &sample_key, &c), -EINVAL);
	EXPECT_INT(c.n_dirs, 77);
	free(cut);
	free(bytes);
}

TEST("a change of any bit is noticed")
{
	size_t size;
	uint8_t *bytes = make_sample(&size);
	struct cachefile c;

	for (size_t i = 0; i < size; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			bytes[i] ^= (uint8_t)(1U << bit);
			EXPECT(cachefile_open(bytes, size, &sample_key, &c) < 0);
			bytes[i] ^= (uint8_t)(1U << bit);
		}
	EXPECT_INT(cachefile_open(bytes, size, &sample_key, &c), 0);
	free(bytes);
}

TEST("another layer's file, and one read by other eyes, is refused, and has another name")
{
	char name[CACHEFILE_FILE_NAME_SIZE], other[CACHEFILE_FILE_NAME_SIZE];
	struct cachefile_key keys[4] = {sample_key, sample_key, sample_key, sample_key};
	size_t size;
	uint8_t *bytes = make_sample(&size);
	struct cachefile c;

	keys[0].uuid[15]++;
	keys[1].handle[7]++;
	keys[2].handle_type++;
	keys[3].view++;
	cachefile_file_name(&sample_key, name);
	for (unsigned i = 0; i < 4; i++) {
		EXPECT_INT(cachefile_open(bytes, size, &keys[i], &c), -ESTALE);
		cachefile_file_name(&keys[i], other);
		EXPECT(strcmp(name, other) != 0);
	}
	free(bytes);
}

/* Puts the right checksum on wrong bytes. */
static void seal(uint8_t *bytes, size_t size)
{
	XXH128_canonical_t sum;

	XXH128_canonicalFromHash(&sum, XXH3_128bits(bytes + 40, size - 40));
	memcpy(bytes + 24, &sum, sizeof(sum));
}

TEST("a file made wrong on purpose is read within its bounds")
{
	char name[CACHEFILE_NAME_MAX + 1];
	size_t size;
	uint8_t *good = make_sample(&size), *bytes = malloc(size);
	struct cachefile_entry e;
	struct cachefile_dir d;
	struct cachefile c;

	ASSERT(good && bytes);
	for (size_t i = 196; i < size; i++)
		for (unsigned value = 0; value < 256; value += 51) {
			memcpy(bytes, good, size);
			bytes[i] = (uint8_t)value;
			seal(bytes, size);
			if (cachefile_open(bytes, size, &sample_key, &c) < 0)
				continue;
			for (uint32_t n = 0; n <= c.n_dirs + 1; n++) {
				if (cachefile_dir(&c, n, &d) < 0)
					continue;
				for (uint32_t k = 0; k < d.n; k++)
					if (cachefile_entry(&c, &d, k, &e, name) == 0)
						EXPECT(*name && !strchr(name, '/') && strlen(name) == e.name_len);
				EXPECT(cachefile_find(&c, &d, "c", &e) <= 1);
			}
		}
	free(bytes);
	free(good);
}
