/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making caches, in a thread of a low priority beside a mount that doesn't use them yet.
 *
 * A directory is recorded when it looked the same before and after it was read, and its change time is so long ago that
 * a later change can't have the same: file systems stamp by a clock that ticks in milliseconds. So the thread waits for
 * what is young. The same goes for a file whose xattr flags are recorded. A time without nanoseconds isn't relied on:
 * it is of a file system that counts seconds, or an image's maker wrote it, who may write the same into his next image.
 * What can't be recorded (also: changing all the time, unreadable) is left out together with what lies below it, and
 * asked of the layer.
 *
 * The file is written under a temporary name, whose lock says that somebody makes it, and gets its own when it is on
 * disk.
 */
#include "cache_internal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "base/log.h"
#include "layer/walk.h"
#include "os/task.h"

#define NICE 10
#define TRIES 3
/* How old a time has to be. */
#define SETTLED_MS 100
/* How long a whole layer is waited for. */
#define WAIT_LIMIT_MS 6000
#define WAIT_STEP_MS 20
/* How the root directory was found. */
#define NO_ENTRY UINT32_MAX

_Static_assert(XATTR_FLAG_PROTATTR <= 0x4000, "the flags fit into the 15 bits of an entry");

/* The layer that is being read. */
struct build {
	struct layer_caches *caches;
	const struct layer *l;
	struct cachefile_builder w;
	uint32_t *found; /* as w.dirs: the entry by which the directory was found */
	size_t found_cap;
	unsigned waited;    /* ms */
	struct error error; /* why there is none */

	uint64_t reading; /* the directory that is being read: its number, or 0 */
	unsigned tries;
	bool broken; /* something in it can't be looked at, or went away */
	struct cachefile_dir dir;
	struct cachefile_stamp before;
	uint32_t n_dirs, n_entries; /* of the writer before it, with names_len */
	size_t names_len;
};

static bool is_stopped(const struct build *b)
{
	return atomic_load_explicit(&b->caches->stop, memory_order_relaxed);
}

/* --- times -------------------------------------------------------------------------------------------------------- */

/* How long until a change can't get this time any more; negative: that is never known. */
static int64_t ms_until_settled(const struct statx_timestamp *t)
{
	struct timespec now = os_now_real();
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
		os_sleep_us(WAIT_STEP_MS * 1000);
		b->waited += WAIT_STEP_MS;
	}
}

/* --- what a walk tells -------------------------------------------------------------------------------------------- */

/* Directories that change because the union is mounted, or are forbidden; and another subvolume, for a directory is
 * known by its number. */
static bool is_left_out(const struct build *b, const struct statx *stx)
{
	const struct layer_set *set = b->caches->set;
	struct layer_id id = layer_id_of(stx);

	return id.dev != b->l->dev || layer_id_equal(id, b->caches->id) ||
	       (set->has_upper && (layer_id_equal(id, set->upper_id) || layer_id_equal(id, set->work_id)));
}

/* Gives the directory a number, its tag; LAYER_WALK_SKIP without one. */
static int add_directory(struct build *b, struct layer_walk_entry *e, uint32_t entry)
{
	(void)CHECK(entry == NO_ENTRY || entry < b->w.n_entries);
	int64_t number;

	if (is_left_out(b, &e->stx))
		return LAYER_WALK_SKIP;
	number = cachefile_add_dir(&b->w);
	if (number < 0)
		return (int)number;
	if (!ARRAY_ROOM(b->found, number - 1, b->found_cap, 1))
		return -ENOMEM;
	b->found[number - 1] = entry;
	if (entry != NO_ENTRY)
		b->w.entries[entry].dir = (uint32_t)number;
	e->tag = (uint64_t)number;
	return 0;
}

/* What is known of a file beside its name, once its times are such that it can be relied on. */
static int add_xattr_flags(struct build *b, const struct layer_walk_entry *e, struct cachefile_entry *ret)
{
	unsigned xattr_flags;
	int r;

	if (ret->type == DT_WHT || !wait_until_settled(b, &e->stx))
		return is_stopped(b) ? -ECANCELED : 0;
	r = layer_read_xattr_flags(b->caches->set, b->l, e->dirfd, e->name, &xattr_flags);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	ret->ctime = layer_cache_stamp_of(&e->stx).ctime;
	ret->xattr_flags = (uint16_t)xattr_flags;
	ret->xattr_flags_known = true;
	return 0;
}

static int on_entry(void *arg, struct layer_walk_entry *e)
{
	struct build *b = arg;
	/* By their nature whiteouts of the xattr form are files. */
	struct cachefile_entry entry = {
		.ino = e->ino, .type = (uint8_t)(layer_is_whiteout(&e->stx) ? DT_WHT : IFTODT(e->stx.stx_mode))};
	int r;

	if (is_stopped(b))
		return -ECANCELED;
	if (layer_dev_of(&e->stx) != b->l->dev)
		entry.ino = 0;
	if (!*e->path)
		return add_directory(b, e, NO_ENTRY);
	/* One that no lookup could ask for. */
	if (strlen(e->name) > CACHEFILE_NAME_MAX)
		return LAYER_WALK_SKIP;
	r = S_ISDIR(e->stx.stx_mode) ? 0 : add_xattr_flags(b, e, &entry);
	if (r == 0)
		r = cachefile_add_entry(&b->w, &entry, e->name);
	return r < 0 || !S_ISDIR(e->stx.stx_mode) ? r : add_directory(b, e, b->w.n_entries - 1);
}

static void roll_back(struct build *b)
{
	(void)CHECK(b->n_dirs <= b->w.n_dirs && b->n_entries <= b->w.n_entries && b->names_len <= b->w.names_len);
	b->w.n_dirs = b->n_dirs;
	b->w.n_entries = b->n_entries;
	b->w.names_len = b->names_len;
}

/* Nothing of the directory stays: the layer is asked for what is in it. Without the root there is no cache. */
static int leave_out(struct build *b, uint64_t number, int err, const char *why)
{
	if (!CHECK(number >= CACHEFILE_ROOT && number <= b->w.n_dirs))
		return -EIO;
	if (b->reading == number)
		roll_back(b);
	b->reading = 0;
	if (is_stopped(b))
		return -ECANCELED;
	if (number == CACHEFILE_ROOT)
		return error_set(&b->error, err, "its root directory: %s", why);
	b->w.entries[b->found[number - 1]].dir = 0;
	b->w.dirs[number - 1] = (struct cachefile_dir){0};
	return LAYER_WALK_SKIP;
}

static int begin_directory(void *arg, const struct layer_walk_entry *e)
{
	struct build *b = arg;
	struct statx stx;
	int r = os_statx(e->dirfd, "", &stx);

	if (b->reading != e->tag)
		b->tries = 0;
	b->reading = e->tag;
	b->n_dirs = b->w.n_dirs;
	b->n_entries = b->w.n_entries;
	b->names_len = b->w.names_len;
	b->broken = false;
	b->dir = (struct cachefile_dir){.first = b->w.n_entries};
	if (r < 0)
		return leave_out(b, e->tag, r, strerror(-r));
	if (!wait_until_settled(b, &stx))
		return leave_out(b, e->tag, -ETIME, "its times don't tell changes apart");
	b->before = layer_cache_stamp_of(&stx);
	r = layer_read_xattr_flags(b->caches->set, b->l, e->dirfd, "", &b->dir.xattr_flags);
	return r < 0 ? leave_out(b, e->tag, r, strerror(-r)) : 0;
}

static int end_directory(void *arg, const struct layer_walk_entry *e)
{
	struct build *b = arg;
	struct statx stx = {0};
	bool same = os_statx(e->dirfd, "", &stx) == 0;
	struct cachefile_stamp after = layer_cache_stamp_of(&stx);

	if (same && !b->broken && layer_cache_stamp_equal(&b->before, &after)) {
		b->dir.stamp = b->before;
		(void)CHECK(b->dir.first <= b->w.n_entries && e->tag <= b->w.n_dirs);
		b->dir.n = b->w.n_entries - b->dir.first;
		b->w.dirs[e->tag - 1] = b->dir;
		b->reading = 0;
		return 0;
	}
	if (++b->tries == TRIES)
		return leave_out(b, e->tag, -EAGAIN, "it changes all the time, or entries can't be looked at");
	roll_back(b);
	return LAYER_WALK_AGAIN;
}

/* Of a directory, told without `end`; of anything else, told between. */
static int on_failure(void *arg, const struct layer_walk_entry *e, int err)
{
	struct build *b = arg;
	int r;

	if (err == -ENOMEM || err == -ECANCELED)
		return err;
	if (!e->tag) {
		b->broken = true;
		return 0;
	}
	r = leave_out(b, e->tag, err, strerror(-err));
	return r == LAYER_WALK_SKIP ? 0 : r;
}

static int build_layer(struct build *b)
{
	static const struct layer_walk_calls calls = {
		.entry = on_entry, .begin = begin_directory, .end = end_directory, .failed = on_failure};

	return layer_walk(b->caches->set, b->l, LAYER_WALK_STAT | LAYER_WALK_RAW, &calls, b);
}

/* --- the file ----------------------------------------------------------------------------------------------------- */

#define NEW_NAME_SIZE (CACHEFILE_FILE_NAME_SIZE + 4)

/* The right to make the file: its temporary one, locked. -EBUSY: somebody else makes it, or has. */
static int claim(const struct layer_caches *caches, const char *name, const char *temp)
{
	_cleanup_close_ int fd = os_openat(caches->dir_fd, temp, O_RDWR | O_CREAT | O_NONBLOCK, 0600, OS_NO_XDEV);
	struct statx opened, named;
	int r = fd < 0 ? fd : os_flock(fd, LOCK_EX | LOCK_NB);

	if (r < 0)
		return r == -EWOULDBLOCK ? -EBUSY : r;
	/* Under its own name it would be in use. */
	if (os_statx(fd, "", &opened) < 0 || os_statx(caches->dir_fd, temp, &named) < 0 ||
	    !layer_same_object(&opened, &named))
		return -EBUSY;
	if (os_statx(caches->dir_fd, name, &named) != -ENOENT) {
		os_unlinkat(caches->dir_fd, temp, 0);
		return -EBUSY;
	}
	return TAKE_FD(fd);
}

static int cache_write_file(int fd, const struct cachefile_builder *w, const struct cachefile_key *key)
{
	_cleanup_free_ uint8_t *bytes = NULL;
	size_t size;
	ssize_t n;
	int r = cachefile_encode(w, key, &bytes, &size);

	if (r == 0)
		r = os_ftruncate(fd, 0);
	if (r < 0)
		return r;
	n = os_pwrite_all(fd, bytes, size, 0);
	if (n != (ssize_t)size)
		return n < 0 ? (int)n : -ENOSPC;
	return os_fsync(fd);
}

/* A failure of the cache's own directory. */
static int refuse_temp(struct build *b, int err, const char *temp)
{
	return error_set(&b->error, err, "%s/%s: %s", b->caches->path, temp, strerror(-err));
}

static int write_and_name(struct build *b, int fd, const struct cachefile_key *key, const char *temp, const char *name)
{
	int dir_fd = b->caches->dir_fd, r = cache_write_file(fd, &b->w, key);

	if (r == 0)
		r = os_renameat2(dir_fd, temp, dir_fd, name, 0);
	return r < 0 ? refuse_temp(b, r, temp) : 0;
}

static int build_and_write(struct build *b, const struct cachefile_key *key)
{
	char name[CACHEFILE_FILE_NAME_SIZE], temp[NEW_NAME_SIZE];
	_cleanup_close_ int fd = -1;
	int r;

	cachefile_file_name(key, name);
	snprintf(temp, sizeof(temp), "%s.new", name);
	fd = claim(b->caches, name, temp);
	if (fd < 0)
		return refuse_temp(b, fd, temp);
	r = build_layer(b);
	if (r == 0)
		r = write_and_name(b, fd, key, temp, name);
	if (r < 0)
		os_unlinkat(b->caches->dir_fd, temp, 0);
	return r;
}

static void make_one(struct layer_caches *caches, const struct layer *l)
{
	struct build b = {.caches = caches, .l = l};
	struct cachefile_key key;
	const char *why;
	int r;

	(void)CHECK(!l->cache && !l->upper);
	if (!layer_cache_key_of(caches->set, l, &key, &why)) {
		log_info("layer %s: no cache: %s", l->path, why);
		return;
	}
	r = build_and_write(&b, &key);
	if (r == 0)
		log_info("layer %s: cache made: %u directories, %u names", l->path, b.w.n_dirs, b.w.n_entries);
	else if (r != -EBUSY && r != -ECANCELED)
		log_info("layer %s: no cache: %s", l->path, b.error.text ? b.error.text : strerror(-r));
	error_finish(&b.error);
	cachefile_builder_finish(&b.w);
	free(b.found);
}

static void make_missing(struct pool_task *task)
{
	struct layer_caches *caches = container_of(task, struct layer_caches, task);
	const struct layer_set *set = caches->set;

	for (unsigned i = set->has_upper; i < set->n && !atomic_load(&caches->stop); i++)
		if (!set->layers[i].cache)
			make_one(caches, &set->layers[i]);
}

void layer_caches_start(struct layer_set *set)
{
	struct layer_caches *caches = set->caches;
	bool missing = false;

	for (unsigned i = set->has_upper; i < set->n; i++)
		missing |= !set->layers[i].cache;
	if (!caches || !caches->wanted || caches->pool || !missing)
		return;
	if (pool_new("plyfs-cache", 1, NICE, &caches->pool) < 0)
		return;
	caches->task.run = make_missing;
	pool_submit(caches->pool, &caches->task);
}

void layer_caches_stop(struct layer_set *set)
{
	struct layer_caches *caches = set->caches;

	if (!caches || !caches->pool)
		return;
	atomic_store(&caches->stop, true);
	pool_free(caches->pool);
	caches->pool = NULL;
}
