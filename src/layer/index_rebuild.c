/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An index whose layers, upper and work directory were copied elsewhere, or some of them: the copy's handles are
 * others, so the xattrs and the entries' names have to be made anew.
 *
 * An entry's object says which lower file it was copied from, and what that looked like (format/source.h). The index is
 * rebuilt when that file is there for each entry, and the upper has all links of the entries and no file that lost its
 * link to one, so that it is the upper that the index is of. All this is looked at before anything is changed.
 *
 * In between the index says that it is of no upper. What interrupts leaves entries of both kinds, which say where they
 * come from as before: the next mount does it again, over whichever copy of the layers.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "format/source.h"
#include "index_internal.h"
#include "internal.h"
#include "layer/walk.h"
#include "os/fs.h"

struct rebuild_entry {
	char name[OVL_FH_INDEX_NAME_SIZE], new_name[OVL_FH_INDEX_NAME_SIZE];
	struct ovl_fh old, origin; /* what overlay.origin of its object says, and what is right here */
	struct layer_id id;	   /* of its object */
	uint32_t links, found;	   /* links in the upper: that there must be, and that were met */
	char *path;		   /* owned; of the lower file in its layer */
};

struct rebuild {
	struct layer_set *set;
	int dir;		       /* WORKDIR/index */
	struct rebuild_entry *entries; /* owned */
	size_t n;
	bool has_single; /* an entry without a link in the upper */
	struct error *error;
};

/* --- where the entries come from ---------------------------------------------------------------------------------- */

static int rebuild_read_origin(const struct rebuild *rebuild, int dirfd, const char *name, struct ovl_fh *ret)
{
	uint8_t value[OVL_FH_MAX];
	const char *xattr = xattr_overlay_name(rebuild->set->ns, XATTR_OVERLAY_ORIGIN);
	ssize_t size = os_getxattr(dirfd, name, xattr, value, sizeof(value));

	return size < 0 ? (int)size : ovl_fh_decode(value, (size_t)size, ret);
}

static bool looks_like(const struct source *source, const struct statx *lower, const struct statx *copy)
{
	return (lower->stx_mode & S_IFMT) == (copy->stx_mode & S_IFMT) && lower->stx_nlink > 1 &&
	       lower->stx_nlink == source->nlink && lower->stx_size == source->size &&
	       lower->stx_mtime.tv_sec == source->mtime;
}

static int find_lower(struct rebuild *rebuild, const struct source *source, const struct statx *copy,
		      struct rebuild_entry *e)
{
	_cleanup_close_ int fd = -1;
	const struct layer *l;
	struct statx stx;
	int r;

	if (source->layers != rebuild->set->n - 1 || !source->layer || source->layer > source->layers)
		return error_set(rebuild->error, -ESTALE, "%s was copied from layer %u of %u", source->path,
				 source->layer, source->layers);
	l = &rebuild->set->layers[source->layer];
	fd = layer_open_path(l, source->path, O_PATH);
	r = fd < 0 ? fd : layer_statx_unchecked(l, fd, "", &stx);
	if (r == -ENOMEM || r == -EMFILE || r == -ENFILE)
		return r;
	if (r < 0)
		return error_set(rebuild->error, -ESTALE, "%s can't be found in %s: %s", source->path, l->path,
				 strerror(-r));
	if (!looks_like(source, &stx, copy))
		return error_set(rebuild->error, -ESTALE, "%s in %s isn't what was copied up", source->path, l->path);
	r = index_fh_of(rebuild->set, l, fd, "", &e->origin);
	if (r == 0)
		r = ovl_fh_index_name(&e->origin, e->new_name);
	return r < 0 ? error_set(rebuild->error, -ESTALE, "%s in %s: %s", source->path, l->path, strerror(-r)) : 0;
}

static int read_source(const struct rebuild *rebuild, const char *name, struct source *ret)
{
	uint8_t value[SOURCE_MAX];
	ssize_t size = os_getxattr(rebuild->dir, name, xattr_overlay_name(rebuild->set->ns, XATTR_OVERLAY_PLYFS_SOURCE),
				   value, sizeof(value));

	return size < 0 ? (int)size : source_decode(value, (size_t)size, ret);
}

static int rebuild_read_entry(void *arg, const struct os_dirent *dirent)
{
	struct rebuild *rebuild = arg;
	struct rebuild_entry *e;
	struct source source;
	struct statx stx;
	int r;

	/* Temp files of the kernel's. */
	if (dirent->name[0] == '#')
		return 0;
	r = layer_statx_unchecked(&rebuild->set->layers[0], rebuild->dir, dirent->name, &stx);
	if (r < 0)
		return r;
	if (read_source(rebuild, dirent->name, &source) < 0)
		return error_set(rebuild->error, -ESTALE, INDEX_DIR_NAME "/%s doesn't say what it is a copy of",
				 dirent->name);
	e = ARRAY_NEXT(rebuild->entries, rebuild->n);
	if (!e)
		return -ENOMEM;
	*e = (struct rebuild_entry){.id = layer_id_of(&stx), .links = stx.stx_nlink - 1};
	if (dirent->name_len >= sizeof(e->name) ||
	    rebuild_read_origin(rebuild, rebuild->dir, dirent->name, &e->old) < 0)
		return error_set(rebuild->error, -ESTALE, INDEX_DIR_NAME "/%s isn't valid", dirent->name);
	memcpy(e->name, dirent->name, dirent->name_len + 1U);
	r = find_lower(rebuild, &source, &stx, e);
	if (r < 0)
		return r;
	e->path = strdup(source.path);
	rebuild->n += e->path != NULL;
	rebuild->has_single |= !e->links;
	return e->path ? 0 : -ENOMEM;
}

/* --- whose they are ----------------------------------------------------------------------------------------------- */

static int by_id(const void *a, const void *b)
{
	const struct rebuild_entry *x = a, *y = b;

	return layer_id_compare(x->id, y->id);
}

static int by_new_name(const void *a, const void *b)
{
	const struct rebuild_entry *x = a, *y = b;

	return strcmp(x->new_name, y->new_name);
}

/* A file that no entry has as a link, though it was copied from the same: who copied the upper made two files of
 * one. */
static int see_other(struct rebuild *rebuild, const struct layer_walk_entry *entry)
{
	struct ovl_fh origin;

	if (!rebuild->has_single || rebuild_read_origin(rebuild, entry->dirfd, entry->name, &origin) < 0)
		return 0;
	for (size_t i = 0; i < rebuild->n; i++)
		if (!rebuild->entries[i].links && ovl_fh_equal(&origin, &rebuild->entries[i].old))
			return error_set(rebuild->error, -ESTALE, "hard links of the copy of %s were lost",
					 rebuild->entries[i].path);
	return 0;
}

static int see_upper(void *arg, struct layer_walk_entry *entry)
{
	struct rebuild *rebuild = arg;
	struct rebuild_entry key = {.id = layer_id_of(&entry->stx)}, *e;

	if (entry->overmounted || entry->hides_below || S_ISDIR(entry->stx.stx_mode))
		return 0;
	e = bsearch(&key, rebuild->entries, rebuild->n, sizeof(*e), by_id);
	if (!e)
		return see_other(rebuild, entry);
	e->found++;
	return 0;
}

static int check_links(struct rebuild *rebuild)
{
	static const struct layer_walk_calls calls = {.entry = see_upper};
	size_t linked = 0;
	int r;

	qsort(rebuild->entries, rebuild->n, sizeof(*rebuild->entries), by_id);
	r = layer_walk(rebuild->set, &rebuild->set->layers[0], LAYER_WALK_STAT, &calls, rebuild);
	for (size_t i = 0; r == 0 && i < rebuild->n; i++) {
		linked += rebuild->entries[i].links;
		if (rebuild->entries[i].found != rebuild->entries[i].links)
			return error_set(rebuild->error, -ESTALE, "not all links of the copy of %s are in upperdir",
					 rebuild->entries[i].path);
	}
	return r == 0 && !linked ? error_set(rebuild->error, -ESTALE, "upperdir has no link of any entry") : r;
}

/* No entry may come where another one is, or was. */
static int rebuild_check_names(struct rebuild *rebuild)
{
	struct rebuild_entry key;

	qsort(rebuild->entries, rebuild->n, sizeof(*rebuild->entries), by_new_name);
	for (size_t i = 0; i < rebuild->n; i++) {
		struct rebuild_entry *e = &rebuild->entries[i], *other;

		memcpy(key.new_name, e->name, sizeof(key.new_name));
		other = bsearch(&key, rebuild->entries, rebuild->n, sizeof(key), by_new_name);
		if ((i && !strcmp(e[-1].new_name, e->new_name)) || (other && other != e))
			return error_set(rebuild->error, -ESTALE, "the copy of %s isn't the only one of its file",
					 e->path);
	}
	return 0;
}

/* --- making it ---------------------------------------------------------------------------------------------------- */

static int write_xattr(const struct rebuild *rebuild, int dirfd, const char *name, enum xattr_overlay which,
		       const struct ovl_fh *origin)
{
	uint8_t value[OVL_FH_MAX];

	return os_setxattr(dirfd, name, xattr_overlay_name(rebuild->set->ns, which), value,
			   ovl_fh_encode(origin, value), 0);
}

static int write_entry(const struct rebuild *rebuild, const struct rebuild_entry *e)
{
	int r = write_xattr(rebuild, rebuild->dir, e->name, XATTR_OVERLAY_ORIGIN, &e->origin);

	(void)CHECK(e->path && *e->new_name);
	if (r < 0 || !strcmp(e->name, e->new_name))
		return r;
	return os_renameat2(rebuild->dir, e->name, rebuild->dir, e->new_name, RENAME_NOREPLACE);
}

/* An entry is only dropped by a mount whose xattrs are right: they go first and come last. */
static int rebuild_write_all(const struct rebuild *rebuild)
{
	const struct layer_set *set = rebuild->set;
	int r = write_xattr(rebuild, rebuild->dir, "", XATTR_OVERLAY_UPPER, &set->index->top_lower);

	(void)CHECK(rebuild->n > 0 && set->has_upper && !set->shows_upper);
	for (size_t i = 0; r == 0 && i < rebuild->n; i++)
		r = write_entry(rebuild, &rebuild->entries[i]);
	if (r == 0)
		r = os_removexattr(rebuild->dir, "", xattr_overlay_name(set->ns, XATTR_OVERLAY_ORIGIN));
	if ((r == 0 || r == -ENODATA) && !set->is_volatile)
		r = os_syncfs(set->layers[0].real_fd);
	if (r == 0 || r == -ENODATA)
		r = write_xattr(rebuild, set->layers[0].root_fd, "", XATTR_OVERLAY_ORIGIN, &set->index->top_lower);
	return r < 0 ? r : write_xattr(rebuild, rebuild->dir, "", XATTR_OVERLAY_UPPER, &set->index->upper);
}

int index_rebuild(struct layer_set *set, int dir, struct error *ret_error)
{
	struct rebuild rebuild = {.set = set, .dir = dir, .error = ret_error};
	int r = os_read_dir(dir, rebuild_read_entry, &rebuild);

	if (r == 0)
		r = check_links(&rebuild);
	if (r == 0)
		r = rebuild_check_names(&rebuild);
	if (r == 0)
		r = rebuild_write_all(&rebuild);
	if (r == 0)
		log_info("index: rebuilt after its layers were copied: %zu entries", rebuild.n);
	for (size_t i = 0; i < rebuild.n; i++)
		free(rebuild.entries[i].path);
	free(rebuild.entries);
	return r;
}
