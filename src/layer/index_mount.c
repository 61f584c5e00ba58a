/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index at mount time: whether the union can have one, whether the one that is there is of this union, and taking
 * out what a crash or another program left.
 *
 * As in kernel overlayfs (ovl_get_indexdir() and ovl_indexdir_cleanup()), an index belongs to one upper and one topmost
 * lower layer. Over others its entries would be missed, and names that lead to a copy would show the lower file again:
 * the mount is refused. So it is where the kernel would go on without, when there are entries.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "base/macros.h"
#include "index_internal.h"
#include "internal.h"
#include "os/fs.h"

/* --- whether there can be one ------------------------------------------------------------------------------------- */

/* Handles of file systems with one uuid, or none, can't be told apart. The first layer is the upper, or as good. */
static bool uuids_differ(const struct layer_set *set)
{
	for (unsigned i = 0; i < set->n_fs; i++)
		for (unsigned j = 0; j < i; j++)
			if (set->fs[i].last && set->fs[j].last &&
			    !memcmp(set->fs[i].uuid, set->fs[j].uuid, sizeof(set->fs[i].uuid)))
				return false;
	return true;
}

/* By the state file, so that it takes no space but that of a name. */
static int upper_links(struct layer_set *set)
{
	char name[WORK_NAME_MAX];
	int r;

	(void)CHECK(set->has_upper);
	work_temp_name(set, name);
	r = layer_supports(os_linkat(set->workdir_fd, WORK_STATE_NAME, set->work_fd, name));
	if (r > 0) {
		int unlinked = os_unlinkat(set->work_fd, name, 0);

		r = unlinked < 0 ? unlinked : r;
	}
	return r;
}

/* Whether the file system of the layer gives a handle that lasts; then *ret is the root's. 1, 0 or -errno. */
static int has_origin(const struct layer_set *set, const struct layer *l, struct ovl_fh *ret)
{
	return layer_supports(index_fh_of(set, l, l->root_fd, "", ret));
}

/* Fills in what the index is tied to. 1; or 0 where there can be none, with *ret_why; or -errno, when that can't be
 * told now. *ret_path is what it is about. */
static int find_obstacle(struct layer_set *set, struct layer_index *index, const char **ret_path, const char **ret_why)
{
	struct layer *upper = &set->layers[0], *top = &set->layers[1];
	int r;

	(void)CHECK(set->n > 1 && (set->has_upper || set->shows_upper));
	*ret_why = "its file system gives no lasting file handles";
	for (unsigned i = 1; i < set->n; i++) {
		*ret_path = set->layers[i].path;
		if (!set->fs[set->layers[i].fs].gives_handles)
			return 0;
	}
	*ret_path = top->path;
	if (!uuids_differ(set)) {
		*ret_why = "lower file systems can't be told apart by their uuid";
		return 0;
	}
	r = has_origin(set, top, &index->top_lower);
	if (r <= 0)
		return r;
	*ret_path = upper->path;
	r = has_origin(set, upper, &index->upper);
	if (r <= 0)
		return r;
	*ret_why = "no attributes for private xattrs";
	if (!(set->shows_upper ? upper->has_xattr : set->has_upper_xattr))
		return 0;
	*ret_why = "its file system has no hard links";
	return set->shows_upper ? 1 : upper_links(set);
}

/* --- whose it is -------------------------------------------------------------------------------------------------- */

/* What would be a wrong answer if it were taken for ours; older kernels wrote the upper's handle as overlay.origin. */
static const char *find_mismatch(const struct layer_set *set, const struct layer_index *index, int dir)
{
	if (index_check_fh(set, set->layers[0].root_fd, XATTR_OVERLAY_ORIGIN, &index->top_lower) == -ESTALE)
		return "upperdir belongs to another topmost lower layer";
	if (dir < 0)
		return NULL;
	if (index_check_fh(set, dir, XATTR_OVERLAY_ORIGIN, &index->upper) == -ESTALE ||
	    index_check_fh(set, dir, XATTR_OVERLAY_UPPER, &index->upper) == -ESTALE)
		return "the index in workdir belongs to another upperdir";
	return NULL;
}

/* --- what is in it ------------------------------------------------------------------------------------------------ */

struct index_cleaning {
	struct layer_opening *lo;
	int dir;
};

static int drop_entry(struct index_cleaning *c, const char *name, const char *why)
{
	int r;

	log_debug("index: %s is removed: %s", name, why);
	r = os_unlinkat(c->dir, name, 0);
	return r == -ENOENT ? 0 : r;
}

/* Nobody but the index has it, and the union none of its names, for certain. */
static bool is_orphan(const struct layer_set *set, const char *name, const struct statx *stx)
{
	return stx->stx_nlink == 1 && index_read_nlink(set, name, 1, 0) == 0;
}

static int check_entry(struct index_cleaning *c, const char *name, const struct ovl_fh *origin)
{
	struct layer_set *set = c->lo->set;
	struct ovl_fh stored = {0};
	uint8_t value[OVL_FH_MAX];
	struct statx stx;
	ssize_t size;
	int r = os_statx(c->dir, name, &stx);

	if (r < 0)
		return r;
	/* Of NFS exports: a directory's entry, and that of a file with no name left. */
	if (S_ISDIR(stx.stx_mode))
		return 0;
	if (layer_is_whiteout(&stx))
		return nameset_add(set->index, &set->index->entries, name);
	size = os_getxattr(c->dir, name, xattr_overlay_name(set->ns, XATTR_OVERLAY_ORIGIN), value, sizeof(value));
	if (size < 0)
		return (int)size;
	r = ovl_fh_decode(value, (size_t)size, &stored);
	if (r < 0)
		return r;
	if (!ovl_fh_equal(&stored, origin))
		return drop_entry(c, name, "it is a copy of something else");
	if (is_orphan(set, name, &stx))
		return drop_entry(c, name, "no name leads there");
	return nameset_add(set->index, &set->index->entries, name);
}

static int index_read_entry(void *arg, const struct os_dirent *entry)
{
	struct index_cleaning *c = arg;
	const char *workdir = layer_work_location(c->lo)->path;
	struct ovl_fh origin;
	int r;

	/* The kernel has its temp files here. */
	if (entry->name[0] == '#')
		return work_remove_tree(c->dir, entry->name);
	r = ovl_fh_from_index_name(entry->name, &origin);
	if (r == 0)
		r = check_entry(c, entry->name, &origin);
	return r < 0 ? layer_refuse(c->lo, r, "index", workdir, INDEX_DIR_NAME "/%s isn't valid: %s", entry->name,
				    strerror(-r))
		     : 0;
}

static int see_entry(void *arg, const struct os_dirent *entry)
{
	return entry->name[0] != '#';
}

/* What was counted before its object came into the index counts no more. */
static int index_mount_read_gone(void *arg, const struct os_dirent *entry)
{
	struct index_cleaning *c = arg;
	struct layer_index *index = c->lo->set->index;
	struct ovl_fh origin;
	struct statx stx;

	if (ovl_fh_from_index_name(entry->name, &origin) < 0)
		return 0;
	if (index_fd(c->lo->set) >= 0 && os_statx(index_fd(c->lo->set), entry->name, &stx) == 0)
		return os_unlinkat(c->dir, entry->name, 0);
	return nameset_add(index, &index->gone, entry->name);
}

static int read_directories(struct layer_opening *lo)
{
	struct layer_index *index = lo->set->index;
	struct index_cleaning c = {.lo = lo, .dir = atomic_load(&index->fd)};
	int r = c.dir >= 0 ? os_read_dir(c.dir, index_read_entry, &c) : 0, fd;

	(void)CHECK(!index->foreign && lo->set->has_upper);
	if (r < 0)
		return r;
	fd = os_openat(lo->set->workdir_fd, INDEX_GONE_NAME, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	atomic_store(&index->gone_fd, fd);
	c.dir = fd;
	return os_read_dir(fd, index_mount_read_gone, &c);
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static bool has_entries(int dir)
{
	return dir >= 0 && os_read_dir(dir, see_entry, NULL) != 0;
}

/* Without an index: what is in the directory would be shown as it was before. */
static int go_without(struct layer_opening *lo, int dir, int err, const char *path, const char *why,
		      const char *no_rebuild)
{
	bool asked = lo->spec->index == INDEX_ON;

	(void)CHECK(err < 0 && lo->set->index);
	if (has_entries(dir))
		return layer_refuse(
			lo, err, "index", path, "%s%s%s%s", why,
			lo->set->shows_upper ? "" : "; index=off ignores the index in workdir",
			no_rebuild ? ": names that it leads to copies show what is below; it isn't rebuilt: " : "",
			no_rebuild ? no_rebuild : "");
	if (asked && err == -ESTALE)
		return layer_refuse(lo, err, "index", path, "%s", why);
	if (asked || err == -ESTALE)
		log_warning("index: %s: %s: hard links of lower files are broken when they are written", path, why);
	else
		log_debug("index: %s: %s", path, why);
	index_free(lo->set->index);
	lo->set->index = NULL;
	return 0;
}

static struct layer_index *index_new(void)
{
	struct layer_index *index = calloc(1, sizeof(*index));

	if (!index)
		return NULL;
	lock_init(&index->lock, LOCK_LEAF);
	lock_init(&index->making, LOCK_LEAF);
	atomic_init(&index->fd, -1);
	atomic_init(&index->gone_fd, -1);
	return index;
}

static int open_index(const struct layer_opening *lo)
{
	return os_openat(lo->set->workdir_fd, INDEX_DIR_NAME, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
}

static int index_refuse(struct layer_opening *lo, int err)
{
	return err < 0 ? layer_refuse_errno(lo, err, "index", lo->spec->workdir) : 0;
}

/* File handles without the uuid that the file system has are of an older kernel, or plyfs. Entries would have names
 * without it too, so there must be none. */
static int renew_xattrs(const struct layer_opening *lo, int dir)
{
	const struct layer_set *set = lo->set;
	int r;

	if (set->shows_upper || lo->spec->read_only || has_entries(dir))
		return 0;
	r = index_renew_xattr(set, set->layers[0].root_fd, XATTR_OVERLAY_ORIGIN, &set->index->top_lower);
	if (r == 0 && dir >= 0)
		r = index_renew_xattr(set, dir, XATTR_OVERLAY_ORIGIN, &set->index->upper);
	if (r == 0 && dir >= 0)
		r = index_renew_xattr(set, dir, XATTR_OVERLAY_UPPER, &set->index->upper);
	return r;
}

/* As after a copy of all that belongs to it. Who asked for an index gets what the kernel does; who only reads changes
 * nothing. */
static int go_on_elsewhere(struct layer_opening *lo, int dir, const char *why)
{
	struct layer_set *set = lo->set;
	_cleanup_error_ struct error no_rebuild = {0};
	int r = -ESTALE;

	if (lo->spec->index == INDEX_AUTO && !set->shows_upper && !lo->spec->read_only && has_entries(dir))
		r = index_rebuild(set, dir, &no_rebuild);
	if (r != -ESTALE)
		return index_refuse(lo, r);
	return go_without(lo, dir, r, set->layers[0].path, why, no_rebuild.text);
}

/* Whether there can be one, and the one that is there is ours; else layer_set.index is NULL afterwards. */
static int begin(struct layer_opening *lo, int dir)
{
	struct layer_set *set = lo->set;
	const char *path, *why;
	int r;

	(void)CHECK(!set->index);
	if (dir < 0 && dir != -ENOENT)
		return index_refuse(lo, dir);
	set->index = index_new();
	if (!set->index)
		return -ENOMEM;
	set->index->foreign = set->shows_upper;
	r = find_obstacle(set, set->index, &path, &why);
	if (r < 0)
		return layer_refuse_errno(lo, r, "index", path);
	if (r == 0)
		return go_without(lo, dir, -EOPNOTSUPP, path, why, NULL);
	r = renew_xattrs(lo, dir);
	if (r < 0)
		return index_refuse(lo, r);
	why = find_mismatch(set, set->index, dir);
	return why ? go_on_elsewhere(lo, dir, why) : 0;
}

/* Another mount's. What will come into it that one obeys, whatever was said of an index here; what is there may be what
 * index=off ignores. */
static int open_shown(struct layer_opening *lo)
{
	_cleanup_close_ int dir = open_index(lo);

	if (lo->spec->index == INDEX_OFF && dir >= 0 && os_read_dir(dir, see_entry, NULL) != 0)
		return layer_refuse(lo, -EOPNOTSUPP, "index", lo->spec->workdir,
				    "index=off, and the mount that uses workdir may have an index");
	return begin(lo, dir);
}

int index_open(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;
	_cleanup_close_ int dir = -1;
	int r;

	if (set->shows_upper)
		return open_shown(lo);
	if (lo->spec->index == INDEX_OFF)
		return 0;
	if (!set->has_upper) {
		if (lo->spec->index == INDEX_ON)
			log_warning("index: without upperdir there is nothing to index");
		return 0;
	}
	dir = open_index(lo);
	r = begin(lo, dir);
	if (r < 0 || !set->index)
		return r;
	if (dir >= 0 || lo->spec->index == INDEX_ON) {
		r = index_make(set);
		if (r < 0)
			return index_refuse(lo, r);
	}
	r = read_directories(lo);
	/* So that names can be counted on a full file system. */
	if (r == 0 && lo->spec->index == INDEX_ON)
		r = index_make_gone(set);
	return index_refuse(lo, r);
}
