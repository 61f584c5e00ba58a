/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making catalogs, in a thread of a low priority beside a mount that doesn't use them yet.
 *
 * A directory is recorded when it looked the same before and after it was read, and its change time is so long ago that a later change
 * can't have the same: file systems stamp by a clock that ticks in milliseconds. So the thread waits for what is young. The same goes for
 * a file whose marks are recorded. A time without nanoseconds isn't relied on: it is of a file system that counts seconds, or an image's
 * maker wrote it, who may write the same into his next image. What can't be recorded (also: changing all the time, unreadable, too deep
 * for a path) is left out together with what lies below it, and asked of the layer.
 *
 * The file is written under a temporary name, whose lock says that somebody makes it, and gets its own when it is on disk.
 */
#include "catalog_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "os/task.h"

#define NICE 10
#define TRIES 3
/* How old a time has to be. */
#define SETTLED_MS 100
/* How long a whole layer is waited for. */
#define WAIT_LIMIT_MS 6000
#define WAIT_STEP_MS 20

_Static_assert(MARK_PROTECTED <= 0x4000, "marks fit into the 15 bits of an entry");

/* Where a directory was found: the number of its parent, and of its name among all. */
struct place {
	uint32_t parent, entry;
};

/* The layer that is being read. */
struct build {
	struct layer_catalogs *cats;
	const struct layer *l;
	struct catalog_writer w;
	struct place *places; /* as w.dirs */
	size_t places_cap;
	unsigned waited; /* ms */
};

static bool is_stopped(const struct build *b)
{
	return atomic_load_explicit(&b->cats->stop, memory_order_relaxed);
}

/* --- times -------------------------------------------------------------------------------------------------------------------- */

/* How long until a change can't get this time any more; negative: that is never known. */
static int64_t ms_until_settled(const struct statx_timestamp *t)
{
	struct timespec now = sys_now_real();
	int64_t age;

	if (!t->tv_nsec || t->tv_sec > now.tv_sec)
		return -1;
	if (now.tv_sec - t->tv_sec > SETTLED_MS / 1000 + 1)
		return 0;
	age = (now.tv_sec - t->tv_sec) * 1000 + (now.tv_nsec - (int64_t)t->tv_nsec) / 1000000;
	return age < 0 ? -1 : MAX(SETTLED_MS - age, 0);
}

static bool wait_until_settled(struct build *b, const struct statx *stx)
{
	for (;;) {
		int64_t left = ms_until_settled(&stx->stx_ctime);

		if (left <= 0)
			return left == 0;
		if (b->waited >= WAIT_LIMIT_MS || is_stopped(b))
			return false;
		sys_sleep_us(WAIT_STEP_MS * 1000);
		b->waited += WAIT_STEP_MS;
	}
}

/* --- one directory ------------------------------------------------------------------------------------------------------------ */

static int on_name(void *arg, const struct sys_dirent *d)
{
	struct build *b = arg;
	struct catalog_entry e = {.ino = d->ino, .type = d->type};

	if (is_stopped(b))
		return -ECANCELED;
	/* One that no lookup could ask for. */
	return d->name_len > CATALOG_NAME_MAX ? 0 : catalog_add_entry(&b->w, &e, d->name);
}

/* Directories that change because the union is mounted, or are forbidden. */
static bool is_left_out(const struct build *b, const struct statx *stx)
{
	const struct layer_set *set = b->cats->set;
	struct layer_id id = layer_id_of(stx);

	return layer_id_equal(id, b->cats->id) ||
	       (set->has_upper && (layer_id_equal(id, set->upper_id) || layer_id_equal(id, set->work_id)));
}

static int add_directory(struct build *b, uint32_t parent, uint32_t entry, const struct statx *stx)
{
	int64_t number;

	if (is_left_out(b, stx))
		return 0;
	number = catalog_add_dir(&b->w);
	if (number < 0)
		return (int)number;
	if ((size_t)number > b->places_cap) {
		size_t cap = MAX(b->places_cap * 2, (size_t)64);
		struct place *places = reallocarray(b->places, cap, sizeof(*places));

		if (!places)
			return -ENOMEM;
		b->places = places;
		b->places_cap = cap;
	}
	b->places[number - 1] = (struct place){.parent = parent, .entry = entry};
	if (entry != UINT32_MAX)
		b->w.entries[entry].dir = (uint32_t)number;
	return 0;
}

/* What the object behind a name is. */
static int look_at_entry(struct build *b, uint32_t parent, uint32_t i, int fd)
{
	struct catalog_entry *e = &b->w.entries[i];
	char name[CATALOG_NAME_MAX + 1];
	struct statx stx;
	unsigned marks;
	int res;

	memcpy(name, b->w.names + e->name_off, e->name_len);
	name[e->name_len] = '\0';
	res = sys_statx(fd, name, &stx);
	if (res < 0)
		return res;
	e->type = (uint8_t)(layer_is_whiteout(&stx) ? DT_WHT : IFTODT(stx.stx_mode));
	if (S_ISDIR(stx.stx_mode))
		return add_directory(b, parent, i, &stx);
	if (e->type == DT_WHT || !wait_until_settled(b, &stx))
		return is_stopped(b) ? -ECANCELED : 0;
	res = layer_read_marks(b->cats->set, b->l, fd, name, &marks);
	if (res < 0)
		return res == -ENOMEM ? res : 0;
	e->ctime = catalog_stamp_of(&stx).ctime;
	e->marks = (uint16_t)marks;
	e->marks_known = true;
	return 0;
}

static int read_names(struct build *b, uint32_t number, int fd, struct catalog_dir *ret)
{
	uint32_t first = b->w.n_entries;
	int res = layer_read_marks(b->cats->set, b->l, fd, "", &ret->marks);

	if (res == 0)
		res = sys_read_dir(fd, on_name, b);
	ret->first = first;
	ret->n = b->w.n_entries - first;
	for (uint32_t i = first; i < b->w.n_entries && res == 0; i++)
		res = is_stopped(b) ? -ECANCELED : look_at_entry(b, number, i, fd);
	return res;
}

/* -EAGAIN: it changed meanwhile. On failure nothing of it stays. */
static int record_directory(struct build *b, uint32_t number, int fd)
{
	uint32_t n_dirs = b->w.n_dirs, n_entries = b->w.n_entries;
	size_t names_len = b->w.names_len;
	struct catalog_stamp before, after;
	struct catalog_dir dir = {0};
	struct statx stx;
	int res = sys_statx(fd, "", &stx);

	if (res < 0)
		return res;
	if (!wait_until_settled(b, &stx))
		return is_stopped(b) ? -ECANCELED : -ETIME;
	before = catalog_stamp_of(&stx);
	res = read_names(b, number, fd, &dir);
	if (res == 0)
		res = sys_statx(fd, "", &stx);
	after = catalog_stamp_of(&stx);
	if (res == 0 && !catalog_stamp_equal(&before, &after))
		res = -EAGAIN;
	if (res == 0) {
		dir.stamp = before;
		b->w.dirs[number - 1] = dir;
		return 0;
	}
	b->w.n_dirs = n_dirs;
	b->w.n_entries = n_entries;
	b->w.names_len = names_len;
	return res == -ENOENT ? -EAGAIN : res;
}

/* --- the layer ---------------------------------------------------------------------------------------------------------------- */

/* Opens a directory by its path, which is composed from its end. */
static int open_directory(struct build *b, uint32_t number)
{
	char path[PATH_MAX];
	size_t at = sizeof(path) - 1;

	path[at] = '\0';
	if (number == CATALOG_ROOT)
		return sys_openat(b->l->root_fd, ".", O_PATH | O_DIRECTORY, 0, SYS_CROSS_MOUNTS);
	for (uint32_t n = number; n != CATALOG_ROOT; n = b->places[n - 1].parent) {
		const struct catalog_entry *e = &b->w.entries[b->places[n - 1].entry];

		if (e->name_len + 1u > at)
			return -ENAMETOOLONG;
		at -= e->name_len;
		memcpy(path + at, b->w.names + e->name_off, e->name_len);
		path[--at] = '/';
	}
	return layer_open_path(b->l, path + at + 1, O_PATH | O_DIRECTORY);
}

static int build_directory(struct build *b, uint32_t number)
{
	_cleanup_close_ int fd = open_directory(b, number);
	int res = fd < 0 ? fd : -EAGAIN;

	for (unsigned i = 0; i < TRIES && res == -EAGAIN; i++)
		res = record_directory(b, number, fd);
	return res;
}

static int build_layer(struct build *b)
{
	int res = add_directory(b, 0, UINT32_MAX, &(struct statx){0});

	/* What is found is appended behind. */
	for (uint32_t n = CATALOG_ROOT; n <= b->w.n_dirs && res == 0; n++) {
		res = build_directory(b, n);
		if (res == 0 || res == -ENOMEM || res == -ECANCELED || res == -EFBIG || n == CATALOG_ROOT)
			continue;
		b->w.entries[b->places[n - 1].entry].dir = 0;
		b->w.dirs[n - 1] = (struct catalog_dir){0};
		res = 0;
	}
	return res;
}

/* --- the file ----------------------------------------------------------------------------------------------------------------- */

#define NEW_NAME_SIZE (CATALOG_FILE_NAME_SIZE + 4)

/* The right to make the file: its temporary one, locked. -EBUSY: somebody else makes it, or has. */
static int claim(const struct layer_catalogs *cats, const char *name, const char *temp)
{
	_cleanup_close_ int fd = sys_openat(cats->dir_fd, temp, O_RDWR | O_CREAT | O_NONBLOCK, 0600, SYS_NO_XDEV);
	struct statx opened, named;
	int res = fd < 0 ? fd : sys_flock(fd, LOCK_EX | LOCK_NB);

	if (res < 0)
		return res == -EWOULDBLOCK ? -EBUSY : res;
	/* Under its own name it would be in use. */
	if (sys_statx(fd, "", &opened) < 0 || sys_statx(cats->dir_fd, temp, &named) < 0 || opened.stx_ino != named.stx_ino ||
	    sys_statx(cats->dir_fd, name, &named) != -ENOENT)
		return -EBUSY;
	return TAKE_FD(fd);
}

static int write_file(int fd, const struct catalog_writer *w, const struct catalog_key *key)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size;
	ssize_t n;
	int res = catalog_encode(w, key, &bytes, &size);

	if (res == 0)
		res = sys_ftruncate(fd, 0);
	if (res < 0)
		return res;
	n = sys_pwrite_all(fd, bytes, size, 0);
	if (n != (ssize_t)size)
		return n < 0 ? (int)n : -ENOSPC;
	return sys_fsync(fd);
}

static int build_and_write(struct build *b, const struct catalog_key *key)
{
	char name[CATALOG_FILE_NAME_SIZE], temp[NEW_NAME_SIZE];
	_cleanup_close_ int fd = -1;
	int dir_fd = b->cats->dir_fd, res;

	catalog_file_name(key, name);
	snprintf(temp, sizeof(temp), "%s.new", name);
	fd = claim(b->cats, name, temp);
	if (fd < 0)
		return fd;
	res = build_layer(b);
	if (res == 0)
		res = write_file(fd, &b->w, key);
	if (res == 0)
		res = sys_renameat2(dir_fd, temp, dir_fd, name, 0);
	if (res < 0)
		sys_unlinkat(dir_fd, temp, 0);
	return res;
}

static void make_one(struct layer_catalogs *cats, const struct layer *l)
{
	struct build b = {.cats = cats, .l = l};
	struct catalog_key key;
	const char *why;
	int res;

	if (!catalog_key_of(cats->set, l, &key, &why)) {
		log_info("layer %s: no index: %s", l->path, why);
		return;
	}
	res = build_and_write(&b, &key);
	if (res == 0)
		log_info("layer %s: index made: %u directories, %u names", l->path, b.w.n_dirs, b.w.n_entries);
	else if (res != -EBUSY && res != -ECANCELED)
		log_info("layer %s: no index: %s", l->path, strerror(-res));
	catalog_writer_finish(&b.w);
	free(b.places);
}

static void make_missing(struct pool_task *task)
{
	struct layer_catalogs *cats = container_of(task, struct layer_catalogs, task);
	const struct layer_set *set = cats->set;

	for (unsigned i = set->has_upper; i < set->n && !atomic_load(&cats->stop); i++)
		if (!set->layers[i].catalog)
			make_one(cats, &set->layers[i]);
}

void layer_catalogs_start(struct layer_set *set)
{
	struct layer_catalogs *cats = set->catalogs;
	bool missing = false;

	for (unsigned i = set->has_upper; i < set->n; i++)
		missing |= !set->layers[i].catalog;
	if (!cats || !cats->wanted || cats->pool || !missing)
		return;
	if (pool_new("plyfs-index", 1, NICE, &cats->pool) < 0)
		return;
	cats->task.run = make_missing;
	pool_submit(cats->pool, &cats->task);
}

void layer_catalogs_stop(struct layer_set *set)
{
	struct layer_catalogs *cats = set->catalogs;

	if (!cats || !cats->pool)
		return;
	atomic_store(&cats->stop, true);
	pool_free(cats->pool);
	cats->pool = NULL;
}
