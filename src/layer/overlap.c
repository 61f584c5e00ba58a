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

#include "index_internal.h"
#include "os/fs.h"
#include "os/mount.h"

/* --- placing ------------------------------------------------------------------------------------------------------ */

static int chain_add(struct layer_place *place, const struct statx *stx)
{
	struct layer_id *chain = reallocarray(place->chain, place->n_chain + 1, sizeof(*chain));

	if (!chain)
		return -ENOMEM;
	place->chain = chain;
	chain[place->n_chain] = layer_id_of(stx);
	if (place->n_mount == place->n_chain && stx->stx_mnt_id == place->mnt_id)
		place->n_mount++;
	place->n_chain++;
	return 0;
}

static bool is_same_object(const struct statx *a, const struct statx *b)
{
	return layer_id_equal(layer_id_of(a), layer_id_of(b)) && a->stx_mnt_id == b->stx_mnt_id;
}

/* Identities are all that is needed, so nothing is asked of a FUSE file system at the mountpoint, which may hang or be
 * dead. Parents that may not be looked at end the chain: what can't be known can't be held against the user. */
static int read_chain(struct layer_place *place, int fd)
{
	struct statx now, before;
	int ret = sys_statx_cached(fd, "", &now);

	if (ret < 0)
		return ret;
	place->mnt_id = now.stx_mnt_id;
	ret = chain_add(place, &now);
	for (unsigned level = 1; !ret; level++) {
		before = now;
		if (sys_statx_up(fd, level, &now) < 0 || is_same_object(&now, &before))
			break;
		ret = chain_add(place, &now);
	}
	return ret;
}

int place_read(struct layer_place *place, int fd)
{
	char where[PATH_MAX];
	ssize_t len;
	int ret = read_chain(place, fd);

	if (ret < 0)
		return ret;
	len = sys_fd_target(fd, where, sizeof(where));
	if (len <= 0 || len == sizeof(where) || where[0] != '/')
		return 0;
	place->where = strndup(where, (size_t)len);
	return place->where ? 0 : -ENOMEM;
}

void place_finish(struct layer_place *place)
{
	free(place->chain);
	free(place->where);
	free(place->sb_path);
	free(place->fs_type);
}

/* The rest of `path` beneath directory `dir`: "" for the same, "/..." below it, NULL elsewhere. */
static const char *path_beneath(const char *dir, const char *path)
{
	size_t len = strcmp(dir, "/") ? strlen(dir) : 0;

	if (strncmp(path, dir, len) || (path[len] && path[len] != '/'))
		return NULL;
	return path[len] == '/' && !path[len + 1] ? path + len + 1 : path + len;
}

struct placing {
	struct layer_place *places;
	unsigned n;
};

static int place_in_mount(void *arg, const struct sys_mountinfo *m)
{
	struct placing *p = arg;

	for (unsigned i = 0; i < p->n; i++) {
		struct layer_place *place = &p->places[i];
		const char *root = strcmp(m->root, "/") ? m->root : "";
		const char *rest;

		if (place->mnt_id != (uint64_t)m->id || !place->where || place->sb_path)
			continue;
		rest = path_beneath(m->mountpoint, place->where);
		if (!rest)
			continue;
		if (asprintf(&place->sb_path, "%s%s", root, rest) < 0)
			place->sb_path = NULL;
		place->fs_type = strdup(m->fstype);
		if (!place->sb_path || !place->fs_type)
			return -ENOMEM;
		place->sb_dev = m->dev;
	}
	return 0;
}

int place_in_file_systems(struct layer_place *places, unsigned n)
{
	struct placing p = {.places = places, .n = n};
	int ret = sys_each_mount(place_in_mount, &p);

	return ret == -ENOMEM ? ret : 0;
}

/* --- deciding ----------------------------------------------------------------------------------------------------- */

static bool is_same(const struct layer_place *a, const struct layer_place *b)
{
	return layer_id_equal(a->chain[0], b->chain[0]);
}

/* Whether `a` lies below `b` in the tree of one file system. */
static bool is_inside(const struct layer_place *a, const struct layer_place *b)
{
	const char *rest;

	for (unsigned i = 1; i < a->n_mount; i++)
		if (layer_id_equal(a->chain[i], b->chain[0]))
			return true;
	if (!a->sb_path || !b->sb_path || a->sb_dev != b->sb_dev)
		return false;
	rest = path_beneath(*b->sb_path ? b->sb_path : "/", a->sb_path);
	return rest && *rest;
}

static int refuse_same(struct layer_opening *lo, const struct layer_place *a, const struct layer_place *b)
{
	return layer_refuse(lo, -ELOOP, a->option, a->path, "the same directory as %s %s", b->option, b->path);
}

static int refuse_inside(struct layer_opening *lo, const struct layer_place *a, const struct layer_place *b)
{
	return layer_refuse(lo, -ELOOP, a->option, a->path, "lies inside %s %s", b->option, b->path);
}

/* Neither may hold the other. */
static int check_pair(struct layer_opening *lo, const struct layer_place *a, const struct layer_place *b)
{
	if (is_same(a, b))
		return refuse_same(lo, b, a);
	if (is_inside(a, b))
		return refuse_inside(lo, a, b);
	return is_inside(b, a) ? refuse_inside(lo, b, a) : 0;
}

static int check_lower_and_writable(struct layer_opening *lo, const struct layer_place *lower,
				    const struct layer_place *writable)
{
	if (is_same(lower, writable))
		return refuse_same(lo, writable, lower);
	return is_inside(lower, writable) ? refuse_inside(lo, lower, writable) : 0;
}

static int check_lower(struct layer_opening *lo, unsigned index)
{
	const struct layer_place *lower = &lo->places[index];
	int ret = 0;

	if (lo->set->has_upper) {
		ret = check_lower_and_writable(lo, lower, &lo->places[0]);
		if (!ret)
			ret = check_lower_and_writable(lo, lower, layer_work_place(lo));
	}
	for (unsigned i = lo->set->has_upper; !ret && i < index; i++)
		ret = check_pair(lo, &lo->places[i], lower);
	return ret;
}

int overlap_check(struct layer_opening *lo)
{
	int ret = lo->set->has_upper ? check_pair(lo, &lo->places[0], layer_work_place(lo)) : 0;

	for (unsigned i = lo->set->has_upper; !ret && i < lo->set->n + lo->set->n_data; i++)
		ret = check_lower(lo, i);
	return ret;
}

/* Whether the path, of something inside of the work directory, leads into one of the directories that are made there. */
static bool is_made_there(const char *beneath)
{
	static const char *const names[] = {WORK_DIR_NAME, INDEX_DIR_NAME, INDEX_GONE_NAME};
	size_t len = strcspn(beneath + 1, "/");

	for (size_t i = 0; i < ARRAY_SIZE(names); i++)
		if (strlen(names[i]) == len && !strncmp(names[i], beneath + 1, len))
			return true;
	return false;
}

/* A mountpoint may be a layer, hold some or lie in one: all are open already, and what is mounted there is nowhere met by us. But what the
 * work directory's own directories hold comes and goes. */
int overlap_check_mountpoint(struct layer_opening *lo)
{
	const struct layer_place *work = layer_work_place(lo);
	const char *beneath;

	if (!lo->mountpoint || !lo->set->has_upper || !is_inside(&lo->target, work))
		return 0;
	beneath = work->where && lo->target.where ? path_beneath(work->where, lo->target.where) : NULL;
	return beneath && *beneath && !is_made_there(beneath) ? 0 : refuse_inside(lo, &lo->target, work);
}
