/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Commands on directories: reading with buffers of any size, positions, deleting while reading, numbers of entries,
 * paths longer than PATH_MAX, and two measurements (answers of a tree under load, cost of names coming and going).
 */
#include "sc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

struct linux_dirent64 {
	unsigned long long d_ino;
	long long d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

static int open_dir(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0)
		sc_result(-1);
	return fd;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* Every name that getdents with a buffer of this size brings, sorted, doubles included. */
int sc_list(int argc, char **argv)
{
	size_t room = argc > 2 ? (size_t)sc_number(argv[2]) : 32768, count = 0, max = 0;
	char *buffer = malloc(room), **names = NULL;
	int fd = open_dir(argc > 1 ? argv[1] : ".");
	long got = 0;

	while (fd >= 0 && (got = syscall(SYS_getdents64, fd, buffer, room)) > 0) {
		for (char *at = buffer; at < buffer + got; at += ((struct linux_dirent64 *)at)->d_reclen) {
			if (count == max) {
				max = max ? 2 * max : 64;
				names = realloc(names, max * sizeof(*names));
			}
			names[count++] = strdup(((struct linux_dirent64 *)at)->d_name);
		}
	}
	if (got < 0)
		sc_result(-1);
	if (count)
		qsort(names, count, sizeof(*names), compare_names);
	for (size_t i = 0; i < count; i++)
		puts(names[i]);
	return 0;
}

/* Remembers every position, then goes to each, last first, and reads the name again. */
int sc_seekdir(int argc, char **argv)
{
	DIR *dir = argc == 2 ? opendir(argv[1]) : NULL;
	struct dirent *entry;
	size_t count = 0, wrong = 0;
	static long at[20000];
	static char *name[20000];

	if (!dir)
		sc_misuse("seekdir DIR: %s", strerror(errno));
	for (;;) {
		at[count] = telldir(dir);
		entry = readdir(dir);
		if (!entry || count == 19999)
			break;
		name[count++] = strdup(entry->d_name);
	}
	for (size_t i = count; i-- > 0;) {
		seekdir(dir, at[i]);
		entry = readdir(dir);
		if (!entry || strcmp(entry->d_name, name[i]))
			wrong++;
	}
	seekdir(dir, at[count]);
	printf("%zu names, %zu wrong after seekdir, end is %s\n", count, wrong,
	       readdir(dir) ? "not the end" : "the end");
	return 0;
}

static size_t count_rest(DIR *dir)
{
	size_t count = 0;

	while (readdir(dir))
		count++;
	return count;
}

/* Reads a directory to its end, lets COMMAND change it, rewinds and reads again on the same stream. */
int sc_rewind(int argc, char **argv)
{
	DIR *dir = argc == 3 ? opendir(argv[1]) : NULL;
	size_t before, after;

	if (!dir)
		sc_misuse("rewind DIR COMMAND: %s", strerror(errno));
	before = count_rest(dir);
	if (system(argv[2]))
		sc_misuse("rewind: the command failed");
	rewinddir(dir);
	after = count_rest(dir);
	printf("%zu names, then %zu\n", before, after);
	return 0;
}

/* Deletes each name as it is read, in one pass with a small buffer, as rm and find -delete do. */
int sc_purge(int argc, char **argv)
{
	size_t room = argc > 2 ? (size_t)sc_number(argv[2]) : 1024, deleted = 0, failed = 0;
	char *buffer = malloc(room);
	int fd = argc > 1 ? open_dir(argv[1]) : -1;
	long got;

	if (fd < 0)
		return 0;
	while ((got = syscall(SYS_getdents64, fd, buffer, room)) > 0) {
		for (char *at = buffer; at < buffer + got; at += ((struct linux_dirent64 *)at)->d_reclen) {
			const char *name = ((struct linux_dirent64 *)at)->d_name;

			if (!strcmp(name, ".") || !strcmp(name, ".."))
				continue;
			if (unlinkat(fd, name, 0))
				failed++;
			else
				deleted++;
		}
	}
	printf("%zu deleted, %zu failed\n", deleted, failed);
	return 0;
}

static char type_letter(unsigned char type)
{
	static const char letters[16] = "?pc?d?b?-?l?s?w?";

	return letters[type & 15];
}

/* One line an entry: the type that readdir told, whether it is lstat's, and whether the numbers agree. */
int sc_inodes(int argc, char **argv)
{
	struct dirent **entries;
	int count = argc == 2 ? scandir(argv[1], &entries, NULL, alphasort) : -1;
	struct stat dir, st;
	int fd;

	if (count < 0)
		sc_misuse("inodes DIR: %s", strerror(errno));
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	fstat(fd, &dir);
	for (int i = 0; i < count; i++) {
		const struct dirent *entry = entries[i];

		if (fstatat(fd, entry->d_name, &st, AT_SYMLINK_NOFOLLOW)) {
			printf("%s stat %s\n", entry->d_name, strerrorname_np(errno));
			continue;
		}
		printf("%s type %c%s d_ino %s st_dev %s\n", entry->d_name, type_letter(entry->d_type),
		       entry->d_type == IFTODT(st.st_mode) ? "" : " WRONG",
		       entry->d_ino == st.st_ino ? "= st_ino" : "DIFFERS from st_ino",
		       st.st_dev == dir.st_dev ? "same" : "DIFFERS");
	}
	return 0;
}

static int deep_step(int at, const char *name, bool make)
{
	int below;

	if (make && mkdirat(at, name, 0755)) {
		sc_result(-1);
		return -1;
	}
	below = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
	if (below < 0)
		sc_result(-1);
	return below;
}

/* Down DEPTH directories called NAME, one openat each; writes or reads a file at the bottom, or removes the lot. */
int sc_deep(int argc, char **argv)
{
	bool make = argc == 4 && !strcmp(argv[1], "make"), clear = argc == 4 && !strcmp(argv[1], "remove");
	int depth = argc == 4 ? (int)sc_number(argv[3]) : 0, at[1024], fd;
	char text[16] = {0};

	if (depth < 1 || depth > 1000)
		sc_misuse("deep make|read|remove NAME DEPTH");
	at[0] = open(".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	for (int i = 0; i < depth; i++) {
		at[i + 1] = deep_step(at[i], argv[2], make);
		if (at[i + 1] < 0)
			return 0;
	}
	if (clear) {
		int rc = unlinkat(at[depth], "bottom", 0);

		for (int i = depth; rc == 0 && i > 0; i--)
			rc = unlinkat(at[i - 1], argv[2], AT_REMOVEDIR);
		sc_result(rc);
		return 0;
	}
	fd = openat(at[depth], "bottom", make ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDWR | O_APPEND | O_CLOEXEC, 0644);
	if (fd < 0 || write(fd, "deep", 4) != 4 || pread(fd, text, 15, 0) < 0)
		sc_result(-1);
	else
		printf("bottom holds '%s'\n", text);
	return 0;
}

static double now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double)ts.tv_sec + (double)ts.tv_nsec / 1e9;
}

static int compare_doubles(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

/*
 * Looks up a fresh missing name below PATH and stats PATH by a fresh lookup, every millisecond for SECONDS; prints the
 * count, the 99th percentile and the worst answer in milliseconds. Each name is asked once, so no cache can answer.
 */
int sc_probe(int argc, char **argv)
{
	static double took[100000];
	double end, start;
	size_t count = 0;
	char name[4096];
	struct stat st;

	if (argc != 3)
		sc_misuse("probe PATH SECONDS");
	end = now() + (double)sc_number(argv[2]);
	while ((start = now()) < end && count < 100000) {
		snprintf(name, sizeof(name), "%s/missing-%zu", argv[1], count);
		lstat(name, &st);
		took[count++] = (now() - start) * 1000;
		usleep(1000);
	}
	qsort(took, count, sizeof(took[0]), compare_doubles);
	printf("%zu %.1f %.1f\n", count, took[count * 99 / 100], took[count - 1]);
	return 0;
}

/* In a directory of COUNT names deletes and makes each name once with a readdir now and then; prints milliseconds. */
int sc_churn(int argc, char **argv)
{
	long count = argc == 3 ? (long)sc_number(argv[2]) : 0;
	int fd = argc == 3 ? open_dir(argv[1]) : -1;
	double start = now();
	char name[32];

	if (fd < 0)
		return 0;
	for (long i = 0; i < count; i++) {
		int file;

		snprintf(name, sizeof(name), "n%ld", i);
		if (unlinkat(fd, name, 0))
			sc_misuse("churn: unlink %s: %s", name, strerror(errno));
		file = openat(fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (file < 0)
			sc_misuse("churn: create %s: %s", name, strerror(errno));
		close(file);
	}
	printf("%.0f\n", (now() - start) * 1000);
	return 0;
}
