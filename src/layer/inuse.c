/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Exclusive use of upper and work. Two unions over one upper corrupt each other's idea of it, so both directories are
 * locked with flock (the lock belongs to the open file description: it survives daemonizing and ends with the daemon),
 * and mountinfo is searched for kernel overlayfs mounts, which take no such lock.
 *
 * A daemon needs a moment to end after its umount, so an upper in use is waited for; and a daemon that is ending,
 * having much to sync, for longer, as umount of a kernel overlayfs would take that time. A call for what is already
 * mounted in the same way at the same place is no conflict: engines do that. Without an upper there is nothing to be
 * exclusive about.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "os/fs.h"
#include "os/mount.h"
#include "os/task.h"

#define WAIT_MS 5000
#define WAIT_FOR_END_MS 60000
#define POLL_MS 50
/* A daemon that is about to end takes less. */
#define SHOW_AFTER_MS 300

/* --- kernel mounts
 * ------------------------------------------------------------------------------------------------------------- */

/* What is looked for in mountinfo, and what was found. */
struct inuse_search {
	const struct layer_opening *lo;
	const struct layer_location *used; /* in use by a kernel mount */
	int err;			   /* or that can't be told */
	bool used_both;			   /* and so is the other one, by the same */
	bool mounted;			   /* a FUSE mount is at our mountpoint */
};

/* An error that says nothing about what was looked for. */
static bool is_shortage(int err)
{
	return err == -EMFILE || err == -ENFILE || err == -ENOMEM;
}

/* In mountinfo, separators and backslashes of a value are octal. */
static void unescape_octal(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		unsigned octal[3];
		bool is_octal = *from == '\\';

		for (int i = 0; i < 3 && is_octal; i++) {
			octal[i] = (unsigned)(unsigned char)from[1 + i] - '0';
			is_octal = octal[i] < 8;
		}
		if (is_octal) {
			*to++ = (char)(octal[0] << 6 | octal[1] << 3 | octal[2]);
			from += 3;
		} else {
			*to++ = *from;
		}
	}
	*to = '\0';
}

/* In an option that mount(2) was given, a backslash takes the next character's special meaning. */
static void unescape_backslashes(char *text)
{
	char *to = text;

	for (const char *from = text; *from; from++) {
		if (*from == '\\' && from[1])
			from++;
		*to++ = *from;
	}
	*to = '\0';
}

/* A path that leads nowhere here is of another mount namespace, or was removed. */
static const struct layer_location *used_by_path(struct inuse_search *search, const char *path)
{
	const struct layer_location *locations[] = {&search->lo->locations[0], layer_work_location(search->lo)};
	_cleanup_close_ int fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
	struct statx stx;

	(void)CHECK(*path == '/');
	if (is_shortage(fd))
		search->err = fd;
	if (fd < 0 || os_statx_cached(fd, "", &stx) < 0)
		return NULL;
	for (size_t i = 0; i < ARRAY_SIZE(locations); i++)
		if (layer_id_equal(layer_id_of(&stx), locations[i]->chain[0]))
			return locations[i];
	return NULL;
}

/* Whether the option's value leads to one of our directories. Kernel overlayfs shows it as it was given: with its
 * escapes after mount(2), without any after fsconfig(2), and a relative path can't be told. */
static const struct layer_location *used_by_option(struct inuse_search *search, char *value)
{
	const struct layer_location *used;

	unescape_octal(value);
	if (value[0] != '/')
		return NULL;
	used = used_by_path(search, value);
	if (used || !strchr(value, '\\'))
		return used;
	unescape_backslashes(value);
	return used_by_path(search, value);
}

static void search_kernel_mount(struct inuse_search *search, const char *options)
{
	const struct layer_location *first = NULL, *used;
	_cleanup_free_ char *copy = strdup(options);
	char *rest = copy;

	if (!copy)
		search->err = -ENOMEM;
	for (char *option; (option = strsep(&rest, ","));) {
		bool is_upper = !strncmp(option, "upperdir=", 9), is_work = !strncmp(option, "workdir=", 8);

		if (!is_upper && !is_work)
			continue;
		used = used_by_option(search, option + (is_upper ? 9 : 8));
		search->used_both |= first && used && used != first;
		first = first ? first : used;
	}
	search->used = first;
}

static bool inuse_is_fuse(const char *fstype)
{
	return !strcmp(fstype, "fuse") || !strncmp(fstype, "fuse.", 5);
}

static int search_mount(void *arg, const struct os_mountinfo *m)
{
	struct inuse_search *search = arg;
	const char *where = search->lo->mountpoint_location.where;

	if (search->lo->set->has_upper && !strcmp(m->fstype, "overlay") && !search->used)
		search_kernel_mount(search, m->super_options);
	if (!where || strcmp(m->mountpoint, where) != 0)
		return 0;
	search->mounted |= inuse_is_fuse(m->fstype);
	return 0;
}

/* --- locks
 * ---------------------------------------------------------------------------------------------------------------------
 */

/* 1: somebody else has it. A file system without such locks can't be protected; better used than refused. */
static int try_lock(int fd, const char *path)
{
	int r = os_flock(fd, LOCK_EX | LOCK_NB);

	if (r == -EWOULDBLOCK)
		return 1;
	if (r < 0)
		log_warning("%s: can't be locked against a second mount: %s", path, strerror(-r));
	return 0;
}

/* The directory that is in use by another mount, or NULL: then both locks are held. */
static const struct layer_location *try_all(const struct layer_opening *lo, const struct inuse_search *search)
{
	const struct layer_location *upper = &lo->locations[0], *work = layer_work_location(lo);
	struct layer_set *set = lo->set;

	(void)CHECK(set->layers[0].real_fd >= 0 && set->workdir_fd >= 0);
	if (search->used)
		return search->used;
	if (try_lock(set->layers[0].real_fd, upper->path))
		return upper;
	if (try_lock(set->workdir_fd, work->path)) {
		os_flock(set->layers[0].real_fd, LOCK_UN);
		return work;
	}
	return NULL;
}

/* Whether who holds the lock has mounted just what we are asked to mount. */
static bool is_already_mounted(const struct layer_opening *lo, const struct inuse_search *search)
{
	struct work_state state;

	return search->mounted && !search->used && !workdir_read_state(lo->set->workdir_fd, &state) &&
	       !memcmp(state.uuid, lo->set->identity, sizeof(lo->set->identity));
}

static bool is_locked(int fd)
{
	if (os_flock(fd, LOCK_SH | LOCK_NB) == -EWOULDBLOCK)
		return true;
	os_flock(fd, LOCK_UN);
	return false;
}

/* Whether who holds our work directory is about to end, or has just begun: it is mounted only with a state file. */
static bool is_ending(const struct layer_opening *lo, const struct inuse_search *search)
{
	int fd = lo->set->workdir_fd;
	struct work_state state;

	return !search->used && workdir_read_state(fd, &state) == -ENOENT && is_locked(fd);
}

/* Who can't change anything needs no upper of his own: the other one's is a layer like any. But where its names lead to
 * that it lacks is told by the index, so the work directory must be the other one's too. */
static bool can_show_upper(const struct layer_opening *lo, const struct inuse_search *search)
{
	const struct layer_set *set = lo->set;

	if (!lo->spec->read_only)
		return false;
	return search->used ? search->used_both : is_locked(set->layers[0].real_fd) && is_locked(set->workdir_fd);
}

int inuse_lock(struct layer_opening *lo)
{
	unsigned long long start = os_now_ms();

	for (;;) {
		struct inuse_search search = {.lo = lo};
		const struct layer_location *used;
		int r;

		r = os_each_mount(search_mount, &search);
		r = is_shortage(r) ? r : search.err;
		if (r < 0)
			return layer_refuse(lo, r, lo->locations[0].option, lo->locations[0].path,
					    "whether another mount uses it can't be told: %s", strerror(-r));
		used = try_all(lo, &search);
		if (!used)
			return 0;
		if (is_already_mounted(lo, &search))
			return -EALREADY;
		lo->could_show_upper = os_now_ms() >= start + SHOW_AFTER_MS && can_show_upper(lo, &search);
		if (lo->could_show_upper)
			return -EBUSY;
		if (os_now_ms() >= start + (is_ending(lo, &search) ? WAIT_FOR_END_MS : WAIT_MS))
			return layer_refuse(lo, -EBUSY, used->option, used->path, "in use by another mount");
		os_sleep_us(POLL_MS * 1000);
	}
}
