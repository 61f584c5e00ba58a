/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What file systems, most of them on FUSE, do otherwise than others though they have the calls. Of the upper it is
 * found out by doing it, in the work directory; a lower layer can't be written to, so there the worst is assumed of a
 * FUSE file system that isn't known.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "os/fs.h"

#define LIST_LIMIT 65536 /* XATTR_LIST_MAX */

static bool recognise_is_fuse(int fd)
{
	long type;

	return os_fs_type(fd, &type) == 0 && type == FUSE_SUPER_MAGIC;
}

/* Those that many layers lie on, and that are known to list all attributes and to have numbers that last. */
static bool is_known(const char *fs_type)
{
	static const char *const known[] = {"virtiofs", "fuse.plyfs", "fuse.fuse-overlayfs"};

	for (size_t i = 0; fs_type && i < ARRAY_SIZE(known); i++)
		if (!strcmp(fs_type, known[i]))
			return true;
	return false;
}

/* --- whether files tell their sizes ------------------------------------------------------------------------------- */

bool recognise_hides_sizes(int fd)
{
	long type;

	if (os_fs_type(fd, &type) < 0)
		return false;
	switch ((uint32_t)type) {
	case PROC_SUPER_MAGIC:
	case DEBUGFS_MAGIC:
	case TRACEFS_MAGIC:
	case SECURITYFS_MAGIC:
	case CGROUP_SUPER_MAGIC:
	case CGROUP2_SUPER_MAGIC:
	case BPF_FS_MAGIC:
		return true;
	default:
		return false;
	}
}

/* --- whether numbers tell objects apart --------------------------------------------------------------------------- */

#define EXFAT_MAGIC 0x2011BAB0
#define CIFS_MAGIC 0xFF534D42
#define SMB2_MAGIC 0xFE534D42

/* Besides FUSE, file systems on which some kernels make numbers up for what they know at the time. */
static bool may_make_numbers_up(int fd)
{
	long type;

	if (os_fs_type(fd, &type) < 0)
		return false;
	switch ((uint32_t)type) {
	case FUSE_SUPER_MAGIC:
	case MSDOS_SUPER_MAGIC:
	case EXFAT_MAGIC:
	case CIFS_MAGIC:
	case SMB2_MAGIC:
		return true;
	default:
		return false;
	}
}

struct number_look {
	const struct layer *l;
	int dirfd;
	const char *only; /* NULL: any name */
	unsigned seen;
	bool differs;
};

#define NUMBERS_LOOKED_AT 16

/* What reading a directory tells of a name was there before anybody looked it up. */
static int look_at_number(void *arg, const struct os_dirent *entry)
{
	struct number_look *look = arg;
	struct statx stx;
	bool overmounted = false;

	if (look->only && strcmp(entry->name, look->only))
		return 0;
	if (layer_statx(look->l, look->dirfd, entry->name, &stx, &overmounted) < 0 || overmounted)
		return 0;
	look->differs |= stx.stx_ino != entry->ino;
	return look->differs || ++look->seen == NUMBERS_LOOKED_AT;
}

static bool reading_tells_others(const struct layer *l, int dirfd, const char *only)
{
	struct number_look look = {.l = l, .dirfd = dirfd, .only = only};

	return os_read_dir(dirfd, look_at_number, &look) < 0 || look.differs;
}

static uint64_t number_of(int dirfd, const char *name)
{
	struct statx stx;

	return os_statx(dirfd, name, &stx) < 0 ? 0 : stx.stx_ino;
}

/* Whether the object keeps its number under another name. */
static bool keeps_number(struct layer_set *set, const char *name)
{
	uint64_t before = number_of(set->work_fd, name), after = 0;
	char other[WORK_NAME_MAX];

	work_temp_name(set, other);
	if (os_renameat2(set->work_fd, name, set->work_fd, other, 0) == 0) {
		after = number_of(set->work_fd, other);
		os_renameat2(set->work_fd, other, set->work_fd, name, 0);
	}
	return before && before == after;
}

/* Whether a file has one number by both its names; where there are no links that can't be told. */
static bool links_have_one(struct layer_set *set, const char *name)
{
	uint64_t number = number_of(set->work_fd, name), linked = 0;
	char other[WORK_NAME_MAX];

	work_temp_name(set, other);
	if (os_linkat(set->work_fd, name, set->work_fd, other) == 0) {
		linked = number_of(set->work_fd, other);
		os_unlinkat(set->work_fd, other, 0);
	}
	return number && number == linked;
}

static bool upper_numbers_last(struct layer_set *set)
{
	char file[WORK_NAME_MAX], dir[WORK_NAME_MAX];
	bool last;
	int fd;

	work_temp_name(set, file);
	work_temp_name(set, dir);
	fd = os_openat(set->work_fd, file, O_CREAT | O_EXCL | O_WRONLY, 0600, OS_NO_XDEV);
	if (fd >= 0)
		os_close(fd);
	last = os_mkdirat(set->work_fd, dir, 0700) == 0 && links_have_one(set, file) && keeps_number(set, file) &&
	       keeps_number(set, dir) && number_of(set->work_fd, file) != number_of(set->work_fd, dir) &&
	       !reading_tells_others(layer_upper(set), set->work_fd, file);
	os_unlinkat(set->work_fd, file, 0);
	os_unlinkat(set->work_fd, dir, AT_REMOVEDIR);
	return last;
}

static void recognise_upper_numbers(struct layer_set *set)
{
	(void)CHECK(set->has_upper);
	if (!may_make_numbers_up(set->work_fd) || upper_numbers_last(set))
		return;
	layer_device_is_vague(set, layer_upper(set));
	log_info("%s: inode numbers there tell no objects apart", layer_upper(set)->path);
}

/* Of a lower layer that may be so nothing is believed but what only shows. */
static void recognise_lower_numbers(struct layer_opening *lo, struct layer *l)
{
	const struct layer_location *location = &lo->locations[l->index];
	const char *path = location->sb_path ? location->sb_path : l->path;

	if (!may_make_numbers_up(l->root_fd) || is_known(location->fs_type))
		return;
	/* There it was tried. */
	if (lo->set->has_upper && l->device == layer_upper(lo->set)->device && !layer_upper_is_vague(lo->set))
		return;
	layer_device_is_vague(lo->set, l);
	l->numbers_by_name = reading_tells_others(l, l->root_fd, NULL);
	l->root_number = layer_number_of_root(path);
	if (l->numbers_by_name)
		log_debug("%s: inode numbers there don't last, those that show are made of names", l->path);
}

/* --- what becomes of open objects that lose their name ------------------------------------------------------------ */

/* In a directory of its own, whose removal tells whether something is left in it. 0 or -errno. */
static int try_removal(int dirfd, const char *dir, enum removed_form *ret_form)
{
	_cleanup_close_ int at = os_openat(dirfd, dir, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	_cleanup_close_ int fd = at < 0 ? at : os_openat(at, "f", O_CREAT | O_EXCL | O_RDWR, 0600, OS_NO_XDEV);
	_cleanup_close_ int path = fd < 0 ? fd : os_openat(at, "f", O_PATH, 0, OS_NO_XDEV);
	_cleanup_close_ int again = -1;
	int r = path < 0 ? path : os_unlinkat(at, "f", 0);

	(void)CHECK(*dir == '#');
	*ret_form = REMOVED_STAYS;
	if (r < 0)
		return layer_passing(r);
	r = os_unlinkat(dirfd, dir, AT_REMOVEDIR);
	if (r < 0) {
		*ret_form = REMOVED_HIDES;
		return layer_passing(r);
	}
	/* What is open goes on in any case: an answer by the path alone is wanted. */
	cleanup_close(&fd);
	again = os_reopen(path, O_RDONLY);
	if (again == -EMFILE || again == -ENFILE || again == -ENOMEM)
		return again;
	*ret_form = again < 0 ? REMOVED_GOES : REMOVED_STAYS;
	return 0;
}

int recognise_removed(struct layer_set *set)
{
	char dir[WORK_NAME_MAX];
	int r;

	work_temp_name(set, dir);
	set->removed = REMOVED_STAYS;
	r = os_mkdirat(set->work_fd, dir, 0700);
	if (r < 0)
		return layer_passing(r);
	r = try_removal(set->work_fd, dir, &set->removed);
	if (r < 0 || set->removed == REMOVED_HIDES)
		(void)work_remove_tree(set->work_fd, dir);
	return r;
}

/* --- whether attributes are listed -------------------------------------------------------------------------------- */

/* One that has just been set. */
static int is_listed(int dirfd, const char *name, const char *xattr)
{
	_cleanup_free_ char *list = malloc(LIST_LIMIT);
	ssize_t size = list ? os_listxattr(dirfd, name, list, LIST_LIMIT) : -ENOMEM;

	for (ssize_t at = 0; at < size; at += (ssize_t)strlen(list + at) + 1)
		if (!strcmp(list + at, xattr))
			return 1;
	return layer_passing((int)MIN(size, 0));
}

int recognise_lists_xattr(const struct layer_set *set, const char *name)
{
	const char *xattr = xattr_overlay_name(set->ns, XATTR_OVERLAY_OPAQUE);
	char value[2];

	/* On a full file system it couldn't be set. */
	if (os_getxattr(set->work_fd, name, xattr, value, sizeof(value)) < 0)
		return !recognise_is_fuse(set->work_fd);
	return is_listed(set->work_fd, name, xattr);
}

static bool lower_lists_xattrs(const struct layer_opening *lo, const struct layer *l)
{
	const struct layer_set *set = lo->set;
	const struct layer_location *location = &lo->locations[l->index];

	(void)CHECK(!l->upper && l->index < lo->n_locations);
	if (set->ns != XATTR_NS_TRUSTED || !recognise_is_fuse(l->root_fd))
		return true;
	if (set->has_upper && location->chain[0].dev == lo->locations[0].chain[0].dev)
		return atomic_load(&set->layers[0].lists_xattrs);
	return is_known(location->fs_type);
}

void recognise_layers(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;

	if (set->has_upper)
		recognise_upper_numbers(set);
	for (unsigned i = set->has_upper; i < set->n + set->n_data; i++) {
		struct layer *l = &set->layers[i];

		atomic_init(&l->lists_xattrs, lower_lists_xattrs(lo, l));
		/* Data-only layers show nothing. */
		if (i < set->n)
			recognise_lower_numbers(lo, l);
	}
}
