/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random operations on one file against a model of it in memory. The file is open twice, and each operation takes one
 * of the two descriptors: buffered or O_DIRECT read and write, append, truncate in both directions, store and load
 * through a shared mapping, punched and zeroed ranges, preallocation, copy_file_range within the file and from and to
 * another one, seeking data and holes, fsync, and closing and opening anew. After every read, and every few operations
 * of the whole file, bytes and size must be the model's.
 *
 * O_DIRECT and mappings at the same time are no promise of any file system without a sync between them; here each
 * operation ends before the next begins, so the order is plain, and the page cache must not hide what was written past
 * it.
 *
 * usage: datacheck FILE SECONDS SEED [direct]
 * FILE exists or is created; its content is the model's beginning. Exit status 0, or 1 after a line that tells the
 * operation, and FILE.log holds the operations before it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/falloc.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define MAX_SIZE (768 * 1024)
#define MAX_IO (160 * 1024)
#define ALIGN 4096
#define LOG_LINES 40

struct model {
	unsigned char bytes[MAX_SIZE];
	size_t size;
};

static struct model model, other_model;
static const char *path;
static char other_path[4096];
static int fd[2] = {-1, -1}, other_fd = -1, plain_fd = -1;
static bool with_direct, is_direct[2];
static unsigned char *buffer; /* aligned, MAX_IO */
static uint64_t seed, operation;
static char log_lines[LOG_LINES][120];

static uint64_t rnd(uint64_t below)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return below ? seed % below : 0;
}

static void note(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
static void note(const char *fmt, ...)
{
	char *line = log_lines[operation % LOG_LINES];
	int used = snprintf(line, sizeof(log_lines[0]), "%llu ", (unsigned long long)operation);
	va_list args;

	va_start(args, fmt);
	vsnprintf(line + used, sizeof(log_lines[0]) - (size_t)used, fmt, args);
	va_end(args);
}

static void fail(const char *what, long long got, long long expected) __attribute__((noreturn));
static void fail(const char *what, long long got, long long expected)
{
	int err = errno;

	for (uint64_t i = operation >= LOG_LINES ? operation - LOG_LINES + 1 : 0; i <= operation; i++)
		fprintf(stderr, "  %s\n", log_lines[i % LOG_LINES]);
	printf("FAIL: %s: got %lld, expected %lld (errno %s)\n", what, got, expected, strerrorname_np(err) ?: "0");
	exit(1);
}

static void must(const char *what, long long got, long long expected)
{
	if (got != expected)
		fail(what, got, expected);
}

static void compare(const char *what, const unsigned char *got, size_t off, size_t len, const struct model *against)
{
	for (size_t i = 0; i < len; i++)
		if (got[i] != against->bytes[off + i]) {
			fprintf(stderr, "  at %zu: %d, expected %d\n", off + i, got[i], against->bytes[off + i]);
			fail(what, (long long)(off + i), -1);
		}
}

/* A range that an operation works on; mostly small, sometimes up to MAX_IO, and never beyond MAX_SIZE. */
struct range {
	size_t off, len;
};

static struct range pick(size_t end, bool aligned)
{
	struct range r;

	if (!end)
		return (struct range){0, 0};
	r.off = rnd(end);
	r.len = 1 + rnd(rnd(4) ? 9000 : MAX_IO - ALIGN);
	if (aligned) {
		r.off -= r.off % ALIGN;
		r.len += ALIGN - r.len % ALIGN;
	}
	if (r.off + r.len > end)
		r.len = end - r.off;
	return r;
}

static void model_grow(struct model *m, size_t end)
{
	if (end > m->size)
		m->size = end;
}

/* Bytes beyond the size are zero at all times, so growing needs no clearing. */
static void model_cut(struct model *m, size_t size)
{
	if (size < m->size)
		memset(m->bytes + size, 0, m->size - size);
	m->size = size;
}

static void random_bytes(unsigned char *at, size_t len)
{
	unsigned char first = (unsigned char)(1 + rnd(255));

	for (size_t i = 0; i < len; i++)
		at[i] = (unsigned char)(first + i * 7 + (i >> 8));
}

static int open_file(int which, int flags)
{
	bool direct = with_direct && rnd(2);

	fd[which] = open(path, O_RDWR | O_CLOEXEC | flags | (direct ? O_DIRECT : 0), 0644);
	if (fd[which] < 0)
		fail("open", -1, 0);
	is_direct[which] = direct;
	return fd[which];
}

/* --- operations --------------------------------------------------------------------------------------------------- */

static void do_read(int w)
{
	struct range r = pick(MAX_SIZE, is_direct[w]);
	size_t have = r.off >= model.size ? 0 : model.size - r.off < r.len ? model.size - r.off : r.len;

	note("read %d%s [%zu,+%zu)", w, is_direct[w] ? "d" : "", r.off, r.len);
	must("read", pread(fd[w], buffer, r.len, (off_t)r.off), (long long)have);
	compare("read data", buffer, r.off, have, &model);
}

static void do_write(int w)
{
	struct range r = pick(MAX_SIZE, is_direct[w]);

	note("write %d%s [%zu,+%zu)", w, is_direct[w] ? "d" : "", r.off, r.len);
	random_bytes(buffer, r.len);
	must("write", pwrite(fd[w], buffer, r.len, (off_t)r.off), (long long)r.len);
	memcpy(model.bytes + r.off, buffer, r.len);
	model_grow(&model, r.off + r.len);
}

static void do_append(int w)
{
	size_t len = 1 + rnd(5000);
	int at;

	(void)w;
	if (model.size + len > MAX_SIZE)
		return;
	note("append [%zu,+%zu)", model.size, len);
	random_bytes(buffer, len);
	at = open(path, O_WRONLY | O_APPEND | O_CLOEXEC);
	must("append", write(at, buffer, len), (long long)len);
	close(at);
	memcpy(model.bytes + model.size, buffer, len);
	model_grow(&model, model.size + len);
}

static void do_truncate(int w)
{
	size_t size = rnd(3) ? rnd(MAX_SIZE) : model.size / 2;

	note("truncate %d %zu -> %zu", w, model.size, size);
	must("ftruncate", rnd(2) ? ftruncate(fd[w], (off_t)size) : truncate(path, (off_t)size), 0);
	model_cut(&model, size);
}

static void do_open_truncate(int w)
{
	note("open %d with O_TRUNC", w);
	close(fd[w]);
	open_file(w, O_TRUNC);
	model_cut(&model, 0);
}

static void do_map(int w)
{
	struct range r = pick(model.size, false);
	bool store = rnd(2);
	size_t start = r.off - r.off % ALIGN;
	unsigned char *map;

	if (!r.len)
		return;
	note("%s %d [%zu,+%zu)", store ? "store" : "load", w, r.off, r.len);
	map = mmap(NULL, r.off + r.len - start, PROT_READ | PROT_WRITE, MAP_SHARED, fd[w], (off_t)start);
	if (map == MAP_FAILED)
		fail("mmap", -1, 0);
	if (store) {
		random_bytes(map + (r.off - start), r.len);
		memcpy(model.bytes + r.off, map + (r.off - start), r.len);
		/* what O_DIRECT reads and copy_file_range copies lies below the page cache */
		must("msync", msync(map, r.off + r.len - start, MS_SYNC), 0);
	} else {
		compare("mapped data", map + (r.off - start), r.off, r.len, &model);
	}
	munmap(map, r.off + r.len - start);
}

static void do_fallocate(int w)
{
	static const int modes[] = {0, FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
				    FALLOC_FL_ZERO_RANGE, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE};
	int mode = modes[rnd(sizeof(modes) / sizeof(modes[0]))];
	struct range r = pick(MAX_SIZE, false);
	size_t end = r.off + r.len;

	note("fallocate %d mode %d [%zu,+%zu)", w, mode, r.off, r.len);
	if (fallocate(fd[w], mode, (off_t)r.off, (off_t)r.len)) {
		if (errno == EOPNOTSUPP)
			return;
		fail("fallocate", -1, 0);
	}
	if (mode & (FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE))
		if (r.off < model.size)
			memset(model.bytes + r.off, 0, (end < model.size ? end : model.size) - r.off);
	if (!(mode & FALLOC_FL_KEEP_SIZE))
		model_grow(&model, end);
}

/* Within the file, without overlap; or from the file to the other one, or back. O_DIRECT would ask for aligned
 * ranges. */
static void do_copy(int w)
{
	int way = (int)rnd(3), in = way == 2 ? other_fd : plain_fd, out = way == 1 ? other_fd : plain_fd;
	struct model *from = way == 2 ? &other_model : &model, *to = way == 1 ? &other_model : &model;
	struct range r = pick(from->size, false);
	loff_t off_in = (loff_t)r.off, off_out = (loff_t)rnd(MAX_SIZE - r.len);
	size_t done = 0;

	(void)w;
	if (!r.len || (way == 0 && llabs(off_in - off_out) < (long long)r.len))
		return;
	note("copy way %d [%zu,+%zu) -> %lld", way, r.off, r.len, (long long)off_out);
	while (done < r.len) {
		ssize_t got = copy_file_range(in, &off_in, out, &off_out, r.len - done, 0);

		if (got <= 0)
			fail("copy_file_range", got, (long long)(r.len - done));
		done += (size_t)got;
	}
	memcpy(to->bytes + off_out - r.len, from->bytes + r.off, r.len);
	model_grow(to, (size_t)off_out);
}

/* What is told to be a hole holds zeros only. */
static void do_seek(int w)
{
	off_t at = model.size ? (off_t)rnd(model.size) : 0, data, hole;

	note("seek %d from %lld", w, (long long)at);
	data = lseek(fd[w], at, SEEK_DATA);
	if (data < 0 && errno != ENXIO)
		fail("SEEK_DATA", data, 0);
	if (data < 0)
		data = (off_t)model.size;
	for (off_t i = at; i < data; i++)
		if (model.bytes[i])
			fail("a hole where data is", i, data);
	hole = lseek(fd[w], at, SEEK_HOLE);
	if (model.size ? hole < at || hole > (off_t)model.size : hole != -1)
		fail("SEEK_HOLE", hole, (long long)model.size);
}

static void do_sync(int w)
{
	note("sync %d", w);
	must("sync", rnd(2) ? fsync(fd[w]) : fdatasync(fd[w]), 0);
}

static void do_reopen(int w)
{
	note("reopen %d", w);
	must("close", close(fd[w]), 0);
	open_file(w, 0);
}

static void do_size(int w)
{
	struct stat st, by_name;

	note("size %d", w);
	must("fstat", fstat(fd[w], &st), 0);
	must("size", st.st_size, (long long)model.size);
	must("stat", stat(path, &by_name), 0);
	must("size by name", by_name.st_size, (long long)model.size);
	must("number", (long long)by_name.st_ino, (long long)st.st_ino);
}

static const struct {
	void (*run)(int which);
	unsigned weight;
} operations[] = {
	{do_read, 30},	    {do_write, 30}, {do_append, 6}, {do_truncate, 6}, {do_open_truncate, 1}, {do_map, 20},
	{do_fallocate, 10}, {do_copy, 10},  {do_seek, 5},   {do_sync, 2},     {do_reopen, 4},	     {do_size, 10},
};

static void run_one(void)
{
	unsigned total = 0, at, i = 0;

	for (size_t n = 0; n < sizeof(operations) / sizeof(operations[0]); n++)
		total += operations[n].weight;
	at = (unsigned)rnd(total);
	while (at >= operations[i].weight)
		at -= operations[i++].weight;
	operations[i].run((int)rnd(2));
	operation++;
}

static void check_all(const char *name, const struct model *m)
{
	int at = open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	note("all of %s", name);
	must("fstat of all", fstat(at, &st), 0);
	must("size of all", st.st_size, (long long)m->size);
	for (size_t off = 0; off < m->size;) {
		ssize_t got = pread(at, buffer, MAX_IO, (off_t)off);

		if (got <= 0)
			fail("read of all", got, (long long)(m->size - off));
		compare("all", buffer, off, (size_t)got, m);
		off += (size_t)got;
	}
	close(at);
}

static void load(const char *name, struct model *m)
{
	int at = open(name, O_RDONLY | O_CREAT | O_CLOEXEC, 0644);
	ssize_t got = at < 0 ? -1 : pread(at, m->bytes, MAX_SIZE, 0);

	if (got < 0)
		fail("the beginning", got, 0);
	m->size = (size_t)got;
	close(at);
}

int main(int argc, char **argv)
{
	time_t end;

	if (argc < 4 || posix_memalign((void **)&buffer, ALIGN, MAX_IO)) {
		fputs("usage: datacheck FILE SECONDS SEED [direct]\n", stderr);
		return 2;
	}
	path = argv[1];
	snprintf(other_path, sizeof(other_path), "%s.other", path);
	end = time(NULL) + atol(argv[2]);
	seed = 88172645463325252u ^ (strtoull(argv[3], NULL, 0) * 2654435761u);
	with_direct = argc > 4 && !strcmp(argv[4], "direct");
	load(path, &model);
	load(other_path, &other_model);
	open_file(0, 0);
	open_file(1, 0);
	other_fd = open(other_path, O_RDWR | O_CLOEXEC);
	plain_fd = open(path, O_RDWR | O_CLOEXEC);
	must("more descriptors", other_fd >= 0 && plain_fd >= 0, 1);
	while (time(NULL) < end) {
		run_one();
		if (operation % 100 == 0) {
			check_all(path, &model);
			check_all(other_path, &other_model);
		}
	}
	check_all(path, &model);
	check_all(other_path, &other_model);
	printf("%llu operations\n", (unsigned long long)operation);
	return 0;
}
