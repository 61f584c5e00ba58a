/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the file systems of the layers can do, found out by doing it: neither the file system's type nor our user id
 * tells. The probes of the upper work on temp files in the work directory, which the caller has emptied.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/fs.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "os/fs.h"
#include "os/mount.h"
#include "os/task.h"

bool probe_sees_trusted(void)
{
	return os_has_cap(CAP_SYS_ADMIN) && os_in_init_userns();
}

enum xattr_ns probe_namespace(const struct stack_spec *spec)
{
	return !spec->userxattr && probe_sees_trusted() ? XATTR_NS_TRUSTED : XATTR_NS_USER;
}

/* --- file systems of all layers ----------------------------------------------------------------------------------- */

/* `fd` is the layer's root, open for reading. */
static int probe_handles(const struct layer *l, int fd, long type, struct layer_fs *ret_fs)
{
	_cleanup_close_ int opened = -1;
	struct os_handle handle;
	int r = type != FUSE_SUPER_MAGIC ? layer_supports(os_name_to_handle(l->root_fd, "", &handle)) : 0;

	ret_fs->gives_handles = r > 0;
	if (r <= 0)
		return r;
	opened = os_open_by_handle(fd, &handle, O_PATH);
	/* The root's own handle is never stale. */
	r = opened == -ESTALE ? 0 : layer_supports(opened);
	ret_fs->has_handles = r > 0;
	return MIN(r, 0);
}

/* What tells the file system from others, and if possible again after the next mount. */
static uint64_t lasting_id(const struct layer *l, const struct layer_fs *fs, dev_t dev)
{
	struct statvfs st;

	if (fs->has_uuid)
		return XXH3_64bits(fs->uuid, sizeof(fs->uuid));
	if (os_fstatvfs(l->root_fd, &st) == 0 && st.f_fsid)
		return XXH3_64bits(&(uint64_t){st.f_fsid}, sizeof(uint64_t));
	return XXH3_64bits(&dev, sizeof(dev));
}

/* Of a kernel overlay over several file systems (xino=off) each file is on a device of its layer's. */
static enum layer_spans spans_of(long type)
{
	if (type == BTRFS_SUPER_MAGIC)
		return SPANS_DIRECTORIES;
	return type == OVERLAYFS_SUPER_MAGIC ? SPANS_ALL : SPANS_NOTHING;
}

/* The file system of which this is another subvolume, or NULL. */
static struct layer_fs *find_same(struct layer_set *set, const struct layer_fs *fs)
{
	for (unsigned i = 0; fs->subvolumes && fs->has_uuid && i < set->n_fs; i++)
		if (set->fs[i].subvolumes && !memcmp(set->fs[i].uuid, fs->uuid, sizeof(fs->uuid)))
			return &set->fs[i];
	return NULL;
}

static int probe_fs(struct layer_set *set, struct layer *l, dev_t dev)
{
	static const uint8_t none[sizeof(set->fs->uuid)];
	_cleanup_close_ int fd = os_openat(l->root_fd, ".", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct layer_fs fs = {.handle_fd = -1}, *same;
	long type;
	int r = fd < 0 ? fd : os_fs_type(fd, &type);

	if (!CHECK(set->n_fs < set->n))
		return -EIO;
	if (r < 0)
		return r;
	os_fs_uuid(fd, fs.uuid);
	fs.has_uuid = memcmp(fs.uuid, none, sizeof(none)) != 0;
	fs.subvolumes = type == BTRFS_SUPER_MAGIC;
	same = find_same(set, &fs);
	if (same) {
		l->fs = (unsigned)(same - set->fs);
		return 0;
	}
	fs.id = lasting_id(l, &fs, dev);
	atomic_init(&fs.spans, (unsigned char)spans_of(type));
	r = probe_handles(l, fd, type, &fs);
	if (r < 0)
		return r;
	if (fs.has_handles)
		fs.handle_fd = TAKE_FD(fd);
	l->fs = set->n_fs;
	set->fs[set->n_fs++] = fs;
	return 0;
}

bool probe_attribute(const struct layer *l, const char *xattr)
{
	ssize_t size = os_getxattr(l->root_fd, "", xattr, NULL, 0);

	return size != -EOPNOTSUPP && size != -ENOSYS;
}

static int probe_layer(struct layer_set *set, struct layer *l)
{
	struct layer_fs *fs;
	struct statx stx;
	int r = os_statx(l->root_fd, "", &stx);

	if (r < 0)
		return r;
	l->has_xattr = probe_attribute(l, xattr_overlay_name(set->ns, XATTR_OVERLAY_OPAQUE)) ||
		       probe_attribute(l, "security.capability") || probe_attribute(l, "system.posix_acl_access");
	if (!device_join(set, l, &stx)) {
		r = probe_fs(set, l, layer_dev_of(&stx));
		if (!r)
			r = layer_devices_add(set, l, &stx);
	}
	if (r < 0)
		return r;
	if (!CHECK(l->fs < set->n_fs))
		return -EIO;
	fs = &set->fs[l->fs];
	fs->last = l->index;
	if (!fs->lower && !l->upper)
		fs->lower = l;
	l->has_handles = fs->has_handles;
	return 0;
}

int probe_file_systems(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;
	int r = layer_devices_new(set);

	(void)CHECK(!set->n_fs);
	for (unsigned i = 0; !r && i < set->n; i++) {
		r = probe_layer(set, &set->layers[i]);
		if (r == -EOVERFLOW)
			return layer_refuse(lo, r, lo->locations[i].option, lo->locations[i].path,
					    "the layers lie on more file systems than can be told apart");
		if (r < 0)
			return layer_refuse_errno(lo, r, lo->locations[i].option, lo->locations[i].path);
	}
	if (!r)
		layer_devices_settle(set);
	return r;
}

/* --- the upper ---------------------------------------------------------------------------------------------------- */

static int create_probe_file(struct layer_set *set, char ret_name[WORK_NAME_MAX])
{
	int fd;

	work_temp_name(set, ret_name);
	fd = os_openat(set->work_fd, ret_name, O_CREAT | O_EXCL | O_WRONLY, 0, OS_NO_XDEV);
	return fd < 0 ? fd : os_close(fd);
}

static int probe_reopen(struct layer_set *set, const char *name)
{
	_cleanup_close_ int fd = os_openat(set->work_fd, name, O_RDWR, 0, OS_NO_XDEV);
	int r = layer_supports(fd);

	set->can_reopen = r > 0;
	return MIN(r, 0);
}

/* EINVAL: an id that our user namespace doesn't map, EOVERFLOW: one that an idmapped mount doesn't; those that they do
 * can be given. One who has no space left can be given nothing now. */
static int probe_chown(struct layer_set *set, const char *name)
{
	int r = os_has_cap(CAP_CHOWN) ? os_fchownat(set->work_fd, name, 1, 1) : -EPERM;

	if (r == -EINVAL || r == -EOVERFLOW || r == -EDQUOT)
		r = 0;
	r = layer_supports(r);
	set->can_chown = r > 0;
	return MIN(r, 0);
}

/* A full file system has attributes, and some only say that they have kept one. */
static int probe_xattr(struct layer_set *set, const char *name)
{
	struct layer *upper = layer_upper(set);
	const char *xattr = xattr_overlay_name(set->ns, XATTR_OVERLAY_OPAQUE);
	int set_ret = os_setxattr(set->work_fd, name, xattr, "y", 1, 0), r = set_ret;

	if (r == -ENOSPC || r == -EDQUOT)
		r = 0;
	r = layer_supports(r);
	if (!set_ret) {
		ssize_t size = os_getxattr(set->work_fd, name, xattr, NULL, 0);

		r = size < 0 ? layer_supports((int)size) : size == 1;
	}
	set->has_upper_xattr = r > 0;
	if (r < 0)
		return r;
	r = set->has_upper_xattr ? recognise_lists_xattr(set, name) : 0;
	atomic_init(&upper->lists_xattrs, !set->has_upper_xattr || r > 0);
	if (r >= 0 && !atomic_load(&upper->lists_xattrs))
		log_debug("%s: xattrs aren't listed there, each is asked for by its name", upper->path);
	return MIN(r, 0);
}

static int probe_tmpfile(struct layer_set *set)
{
	_cleanup_close_ int fd = os_open_tmpfile(set->work_fd, O_RDWR, 0600);
	char name[WORK_NAME_MAX];
	int r = layer_supports(fd);

	if (r > 0) {
		work_temp_name(set, name);
		r = layer_supports(os_link_fd(fd, set->work_fd, name));
	}
	set->has_tmpfile = r > 0;
	return r > 0 ? os_unlinkat(set->work_fd, name, 0) : r;
}

/* Whether there is a whiteout of that name, which is removed. */
static int take_whiteout(struct layer_set *set, const char *name)
{
	struct statx stx;
	int r = os_statx(set->work_fd, name, &stx), unlinked = os_unlinkat(set->work_fd, name, 0);

	return r < 0 ? r : unlinked < 0 ? unlinked : layer_is_whiteout(&stx);
}

static int probe_device(struct layer_set *set)
{
	char name[WORK_NAME_MAX];
	int r;

	work_temp_name(set, name);
	r = layer_supports(os_mknodat(set->work_fd, name, S_IFCHR | 0, makedev(0, 0)));
	return r > 0 ? take_whiteout(set, name) : r;
}

/* Renames `name` and back; what RENAME_WHITEOUT leaves must be what we take for a whiteout. */
static int probe_rename_whiteout(struct layer_set *set, const char *name)
{
	char other[WORK_NAME_MAX];
	int r;

	work_temp_name(set, other);
	r = layer_supports(os_renameat2(set->work_fd, name, set->work_fd, other, RENAME_WHITEOUT));
	if (r > 0) {
		int back;

		r = take_whiteout(set, name);
		back = os_renameat2(set->work_fd, other, set->work_fd, name, 0);
		r = r < 0 ? r : back < 0 ? back : r;
	}
	set->has_rename_whiteout = r > 0;
	return MIN(r, 0);
}

/* Without attributes a directory that hides what is below can't say so, whatever form whiteouts have. */
static int probe_choose_whiteouts(struct layer_opening *lo, bool devices)
{
	const struct layer_location *upper = &lo->locations[0];

	lo->set->whiteout_form = devices ? WHITEOUT_DEVICE : WHITEOUT_XATTR;
	if (lo->set->has_upper_xattr)
		return 0;
	if (lo->spec->whiteouts != WHITEOUTS_OVERLAY) {
		lo->set->whiteout_form = WHITEOUT_AUFS;
		lo->set->aufs = true;
		log_warning(
			"%s: no attributes for private xattrs: names that begin with .wh. mark what is removed, and "
			"inode numbers don't outlive the mount",
			upper->path);
		return 0;
	}
	if (devices) {
		log_warning(
			"%s: no attributes for private xattrs: a directory can't be made over a removed one, and inode "
			"numbers don't outlive the mount",
			upper->path);
		return 0;
	}
	return layer_refuse(lo, -EOPNOTSUPP, upper->option, upper->path,
			    "file system supports neither whiteout devices nor %s attributes",
			    lo->set->ns == XATTR_NS_USER ? "user" : "trusted");
}

/* With one object, whose name is left. */
static int probe_by_file(struct layer_set *set, const char *name)
{
	int r = probe_reopen(set, name);

	if (!r)
		r = workdir_reset_permissions(set, set->work_fd);
	/* A plain user may not even set an attribute on a file that he can't open. */
	if (!r)
		os_fchmodat(set->work_fd, name, 0600);
	if (!r)
		r = probe_xattr(set, name);
	if (!r)
		r = probe_rename_whiteout(set, name);
	return r ? r : probe_chown(set, name);
}

int probe_upper(struct layer_opening *lo)
{
	const struct layer_location *upper = &lo->locations[0];
	struct layer_set *set = lo->set;
	char name[WORK_NAME_MAX];
	int r = create_probe_file(set, name);

	(void)CHECK(set->has_upper && set->work_fd >= 0 && set->work);
	if (!r) {
		r = probe_by_file(set, name);
		os_unlinkat(set->work_fd, name, 0);
	}
	if (!r)
		r = probe_tmpfile(set);
	if (!r)
		r = recognise_removed(set);
	if (!r)
		r = probe_device(set);
	return r < 0 ? layer_refuse_errno(lo, r, upper->option, upper->path) : probe_choose_whiteouts(lo, r);
}
