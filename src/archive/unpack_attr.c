// SPDX-License-Identifier: Apache-2.0
/*
 * Owner, mode, times and xattrs of what is unpacked.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/macros.h"
#include "format/acl.h"
#include "format/name.h"
#include "format/stat_override.h"
#include "image/error.h"
#include "unpack_internal.h"

#define ALL_FORMS (1u << OVERRIDE_PRIVILEGED | 1u << OVERRIDE_CONTAINERS | 1u << OVERRIDE_USER)

int unpack_failed(const struct unpack *u, const char *path, int r)
{
	if (r >= 0 || !CHECK(u->error))
		return MIN(r, 0);
	return image_fail(u->error, r, "/%s: %s", path,
			  r == -ELOOP || r == -ENOTDIR ? "it leads through a symbolic link or a file" : strerror(-r));
}

static bool is_acl(const char *name)
{
	return !strcmp(name, ACL_XATTR_ACCESS) || !strcmp(name, ACL_XATTR_DEFAULT);
}

/* The name in the layer for a name in the tar; false: it has none. */
static bool unpack_xattr_name(const struct unpack *u, const char *name, char ret[static XATTR_NAME_SIZE])
{
	char escaped[XATTR_NAME_SIZE];

	/* An ACL beside an override would give rights on the importer's own file. */
	if (u->options->overrides && is_acl(name))
		return false;
	if (xattr_is_override(ALL_FORMS, name) || xattr_is_fuseoverlayfs(name) || !strcmp(name, "security.selinux") ||
	    strlen(name) > XATTR_NAME_LIMIT)
		return false;
	for (enum xattr_ns ns = 0; ns < XATTR_NS_COUNT; ns++) {
		if (xattr_escape(ns, name, escaped) < 0)
			return false;
		if (strcmp(escaped, name) != 0)
			break;
	}
	if (!u->options->overrides)
		return strcpy(ret, escaped);
	return xattr_override_encode(OVERRIDE_CONTAINERS, escaped, ret) > 0;
}

static int set_xattrs(struct unpack *u, const char *path, int fd, const struct tar_entry *e)
{
	char name[XATTR_NAME_SIZE];

	for (size_t i = 0; i < e->n_xattrs; i++) {
		const struct tar_xattr *x = &e->xattrs[i];
		int r;

		/* What is made in the directory would get it too: unpack_keep_entry(). */
		if (S_ISDIR(e->mode) && !strcmp(x->name, ACL_XATTR_DEFAULT))
			continue;
		r = unpack_xattr_name(u, x->name, name) ? os_setxattr(fd, "", name, x->value, x->len, 0) : 0;

		/* In user namespaces some namespaces of xattrs aren't this process's to set. */
		if (r == -EOPNOTSUPP || (r == -EPERM && (u->options->ns == XATTR_NS_USER || S_ISLNK(e->mode))))
			continue;
		if (r < 0)
			return image_fail(u->error, r, "/%s: xattr %s: %s", path, x->name, strerror(-r));
	}
	return 0;
}

static int set_override(int fd, const struct tar_entry *e)
{
	const struct stat_override o = {
		.uid = e->uid, .gid = e->gid, .mode = e->mode, .major = e->major, .minor = e->minor};
	char value[STAT_OVERRIDE_SIZE];
	size_t len = stat_override_encode(&o, value);

	return S_ISLNK(e->mode) ? 0 : os_setxattr(fd, "", xattr_override_stat(OVERRIDE_CONTAINERS), value, len, 0);
}

static int unpack_set_owner(struct unpack *u, const char *path, int fd, const struct tar_entry *e)
{
	int r;

	if (u->options->overrides)
		return unpack_failed(u, path, set_override(fd, e));
	if (e->uid == u->uid && e->gid == u->gid)
		return 0;
	r = os_fchown(fd, e->uid, e->gid);
	if (r == -EINVAL)
		return image_fail(u->error, r, "/%s: its owner %u:%u isn't mapped here", path, e->uid, e->gid);
	return unpack_failed(u, path, r);
}

int unpack_attributes(struct unpack *u, const char *path, int fd, const struct tar_entry *e)
{
	const struct timespec times[2] = {{e->mtime, e->mtime_nsec}, {e->mtime, e->mtime_nsec}};
	bool own = e->uid == u->uid && e->gid == u->gid;
	int r = CHECK(fd >= 0) ? unpack_set_owner(u, path, fd, e) : -EIO;

	if (r == 0)
		r = set_xattrs(u, path, fd, e);
	if (r < 0 || S_ISDIR(e->mode))
		return r;
	/* An ordinary mode was given at birth; a change of the owner takes others away. */
	if (!S_ISLNK(e->mode) && !u->options->overrides && (!own || e->mode & 07000))
		r = os_fchmod(fd, e->mode & 07777);
	if (r == 0)
		r = os_futimens(fd, times);
	return unpack_failed(u, path, r);
}
