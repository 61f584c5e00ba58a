// SPDX-License-Identifier: Apache-2.0
/*
 * Objects of a layer that is unpacked. Each is made by a name in the descriptor of its directory, and then reached by a
 * descriptor of its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "format/name.h"
#include "image/error.h"
#include "unpack_internal.h"

/* --- content ------------------------------------------------------------------------------------------------------ */

static int unpack_bytes(struct unpack *u, const char *path, int fd, int64_t offset, int64_t size)
{
	int r = u->options->recipe ? recipe_add_content(u->options->recipe, path, offset, size, u->error) : 0;

	(void)CHECK(fd >= 0 && offset >= 0 && size >= 0);
	while (size && r == 0) {
		ssize_t n = tar_read(u->tar, u->buffer, MIN(size, (int64_t)UNPACK_BUFFER), u->error), done;

		if (n <= 0)
			return n < 0 ? (int)n : image_fail(u->error, -EBADMSG, "malformed archive: truncated content");
		done = os_pwrite_all(fd, u->buffer, (size_t)n, offset);
		r = unpack_failed(u, path, done < 0 ? (int)done : done < n ? -ENOSPC : 0);
		offset += n;
		size -= n;
	}
	return r;
}

static int unpack_sparse(struct unpack *u, const char *path, int fd, const struct tar_entry *e)
{
	const struct tar_extent *extents;
	size_t n;
	int r = tar_sparse(u->tar, e, &extents, &n, u->error);

	if (r == 0)
		r = unpack_failed(u, path, os_ftruncate(fd, e->size));
	for (size_t i = 0; i < n && r == 0; i++)
		r = unpack_bytes(u, path, fd, extents[i].offset, extents[i].size);
	return r < 0 ? r : unpack_bytes(u, path, fd, e->size, 0);
}

static int unpack_file(struct unpack *u, const char *path, const char *name, const struct tar_entry *e)
{
	mode_t mode = u->options->overrides ? (e->mode & 0755) | 0600 : e->mode & 0777;
	_cleanup_close_ int fd = os_openat(u->parent_fd, name, O_WRONLY | O_CREAT | O_EXCL, mode, OS_NO_XDEV);
	int r;

	if (fd < 0)
		return fd;
	r = e->sparse ? unpack_sparse(u, path, fd, e) : unpack_bytes(u, path, fd, 0, e->size);
	/* The disk has something to do meanwhile; whoever wants the layer to be safe syncs it. */
	if (r == 0 && e->size >= UNPACK_WRITE_EARLY)
		(void)os_sync_file_range(fd, 0, 0, SYNC_FILE_RANGE_WRITE);
	return r < 0 ? r : unpack_attributes(u, path, fd, e);
}

/* --- objects ------------------------------------------------------------------------------------------------------ */

static int make_special(struct unpack *u, const char *path, const char *name, const struct tar_entry *e)
{
	int r;

	if (S_ISCHR(e->mode) && !e->major && !e->minor)
		return image_fail(u->error, -EBADMSG, "/%s: a device 0:0", path);
	if (u->options->overrides)
		return os_mknodat(u->parent_fd, name, S_IFREG | 0600, 0);
	r = os_mknodat(u->parent_fd, name, e->mode & (S_IFMT | 0777), makedev(e->major, e->minor));
	if (r == -EPERM)
		return image_fail(u->error, r, "/%s: a device can't be made without privilege", path);
	return r;
}

static int make_dir(struct unpack *u, const char *name)
{
	struct statx stx;
	int r = os_mkdirat(u->parent_fd, name, 0700);

	if (r == -EEXIST && os_statx(u->parent_fd, name, &stx) == 0 && S_ISDIR(stx.stx_mode))
		return 0;
	return r;
}

static int make_other(struct unpack *u, const char *path, const char *name, const struct tar_entry *e)
{
	if (S_ISDIR(e->mode))
		return make_dir(u, name);
	if (S_ISLNK(e->mode))
		return *e->link ? os_symlinkat(e->link, u->parent_fd, name)
				: image_fail(u->error, -EBADMSG, "/%s: a symbolic link to nothing", path);
	return make_special(u, path, name, e);
}

static bool is_whiteout(const struct unpack *u, const char *name)
{
	struct statx stx;

	return os_statx(u->parent_fd, name, &stx) == 0 && S_ISCHR(stx.stx_mode) && !stx.stx_rdev_major &&
	       !stx.stx_rdev_minor;
}

static int make_object(struct unpack *u, const char *path, const char *name, const struct tar_entry *e)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (S_ISREG(e->mode))
		return unpack_file(u, path, name, e);
	r = make_other(u, path, name, e);
	if (r < 0)
		return r;
	fd = os_openat(u->parent_fd, name, O_PATH, 0, OS_NO_XDEV);
	r = fd < 0 ? fd : unpack_attributes(u, path, fd, e);
	if (r == 0 && S_ISDIR(e->mode))
		r = unpack_keep_entry(u, path, e);
	return r;
}

int unpack_object(struct unpack *u, const char *path, const struct tar_entry *e)
{
	bool hides = false;
	const char *name;
	int r = unpack_parent(u, path, &name);

	if (r < 0)
		return r;
	u->error->text[0] = '\0';
	r = make_object(u, path, name, e);
	if (r == -EEXIST && is_whiteout(u, name)) {
		hides = true;
		r = os_unlinkat(u->parent_fd, name, 0);
		r = r < 0 ? r : make_object(u, path, name, e);
	}
	if (r == 0 && hides && S_ISDIR(e->mode))
		r = unpack_opaque(u, path);
	if (r == -EEXIST)
		return image_fail(u->error, r, "/%s: the path comes twice", path);
	return r < 0 && !*u->error->text ? unpack_failed(u, path, r) : r;
}

/* --- links, whiteouts --------------------------------------------------------------------------------------------- */

static int keep_link(struct unpack *u, const char *path, const char *target)
{
	struct unpacked *all = u->result;

	(void)CHECK(*target && *path);
	struct unpack_link *next = ARRAY_NEXT(all->links, all->n_links);

	if (!next)
		return image_fail_memory(u->error);
	next->path = strdup(path);
	next->target = strdup(target);
	all->n_links++;
	return next->path && next->target ? 0 : image_fail_memory(u->error);
}

int unpack_hardlink(struct unpack *u, const char *path, const char *target)
{
	_cleanup_close_ int fd = os_openat(u->options->root_fd, target, O_PATH, 0, OS_NO_XDEV);
	struct statx stx;
	const char *name;
	int r;

	if (fd == -ENOENT)
		return keep_link(u, path, target);
	if (fd < 0)
		return unpack_failed(u, target, fd);
	r = unpack_parent(u, path, &name);
	if (r < 0)
		return r;
	r = os_statx(fd, "", &stx);
	if (r == 0 && (S_ISDIR(stx.stx_mode) || (S_ISCHR(stx.stx_mode) && !stx.stx_rdev_major && !stx.stx_rdev_minor)))
		return image_fail(u->error, -EBADMSG, "/%s: a hard link to /%s, which is no file", path, target);
	if (r == 0)
		r = os_link_fd(fd, u->parent_fd, name);
	if (r == -EEXIST && is_whiteout(u, name)) {
		r = os_unlinkat(u->parent_fd, name, 0);
		r = r < 0 ? r : os_link_fd(fd, u->parent_fd, name);
	}
	if (r == -EEXIST)
		return image_fail(u->error, r, "/%s: the path comes twice", path);
	return unpack_failed(u, path, r);
}

int unpack_whiteout(struct unpack *u, const char *path)
{
	struct statx stx;
	const char *name;
	int r = unpack_parent(u, path, &name);

	if (r < 0)
		return r;
	r = os_mknodat(u->parent_fd, name, S_IFCHR, makedev(0, 0));
	if (r != -EEXIST)
		return unpack_failed(u, path, r);
	/* The layer has an object of this name, which hides files below anyhow. */
	r = os_statx(u->parent_fd, name, &stx);
	return r == 0 && S_ISDIR(stx.stx_mode) ? unpack_opaque(u, path) : unpack_failed(u, path, r);
}

int unpack_opaque(struct unpack *u, const char *path)
{
	_cleanup_free_ char *inside = NULL;
	const char *name;
	int r;

	/* The directory is made as the parent of a name in it. */
	if (asprintf(&inside, "%s%s.", path, *path ? "/" : "") < 0)
		return image_fail_memory(u->error);
	r = unpack_parent(u, inside, &name);
	if (r == 0)
		r = unpack_failed(u, path,
				  os_setxattr(u->parent_fd, "",
					      xattr_overlay_name(u->options->ns, XATTR_OVERLAY_OPAQUE), "y", 1, 0));
	return r;
}
