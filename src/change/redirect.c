/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Making redirects, as kernel overlayfs does (ovl_set_redirect, ovl_get_redirect in fs/overlayfs/dir.c).
 *
 * The path is not where the directory lies in some lower layer but what the union looks for below the upper: each
 * component is a directory's name, or the redirect that it has in the upper. Redirects of lower layers are met when the
 * path is walked there. An absolute redirect on the way ends the climb.
 *
 * Without R a directory above can be renamed within its parent meanwhile. It gets its redirect before it gets its new
 * name; here the name is read first, so that a new name comes with the redirect.
 */
#include "redirect.h"

#include <errno.h>
#include <string.h>

#include "base/macros.h"
#include "format/name.h"
#include "format/redirect.h"

/* The path so far, at the end of the buffer. */
struct climb {
	char path[REDIRECT_MAX + 1];
	size_t at;
};

static int climb_put(struct climb *c, const char *bytes, size_t len)
{
	(void)CHECK(c->at <= REDIRECT_MAX && len > 0);
	if (len > c->at)
		return -EXDEV;
	c->at -= len;
	memcpy(c->path + c->at, bytes, len);
	return 0;
}

/* One component, or the absolute redirect that comes in the place of all before it: 1. */
static int climb_step(struct climb *c, const struct layer_set *set, int dirfd, const char *entry, const char *name)
{
	struct redirect redirect;
	int r = layer_read_redirect(set, dirfd, entry, &redirect);

	if (r < 0 && r != -ENODATA)
		return r;
	if (r == 0)
		r = climb_put(c, redirect.path, redirect.len);
	else
		r = climb_put(c, name, strlen(name));
	if (r < 0)
		return r;
	return c->path[c->at] == '/' ? 1 : climb_put(c, "/", 1);
}

/* The same for a directory above; *ret_parent is its parent, referenced. */
static int climb_inode(struct climb *c, struct writer *writer, struct inode *inode, struct inode **ret_parent)
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	struct inode_location location;
	int r;

	inode_locate(writer->tree, inode, &location);
	*ret_parent = location.parent;
	if (location.unlinked || !location.parent)
		return -ENOENT;
	r = change_dirfd_open(writer, inode, &dir);
	return r < 0 ? r : climb_step(c, writer->layers, dir.dirfd.fd, "", location.name);
}

/* The object is `entry` at dirfd and has its `name` in `parent`. */
static int climb_run(struct climb *c, struct writer *writer, struct inode *parent, const char *name, int dirfd,
		     const char *entry)
{
	struct tree *tree = writer->tree;
	struct inode *at = inode_get(tree, parent);
	int r = climb_step(c, writer->layers, dirfd, entry, name);

	while (r == 0 && at != tree->root) {
		struct inode *next = NULL;

		r = climb_inode(c, writer, at, &next);
		inode_put(tree, at);
		at = next;
	}
	inode_put(tree, at);
	return MIN(r, 0);
}

static int redirect_set(struct writer *writer, int dirfd, const char *name, const char *value)
{
	const char *xattr = xattr_overlay_name(writer->layers->ns, XATTR_OVERLAY_REDIRECT);
	int r = os_setxattr(dirfd, name, xattr, value, strlen(value), 0);

	return r == -EOPNOTSUPP || r == -EPERM ? -EXDEV : r;
}

static int redirect_make(struct writer *writer, struct inode *parent, const char *name, int dirfd, const char *entry,
			 bool absolute)
{
	struct climb c = {.at = REDIRECT_MAX};
	struct redirect has;
	int r = layer_read_redirect(writer->layers, dirfd, entry, &has);

	if (r == 0 && (has.absolute || !absolute))
		return 0;
	if (r < 0 && r != -ENODATA)
		return r;
	if (!absolute)
		return redirect_set(writer, dirfd, entry, name);
	r = climb_run(&c, writer, parent, name, dirfd, entry);
	return r < 0 ? r : redirect_set(writer, dirfd, entry, c.path + c.at);
}

int redirect_write(struct writer *writer, struct inode *parent, const char *name, int dirfd, bool across)
{
	(void)CHECK(change_holds_dir(parent) && (!across || lock_held(&writer->tree->rename)));
	return redirect_make(writer, parent, name, dirfd, name, across);
}

int redirect_write_file(struct writer *writer, struct inode *inode, int fd, struct inode *parent, const char *name,
			bool samedir)
{
	bool absolute = !samedir || inode_lower_is_linked(writer->tree, inode);

	(void)CHECK(change_holds_inode(writer, inode) && !inode_is_dir(inode));
	return redirect_make(writer, parent, name, fd, "", absolute);
}

int redirect_write_linked(struct writer *writer, struct inode *inode, int fd)
{
	struct inode_location location;
	int r;

	inode_locate(writer->tree, inode, &location);
	if (location.unlinked || !location.parent)
		r = -ENOENT;
	else
		r = redirect_write_file(writer, inode, fd, location.parent, location.name, false);
	inode_location_finish(writer->tree, &location);
	return r;
}
