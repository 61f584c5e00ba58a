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
#include <string.h>
#include <sys/sysmacros.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/log.h"
#include "os/fs.h"
#include "os/mount.h"
#include "os/task.h"

#define FUSE_MAGIC 0x65735546L
#define INO_SHIFT 48
#define INO_VALUES 0x7fff /* 15 bits: 1 to this */

bool probe_sees_trusted(void)
{
	return sys_has_cap(CAP_SYS_ADMIN) && sys_in_init_userns();
}

enum xattr_ns probe_namespace(const struct stack_spec *spec)
{
	return !spec->userxattr && probe_sees_trusted() ? XATTR_NS_TRUSTED : XATTR_NS_USER;
}

/* --- file systems of all layers ----------------------------------------------------------------------------------- */

/* `fd` is the layer's root, open for reading. */
static void probe_handles(const struct layer *l, int fd, struct layer_fs *ret)
{
	_cleanup_close_ int opened = -1;
	struct sys_handle handle;
	long type;

	ret->gives_handles = sys_fs_type(l->root_fd, &type) == 0 && type != FUSE_MAGIC &&
			     sys_name_to_handle(l->root_fd, "", &handle) == 0;
	if (!ret->gives_handles)
		return;
	opened = sys_open_by_handle(fd, &handle, O_PATH);
	ret->has_handles = opened >= 0;
}

static int probe_fs(const struct layer *l, dev_t dev, struct layer_fs *ret)
{
	static const uint8_t none[sizeof(ret->uuid)];
	_cleanup_close_ int fd = sys_openat(l->root_fd, ".", O_RDONLY | O_DIRECTORY, 0, SYS_NO_XDEV);

	if (fd < 0)
		return fd;
	*ret = (struct layer_fs){.dev = dev, .handle_fd = -1};
	sys_fs_uuid(fd, ret->uuid);
	ret->has_uuid = memcmp(ret->uuid, none, sizeof(none)) != 0;
	probe_handles(l, fd, ret);
	if (ret->has_handles)
		ret->handle_fd = TAKE_FD(fd);
	return 0;
}

bool probe_attribute(const struct layer *l, const char *xattr)
{
	ssize_t size = sys_getxattr(l->root_fd, "", xattr, NULL, 0);

	return size != -EOPNOTSUPP && size != -ENOSYS;
}

static int probe_layer(struct layer_set *set, struct layer *l)
{
	struct statx stx;
	int ret = sys_statx(l->root_fd, "", &stx);
	dev_t dev;

	if (ret < 0)
		return ret;
	dev = layer_id_of(&stx).dev;
	l->has_xattr = probe_attribute(l, xattr_overlay_name(set->ns, XATTR_OVERLAY_OPAQUE)) ||
		       probe_attribute(l, "security.capability") || probe_attribute(l, "system.posix_acl_access");
	for (l->fs = 0; l->fs < set->n_fs; l->fs++)
		if (set->fs[l->fs].dev == dev)
			break;
	if (l->fs == set->n_fs) {
		ret = probe_fs(l, dev, &set->fs[l->fs]);
		if (ret < 0)
			return ret;
		set->n_fs++;
	}
	l->has_handles = set->fs[l->fs].has_handles;
	return 0;
}

static bool is_taken(const struct layer_set *set, unsigned n, uint64_t bits)
{
	for (unsigned i = 0; i < n; i++)
		if (set->fs[i].ino_bits == bits)
			return true;
	return false;
}

/* The bits come from the uuid, so that a layer's numbers stay the same when layers are added or their order changes. */
static void choose_ino_bits(struct layer_set *set)
{
	for (unsigned i = 0; set->n_fs > 1 && i < set->n_fs; i++) {
		struct layer_fs *fs = &set->fs[i];
		uint64_t hash =
			fs->has_uuid ? XXH3_64bits(fs->uuid, sizeof(fs->uuid)) : XXH3_64bits(&fs->dev, sizeof(fs->dev));
		uint64_t value = hash % INO_VALUES;

		do
			value = value % INO_VALUES + 1;
		while (is_taken(set, i, value << INO_SHIFT));
		fs->ino_bits = value << INO_SHIFT;
	}
}

int probe_file_systems(struct layer_set *set)
{
	for (unsigned i = 0; i < set->n; i++) {
		int ret = probe_layer(set, &set->layers[i]);

		if (ret < 0)
			return ret;
	}
	choose_ino_bits(set);
	return 0;
}

/* --- the upper ---------------------------------------------------------------------------------------------------- */

static int create_probe_file(struct layer_set *set, char ret_name[WORK_NAME_MAX])
{
	int fd;

	work_temp_name(set, ret_name);
	fd = sys_openat(set->work_fd, ret_name, O_CREAT | O_EXCL | O_WRONLY, 0, SYS_NO_XDEV);
	return fd < 0 ? fd : sys_close(fd);
}

static bool probe_reopen(struct layer_set *set, const char *name)
{
	_cleanup_close_ int fd = sys_openat(set->work_fd, name, O_RDWR, 0, SYS_NO_XDEV);

	return fd >= 0;
}

/* EINVAL: an id that our user namespace doesn't map, EOVERFLOW: one that an idmapped mount doesn't; those that they do can be given. */
static bool probe_chown(struct layer_set *set, const char *name)
{
	int ret = sys_has_cap(CAP_CHOWN) ? sys_fchownat(set->work_fd, name, 1, 1) : -EPERM;

	return !ret || ret == -EINVAL || ret == -EOVERFLOW;
}

/* Only an answer that says "never" means that there are none: a passing error taken for it would cost marks that
 * matter. A full file system has attributes. */
static int probe_xattr(struct layer_set *set, const char *name)
{
	struct layer *upper = layer_upper(set);
	const char *mark = xattr_overlay_name(set->ns, XATTR_OVERLAY_OPAQUE);
	int ret = sys_setxattr(set->work_fd, name, mark, "y", 1, 0);

	/* Some only say that they have kept it. */
	if (!ret && sys_getxattr(set->work_fd, name, mark, NULL, 0) != 1)
		ret = -EOPNOTSUPP;
	set->has_upper_xattr = !ret || ret == -ENOSPC || ret == -EDQUOT;
	atomic_init(&upper->lists_marks, !set->has_upper_xattr || recognise_lists_mark(set, name));
	if (!atomic_load(&upper->lists_marks))
		log_info("%s: marks aren't listed there, each is asked for by its name", upper->path);
	return set->has_upper_xattr || ret == -EOPNOTSUPP || ret == -EPERM || ret == -EACCES || ret == -ENOSYS ? 0
													       : ret;
}

static bool probe_tmpfile(struct layer_set *set)
{
	_cleanup_close_ int fd = sys_open_tmpfile(set->work_fd, O_RDWR, 0600);
	char name[WORK_NAME_MAX];

	work_temp_name(set, name);
	return fd >= 0 && !sys_link_fd(fd, set->work_fd, name) && !sys_unlinkat(set->work_fd, name, 0);
}

static bool probe_device(struct layer_set *set)
{
	char name[WORK_NAME_MAX];
	struct statx stx;
	bool made;

	work_temp_name(set, name);
	if (sys_mknodat(set->work_fd, name, S_IFCHR | 0, makedev(0, 0)) < 0)
		return false;
	made = !sys_statx(set->work_fd, name, &stx) && layer_is_whiteout(&stx);
	sys_unlinkat(set->work_fd, name, 0);
	return made;
}

/* Renames `name` and back; what RENAME_WHITEOUT leaves must be what we take for a whiteout. */
static bool probe_rename_whiteout(struct layer_set *set, const char *name)
{
	char other[WORK_NAME_MAX];
	struct statx stx;
	bool made;

	work_temp_name(set, other);
	if (sys_renameat2(set->work_fd, name, set->work_fd, other, RENAME_WHITEOUT) < 0)
		return false;
	made = !sys_statx(set->work_fd, name, &stx) && layer_is_whiteout(&stx);
	sys_unlinkat(set->work_fd, name, 0);
	sys_renameat2(set->work_fd, other, set->work_fd, name, 0);
	return made;
}

/* Without attributes a directory that hides what is below can't say so, whatever marks removed names. */
static int choose_whiteouts(struct layer_opening *lo, bool devices)
{
	const struct layer_place *upper = &lo->places[0];

	lo->set->whiteout_form = devices ? WHITEOUT_DEVICE : WHITEOUT_XATTR;
	if (lo->set->has_upper_xattr)
		return 0;
	if (lo->spec->whiteouts != WHITEOUTS_OVERLAY) {
		lo->set->whiteout_form = WHITEOUT_AUFS;
		lo->set->aufs = true;
		log_warning("%s: no attributes for private marks: names that begin with .wh. mark what is removed, and "
			    "inode "
			    "numbers don't outlive the mount",
			    upper->path);
		return 0;
	}
	if (devices) {
		log_warning(
			"%s: no attributes for private marks: a directory can't be made over a removed one, and inode "
			"numbers don't outlive the mount",
			upper->path);
		return 0;
	}
	return layer_refuse(lo, -EOPNOTSUPP, upper->option, upper->path,
			    "file system supports neither whiteout devices nor %s attributes",
			    lo->set->ns == XATTR_NS_USER ? "user" : "trusted");
}

int probe_upper(struct layer_opening *lo)
{
	const struct layer_place *upper = &lo->places[0];
	struct layer_set *set = lo->set;
	char name[WORK_NAME_MAX];
	int ret = create_probe_file(set, name);

	if (ret < 0)
		return layer_refuse_errno(lo, ret, upper->option, upper->path);
	set->can_reopen = probe_reopen(set, name);
	/* A plain user may not even set an attribute on a file that he can't open. */
	sys_fchmodat(set->work_fd, name, 0600);
	ret = probe_xattr(set, name);
	if (ret < 0)
		return layer_refuse_errno(lo, ret, upper->option, upper->path);
	set->has_rename_whiteout = probe_rename_whiteout(set, name);
	set->can_chown = probe_chown(set, name);
	sys_unlinkat(set->work_fd, name, 0);
	set->has_tmpfile = probe_tmpfile(set);
	return choose_whiteouts(lo, probe_device(set));
}
