/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listers DIR SECONDS SEED: processes make, remove and rename names in DIR's directories d0, d1, ..., while others list
 * these with buffers of all sizes and in their own time. Each name says in shared memory how often it has changed and
 * whether it is changing, so a lister knows of every name that stayed as it was from before the opening of its stream
 * to after its end: such a name must have been listed once if it was there, and not at all if it wasn't. Exit status 0
 * when that held.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define DIRS 3
#define NAMES 600
#define WRITERS 4
#define LISTERS 4

struct linux_dirent64 {
	unsigned long long d_ino;
	long long d_off;
	unsigned short d_reclen;
	unsigned char d_type;
	char d_name[];
};

/* Odd: being changed. Bit 1: present. What is above counts the changes. */
typedef _Atomic unsigned name_state;
#define CHANGING 1u
#define PRESENT 2u
#define ONE_CHANGE 4u

static struct shared {
	name_state names[DIRS][NAMES];
	atomic_uint stale, missed, doubled, streams, changes;
} * shared;

static time_t until;

static _Noreturn void die(const char *what, const char *name)
{
	fprintf(stderr, "%s %s: %s\n", what, name, strerror(errno));
	_exit(2);
}

static int open_dir(const char *root, unsigned d)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/d%u", root, d);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		die("open", path);
	return fd;
}

/* --- writers ------------------------------------------------------------------------------------------------------ */

static void begin_change(name_state *s)
{
	atomic_fetch_or(s, CHANGING);
}

static void end_change(name_state *s, int present)
{
	unsigned old = atomic_load(s);

	atomic_store(s, ((old & ~(CHANGING | PRESENT)) + ONE_CHANGE) | (present ? PRESENT : 0));
	atomic_fetch_add(&shared->changes, 1);
}

static void make_or_remove(int dir, name_state *s, const char *name)
{
	int present = (atomic_load(s) & PRESENT) != 0;
	int fd;

	begin_change(s);
	if (present) {
		if (unlinkat(dir, name, 0))
			die("unlink", name);
	} else {
		fd = openat(dir, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
		if (fd < 0)
			die("create", name);
		close(fd);
	}
	end_change(s, !present);
}

/* Over another one or where there is none. */
static void rename_one(int dir, name_state *from, const char *from_name, name_state *to, const char *to_name)
{
	begin_change(from);
	begin_change(to);
	if (renameat(dir, from_name, dir, to_name))
		die("rename", from_name);
	end_change(from, 0);
	end_change(to, 1);
}

/* Each writer has names of its own. */
static _Noreturn void write_names(const char *root, unsigned me, unsigned seed)
{
	int dirs[DIRS];

	for (unsigned d = 0; d < DIRS; d++)
		dirs[d] = open_dir(root, d);
	while (time(NULL) < until) {
		unsigned d = (unsigned)rand_r(&seed) % DIRS,
			 i = (unsigned)rand_r(&seed) % (NAMES / WRITERS) * WRITERS + me;
		unsigned j = (unsigned)rand_r(&seed) % (NAMES / WRITERS) * WRITERS + me;
		name_state *s = &shared->names[d][i];
		char name[16], other[16];

		snprintf(name, sizeof(name), "n%u", i);
		snprintf(other, sizeof(other), "n%u", j);
		if (i != j && (atomic_load(s) & PRESENT) && rand_r(&seed) % 4 == 0)
			rename_one(dirs[d], s, name, &shared->names[d][j], other);
		else
			make_or_remove(dirs[d], s, name);
		if (rand_r(&seed) % 8 == 0)
			usleep((unsigned)rand_r(&seed) % 2000);
	}
	_exit(0);
}

/* --- listers ------------------------------------------------------------------------------------------------------ */

static void compare(unsigned d, const unsigned *before, const unsigned char *seen)
{
	for (unsigned i = 0; i < NAMES; i++) {
		unsigned now = atomic_load(&shared->names[d][i]);

		if (now != before[i] || (now & CHANGING))
			continue;
		if (!(now & PRESENT) && seen[i])
			atomic_fetch_add(&shared->stale, 1);
		else if ((now & PRESENT) && !seen[i])
			atomic_fetch_add(&shared->missed, 1);
		else if ((now & PRESENT) && seen[i] > 1)
			atomic_fetch_add(&shared->doubled, 1);
	}
	atomic_fetch_add(&shared->streams, 1);
}

static long read_some(int fd, size_t room, unsigned char *seen)
{
	static char buffer[65536];
	long got = syscall(SYS_getdents64, fd, buffer, room);

	if (got < 0)
		die("getdents64", "");
	for (char *at = buffer; at < buffer + got; at += ((struct linux_dirent64 *)at)->d_reclen) {
		unsigned i;

		if (sscanf(((struct linux_dirent64 *)at)->d_name, "n%u", &i) == 1 && i < NAMES)
			seen[i] += seen[i] < 255;
	}
	return got;
}

static void list_once(int fd, unsigned d, unsigned *seed)
{
	static const size_t rooms[] = {100, 1000, 4096, 32768};
	size_t room = rooms[(unsigned)rand_r(seed) % 4];
	unsigned char seen[NAMES] = {0};
	unsigned before[NAMES], slow = rand_r(seed) % 3 == 0;

	for (unsigned i = 0; i < NAMES; i++)
		before[i] = atomic_load(&shared->names[d][i]);
	lseek(fd, 0, SEEK_SET);
	while (read_some(fd, room, seen) > 0) {
		if (slow && rand_r(seed) % 4 == 0)
			usleep((unsigned)rand_r(seed) % 5000);
		/* Many don't read on. */
		if (rand_r(seed) % 100 == 0)
			return;
	}
	compare(d, before, seen);
}

static _Noreturn void list_names(const char *root, unsigned seed)
{
	while (time(NULL) < until) {
		unsigned d = (unsigned)rand_r(&seed) % DIRS;
		int fd = open_dir(root, d);

		do
			list_once(fd, d, &seed);
		while (rand_r(&seed) % 3 == 0);
		close(fd);
	}
	_exit(0);
}

static void know_names(const char *root)
{
	for (unsigned d = 0; d < DIRS; d++) {
		int fd = open_dir(root, d);

		for (unsigned i = 0; i < NAMES; i++) {
			struct stat st;
			char name[16];

			snprintf(name, sizeof(name), "n%u", i);
			atomic_store(&shared->names[d][i], fstatat(fd, name, &st, AT_SYMLINK_NOFOLLOW) ? 0 : PRESENT);
		}
		close(fd);
	}
}

int main(int argc, char **argv)
{
	unsigned seed = argc == 4 ? (unsigned)atoi(argv[3]) : 0;
	int status, failed = 0;

	if (argc != 4)
		return 2;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (shared == MAP_FAILED)
		return 2;
	know_names(argv[1]);
	until = time(NULL) + atoi(argv[2]);
	for (unsigned i = 0; i < WRITERS; i++)
		if (fork() == 0)
			write_names(argv[1], i, seed + i);
	for (unsigned i = 0; i < LISTERS; i++)
		if (fork() == 0)
			list_names(argv[1], seed + 100 + i);
	while (wait(&status) > 0)
		failed |= status != 0;
	printf("%u changes, %u streams read to the end: %u stale, %u missed, %u doubled\n", shared->changes,
	       shared->streams, shared->stale, shared->missed, shared->doubled);
	return failed || shared->stale || shared->missed || shared->doubled || shared->streams < 20;
}
