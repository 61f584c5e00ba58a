/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers that keep owner, mode and type of their objects in an attribute: which ones do, and reading and writing it.
 *
 * A layer says so by the attribute on its root. One in user.* can be set by whoever owns the directory, and makes what
 * he likes a setuid program of root: so it is heeded only where it was asked for (xattr_permissions), where the mount
 * is one that trusts user.* anyhow, and in fuse-overlayfs's dialect, which always does.
 */
#include "internal.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "format/stat_override.h"
#include "os/fs.h"

/* --- one object --------------------------------------------------------------------------------------------------- */

/* What may carry the attribute: in user.* the kernel permits no others. */
static bool may_carry(enum override_form form, mode_t mode)
{
	return S_ISREG(mode) || S_ISDIR(mode) || (S_ISLNK(mode) && form == OVERRIDE_PRIVILEGED);
}

static void apply(const struct stat_override *o, struct statx *stx)
{
	bool special = !S_ISREG(o->mode) && S_ISREG(stx->stx_mode);

	stx->stx_uid = o->uid;
	stx->stx_gid = o->gid;
	stx->stx_mode = (uint16_t)o->mode;
	if (!special)
		return;
	stx->stx_rdev_major = o->major;
	stx->stx_rdev_minor = o->minor;
	stx->stx_size = stx->stx_blocks = 0;
}

/* For messages: where the object is, from the root of the layer's mount. */
static const char *shown_path(int fd, char path[PATH_MAX])
{
	ssize_t len = os_fd_target(fd, path, PATH_MAX - 1);

	path[MAX(len, 0)] = '\0';
	return path;
}

static int read_stat_override(const struct layer *l, int fd, struct statx *stx)
{
	char value[STAT_OVERRIDE_SIZE], path[PATH_MAX];
	struct stat_override o;
	ssize_t size;

	(void)CHECK(l->override != OVERRIDE_NONE);
	if (!may_carry(l->override, stx->stx_mode))
		return 0;
	size = os_getxattr(fd, "", xattr_override_stat(l->override), value, sizeof(value));
	if (size == -ENODATA || size == -EOPNOTSUPP)
		return 0;
	if (size < 0 && size != -ERANGE)
		return (int)size;
	if (size < 0 || stat_override_decode(value, (size_t)size, stx->stx_mode & S_IFMT, &o) < 0) {
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "layer %s: %s: %s is malformed", l->path,
			    shown_path(fd, path), xattr_override_stat(l->override));
		return -EIO;
	}
	apply(&o, stx);
	return 0;
}

/* Through a descriptor, so that attributes and attribute are those of one object whatever is renamed meanwhile. */
int stat_override_statx(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx)
{
	_cleanup_close_ int own = -1;
	struct statx stx;
	int fd = dirfd, r;

	if (*name) {
		fd = own = layer_openat(l, dirfd, name, O_PATH);
		if (fd < 0)
			return fd;
	}
	r = os_statx(fd, "", &stx);
	if (r == 0)
		r = read_stat_override(l, fd, &stx);
	if (r < 0)
		return r;
	*ret_stx = stx;
	return 0;
}

static int write_value(const struct layer *l, int fd, const struct stat_override *o)
{
	char value[STAT_OVERRIDE_SIZE];
	size_t size = stat_override_encode(o, value);

	(void)CHECK(l->upper && l->override != OVERRIDE_NONE);
	return os_setxattr(fd, "", xattr_override_stat(l->override), value, size, 0);
}

int layer_write_stat_override(const struct layer_set *set, int fd, const struct statx *stx)
{
	const struct stat_override o = {
		.uid = stx->stx_uid,
		.gid = stx->stx_gid,
		.mode = stx->stx_mode,
		.major = stx->stx_rdev_major,
		.minor = stx->stx_rdev_minor,
	};

	return write_value(layer_upper(set), fd, &o);
}

/* --- the layers --------------------------------------------------------------------------------------------------- */

/* 1, 0 or -errno: owners and modes that aren't read aren't the layer's. */
static int has_form(const struct layer *l, enum override_form form)
{
	char value[STAT_OVERRIDE_SIZE];

	return layer_supports((int)os_getxattr(l->root_fd, "", xattr_override_stat(form), value, sizeof(value)));
}

/* 1, 0 or -errno; of several forms the first counts. */
static int find_form(const struct layer *l, const enum override_form *forms, unsigned n, enum override_form *ret_form)
{
	int r = 0;

	*ret_form = OVERRIDE_NONE;
	for (unsigned i = 0; i < n && r == 0; i++) {
		r = has_form(l, forms[i]);
		if (r > 0)
			*ret_form = forms[i];
	}
	return MIN(r, 0);
}

static int announced_form(const struct layer_opening *lo, const struct layer *l, enum override_form *ret_form)
{
	static const enum override_form forms[] = {OVERRIDE_PRIVILEGED, OVERRIDE_CONTAINERS, OVERRIDE_USER};

	/* Not where the dialect is on for want of another form of whiteouts: nobody asked for it. */
	bool dialect = lo->spec->whiteouts == WHITEOUTS_AUFS || lo->spec->whiteouts == WHITEOUTS_BOTH;
	bool user = lo->spec->xattr_permissions || lo->set->ns == XATTR_NS_USER || dialect;

	return find_form(l, forms, !l->has_xattr ? 0 : user ? ARRAY_SIZE(forms) : 1, ret_form);
}

/* What the upper's root is said to be when nobody has said it: what a lower one is, or as fuse-overlayfs has it. */
static int root_value(const struct layer_set *set, struct stat_override *ret)
{
	struct statx stx;
	int r;

	*ret = (struct stat_override){.mode = S_IFDIR | 0555};
	for (unsigned i = 1; i < set->n; i++) {
		const struct layer *l = &set->layers[i];

		if (l->override == OVERRIDE_NONE)
			continue;
		r = stat_override_statx(l, l->root_fd, "", &stx);
		if (r < 0)
			return r;
		*ret = (struct stat_override){.uid = stx.stx_uid, .gid = stx.stx_gid, .mode = stx.stx_mode};
		break;
	}
	return 0;
}

/* The form that was asked for; an older one in user.* is kept where the upper has it. */
static int override_prepare_upper(struct layer_opening *lo)
{
	struct layer *upper = layer_upper(lo->set);
	enum override_form form = lo->spec->xattr_permissions == 1 ? OVERRIDE_PRIVILEGED : OVERRIDE_CONTAINERS;
	struct stat_override root;
	int r;

	(void)CHECK(lo->spec->xattr_permissions > 0);
	if (upper->override == form || (upper->override == OVERRIDE_USER && form == OVERRIDE_CONTAINERS))
		return 0;
	upper->override = form;
	r = has_form(upper, form);
	if (r > 0)
		return 0;
	if (r == 0)
		r = root_value(lo->set, &root);
	if (r == 0)
		r = write_value(upper, upper->root_fd, &root);
	return r < 0 ? layer_refuse(lo, r, "xattr_permissions", upper->path, "%s: %s", xattr_override_stat(form),
				    strerror(-r))
		     : 0;
}

int stat_override_prepare(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;
	int r = 0;

	for (unsigned i = 0; i < set->n; i++) {
		r = announced_form(lo, &set->layers[i], &set->layers[i].override);
		if (r < 0)
			return layer_refuse_errno(lo, r, lo->locations[i].option, lo->locations[i].path);
	}
	if (set->has_upper && lo->spec->xattr_permissions)
		r = override_prepare_upper(lo);
	for (unsigned i = 0; i < set->n; i++)
		if (set->layers[i].override != OVERRIDE_NONE)
			set->override_forms |= 1U << set->layers[i].override;
	return r;
}
