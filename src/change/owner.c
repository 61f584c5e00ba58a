/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owners and modes of upper objects: set on the object itself, or in a stat override, an attribute of it
 * (xattr_permissions).
 *
 * Where the mount squashes owners they are a wish: they are set where that is possible, and else the object belongs to
 * the daemon. So they are for symlinks in a layer that keeps them in user.*, because symlinks can't have such
 * attributes.
 */
#include "change/change.h"

#include <errno.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "internal.h"

/* What keeps a daemon from giving objects away: no privilege, or no such id in its user namespace or on the layer's
 * mount. */
static bool is_refusal(int err)
{
	return err == -EPERM || err == -EINVAL || err == -EOVERFLOW;
}

static int wish_owner(int fd, uid_t uid, gid_t gid)
{
	int r = os_fchown(fd, uid, gid);

	return is_refusal(r) ? 0 : r;
}

int change_statx(struct writer *writer, int fd, struct statx *ret_stx)
{
	(void)CHECK(writer->layers->has_upper && fd >= 0);
	return layer_statx_unchecked(layer_upper(writer->layers), fd, "", ret_stx);
}

/* --- stat overrides ----------------------------------------------------------------------------------------------- */

static int write_override(struct writer *writer, int fd, const struct statx *stx)
{
	(void)CHECK(layer_overrides_stat(writer->layers));
	if (S_ISLNK(stx->stx_mode) && layer_upper(writer->layers)->override != OVERRIDE_PRIVILEGED)
		return wish_owner(fd, stx->stx_uid, stx->stx_gid);
	return layer_write_stat_override(writer->layers, fd, stx);
}

static int override_owner(struct writer *writer, int fd, uid_t uid, gid_t gid)
{
	struct statx stx;
	int r = change_statx(writer, fd, &stx);

	if (r < 0)
		return r;
	if (uid != (uid_t)-1)
		stx.stx_uid = uid;
	if (gid != (gid_t)-1)
		stx.stx_gid = gid;
	/* As file systems do; the kernel takes the capabilities away by a request of its own. */
	if (!S_ISDIR(stx.stx_mode))
		stx.stx_mode &= (uint16_t) ~(S_ISUID | (stx.stx_mode & S_IXGRP ? S_ISGID : 0));
	return write_override(writer, fd, &stx);
}

static int override_mode(struct writer *writer, int fd, mode_t mode)
{
	struct statx stx;
	int r = change_statx(writer, fd, &stx);

	if (r < 0)
		return r;
	stx.stx_mode = (uint16_t)((stx.stx_mode & S_IFMT) | (mode & 07777));
	return layer_write_stat_override(writer->layers, fd, &stx);
}

static int override_attrs(struct writer *writer, int fd, const struct change_new_attrs *id)
{
	const struct statx stx = {
		.stx_uid = id->uid,
		.stx_gid = id->gid,
		.stx_mode = (uint16_t)id->mode,
		.stx_rdev_major = major(id->rdev),
		.stx_rdev_minor = minor(id->rdev),
	};
	int r = write_override(writer, fd, &stx);

	return r == 0 && !S_ISLNK(id->mode) ? os_fchmod(fd, LAYER_OVERRIDE_MODE) : r;
}

/* --- either ------------------------------------------------------------------------------------------------------- */

int change_set_owner(struct writer *writer, int fd, uid_t uid, gid_t gid)
{
	if (layer_overrides_stat(writer->layers))
		return override_owner(writer, fd, uid, gid);
	return writer->squash ? wish_owner(fd, uid, gid) : os_fchown(fd, uid, gid);
}

int change_set_mode(struct writer *writer, int fd, mode_t mode)
{
	if (layer_overrides_stat(writer->layers))
		return override_mode(writer, fd, mode);
	return os_fchmod(fd, mode & 07777);
}

/* Owner before mode, which chown would take bits from. */
int change_set_new_attrs(struct writer *writer, int fd, const struct change_new_attrs *id)
{
	int r;

	(void)CHECK(id->mode & S_IFMT);
	if (layer_overrides_stat(writer->layers))
		return override_attrs(writer, fd, id);
	r = change_set_owner(writer, fd, id->uid, id->gid);
	return r == 0 && !S_ISLNK(id->mode) ? os_fchmod(fd, id->mode & 07777) : r;
}

mode_t change_real_type(const struct writer *writer, mode_t mode)
{
	bool special = !S_ISREG(mode) && !S_ISDIR(mode) && !S_ISLNK(mode);

	return special && layer_overrides_stat(writer->layers) ? S_IFREG : mode & S_IFMT;
}
