/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One workload of the benchmark, timed inside one process: no fork, no shell, no interpreter in what is measured. It
 * prints "NANOSECONDS CPU_NANOSECONDS COUNT": the time of the whole workload, that of the processor in this process,
 * and how many operations (or MiB) it had. With "callers N" before it, so many processes share its list, and are
 * started before the clock.
 *
 * Lists of paths are read, and files to be created are named, before the clock starts; the clock stops before anything
 * is cleaned up.
 */
#include <dirent.h>
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <time.h>
#include <unistd.h>

#define BLOCK (1u << 20)

static char buffer[BLOCK];

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* What a workload works on: argv after its name. */
struct job {
	int argc;
	char **argv;
	char **paths; /* list workloads: the lines of the file argv[0], each with argv[1], if there is one, appended */
	size_t n;
};

static void job_read_list(struct job *job)
{
	const char *suffix = job->argc > 1 ? job->argv[1] : "";
	FILE *f = fopen(job->argv[0], "r");
	char *line = NULL;
	size_t room = 0, size = 0;
	ssize_t n;

	if (!f)
		err(1, "%s", job->argv[0]);
	while ((n = getline(&line, &room, f)) > 0) {
		if (job->n == size) {
			size = size ? 2 * size : 1024;
			job->paths = realloc(job->paths, size * sizeof(*job->paths));
			if (!job->paths)
				err(1, "memory");
		}
		if (line[n - 1] == '\n')
			line[n - 1] = '\0';
		if (asprintf(&job->paths[job->n++], "%s%s", line, suffix) < 0)
			err(1, "memory");
	}
	free(line);
	fclose(f);
}

/* --- walks -------------------------------------------------------------------------------------------------------- */

static size_t walk(int dirfd, const char *name, int want_stat)
{
	int fd = openat(dirfd, name, O_RDONLY | O_DIRECTORY);
	DIR *d = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *e;
	struct stat st;
	size_t n = 0;

	if (!d)
		err(1, "%s", name);
	while ((e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		n++;
		if (want_stat && fstatat(fd, e->d_name, &st, AT_SYMLINK_NOFOLLOW))
			err(1, "%s", e->d_name);
		if (e->d_type == DT_DIR)
			n += walk(fd, e->d_name, want_stat);
	}
	closedir(d);
	return n;
}

static size_t run_statwalk(struct job *job)
{
	return walk(AT_FDCWD, job->argv[0], 1);
}

static size_t run_listwalk(struct job *job)
{
	return walk(AT_FDCWD, job->argv[0], 0);
}

/* --- what container engines do to find out what a layer holds
 * --------------------------------------------------------- */

struct names {
	char **items;
	size_t n, size;
};

static int by_bytes(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

/* No names where there is no directory. */
static struct names read_names(const char *path)
{
	DIR *d = opendir(path);
	struct names names = {0};
	struct dirent *e;

	while (d && (e = readdir(d))) {
		if (!strcmp(e->d_name, ".") || !strcmp(e->d_name, ".."))
			continue;
		if (names.n == names.size) {
			names.size = names.size ? 2 * names.size : 64;
			names.items = realloc(names.items, names.size * sizeof(*names.items));
		}
		if (!names.items || !(names.items[names.n++] = strdup(e->d_name)))
			err(1, "memory");
	}
	if (d)
		closedir(d);
	qsort(names.items, names.n, sizeof(*names.items), by_bytes);
	return names;
}

static void free_names(struct names *names)
{
	while (names->n > 0)
		free(names->items[--names->n]);
	free(names->items);
}

/* Whether it is a directory. Most file systems have attributes, but not all. */
static int look(const char *path)
{
	static char attributes[65536];
	struct stat st;

	if (lstat(path, &st))
		err(1, "%s", path);
	if (lgetxattr(path, "security.capability", attributes, sizeof(attributes)) < 0 && errno != ENODATA &&
	    errno != ENOTSUP)
		err(1, "%s: security.capability", path);
	if (llistxattr(path, attributes, sizeof(attributes)) < 0 && errno != ENOTSUP)
		err(1, "%s: attributes", path);
	return S_ISDIR(st.st_mode);
}

static size_t compare(const char *parent, const char *child)
{
	struct names a = read_names(parent), b = read_names(child);
	char in_parent[4096], in_child[4096];
	size_t i = 0, j = 0, n = a.n + b.n;

	while (i < a.n || j < b.n) {
		int order = i == a.n ? 1 : j == b.n ? -1 : strcmp(a.items[i], b.items[j]), dirs = 0;
		const char *name = order <= 0 ? a.items[i] : b.items[j];

		snprintf(in_parent, sizeof(in_parent), "%s/%s", parent, name);
		snprintf(in_child, sizeof(in_child), "%s/%s", child, name);
		if (order <= 0)
			dirs |= look(in_parent), i++;
		if (order >= 0)
			dirs |= look(in_child), j++;
		if (dirs)
			n += compare(in_parent, in_child);
	}
	free_names(&a);
	free_names(&b);
	return n;
}

static size_t run_compare(struct job *job)
{
	return compare(job->argv[0], job->argv[1]);
}

/* --- names
 * ------------------------------------------------------------------------------------------------------------ */

static size_t run_stat(struct job *job)
{
	struct stat st;

	for (size_t i = 0; i < job->n; i++)
		if (lstat(job->paths[i], &st))
			err(1, "%s", job->paths[i]);
	return job->n;
}

static size_t run_stat_missing(struct job *job)
{
	struct stat st;

	for (size_t i = 0; i < job->n; i++)
		if (!lstat(job->paths[i], &st) || errno != ENOENT)
			errx(1, "%s is not missing", job->paths[i]);
	return job->n;
}

static size_t run_unlink(struct job *job)
{
	for (size_t i = 0; i < job->n; i++)
		if (unlink(job->paths[i]))
			err(1, "%s", job->paths[i]);
	return job->n;
}

static size_t run_rename(struct job *job)
{
	char to[4096];

	for (size_t i = 0; i < job->n; i++) {
		snprintf(to, sizeof(to), "%s.renamed", job->paths[i]);
		if (rename(job->paths[i], to))
			err(1, "%s", job->paths[i]);
	}
	return job->n;
}

static size_t run_chmod(struct job *job)
{
	for (size_t i = 0; i < job->n; i++)
		if (chmod(job->paths[i], 0600))
			err(1, "%s", job->paths[i]);
	return job->n;
}

static size_t run_mkdir(struct job *job)
{
	for (size_t i = 0; i < job->n; i++)
		if (mkdir(job->paths[i], 0755))
			err(1, "%s", job->paths[i]);
	return job->n;
}

/* --- small files -------------------------------------------------------------------------------------------------- */

static int open_or_die(const char *path, int flags)
{
	int fd = open(path, flags, 0644);

	if (fd < 0)
		err(1, "%s", path);
	return fd;
}

static size_t run_open_read(struct job *job)
{
	for (size_t i = 0; i < job->n; i++) {
		int fd = open_or_die(job->paths[i], O_RDONLY);

		if (read(fd, buffer, 4096) < 0)
			err(1, "%s", job->paths[i]);
		close(fd);
	}
	return job->n;
}

static size_t run_open_close(struct job *job)
{
	for (size_t i = 0; i < job->n; i++)
		close(open_or_die(job->paths[i], O_RDONLY));
	return job->n;
}

static size_t run_create(struct job *job)
{
	for (size_t i = 0; i < job->n; i++) {
		int fd = open_or_die(job->paths[i], O_WRONLY | O_CREAT | O_EXCL);

		if (write(fd, buffer, 4096) != 4096)
			err(1, "%s", job->paths[i]);
		close(fd);
	}
	return job->n;
}

static size_t run_append(struct job *job)
{
	for (size_t i = 0; i < job->n; i++) {
		int fd = open_or_die(job->paths[i], O_WRONLY | O_APPEND);

		if (write(fd, "appended\n", 9) != 9)
			err(1, "%s", job->paths[i]);
		close(fd);
	}
	return job->n;
}

/* --- bulk: the count is MiB, or calls for the random ones --------------------------------------------------------- */

static size_t run_read(struct job *job)
{
	int fd = open_or_die(job->argv[0], O_RDONLY);
	size_t total = 0;
	ssize_t n;

	while ((n = read(fd, buffer, 128 << 10)) > 0)
		total += (size_t)n;
	if (n < 0)
		err(1, "%s", job->argv[0]);
	close(fd);
	return total >> 20;
}

static size_t run_mmap_read(struct job *job)
{
	int fd = open_or_die(job->argv[0], O_RDONLY);
	volatile char byte;
	struct stat st;
	char *map;

	if (fstat(fd, &st))
		err(1, "%s", job->argv[0]);
	map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		err(1, "mmap");
	for (off_t i = 0; i < st.st_size; i += 4096)
		byte = map[i];
	(void)byte;
	munmap(map, (size_t)st.st_size);
	close(fd);
	return (size_t)st.st_size >> 20;
}

/* The same offsets every time. */
static off_t next_block(uint64_t *state, off_t blocks)
{
	*state = *state * 6364136223846793005u + 1442695040888963407u;
	return (off_t)((*state >> 33) % (uint64_t)blocks) * 4096;
}

static size_t run_random_read(struct job *job)
{
	size_t calls = strtoul(job->argv[1], NULL, 10);
	int fd = open_or_die(job->argv[0], O_RDONLY);
	uint64_t state = 1;
	off_t blocks = lseek(fd, 0, SEEK_END) / 4096;

	for (size_t i = 0; i < calls; i++)
		if (pread(fd, buffer, 4096, next_block(&state, blocks)) != 4096)
			err(1, "%s", job->argv[0]);
	close(fd);
	return calls;
}

static size_t run_random_write(struct job *job)
{
	size_t calls = strtoul(job->argv[1], NULL, 10);
	int fd = open_or_die(job->argv[0], O_WRONLY);
	uint64_t state = 1;
	off_t blocks = lseek(fd, 0, SEEK_END) / 4096;

	for (size_t i = 0; i < calls; i++)
		if (pwrite(fd, buffer, 4096, next_block(&state, blocks)) != 4096)
			err(1, "%s", job->argv[0]);
	close(fd);
	return calls;
}

static size_t run_write_fsync(struct job *job)
{
	size_t mib = strtoul(job->argv[1], NULL, 10);
	int fd = open_or_die(job->argv[0], O_WRONLY | O_CREAT | O_TRUNC);

	for (size_t i = 0; i < mib; i++)
		if (write(fd, buffer, BLOCK) != BLOCK)
			err(1, "%s", job->argv[0]);
	if (fsync(fd))
		err(1, "fsync %s", job->argv[0]);
	close(fd);
	return mib;
}

static size_t run_first_write(struct job *job)
{
	int fd = open_or_die(job->argv[0], O_WRONLY);

	if (pwrite(fd, "first", 5, 0) != 5)
		err(1, "%s", job->argv[0]);
	close(fd);
	return 1;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

static const struct workload {
	const char *name;
	int args;
	int list; /* argv[0] is a file with a path a line; one more argument may say what is appended to each */
	size_t (*run)(struct job *job);
} workloads[] = {
	{"statwalk", 1, 0, run_statwalk},
	{"listwalk", 1, 0, run_listwalk},
	{"compare", 2, 0, run_compare},
	{"stat", 1, 1, run_stat},
	{"stat-missing", 1, 1, run_stat_missing},
	{"open-read", 1, 1, run_open_read},
	{"open-close", 1, 1, run_open_close},
	{"create", 1, 1, run_create},
	{"mkdir", 1, 1, run_mkdir},
	{"unlink", 1, 1, run_unlink},
	{"rename", 1, 1, run_rename},
	{"chmod", 1, 1, run_chmod},
	{"append", 1, 1, run_append},
	{"first-write", 1, 0, run_first_write},
	{"read", 1, 0, run_read},
	{"mmap-read", 1, 0, run_mmap_read},
	{"random-read", 2, 0, run_random_read},
	{"random-write", 2, 0, run_random_write},
	{"write-fsync", 2, 0, run_write_fsync},
};

struct times {
	uint64_t wall, cpu;
	size_t n;
};

static struct times run_alone(const struct workload *w, struct job *job)
{
	uint64_t cpu = clock_ns(CLOCK_PROCESS_CPUTIME_ID), wall = clock_ns(CLOCK_MONOTONIC);
	size_t n = w->run(job);

	wall = clock_ns(CLOCK_MONOTONIC) - wall;
	return (struct times){wall, clock_ns(CLOCK_PROCESS_CPUTIME_ID) - cpu, n};
}

/* A caller has every callers'th path. It begins when the pipe's other end is closed. */
static void call(const struct workload *w, struct job *job, size_t me, size_t callers, int begin, struct times *ret)
{
	size_t n = 0;
	char byte;

	for (size_t i = me; i < job->n; i += callers)
		job->paths[n++] = job->paths[i];
	job->n = n;
	if (read(begin, &byte, 1) != 0)
		err(1, "pipe");
	*ret = run_alone(w, job);
}

/* The clock's time is that of all together. */
static struct times run_callers(const struct workload *w, struct job *job, size_t callers)
{
	struct times *each =
		mmap(NULL, callers * sizeof(*each), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	struct times all = {0};
	int begin[2], status, failed = 0;

	if (each == MAP_FAILED || pipe(begin))
		err(1, "callers");
	for (size_t i = 0; i < callers; i++) {
		pid_t pid = fork();

		if (pid < 0)
			err(1, "fork");
		if (pid == 0) {
			close(begin[1]);
			call(w, job, i, callers, begin[0], &each[i]);
			_exit(0);
		}
	}
	all.wall = clock_ns(CLOCK_MONOTONIC);
	close(begin[1]);
	while (wait(&status) > 0)
		failed |= status;
	all.wall = clock_ns(CLOCK_MONOTONIC) - all.wall;
	if (failed)
		errx(1, "a caller failed");
	for (size_t i = 0; i < callers; i++) {
		all.cpu += each[i].cpu;
		all.n += each[i].n;
	}
	return all;
}

/* Keeps a processor busy until its parent ends. */
static void spin(void)
{
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	for (volatile unsigned n = 0;; n++)
		;
}

int main(int argc, char **argv)
{
	size_t callers = argc > 3 && !strcmp(argv[1], "callers") ? strtoul(argv[2], NULL, 10) : 0;

	if (argc == 2 && !strcmp(argv[1], "spin"))
		spin();
	if (callers) {
		argc -= 2;
		argv += 2;
	}
	for (size_t i = 0; argc > 1 && i < sizeof(workloads) / sizeof(*workloads); i++) {
		const struct workload *w = &workloads[i];
		struct job job = {.argc = argc - 2, .argv = argv + 2};
		struct times t;

		if (strcmp(argv[1], w->name))
			continue;
		if (job.argc < w->args || job.argc > w->args + w->list)
			errx(2, "%s takes %d arguments", w->name, w->args);
		if (callers && !w->list)
			errx(2, "%s has no list to be shared", w->name);
		memset(buffer, 'b', sizeof(buffer));
		if (w->list)
			job_read_list(&job);
		t = callers ? run_callers(w, &job, callers) : run_alone(w, &job);
		printf("%llu %llu %zu\n", (unsigned long long)t.wall, (unsigned long long)t.cpu, t.n);
		return 0;
	}
	errx(2, "usage: workload [callers N] NAME ARGUMENT... | spin");
}
