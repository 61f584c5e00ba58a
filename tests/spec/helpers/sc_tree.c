/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A tree as text: one line an entry, sorted, with everything that two file systems must agree on and nothing that they
 * may not (inode numbers, sizes of directories, times of "now"). Walks by descriptors, so paths may be of any length.
 */
#include "sc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

struct walk {
	/* times of this second and later are printed as "new" */
	long long since;
	bool ctime;
	/* the on-disk form: whiteouts by name, bookkeeping attributes left out */
	bool upper;
	struct timespec seal;
};

/* An O_PATH descriptor's name in /proc reaches xattr calls and reopening for entries of any type. */
static void proc_path(int fd, char path[static 32])
{
	snprintf(path, 32, "/proc/self/fd/%d", fd);
}

#define BLOCK ((ssize_t)1 << 18)
#define LARGE ((off_t)64 << 20)

/* Of a large file holes are passed over: gigabytes of nothing. */
static off_t next_data(int fd, off_t pos)
{
	struct stat st;
	off_t data;

	if (fstat(fd, &st) || st.st_size < LARGE)
		return pos;
	data = lseek(fd, pos, SEEK_DATA);
	if (data < 0)
		return errno == ENXIO ? st.st_size : pos;
	return data - data % BLOCK > pos ? data - data % BLOCK : pos;
}

/* The hash goes over the blocks that aren't all zero, each with its place, and the size: the same whether zeros are a
 * hole or not. */
static ssize_t hash_content(int fd, XXH3_state_t *state)
{
	static const char zeros[BLOCK];
	static char buffer[BLOCK];
	off_t pos = next_data(fd, 0);
	ssize_t got;

	while ((got = pread(fd, buffer, BLOCK, pos)) > 0) {
		if (memcmp(buffer, zeros, (size_t)got)) {
			XXH3_128bits_update(state, &pos, sizeof(pos));
			XXH3_128bits_update(state, buffer, (size_t)got);
		}
		pos = next_data(fd, pos + got);
	}
	XXH3_128bits_update(state, &pos, sizeof(pos));
	return got;
}

static void print_content(int dirfd, const char *name)
{
	XXH3_state_t *state;
	ssize_t got;
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0) {
		printf("|open:%s", strerrorname_np(errno));
		return;
	}
	state = XXH3_createState();
	XXH3_128bits_reset(state);
	got = hash_content(fd, state);
	if (got < 0) {
		printf("|read:%s", strerrorname_np(errno));
	} else {
		XXH128_hash_t hash = XXH3_128bits_digest(state);

		printf("|%016llx%016llx", (unsigned long long)hash.high64, (unsigned long long)hash.low64);
	}
	XXH3_freeState(state);
	close(fd);
}

/* The xattrs whose value or presence depends on file handles or on the file system's own number. */
static bool is_bookkeeping(const char *name)
{
	static const char *const tails[] = {"overlay.origin",	   "overlay.uuid",   "overlay.nlink",
					    "overlay.upper",	   "overlay.impure", "overlay.plyfs_ino",
					    "overlay.plyfs_source"};
	const char *tail = strchr(name, '.');

	if (!tail || (strncmp(name, "trusted.", 8) && strncmp(name, "user.", 5)))
		return false;
	for (size_t i = 0; i < sizeof(tails) / sizeof(tails[0]); i++) {
		if (!strcmp(tail + 1, tails[i]))
			return true;
	}
	return false;
}

static int compare_names(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void print_xattrs(const struct walk *walk, int dirfd, const char *name)
{
	static char list[65536], value[65536];
	const char *names[512];
	char path[32 + 256 + 2];
	size_t count = 0;
	ssize_t len;

	/* Through the parent's descriptor: a symlink's own attributes can't be reached through an O_PATH of it. */
	proc_path(dirfd, path);
	snprintf(path + strlen(path), sizeof(path) - strlen(path), "/%s", name);
	len = llistxattr(path, list, sizeof(list));
	if (len < 0) {
		if (errno != EOPNOTSUPP)
			printf("|list:%s", strerrorname_np(errno));
		return;
	}
	for (char *at = list; at < list + len && count < 512; at += strlen(at) + 1) {
		if (strcmp(at, "security.selinux") && !(walk->upper && is_bookkeeping(at)))
			names[count++] = at;
	}
	qsort(names, count, sizeof(names[0]), compare_names);
	for (size_t i = 0; i < count; i++) {
		ssize_t got = lgetxattr(path, names[i], value, sizeof(value));

		putchar('|');
		sc_print_bytes(names[i], strlen(names[i]));
		putchar('=');
		if (got < 0)
			fputs(strerrorname_np(errno), stdout);
		else
			sc_print_bytes(value, (size_t)got);
	}
}

/* Immutable and append-only, as the caller sees them; in an upper they stand in an attribute. */
static void print_flags(int dirfd, const char *name)
{
	unsigned int flags = 0;
	int fd = openat(dirfd, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return;
	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags) && (flags & (FS_IMMUTABLE_FL | FS_APPEND_FL)))
		printf("|+%s%s", flags & FS_IMMUTABLE_FL ? "i" : "", flags & FS_APPEND_FL ? "a" : "");
	close(fd);
}

static void print_time(const struct walk *walk, const char *what, struct timespec ts)
{
	if (walk->since && ts.tv_sec >= walk->since)
		printf("|%snew", what);
	else
		printf("|%s%lld.%09ld", what, (long long)ts.tv_sec, ts.tv_nsec);
}

static void print_entry(const struct walk *walk, int dirfd, const char *name, const char *path, const struct stat *st)
{
	static const char letters[16] = "?pc?d?b?-?l?s???";
	char target[4096];
	bool whiteout = S_ISCHR(st->st_mode) && st->st_rdev == 0;

	sc_print_bytes(path, strlen(path));
	if (walk->upper && whiteout) {
		printf("|whiteout|%o|%u:%u\n", st->st_mode & 07777, st->st_uid, st->st_gid);
		return;
	}
	printf("|%c|%04o|%u:%u", letters[(st->st_mode >> 12) & 15], st->st_mode & 07777, st->st_uid, st->st_gid);
	if (S_ISCHR(st->st_mode) || S_ISBLK(st->st_mode))
		printf("|%u,%u", major(st->st_rdev), minor(st->st_rdev));
	if (!S_ISDIR(st->st_mode))
		printf("|%lld", (long long)st->st_size);
	print_time(walk, "", st->st_mtim);
	if (walk->ctime)
		print_time(walk, "c", st->st_ctim);
	if (S_ISLNK(st->st_mode)) {
		ssize_t len = readlinkat(dirfd, name, target, sizeof(target));

		fputs("|-> ", stdout);
		if (len < 0)
			fputs(strerrorname_np(errno), stdout);
		else
			sc_print_bytes(target, (size_t)len);
	}
	print_xattrs(walk, dirfd, name);
	if (S_ISREG(st->st_mode) || S_ISDIR(st->st_mode))
		print_flags(dirfd, name);
	if (S_ISREG(st->st_mode))
		print_content(dirfd, name);
	putchar('\n');
}

/* The names of a directory, sorted; the caller frees them and the array. */
static char **read_names(int fd, size_t *ret_count)
{
	int own = openat(fd, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	DIR *dir = own >= 0 ? fdopendir(own) : NULL;
	size_t count = 0, room = 0;
	char **names = NULL;
	struct dirent *entry;

	*ret_count = 0;
	if (!dir)
		return NULL;
	while ((entry = readdir(dir))) {
		if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, ".."))
			continue;
		if (count == room) {
			room = room ? 2 * room : 64;
			names = realloc(names, room * sizeof(*names));
		}
		names[count++] = strdup(entry->d_name);
	}
	closedir(dir);
	if (count)
		qsort(names, count, sizeof(*names), compare_names);
	*ret_count = count;
	return names;
}

static void walk_dir(const struct walk *walk, int fd, const char *path)
{
	size_t count;
	char **names = read_names(fd, &count);

	for (size_t i = 0; i < count; i++) {
		struct stat st;
		char *below = NULL;

		if (asprintf(&below, "%s%s%s", path, *path ? "/" : "", names[i]) < 0)
			abort();
		if (fstatat(fd, names[i], &st, AT_SYMLINK_NOFOLLOW)) {
			sc_print_bytes(below, strlen(below));
			printf("|stat:%s\n", strerrorname_np(errno));
		} else {
			print_entry(walk, fd, names[i], below, &st);
			if (S_ISDIR(st.st_mode)) {
				int dir = openat(fd, names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

				if (dir < 0)
					printf("%s|opendir:%s\n", below, strerrorname_np(errno));
				else
					walk_dir(walk, dir, below);
				if (dir >= 0)
					close(dir);
			}
		}
		free(below);
		free(names[i]);
	}
	free(names);
}

int sc_tree(int argc, char **argv)
{
	struct walk walk = {0};
	struct stat st;
	int i = 1, fd;

	for (; i < argc - 1; i++) {
		if (!strcmp(argv[i], "--upper"))
			walk.upper = true;
		else if (!strcmp(argv[i], "--ctime"))
			walk.ctime = true;
		else if (!strcmp(argv[i], "--since"))
			walk.since = sc_number(argv[++i]);
		else
			sc_misuse("tree: what is '%s'", argv[i]);
	}
	if (i != argc - 1)
		sc_misuse("tree: no directory");
	fd = open(argv[i], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 || fstat(fd, &st)) {
		printf(".|%s\n", strerrorname_np(errno));
		return 0;
	}
	print_entry(&walk, fd, ".", ".", &st);
	walk_dir(&walk, fd, "");
	return 0;
}

static void seal_entry(const struct walk *walk, int dirfd, const char *name)
{
	struct timespec times[2] = {walk->seal, walk->seal};
	struct stat st;

	if (fstatat(dirfd, name, &st, AT_SYMLINK_NOFOLLOW) || st.st_mtim.tv_sec < walk->since)
		return;
	times[0].tv_sec -= 1000;
	utimensat(dirfd, name, times, AT_SYMLINK_NOFOLLOW);
}

static void seal_dir(const struct walk *walk, int fd)
{
	size_t count;
	char **names = read_names(fd, &count);

	for (size_t i = 0; i < count; i++) {
		int dir = openat(fd, names[i], O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

		if (dir >= 0) {
			seal_dir(walk, dir);
			close(dir);
		}
		seal_entry(walk, fd, names[i]);
		free(names[i]);
	}
	free(names);
}

/* Gives every entry that was made since SINCE a time of long ago, so that a copied time can be told from a new one. */
int sc_seal(int argc, char **argv)
{
	struct walk walk = {0};
	int fd;

	if (argc != 4)
		sc_misuse("seal DIR TIME SINCE");
	walk.seal = sc_time(argv[2]);
	walk.since = sc_number(argv[3]);
	fd = open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		sc_misuse("seal: %s: %s", argv[1], strerror(errno));
	seal_dir(&walk, fd);
	seal_entry(&walk, fd, ".");
	return 0;
}

/* A file of SIZE bytes that are the same on every run: a xorshift stream started by SEED. */
int sc_fill(int argc, char **argv)
{
	static unsigned long long block[8192];
	unsigned long long state = 88172645463325252ull;
	long long left;
	int fd;

	if (argc < 3)
		sc_misuse("fill PATH SIZE [SEED]");
	left = sc_number(argv[2]);
	state += argc > 3 ? (unsigned long long)sc_number(argv[3]) * 2654435761u : 0;
	fd = open(argv[1], O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		sc_misuse("fill: %s: %s", argv[1], strerror(errno));
	while (left > 0) {
		size_t want = left < (long long)sizeof(block) ? (size_t)left : sizeof(block);

		for (size_t i = 0; i < sizeof(block) / sizeof(block[0]); i++) {
			state ^= state << 13;
			state ^= state >> 7;
			state ^= state << 17;
			block[i] = state;
		}
		if (write(fd, block, want) != (ssize_t)want)
			sc_misuse("fill: %s: %s", argv[1], strerror(errno));
		left -= (long long)want;
	}
	close(fd);
	return 0;
}
