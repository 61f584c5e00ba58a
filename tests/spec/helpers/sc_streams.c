/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What several streams over one directory list while it changes.
 *
 * streams: several streams over one directory, read in turns with buffers of any size, sought and rewound, while names
 * come and go between the reads. What POSIX promises of each stream is checked at its end: a name that was there from
 * before the stream began, to its end, is listed exactly once, and one that was gone before it began isn't listed. The
 * order of steps follows from SEED. Where DIR is the directory that is changed it is moved as well.
 *
 * overtaken: one stream has read all but the end of COUNT names when the directory changes; another one begins then,
 * and the first reads the end before the second goes on.
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

#define NAMES 500
#define STREAMS 5
#define MAX_OTHERS 64

struct linux_dirent64 {
	unsigned long long d_ino;
	long long d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

struct name {
	bool present;
	unsigned since; /* the step at which it came or went */
};

struct stream {
	int fd; /* -1: none */
	unsigned began;
	size_t room;
	long long marked; /* a position in it, -1: none */
	unsigned char seen[NAMES], seen_then[NAMES];
};

static struct name names[NAMES];
static struct stream streams[STREAMS];
static const char *dir_path, *given_path, *others[MAX_OTHERS];
static char moved_path[4096]; /* empty: the directory isn't moved */
static int change_fd;
static size_t n_others;
static unsigned step, ended, failed;
static unsigned long long state;

static unsigned below(unsigned n)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(state >> 33) % n;
}

static const char *name_of(unsigned i)
{
	static char text[2][32];
	static unsigned turn;

	turn = !turn;
	snprintf(text[turn], sizeof(text[turn]), "n%u", i);
	return text[turn];
}

static void complain(const char *what, unsigned i, const struct stream *s)
{
	if (failed++ < 5)
		printf("step %u: %s is %s by a stream of step %u, seen %u times; it %s at step %u\n", step, name_of(i),
		       what, s->began, s->seen[i], names[i].present ? "came" : "went", names[i].since);
}

static void check_stream(const struct stream *s)
{
	ended++;
	for (unsigned i = 0; i < NAMES; i++) {
		if (names[i].since > s->began)
			continue;
		if (names[i].present && s->seen[i] != 1)
			complain(s->seen[i] ? "doubled" : "missed", i, s);
		else if (!names[i].present && s->seen[i])
			complain("listed though it is gone", i, s);
	}
}

static void begin(struct stream *s)
{
	s->began = step;
	s->marked = -1;
	memset(s->seen, 0, sizeof(s->seen));
}

static void end_stream(struct stream *s)
{
	check_stream(s);
	if (below(3) == 0) {
		lseek(s->fd, 0, SEEK_SET);
		begin(s);
		return;
	}
	close(s->fd);
	s->fd = -1;
}

static void read_stream(struct stream *s)
{
	static char buffer[65536];
	long got = syscall(SYS_getdents64, s->fd, buffer, s->room);

	if (got < 0)
		sc_misuse("streams: getdents64: %s", strerror(errno));
	if (got == 0) {
		end_stream(s);
		return;
	}
	for (char *at = buffer; at < buffer + got; at += ((struct linux_dirent64 *)at)->d_reclen) {
		const char *name = ((struct linux_dirent64 *)at)->d_name;
		unsigned i;

		if (sscanf(name, "n%u", &i) == 1 && i < NAMES)
			s->seen[i] += s->seen[i] < 255;
	}
}

/* Marks the place that the stream is at, goes back to a mark, or begins anew. */
static void seek_stream(struct stream *s)
{
	unsigned what = below(8);

	if (what == 0) {
		lseek(s->fd, 0, SEEK_SET);
		begin(s);
	} else if (s->marked < 0) {
		s->marked = lseek(s->fd, 0, SEEK_CUR);
		memcpy(s->seen_then, s->seen, sizeof(s->seen));
	} else if (what < 5) {
		lseek(s->fd, s->marked, SEEK_SET);
		memcpy(s->seen, s->seen_then, sizeof(s->seen));
		s->marked = -1;
	}
}

static void use_stream(void)
{
	static const size_t rooms[] = {48, 120, 500, 1000, 4096, 32768, 65536};
	struct stream *s = &streams[below(STREAMS)];

	if (s->fd < 0) {
		s->fd = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		if (s->fd < 0)
			sc_misuse("streams: %s: %s", dir_path, strerror(errno));
		s->room = rooms[below(sizeof(rooms) / sizeof(rooms[0]))];
		begin(s);
	}
	for (unsigned n = s->room < 1000 ? 1 + below(40) : 1 + below(3); n > 0 && s->fd >= 0; n--)
		read_stream(s);
	if (s->fd >= 0 && below(6) == 0)
		seek_stream(s);
	/* Not read to its end, as `ls | head` does. */
	if (s->fd >= 0 && below(40) == 0) {
		close(s->fd);
		s->fd = -1;
	}
}

static int make(unsigned i)
{
	const char *name = name_of(i);
	int fd;

	switch (below(4)) {
	case 0:
		return mkdirat(change_fd, name, 0755);
	case 1:
		return symlinkat("target", change_fd, name);
	}
	fd = openat(change_fd, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd >= 0)
		close(fd);
	return fd;
}

static int remove_name(unsigned i)
{
	return unlinkat(change_fd, name_of(i), 0) && (errno != EISDIR || unlinkat(change_fd, name_of(i), AT_REMOVEDIR))
		       ? -1
		       : 0;
}

static void set_present(unsigned i, bool present)
{
	names[i] = (struct name){present, step};
}

/* A file gets the name of another one, or one that is free. */
static int rename_name(unsigned i)
{
	unsigned to = below(NAMES);

	if (to == i || renameat(change_fd, name_of(i), change_fd, name_of(to))) {
		/* A directory and a file, or one that overlayfs can't move. */
		return to == i || errno == EISDIR || errno == ENOTDIR || errno == EXDEV ? 0 : -1;
	}
	/* One that was replaced has been there all the time. */
	if (!names[to].present)
		set_present(to, true);
	set_present(i, false);
	return 0;
}

static void change(void)
{
	unsigned i = below(NAMES);
	int r;

	if (names[i].present && below(4) == 0) {
		r = rename_name(i);
	} else {
		r = names[i].present ? remove_name(i) : make(i);
		set_present(i, !names[i].present);
	}
	if (r < 0)
		sc_misuse("streams: %s: %s", name_of(i), strerror(errno));
}

/* The directory gets another name, or its own again. One that lies in a lower layer may have to stay. */
static void move_directory(void)
{
	const char *to = dir_path == given_path ? moved_path : given_path;

	if (!rename(dir_path, to))
		dir_path = to;
	else if (errno != EXDEV)
		sc_misuse("streams: %s: %s", dir_path, strerror(errno));
}

/* What changes no name: looking one up, changing a file, moving the directory. */
static void touch(void)
{
	unsigned i = below(NAMES);
	const char *name = name_of(i);
	int dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct stat st;

	fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW);
	if (names[i].present && below(4) == 0)
		fchmodat(change_fd, name, 0700, 0);
	close(dir);
	if (moved_path[0] && below(8) == 0)
		move_directory();
}

/* Another directory, which has changed, so that it is asked for. */
static void list_other(void)
{
	DIR *dir = n_others ? opendir(others[below((unsigned)n_others)]) : NULL;

	if (!dir)
		return;
	close(openat(dirfd(dir), "passing", O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	unlinkat(dirfd(dir), "passing", 0);
	while (readdir(dir))
		;
	closedir(dir);
}

static void one_step(void)
{
	unsigned what = below(100);

	if (what < 55)
		use_stream();
	else if (what < 75)
		change();
	else if (what < 90)
		touch();
	else
		list_other();
}

static void start(int argc, char **argv)
{
	if (argc < 5)
		sc_misuse("streams DIR CHANGED-DIR SEED STEPS [OTHER-DIR...]");
	dir_path = given_path = argv[1];
	if (!strcmp(argv[1], argv[2]))
		snprintf(moved_path, sizeof(moved_path), "%s-moved", argv[1]);
	state = (unsigned long long)sc_number(argv[3]);
	for (int i = 5; i < argc && n_others < MAX_OTHERS; i++)
		others[n_others++] = argv[i];
	change_fd = open(argv[2], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (change_fd < 0)
		sc_misuse("streams: %s: %s", argv[2], strerror(errno));
	for (unsigned i = 0; i < NAMES; i++) {
		struct stat st;

		names[i].present = !fstatat(change_fd, name_of(i), &st, AT_SYMLINK_NOFOLLOW);
	}
	for (unsigned i = 0; i < STREAMS; i++)
		streams[i].fd = -1;
}

int sc_streams(int argc, char **argv)
{
	unsigned steps = argc > 4 ? (unsigned)sc_number(argv[4]) : 0;

	start(argc, argv);
	for (step = 1; step <= steps; step++)
		one_step();
	for (unsigned i = 0; i < STREAMS; i++)
		while (streams[i].fd >= 0)
			read_stream(&streams[i]);
	if (dir_path != given_path)
		move_directory();
	if (failed)
		printf("%u names wrong in %u streams\n", failed, ended);
	else
		puts(ended > 10 ? "all streams right" : "too few streams");
	return 0;
}

/* --- overtaken ---------------------------------------------------------------------------------------------------- */

static struct stream *open_stream(struct stream *s, const char *path, size_t room)
{
	s->fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->fd < 0)
		sc_misuse("overtaken: %s: %s", path, strerror(errno));
	s->room = room;
	memset(s->seen, 0, sizeof(s->seen));
	return s;
}

/* One call; false at the end. */
static bool read_some(struct stream *s)
{
	static char buffer[65536];
	long got = syscall(SYS_getdents64, s->fd, buffer, s->room);

	for (char *at = buffer; at < buffer + got; at += ((struct linux_dirent64 *)at)->d_reclen) {
		unsigned i;

		if (sscanf(((struct linux_dirent64 *)at)->d_name, "n%u", &i) == 1 && i < NAMES)
			s->seen[i]++;
	}
	return got > 0;
}

static bool has_all(const struct stream *s, unsigned n)
{
	unsigned sum = 0;

	for (unsigned i = 0; i < n; i++)
		sum += s->seen[i] > 0;
	return sum == n;
}

/* Every tenth of n names goes, from the back, and as many come. */
static void change_tenth(int fd, unsigned n)
{
	for (unsigned i = 0; i < n / 10; i++) {
		if (unlinkat(fd, name_of((n / 10 - i) * 10 - 1), 0))
			sc_misuse("overtaken: unlink: %s", strerror(errno));
		close(openat(fd, name_of(n + i), O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	}
}

int sc_overtaken(int argc, char **argv)
{
	struct stream *first = &streams[0], *second = &streams[1];
	unsigned n = argc == 4 ? (unsigned)sc_number(argv[2]) : 0, stale = 0, missing = 0;
	size_t room = n ? (size_t)sc_number(argv[3]) : 0;

	if (!room || n > NAMES - NAMES / 10)
		sc_misuse("overtaken DIR COUNT SIZE");
	open_stream(first, argv[1], room);
	while (!has_all(first, n) && read_some(first))
		;
	change_tenth(first->fd, n);
	open_stream(second, argv[1], room);
	read_some(second);
	while (read_some(first))
		;
	while (read_some(second))
		;
	for (unsigned i = 0; i < n + n / 10; i++) {
		bool gone = i < n && i % 10 == 9;

		stale += gone && second->seen[i];
		missing += !gone && !second->seen[i];
	}
	printf("%u that are gone, %u missing\n", stale, missing);
	return 0;
}
