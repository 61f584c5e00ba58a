/* SPDX-License-Identifier: Apache-2.0 */
/*
 * storm DIR SECONDS THREADS SEED: threads make random changes to few names, so that they collide. Each error must be
 * one that the operation may have among others (the name has gone, is there already, is a directory ...); EIO, ESTALE,
 * EINVAL of a valid call and the like end the run. Exit status 0 when nothing of the kind was seen.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define DIRS 4
#define NAMES 12

static const char *root;
static time_t until;
static atomic_int bad;
static atomic_ulong done;

static int allowed(int err)
{
	static const int ok[] = {ENOENT, EEXIST,  EISDIR, ENOTDIR, ENOTEMPTY, EXDEV,
				 ELOOP,	 ENODATA, EBUSY,  EMLINK,  ENXIO,     EPERM};

	for (size_t i = 0; i < sizeof(ok) / sizeof(ok[0]); i++)
		if (err == ok[i])
			return 1;
	return 0;
}

static void pick(unsigned *seed, char path[4096])
{
	int d = rand_r(seed) % DIRS, n = rand_r(seed) % NAMES;

	if (rand_r(seed) % 4 == 0)
		snprintf(path, 4096, "%s/d%d/s%d/f%d", root, d, rand_r(seed) % 2, n);
	else
		snprintf(path, 4096, "%s/d%d/f%d", root, d, n);
}

static int do_write(unsigned *seed, const char *p)
{
	static const char text[3000] = "storm";
	int fd = open(p, O_RDWR | O_NONBLOCK | (rand_r(seed) % 2 ? O_CREAT : 0) | (rand_r(seed) % 4 ? 0 : O_TRUNC),
		      0644);
	int r = 0;

	if (fd < 0)
		return -1;
	if (pwrite(fd, text, 1 + (size_t)rand_r(seed) % sizeof(text), rand_r(seed) % 9000) < 0)
		r = -1;
	if (r == 0 && rand_r(seed) % 16 == 0)
		r = fsync(fd);
	if (r == 0 && rand_r(seed) % 8 == 0)
		r = ftruncate(fd, rand_r(seed) % 9000);
	if (r == 0 && rand_r(seed) % 8 == 0)
		r = fchmod(fd, rand_r(seed) % 2 ? 0600 : 0644);
	close(fd);
	return r;
}

static int do_read(const char *p)
{
	char buf[4096];
	int fd = open(p, O_RDONLY | O_NONBLOCK);
	int r;

	if (fd < 0)
		return -1;
	r = read(fd, buf, sizeof(buf)) < 0 ? -1 : 0;
	close(fd);
	return r;
}

static int do_list(const char *p)
{
	DIR *d = opendir(p);

	if (!d)
		return -1;
	errno = 0;
	while (readdir(d))
		;
	closedir(d);
	return errno ? -1 : 0;
}

static int one(unsigned *seed, const char **ret_what)
{
	char a[4096], b[4096];
	struct stat st;

	pick(seed, a);
	pick(seed, b);
	switch (rand_r(seed) % 16) {
	case 0:
	case 1:
	case 2:
		*ret_what = "write";
		return do_write(seed, a);
	case 3:
		*ret_what = "read";
		return do_read(a);
	case 4:
	case 5:
		*ret_what = "unlink";
		return unlink(a);
	case 6:
		*ret_what = "mkdir";
		return mkdir(a, 0755);
	case 7:
		*ret_what = "rmdir";
		return rmdir(a);
	case 8:
	case 9:
		*ret_what = "rename";
		if (rename(a, b) == 0)
			return 0;
		return errno == EINVAL ? 0 : -1; /* a directory into itself */
	case 10:
		*ret_what = "exchange";
		if (syscall(SYS_renameat2, AT_FDCWD, a, AT_FDCWD, b, 2) == 0)
			return 0;
		return errno == EINVAL ? 0 : -1;
	case 11:
		*ret_what = "link";
		return link(a, b);
	case 12:
		*ret_what = "symlink";
		return symlink("f0", a);
	case 13:
		*ret_what = "chmod";
		return chmod(a, 0700);
	case 14:
		*ret_what = "list";
		a[strlen(a) - strlen(strrchr(a, '/'))] = '\0';
		return do_list(a);
	default:
		*ret_what = "lstat";
		return lstat(a, &st);
	}
}

static void *worker(void *arg)
{
	unsigned seed = (unsigned)(size_t)arg;

	while (time(NULL) < until && !atomic_load(&bad)) {
		const char *what = "";

		errno = 0;
		if (one(&seed, &what) < 0 && !allowed(errno)) {
			fprintf(stderr, "storm: %s: %s\n", what, strerror(errno));
			atomic_store(&bad, 1);
		}
		atomic_fetch_add(&done, 1);
	}
	return NULL;
}

int main(int argc, char **argv)
{
	pthread_t threads[64];
	int n = argc > 3 ? atoi(argv[3]) : 0;

	if (argc != 5 || n < 1 || n > 64)
		return 2;
	root = argv[1];
	until = time(NULL) + atoi(argv[2]);
	for (int i = 0; i < n; i++)
		pthread_create(&threads[i], NULL, worker, (void *)(size_t)(atoi(argv[4]) + i));
	for (int i = 0; i < n; i++)
		pthread_join(threads[i], NULL);
	printf("storm: %lu operations%s\n", atomic_load(&done), atomic_load(&bad) ? ", FAILED" : "");
	return atomic_load(&bad);
}
