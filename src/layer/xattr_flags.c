/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reading the xattr flags of one object. Most objects have no attribute at all, so one listxattr answers for all flags;
 * only the value of overlay.opaque is needed besides.
 *
 * Some file systems on FUSE leave attributes out of the list that can be read (ntfs-3g those in trusted.*). There each
 * xattr that objects of the type can have is asked for, until an xattr in a list shows that they are listed.
 */
#include "base/check.h"
#include "layer/layer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/macros.h"
#include "format/acl.h"
#include "format/metacopy.h"
#include "format/redirect.h"
#include "os/fs.h"

#define LIST_FIRST_TRY 1024
#define LIST_LIMIT 65536 /* XATTR_LIST_MAX */

enum bearer { BEARER_DIR = 1 << 0, BEARER_FILE = 1 << 1, BEARER_OTHER = 1 << 2, BEARER_ANY = (1 << 3) - 1 };

static const struct private_flag {
	enum xattr_overlay which;
	unsigned flag;
	unsigned bearers; /* objects on which it means something */
} private_xattrs[] = {
	{XATTR_OVERLAY_OPAQUE, XATTR_FLAG_OPAQUE, BEARER_DIR},
	{XATTR_OVERLAY_METACOPY, XATTR_FLAG_METACOPY, BEARER_FILE},
	{XATTR_OVERLAY_REDIRECT, XATTR_FLAG_REDIRECT, BEARER_DIR | BEARER_FILE},
	{XATTR_OVERLAY_ORIGIN, XATTR_FLAG_ORIGIN, BEARER_ANY},
	{XATTR_OVERLAY_IMPURE, XATTR_FLAG_IMPURE, BEARER_DIR},
	{XATTR_OVERLAY_WHITEOUT, XATTR_FLAG_WHITEOUT, BEARER_FILE},
	{XATTR_OVERLAY_PROTATTR, XATTR_FLAG_PROTATTR, BEARER_DIR | BEARER_FILE},
};

static unsigned private_flag(enum xattr_ns ns, const char *xattr)
{
	for (size_t i = 0; i < ARRAY_SIZE(private_xattrs); i++)
		if (!strcmp(xattr, xattr_overlay_name(ns, private_xattrs[i].which)))
			return private_xattrs[i].flag;
	return 0;
}

/* Beside enum xattr_flag: user.fuseoverlayfs.opaque is there. */
#define LISTED_FUSEOVERLAYFS (1U << 30)

static unsigned xattr_flag_of_stored(const struct layer_set *set, const struct layer *l, const char *stored)
{
	const char *xattr = stored;

	if (l->override != OVERRIDE_NONE && !xattr_is_private(set->ns, stored))
		xattr = xattr_override_decode(l->override, stored);
	if (!xattr)
		return 0;
	if (xattr_is_private(set->ns, xattr))
		return private_flag(set->ns, xattr);
	if (layer_reserves_xattr(set, xattr))
		return strcmp(xattr, XATTR_FUSEOVERLAYFS_OPAQUE) ? 0 : LISTED_FUSEOVERLAYFS;
	if (!strcmp(xattr, ACL_XATTR_ACCESS))
		return XATTR_FLAG_ACL;
	if (!strcmp(xattr, ACL_XATTR_DEFAULT))
		return XATTR_FLAG_DEFAULT_ACL;
	if (!strcmp(xattr, "security.capability"))
		return XATTR_FLAG_CAPABILITY;
	return XATTR_FLAG_OTHER_XATTR;
}

static unsigned flags_of_list(const struct layer_set *set, const struct layer *l, const char *list, size_t size)
{
	unsigned xattr_flags = 0;

	for (size_t at = 0; at < size; at += strnlen(list + at, size - at) + 1)
		if (memchr(list + at, '\0', size - at))
			xattr_flags |= xattr_flag_of_stored(set, l, list + at);
	return xattr_flags;
}

/* `y` makes opaque, `x` says that whiteouts of the xattr form are inside; kernel overlayfs obeys no other value. */
static int xattr_flags_read_opaque(const struct layer_set *set, int dirfd, const char *name, unsigned *xattr_flags)
{
	char value[2];
	ssize_t size =
		os_getxattr(dirfd, name, xattr_overlay_name(set->ns, XATTR_OVERLAY_OPAQUE), value, sizeof(value));

	*xattr_flags &= ~(unsigned)XATTR_FLAG_OPAQUE;
	if (size == -ENODATA || size == -ERANGE)
		return 0;
	if (size < 0)
		return (int)size;
	if (size == 1 && value[0] == 'y')
		*xattr_flags |= XATTR_FLAG_OPAQUE;
	else if (size == 1 && value[0] == 'x')
		*xattr_flags |= XATTR_FLAG_XWHITEOUTS;
	return 0;
}

static int read_fuseoverlayfs(int dirfd, const char *name, unsigned *xattr_flags)
{
	char value[2];
	ssize_t size = os_getxattr(dirfd, name, XATTR_FUSEOVERLAYFS_OPAQUE, value, sizeof(value));

	*xattr_flags &= ~LISTED_FUSEOVERLAYFS;
	if (size == 1 && value[0] == 'y')
		*xattr_flags |= XATTR_FLAG_OPAQUE;
	return size < 0 && size != -ENODATA && size != -ERANGE ? (int)size : 0;
}

static enum bearer bearer_of(int dirfd, const char *name)
{
	struct statx stx;

	/* As far as is known without asking the file system: a type doesn't change. */
	if (os_statx_cached(dirfd, name, &stx) < 0)
		return BEARER_ANY;
	return S_ISDIR(stx.stx_mode) ? BEARER_DIR : S_ISREG(stx.stx_mode) ? BEARER_FILE : BEARER_OTHER;
}

/* 1, 0 or -errno. */
static int has_xattr_named(const struct layer_set *set, int dirfd, const char *name, enum xattr_overlay which)
{
	ssize_t size = os_getxattr(dirfd, name, xattr_overlay_name(set->ns, which), NULL, 0);

	if (size == -ENODATA || size == -EOPNOTSUPP || size == -ENOSYS || size == -EPERM)
		return 0;
	return size < 0 ? (int)size : 1;
}

/* Adds to *xattr_flags those that the list left out. */
static int ask_xattrs(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
		      unsigned *xattr_flags)
{
	unsigned bearer = bearer_of(dirfd, name);

	for (size_t i = 0; i < ARRAY_SIZE(private_xattrs); i++) {
		const struct private_flag *m = &private_xattrs[i];
		int r;

		if (!(m->bearers & bearer) || (*xattr_flags & m->flag) || (m->flag == XATTR_FLAG_PROTATTR && !l->upper))
			continue;
		/* A file's says where its data is. */
		if (m->flag == XATTR_FLAG_REDIRECT && bearer == BEARER_FILE && !(*xattr_flags & XATTR_FLAG_METACOPY))
			continue;
		r = has_xattr_named(set, dirfd, name, m->which);
		if (r < 0)
			return r;
		*xattr_flags |= r ? m->flag : 0;
	}
	return 0;
}

/* For the layer, whose list of an object has these. */
static bool are_listed(struct layer *l, unsigned listed)
{
	unsigned own = 0;

	(void)CHECK(l->has_xattr);
	if (atomic_load_explicit(&l->lists_xattrs, memory_order_relaxed))
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(private_xattrs); i++)
		own |= private_xattrs[i].flag;
	if (!(listed & own))
		return false;
	atomic_store_explicit(&l->lists_xattrs, true, memory_order_relaxed);
	return true;
}

static int finish_flags(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
			const char *list, ssize_t size, unsigned *ret_flags)
{
	unsigned xattr_flags = flags_of_list(set, l, list, (size_t)size);
	int r = 0;

	(void)CHECK(size >= 0 && size <= LIST_LIMIT);
	if (l->has_xattr && !are_listed(&set->layers[l->index], xattr_flags))
		r = ask_xattrs(set, l, dirfd, name, &xattr_flags);
	if (!r && (xattr_flags & XATTR_FLAG_OPAQUE))
		r = xattr_flags_read_opaque(set, dirfd, name, &xattr_flags);
	if (!r && (xattr_flags & LISTED_FUSEOVERLAYFS))
		r = read_fuseoverlayfs(dirfd, name, &xattr_flags);
	(void)CHECK(r < 0 || !(xattr_flags & LISTED_FUSEOVERLAYFS));
	if (!r)
		*ret_flags = xattr_flags;
	return r;
}

int layer_read_xattr_flags(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
			   unsigned *ret_flags)
{
	_cleanup_free_ char *large = NULL;
	char small[LIST_FIRST_TRY];
	char *list = small;
	ssize_t size = l->has_xattr ? os_listxattr(dirfd, name, small, sizeof(small)) : 0;

	if (size == -ERANGE) {
		list = large = malloc(LIST_LIMIT);
		if (!large)
			return -ENOMEM;
		size = os_listxattr(dirfd, name, large, LIST_LIMIT);
	}
	if (size == -EOPNOTSUPP || size == -ENOSYS)
		size = 0;
	return size < 0 ? (int)size : finish_flags(set, l, dirfd, name, list, size, ret_flags);
}

int layer_read_redirect(const struct layer_set *set, int dirfd, const char *name, struct redirect *ret)
{
	const char *xattr = xattr_overlay_name(set->ns, XATTR_OVERLAY_REDIRECT);
	char value[REDIRECT_MAX];
	ssize_t size = os_getxattr(dirfd, name, xattr, value, sizeof(value));

	if (size == -EOPNOTSUPP)
		return -ENODATA;
	if (size < 0)
		return size == -ERANGE ? -EINVAL : (int)size;
	return redirect_decode(value, (size_t)size, ret);
}

int layer_check_metacopy(const struct layer_set *set, int dirfd, const char *name)
{
	const char *xattr = xattr_overlay_name(set->ns, XATTR_OVERLAY_METACOPY);
	uint8_t value[METACOPY_MAX];
	struct metacopy metacopy;
	ssize_t size = os_getxattr(dirfd, name, xattr, value, sizeof(value));

	if (size == -EOPNOTSUPP)
		return -ENODATA;
	if (size < 0)
		return size == -ERANGE ? -EIO : (int)size;
	return metacopy_decode(value, (size_t)size, &metacopy);
}
