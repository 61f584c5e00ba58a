/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading directories.
 */
#include <dirent.h>

#include "base/cleanup.h"
#include "scratch.h"
#include "unit.h"

struct seen {
	char names[1024];
	unsigned count, stop_at;
	struct scratch *scratch;
};

static int note(void *arg, const struct os_dirent *entry)
{
	struct seen *seen = arg;
	struct stat st = scratch_stat(seen->scratch, entry->name);

	EXPECT_INT(entry->name_len, strlen(entry->name));
	EXPECT_INT(entry->ino, st.st_ino);
	EXPECT(entry->type == DT_UNKNOWN || entry->type == IFTODT(st.st_mode));
	strcat(seen->names, entry->name);
	strcat(seen->names, " ");
	return ++seen->count == seen->stop_at ? -ECANCELED : 0;
}

TEST("a directory is read through O_PATH, without its dots, with types and numbers")
{
	SCRATCH(s);
	struct seen seen = {.scratch = &s};

	EXPECT_INT(os_read_dir(s.fd, note, &seen), 0);
	EXPECT_INT(seen.count, 5);
	EXPECT(strstr(seen.names, "file ") && strstr(seen.names, "dir ") && strstr(seen.names, "link ") &&
	       strstr(seen.names, "fifo ") && strstr(seen.names, "out "));
}

TEST("a directory that is open for reading is read from where it stands, to its end")
{
	SCRATCH(s);
	_cleanup_close_ int fd = openat(s.fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct seen seen = {.scratch = &s};

	ASSERT(fd >= 0);
	EXPECT_INT(os_read_dir_once(fd, note, &seen), 0);
	EXPECT_INT(seen.count, 5);
	EXPECT_INT(os_read_dir_once(fd, note, &seen), 0);
	EXPECT_INT(seen.count, 5);
	EXPECT_INT(os_read_dir_once(s.fd, note, &seen), -EBADF);
}

TEST("reading stops at what the callee returns")
{
	SCRATCH(s);
	struct seen seen = {.scratch = &s, .stop_at = 2};

	EXPECT_INT(os_read_dir(s.fd, note, &seen), -ECANCELED);
	EXPECT_INT(seen.count, 2);
}

static int count(void *arg, const struct os_dirent *entry)
{
	unsigned char *seen = arg;

	EXPECT_INT(entry->name_len, 204);
	seen[atoi(entry->name)]++;
	return 0;
}

TEST("a directory larger than the buffer is read whole, each name once")
{
	enum { FILES = 1500 };
	static unsigned char seen[FILES];
	SCRATCH(s);
	_cleanup_close_ int dir = -1;
	char name[256];

	ASSERT_INT(mkdirat(s.fd, "large", 0700), 0);
	dir = scratch_path(&s, "large");
	for (int i = 0; i < FILES; i++) {
		snprintf(name, sizeof(name), "%04d%0200d", i, 0);
		name[4] = '-';
		ASSERT_INT(mknodat(dir, name, S_IFREG | 0600, 0), 0);
	}
	EXPECT_INT(os_read_dir(dir, count, seen), 0);
	for (int i = 0; i < FILES; i++)
		EXPECT_INT(seen[i], 1);
}

TEST("a removed directory reads as empty, and a file is not a directory")
{
	SCRATCH(s);
	_cleanup_close_ int file = scratch_path(&s, "file");
	_cleanup_close_ int dir = -1;
	struct seen seen = {.scratch = &s};

	ASSERT_INT(mkdirat(s.fd, "gone", 0700), 0);
	dir = scratch_path(&s, "gone");
	ASSERT_INT(unlinkat(s.fd, "gone", AT_REMOVEDIR), 0);
	EXPECT_INT(os_read_dir(dir, note, &seen), 0);
	EXPECT_INT(seen.count, 0);
	EXPECT_INT(os_read_dir(file, note, &seen), -ENOTDIR);
	EXPECT_INT(os_read_dir(-1, note, &seen), -EBADF);
}

TEST("reading a directory of one's own leaves its time of access alone")
{
	SCRATCH(s);
	const struct timespec old[2] = {{.tv_sec = 1000}, {.tv_nsec = UTIME_OMIT}};
	struct seen seen = {.scratch = &s};

	ASSERT_INT(utimensat(s.fd, ".", old, 0), 0);
	EXPECT_INT(os_read_dir(s.fd, note, &seen), 0);
	EXPECT_INT(scratch_stat(&s, ".").st_atim.tv_sec, 1000);
}
