/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc fd: a descriptor's life as a list of steps, each "verb[:argument...]", run in order in one process and printed
 * with its result. The descriptor in use is the one opened last, or chosen with "use:N" (0 is the first).
 *
 *   open:PATH:FLAGS[:MODE]  opens one more descriptor      use:N  close
 *   read:LEN  pread:OFF:LEN  write:TEXT  pwrite:OFF:TEXT  dwrite:OFF:LEN (aligned, of '#')  dread:OFF:LEN
 *   fstat (type mode size nlink)  fino:PATH (same inode number as PATH?)  fchmod:MODE  fchown:UID:GID
 *   ftruncate:LEN  fsync  fdatasync  fallocate:WORDS:OFF:LEN  seek:data|hole:OFF  extents
 *   copyto:N:OFF:OFF:LEN (from this descriptor to descriptor N)  clone:N  link:PATH (linkat of the descriptor)
 *   mmap:r|rw:LEN (shared)  show:OFF:LEN  store:OFF:TEXT  msync  munmap  syncrange (starts it)  flock  getxattr:NAME
 *   setxattr:NAME:VALUE futimens:A:M ctime (whether it is another one than at the last such step)  tell  fiemap
 *   rename:OLD:NEW[:FLAG]  unlink:PATH sh:COMMAND (in a child while the descriptors stay open)
 */
#include "sc.h"

#include <fcntl.h>
#include <linux/falloc.h>
#include <linux/fiemap.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#define SLOTS 16
#define ARGS 6

static int fds[SLOTS];
static int count;
static int current = -1;
static char *map;
static size_t map_len;

static int fd_now(void)
{
	if (current < 0 || current >= count)
		sc_misuse("fd: no descriptor");
	return fds[current];
}

static int fd_slot(const char *word)
{
	int slot = (int)sc_number(word);

	if (slot < 0 || slot >= count)
		sc_misuse("fd: no descriptor %d", slot);
	return slot;
}

static void step_open(char **arg)
{
	int fd = open(arg[0], sc_open_flags(arg[1]), arg[2] ? sc_mode(arg[2]) : 0644);

	if (count == SLOTS)
		sc_misuse("fd: too many descriptors");
	sc_result(fd);
	fds[count] = fd;
	current = count++;
}

static void step_use(char **arg)
{
	current = fd_slot(arg[0]);
	puts("ok");
}

static void step_close(char **arg)
{
	sc_result(close(fd_now()));
	fds[current] = -1;
}

static void print_read(const void *buffer, ssize_t got)
{
	if (got < 0) {
		sc_result(got);
		return;
	}
	printf("%zd ", got);
	sc_print_bytes(buffer, (size_t)(got > 64 ? 64 : got));
	putchar('\n');
}

static void step_read(char **arg)
{
	size_t len = (size_t)sc_number(arg[0]);
	char *buffer = calloc(1, len + 1);

	print_read(buffer, read(fd_now(), buffer, len));
	free(buffer);
}

static void step_pread(char **arg)
{
	size_t len = (size_t)sc_number(arg[1]);
	char *buffer = calloc(1, len + 1);

	print_read(buffer, pread(fd_now(), buffer, len, sc_number(arg[0])));
	free(buffer);
}

static void print_written(ssize_t done)
{
	if (done < 0)
		sc_result(done);
	else
		printf("%zd\n", done);
}

static void step_write(char **arg)
{
	print_written(write(fd_now(), arg[0], strlen(arg[0])));
}

static void step_pwrite(char **arg)
{
	print_written(pwrite(fd_now(), arg[1], strlen(arg[1]), sc_number(arg[0])));
}

static void *aligned(size_t len)
{
	void *buffer = NULL;

	if (posix_memalign(&buffer, 4096, len + 4096))
		abort();
	memset(buffer, '#', len);
	return buffer;
}

static void step_dwrite(char **arg)
{
	size_t len = (size_t)sc_number(arg[1]);
	void *buffer = aligned(len);

	print_written(pwrite(fd_now(), buffer, len, sc_number(arg[0])));
	free(buffer);
}

static void step_dread(char **arg)
{
	size_t len = (size_t)sc_number(arg[1]);
	void *buffer = aligned(len);

	print_read(buffer, pread(fd_now(), buffer, len, sc_number(arg[0])));
	free(buffer);
}

static void step_fstat(char **arg)
{
	struct stat st;

	if (fstat(fd_now(), &st))
		sc_result(-1);
	else
		printf("mode %o owner %u:%u size %lld nlink %lu\n", st.st_mode, st.st_uid, st.st_gid,
		       S_ISDIR(st.st_mode) ? 0 : (long long)st.st_size, (unsigned long)st.st_nlink);
}

static void step_ctime(char **arg)
{
	static struct timespec last;
	struct stat st;

	(void)arg;
	if (fstat(fd_now(), &st)) {
		sc_result(-1);
		return;
	}
	puts(last.tv_sec == st.st_ctim.tv_sec && last.tv_nsec == st.st_ctim.tv_nsec ? "same" : "another");
	last = st.st_ctim;
}

static void step_fino(char **arg)
{
	struct stat here, there;

	if (fstat(fd_now(), &here) || lstat(arg[0], &there))
		sc_result(-1);
	else
		puts(here.st_ino == there.st_ino && here.st_dev == there.st_dev ? "same" : "different");
}

static void step_fchmod(char **arg)
{
	sc_result(fchmod(fd_now(), sc_mode(arg[0])));
}

static void step_fchown(char **arg)
{
	sc_result(fchown(fd_now(), (uid_t)sc_number(arg[0]), (gid_t)sc_number(arg[1])));
}

static void step_ftruncate(char **arg)
{
	sc_result(ftruncate(fd_now(), sc_number(arg[0])));
}

static void step_fsync(char **arg)
{
	sc_result(fsync(fd_now()));
}

static void step_fdatasync(char **arg)
{
	sc_result(fdatasync(fd_now()));
}

static int fallocate_mode(const char *words)
{
	int mode = 0;

	if (strstr(words, "keep"))
		mode |= FALLOC_FL_KEEP_SIZE;
	if (strstr(words, "punch"))
		mode |= FALLOC_FL_PUNCH_HOLE;
	if (strstr(words, "zero"))
		mode |= FALLOC_FL_ZERO_RANGE;
	if (strstr(words, "collapse"))
		mode |= FALLOC_FL_COLLAPSE_RANGE;
	if (strstr(words, "insert"))
		mode |= FALLOC_FL_INSERT_RANGE;
	return mode;
}

static void step_fallocate(char **arg)
{
	sc_result(fallocate(fd_now(), fallocate_mode(arg[0]), sc_number(arg[1]), sc_number(arg[2])));
}

static void step_seek(char **arg)
{
	off_t at = lseek(fd_now(), sc_number(arg[1]), strcmp(arg[0], "data") ? SEEK_HOLE : SEEK_DATA);

	if (at < 0)
		sc_result(-1);
	else
		printf("%lld\n", (long long)at);
}

static void step_extents(char **arg)
{
	off_t end = lseek(fd_now(), 0, SEEK_END), at = 0;

	while (at < end) {
		off_t data = lseek(fd_now(), at, SEEK_DATA), hole;

		if (data < 0)
			break;
		hole = lseek(fd_now(), data, SEEK_HOLE);
		if (hole < 0)
			break;
		printf("[%lld,%lld) ", (long long)data, (long long)hole);
		at = hole;
	}
	printf("of %lld\n", (long long)end);
}

static void step_copyto(char **arg)
{
	loff_t in = sc_number(arg[1]), out = sc_number(arg[2]);

	print_written(copy_file_range(fd_now(), &in, fds[fd_slot(arg[0])], &out, (size_t)sc_number(arg[3]), 0));
}

static void step_clone(char **arg)
{
	sc_result(ioctl(fds[fd_slot(arg[0])], FICLONE, fd_now()));
}

/* Where the file's data lies on its disk; only whether that is told. */
static void step_fiemap(char **arg)
{
	struct fiemap extents = {.fm_length = FIEMAP_MAX_OFFSET};

	(void)arg;
	sc_result(ioctl(fd_now(), FS_IOC_FIEMAP, &extents));
}

static void step_link(char **arg)
{
	char path[32];

	snprintf(path, sizeof(path), "/proc/self/fd/%d", fd_now());
	sc_result(linkat(AT_FDCWD, path, AT_FDCWD, arg[0], AT_SYMLINK_FOLLOW));
}

static void step_mmap(char **arg)
{
	int prot = strcmp(arg[0], "rw") ? PROT_READ : PROT_READ | PROT_WRITE;

	map_len = (size_t)sc_number(arg[1]);
	map = mmap(NULL, map_len, prot, MAP_SHARED, fd_now(), 0);
	sc_result(map == MAP_FAILED ? -1 : 0);
}

static void step_show(char **arg)
{
	print_read(map + sc_number(arg[0]), (ssize_t)sc_number(arg[1]));
}

static void step_store(char **arg)
{
	memcpy(map + sc_number(arg[0]), arg[1], strlen(arg[1]));
	puts("ok");
}

static void step_msync(char **arg)
{
	sc_result(msync(map, 4096, MS_SYNC));
}

static void step_munmap(char **arg)
{
	sc_result(munmap(map, map_len));
}

static void step_syncrange(char **arg)
{
	sc_result(sync_file_range(fd_now(), 0, 0, SYNC_FILE_RANGE_WRITE));
}

static void step_rename(char **arg)
{
	char *words[] = {"rename", arg[0], arg[1], arg[2]};

	sc_rename(arg[2] ? 4 : 3, words);
}

static void step_unlink(char **arg)
{
	sc_result(unlink(arg[0]));
}

static void step_flock(char **arg)
{
	sc_result(flock(fd_now(), LOCK_EX | LOCK_NB));
}

static void step_getxattr(char **arg)
{
	char value[4096];

	print_read(value, fgetxattr(fd_now(), arg[0], value, sizeof(value)));
}

static void step_setxattr(char **arg)
{
	sc_result(fsetxattr(fd_now(), arg[0], arg[1], strlen(arg[1]), 0));
}

static void step_futimens(char **arg)
{
	struct timespec times[2] = {sc_time(arg[0]), sc_time(arg[1])};

	sc_result(futimens(fd_now(), times));
}

static void step_tell(char **arg)
{
	printf("%lld\n", (long long)lseek(fd_now(), 0, SEEK_CUR));
}

static void step_sh(char **arg)
{
	int status;

	putchar('\n');
	fflush(stdout);
	status = system(arg[0]);
	if (status)
		printf("status %d\n", status >> 8);
}

static const struct {
	const char *verb;
	int args;
	void (*run)(char **arg);
} steps[] = {
	{"open", 2, step_open},
	{"use", 1, step_use},
	{"close", 0, step_close},
	{"read", 1, step_read},
	{"pread", 2, step_pread},
	{"write", 1, step_write},
	{"pwrite", 2, step_pwrite},
	{"dwrite", 2, step_dwrite},
	{"dread", 2, step_dread},
	{"fstat", 0, step_fstat},
	{"fino", 1, step_fino},
	{"fchmod", 1, step_fchmod},
	{"fchown", 2, step_fchown},
	{"ftruncate", 1, step_ftruncate},
	{"fsync", 0, step_fsync},
	{"fdatasync", 0, step_fdatasync},
	{"fallocate", 3, step_fallocate},
	{"seek", 2, step_seek},
	{"extents", 0, step_extents},
	{"copyto", 4, step_copyto},
	{"clone", 1, step_clone},
	{"link", 1, step_link},
	{"fiemap", 0, step_fiemap},
	{"mmap", 2, step_mmap},
	{"show", 2, step_show},
	{"store", 2, step_store},
	{"msync", 0, step_msync},
	{"flock", 0, step_flock},
	{"getxattr", 1, step_getxattr},
	{"setxattr", 2, step_setxattr},
	{"futimens", 2, step_futimens},
	{"tell", 0, step_tell},
	{"sh", 1, step_sh},
	{"syncrange", 0, step_syncrange},
	{"rename", 2, step_rename},
	{"ctime", 0, step_ctime},
	{"unlink", 1, step_unlink},
	{"munmap", 0, step_munmap},
};

static void run_step(const char *text)
{
	char *copy = strdup(text), *at = copy, *verb = strsep(&at, ":"), *arg[ARGS] = {0};
	int given = 0;

	/* a command keeps its colons */
	if (!strcmp(verb, "sh"))
		arg[given++] = at;
	else
		while (at && given < ARGS)
			arg[given++] = strsep(&at, ":");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		if (strcmp(steps[i].verb, verb))
			continue;
		if (given < steps[i].args)
			sc_misuse("fd: %s takes %d arguments", verb, steps[i].args);
		printf("%s -> ", text);
		steps[i].run(arg);
		free(copy);
		return;
	}
	sc_misuse("fd: no step '%s'", verb);
}

int sc_fd(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		run_step(argv[i]);
		fflush(stdout);
	}
	return 0;
}
