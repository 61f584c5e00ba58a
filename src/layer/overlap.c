/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the directories of a union lie with respect to each other. What counts is the directory tree of a file system,
 * not the paths: a bind mount gives one directory two paths. So each directory is placed twice: by the identities of
 * its parents up to the root of its mount, and by its path within the file system, which goes above the root of a bind
 * mount and which mountinfo tells unless we live in a chroot. Either way of finding one directory inside another is
 * enough.
 *
 * The rules are kernel overlayfs's (ovl_check_overlapping_layers, ovl_check_layer): upper or work inside a lower is
 * permitted.
 */
#include "internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "index_internal.h"
#include "os/fs.h"
#include "os/mount.h"

/* --- placing ------------------------------------------------------------------------------------------------------ */

static int overlap_chain_add(struct layer_location *location, const struct statx *stx)
{
	struct layer_id *next = ARRAY_NEXT(location->chain, location->n_chain);

	(void)CHECK(location->n_mount <= location->n_chain);
	if (!next)
		return -ENOMEM;
	*next = layer_id_of(stx);
	if (location->n_mount == location->n_chain && stx->stx_mnt_id == location->mnt_id)
		location->n_mount++;
	location->n_chain++;
	return 0;
}

static bool overlap_is_same_object(const struct statx *a, const struct statx *b)
{
	return layer_id_equal(layer_id_of(a), layer_id_of(b)) && a->stx_mnt_id == b->stx_mnt_id;
}

/* Identities are all that is needed, so nothing is asked of a FUSE file system at the mountpoint, which may hang or be
 * dead. Parents that may not be looked at end the chain: what can't be known can't be held against the user. */
static int read_chain(struct layer_location *location, int fd)
{
	struct statx now, before;
	int r = os_statx_cached(fd, "", &now);

	if (r < 0)
		return r;
	location->mnt_id = now.stx_mnt_id;
	r = overlap_chain_add(location, &now);
	for (unsigned level = 1; !r; level++) {
		before = now;
		if (os_statx_up(fd, level, &now) < 0 || overlap_is_same_object(&now, &before))
			break;
		r = overlap_chain_add(location, &now);
	}
	return r;
}

int location_read(struct layer_location *location, int fd)
{
	char where[PATH_MAX];
	ssize_t len;
	int r = read_chain(location, fd);

	(void)CHECK(!location->where);
	if (r < 0)
		return r;
	len = os_fd_target(fd, where, sizeof(where));
	if (len <= 0 || len == sizeof(where) || where[0] != '/')
		return 0;
	location->where = strndup(where, (size_t)len);
	return location->where ? 0 : -ENOMEM;
}

void location_finish(struct layer_location *location)
{
	free(location->chain);
	free(location->where);
	free(location->sb_path);
	free(location->fs_type);
}

const char *layer_path_beneath(const char *dir, const char *path)
{
	size_t len = strcmp(dir, "/") ? strlen(dir) : 0;

	(void)CHECK(*dir == '/' && (*path == '/' || !*path));
	if (strncmp(path, dir, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] == '/' && !path[len + 1] ? path + len + 1 : path + len;
}

/* Places by the mount that they lie in. */
struct placing {
	struct layer_location **locations;
	unsigned n;
};

static int by_mount(const void *a, const void *b)
{
	const struct layer_location *x = *(struct layer_location *const *)a, *y = *(struct layer_location *const *)b;

	return x->mnt_id < y->mnt_id ? -1 : x->mnt_id > y->mnt_id;
}

/* The first that lies in that mount, or behind. */
static unsigned first_in_mount(const struct placing *p, uint64_t mnt_id)
{
	unsigned low = 0, high = p->n;

	while (low < high) {
		unsigned mid = (low + high) / 2;

		if (p->locations[mid]->mnt_id < mnt_id)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static int location_in_mount(void *arg, const struct os_mountinfo *m)
{
	const struct placing *p = arg;
	uint64_t mnt_id = (uint64_t)m->id;

	for (unsigned i = first_in_mount(p, mnt_id); i < p->n && p->locations[i]->mnt_id == mnt_id; i++) {
		struct layer_location *location = p->locations[i];
		const char *root = strcmp(m->root, "/") ? m->root : "";
		const char *rest;

		if (!location->where || location->sb_path)
			continue;
		rest = layer_path_beneath(m->mountpoint, location->where);
		if (!rest)
			continue;
		if (asprintf(&location->sb_path, "%s%s", root, rest) < 0)
			location->sb_path = NULL;
		location->fs_type = strdup(m->fstype);
		if (!location->sb_path || !location->fs_type)
			return -ENOMEM;
		location->sb_dev = m->dev;
	}
	return 0;
}

int location_in_file_systems(struct layer_location *locations, unsigned n)
{
	_cleanup_free_ struct layer_location **sorted = calloc(n, sizeof(*sorted));
	struct placing p = {.locations = sorted, .n = n};
	int r;

	if (!sorted)
		return -ENOMEM;
	for (unsigned i = 0; i < n; i++)
		sorted[i] = &locations[i];
	qsort(sorted, n, sizeof(*sorted), by_mount);
	r = os_each_mount(location_in_mount, &p);
	return layer_passing(r);
}

/* --- deciding ----------------------------------------------------------------------------------------------------- */

static bool overlap_is_same(const struct layer_location *a, const struct layer_location *b)
{
	(void)CHECK(a->n_chain > 0 && b->n_chain > 0);
	return layer_id_equal(a->chain[0], b->chain[0]);
}

/* Whether `a` lies below `b` in the tree of one file system. */
static bool is_inside(const struct layer_location *a, const struct layer_location *b)
{
	const char *rest;

	for (unsigned i = 1; i < a->n_mount; i++)
		if (layer_id_equal(a->chain[i], b->chain[0]))
			return true;
	if (!a->sb_path || !b->sb_path || a->sb_dev != b->sb_dev)
		return false;
	rest = layer_path_beneath(*b->sb_path ? b->sb_path : "/", a->sb_path);
	return rest && *rest;
}

static int refuse_same(struct layer_opening *lo, const struct layer_location *a, const struct layer_location *b)
{
	return layer_refuse(lo, -ELOOP, a->option, a->path, "the same directory as %s %s", b->option, b->path);
}

static int refuse_inside(struct layer_opening *lo, const struct layer_location *a, const struct layer_location *b)
{
	return layer_refuse(lo, -ELOOP, a->option, a->path, "lies inside %s %s", b->option, b->path);
}

/* Neither may hold the other. */
static int check_pair(struct layer_opening *lo, const struct layer_location *a, const struct layer_location *b)
{
	if (overlap_is_same(a, b))
		return lo->spec->may_repeat ? 0 : refuse_same(lo, b, a);
	if (is_inside(a, b))
		return refuse_inside(lo, a, b);
	return is_inside(b, a) ? refuse_inside(lo, b, a) : 0;
}

static int check_lower_and_writable(struct layer_opening *lo, const struct layer_location *lower,
				    const struct layer_location *writable)
{
	if (overlap_is_same(lower, writable))
		return refuse_same(lo, writable, lower);
	return is_inside(lower, writable) ? refuse_inside(lo, lower, writable) : 0;
}

/* --- all lower layers with each other ----------------------------------------------------------------------------- */

static int by_identity(const void *a, const void *b)
{
	const struct layer_location *x = *(const struct layer_location *const *)a,
				    *y = *(const struct layer_location *const *)b;
	int order = layer_id_compare(x->chain[0], y->chain[0]);

	return order ? order : x < y ? -1 : x > y;
}

static int is_of_identity(const void *id, const void *location)
{
	return layer_id_compare(*(const struct layer_id *)id,
				(*(const struct layer_location *const *)location)->chain[0]);
}

/* As directories are told by their identities: whether one is there twice, or a parent of another one. */
static int check_identities(struct layer_opening *lo, const struct layer_location **locations, unsigned n)
{
	qsort(locations, n, sizeof(*locations), by_identity);
	for (unsigned i = 1; i < n; i++)
		if (overlap_is_same(locations[i], locations[i - 1]) && !lo->spec->may_repeat)
			return refuse_same(lo, locations[i], locations[i - 1]);
	for (unsigned i = 0; i < n; i++)
		for (unsigned level = 1; level < locations[i]->n_mount; level++) {
			const struct layer_location **holder =
				bsearch(&locations[i]->chain[level], locations, n, sizeof(*locations), is_of_identity);

			if (holder)
				return refuse_inside(lo, locations[i], *holder);
		}
	return 0;
}

/* What a directory holds comes right behind it: the slash comes before any other letter. */
static int compare_paths(const char *a, const char *b)
{
	while (*a && *a == *b) {
		a++;
		b++;
	}
	if (!*a || !*b)
		return !!*a - !!*b;
	if (*a == '/' || *b == '/')
		return *a == '/' ? -1 : 1;
	return (unsigned char)*a - (unsigned char)*b;
}

static int by_path(const void *a, const void *b)
{
	const struct layer_location *x = *(const struct layer_location *const *)a,
				    *y = *(const struct layer_location *const *)b;

	if (!x->sb_path || !y->sb_path)
		return !!x->sb_path - !!y->sb_path;
	if (x->sb_dev != y->sb_dev)
		return x->sb_dev < y->sb_dev ? -1 : 1;
	return compare_paths(x->sb_path, y->sb_path);
}

/* The same by their paths: if a directory holds any other one, then the one behind it. */
static int check_paths(struct layer_opening *lo, const struct layer_location **locations, unsigned n)
{
	qsort(locations, n, sizeof(*locations), by_path);
	for (unsigned i = 1; i < n; i++)
		if (is_inside(locations[i], locations[i - 1]))
			return refuse_inside(lo, locations[i], locations[i - 1]);
	return 0;
}

/* An upper may lie in a lower layer, also if it is that of another mount. */
static bool has_any_upper(const struct layer_opening *lo)
{
	return lo->set->has_upper || lo->set->shows_upper;
}

/* There may be thousands, so not each with each. */
static int check_lowers(struct layer_opening *lo)
{
	unsigned first = has_any_upper(lo), n = lo->set->n + lo->set->n_data - first;
	_cleanup_free_ const struct layer_location **locations = calloc(n, sizeof(*locations));
	int r;

	(void)CHECK(first + n <= lo->n_locations);
	if (!locations)
		return n ? -ENOMEM : 0;
	for (unsigned i = 0; i < n; i++)
		locations[i] = &lo->locations[first + i];
	r = check_identities(lo, locations, n);
	return r < 0 ? r : check_paths(lo, locations, n);
}

int overlap_check(struct layer_opening *lo)
{
	const struct layer_location *upper = &lo->locations[0], *work = layer_work_location(lo);
	int r = lo->set->has_upper ? check_pair(lo, upper, work) : 0;

	for (unsigned i = 1; has_any_upper(lo) && !r && i < lo->set->n + lo->set->n_data; i++) {
		r = check_lower_and_writable(lo, &lo->locations[i], upper);
		if (!r && lo->set->has_upper)
			r = check_lower_and_writable(lo, &lo->locations[i], work);
	}
	return r < 0 ? r : check_lowers(lo);
}

/* --- the mountpoint ----------------------------------------------------------------------------------------------- */

/* Whether the path, of something inside of the work directory, leads into one of the directories that are made
 * there. */
static bool is_made_there(const char *beneath)
{
	static const char *const names[] = {WORK_DIR_NAME, INDEX_DIR_NAME, INDEX_GONE_NAME};
	size_t len = strcspn(beneath + 1, "/");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncmp(names[i], beneath + 1, len))
			return true;
	return false;
}

/* A mountpoint may be a layer, hold some or lie in one: all are open already, and what is mounted there is nowhere met
 * by us. But what the work directory's own directories hold comes and goes. */
int overlap_check_mountpoint(struct layer_opening *lo)
{
	const struct layer_location *work = layer_work_location(lo);
	const char *beneath;

	if (!lo->mountpoint || !lo->set->has_upper || !is_inside(&lo->mountpoint_location, work))
		return 0;
	beneath = work->where && lo->mountpoint_location.where
			  ? layer_path_beneath(work->where, lo->mountpoint_location.where)
			  : NULL;
	return beneath && *beneath && !is_made_there(beneath) ? 0 : refuse_inside(lo, &lo->mountpoint_location, work);
}
