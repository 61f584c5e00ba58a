/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Objects made in the work directory and moved into place when they are complete: over a whiteout, because creating in
 * its place would show the lower object for a moment, and wherever an object needs more than one step.
 *
 * The kernel derives owner, mode and ACL of a new object from the directory that it is made in. Here that is the wrong
 * one, so the same is computed from the parent (inode_init_owner in fs/inode.c, posix_acl_create in fs/posix_acl.c).
 *
 * A directory can't be renamed over a whiteout: the two change places, and the whiteout is removed from the work
 * directory.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "create.h"
#include "format/acl.h"
#include "format/name.h"

/* --- what the parent gives ---------------------------------------------------------------------------------------- */

struct heritage {
	uid_t uid;
	gid_t gid;
	mode_t mode;	   /* type included */
	void *default_acl; /* of the parent, NULL without one; owned */
	size_t acl_size;
	void *access_acl;    /* of the new object; owned */
	bool has_access_acl; /* else the mode says it all */
};

static void heritage_finish(struct heritage *h)
{
	free(h->default_acl);
	free(h->access_acl);
}
#define _cleanup_heritage_ _cleanup_(heritage_finish)

static int inherit_acl(struct creation *c, struct heritage *h)
{
	ssize_t size = change_default_acl(c->writer, c->parent, c->dirfd, &h->default_acl);
	int r;

	(void)CHECK(!h->access_acl && !h->has_access_acl);
	if (size < 0)
		return (int)size;
	if (size == 0) {
		h->mode &= ~c->caller->umask;
		return 0;
	}
	h->acl_size = (size_t)size;
	h->access_acl = malloc(h->acl_size);
	if (!h->access_acl)
		return -ENOMEM;
	r = acl_create(h->default_acl, h->acl_size, h->mode, h->access_acl, &h->mode);
	if (r < 0)
		return r;
	h->has_access_acl = r > 0;
	return 0;
}

static int inherit(struct creation *c, struct heritage *h)
{
	struct statx parent;
	int r = change_statx(c->writer, c->dirfd, &parent);

	if (r < 0)
		return r;
	*h = (struct heritage){.uid = c->caller->uid, .gid = c->caller->gid, .mode = c->spec->mode & (S_IFMT | 07777)};
	if (!S_ISLNK(h->mode)) {
		r = inherit_acl(c, h);
		if (r < 0)
			return r;
	}
	if (S_ISDIR(h->mode))
		h->mode &= ~(mode_t)(S_ISUID | S_ISGID);
	if (parent.stx_mode & S_ISGID) {
		h->gid = parent.stx_gid;
		if (S_ISDIR(h->mode))
			h->mode |= S_ISGID;
	}
	return 0;
}

/* --- the temp ----------------------------------------------------------------------------------------------------- */

/* Makes the bare object; *ret_fd is O_RDWR of a regular file, else O_PATH. */
static int make_bare(struct creation *c, const char *temp, int *ret_fd)
{
	int work_fd = c->writer->layers->work_fd, r;
	mode_t mode = change_real_type(c->writer, c->spec->mode);

	if (S_ISREG(mode)) {
		*ret_fd = os_openat(work_fd, temp, O_CREAT | O_EXCL | O_RDWR, 0600, OS_NO_XDEV);
		return *ret_fd < 0 ? *ret_fd : 0;
	}
	if (S_ISDIR(mode))
		r = os_mkdirat(work_fd, temp, 0700);
	else if (S_ISLNK(mode))
		r = os_symlinkat(c->spec->target, work_fd, temp);
	else
		r = os_mknodat(work_fd, temp, mode | 0600, c->spec->rdev);
	if (r < 0)
		return r;
	*ret_fd = os_openat(work_fd, temp, O_PATH, 0, OS_NO_XDEV);
	if (*ret_fd >= 0)
		return 0;
	change_drop_temp(c->writer, temp, S_ISDIR(mode));
	return *ret_fd;
}

static int create_set_opaque(struct writer *writer, int fd)
{
	const char *name = xattr_overlay_name(writer->layers->ns, XATTR_OVERLAY_OPAQUE);
	int r;

	/* As the kernel: what lies below would show through, so without xattrs this can't be done. */
	if (!writer->layers->has_upper_xattr)
		return -EIO;
	r = os_setxattr(fd, "", name, "y", 1, 0);
	return r == -EOPNOTSUPP ? -EIO : r;
}

static int hide_below(struct creation *c, int fd)
{
	if (c->writer->layers->whiteout_form == WHITEOUT_AUFS)
		return work_hide_below(c->dirfd, c->name);
	return create_set_opaque(c->writer, fd);
}

/* The mode before the ACL, whose mask it would overwrite. */
static int dress(struct creation *c, const struct heritage *h, int fd)
{
	const struct change_new_attrs id = {.uid = h->uid, .gid = h->gid, .mode = h->mode, .rdev = c->spec->rdev};
	int r = change_set_new_attrs(c->writer, fd, &id);

	if (r == 0 && h->has_access_acl)
		r = change_set_acl(fd, ACL_XATTR_ACCESS, h->access_acl, h->acl_size);
	if (r == 0 && h->default_acl && S_ISDIR(h->mode))
		r = change_set_acl(fd, ACL_XATTR_DEFAULT, h->default_acl, h->acl_size);
	if (r == 0 && S_ISDIR(h->mode) && c->over_whiteout)
		r = hide_below(c, fd);
	return r;
}

/* Without RENAME_EXCHANGE (some network and FUSE file systems); a crash in between shows what the whiteout hides. */
static int move_dir_in_two_steps(struct creation *c, const char *temp)
{
	struct layer_set *set = c->writer->layers;
	int r = os_unlinkat(c->dirfd, c->name, 0);

	(void)CHECK(c->over_whiteout);
	if (r < 0)
		return r;
	r = os_renameat2(set->work_fd, temp, c->dirfd, c->name, 0);
	if (r < 0 && work_make_whiteout(set, c->dirfd, c->name) < 0)
		change_doubt(c->writer, c->parent, c->name);
	return r;
}

/* The commit. */
static int move_into_place(struct creation *c, const char *temp, bool is_dir)
{
	struct layer_set *set = c->writer->layers;
	int r;

	(void)CHECK(*temp && change_holds_dir(c->parent));
	if (!c->over_whiteout)
		return work_publish(set, temp, c->dirfd, c->name);
	if (!is_dir)
		return os_renameat2(set->work_fd, temp, c->dirfd, c->name, 0);
	r = os_renameat2(set->work_fd, temp, c->dirfd, c->name, RENAME_EXCHANGE);
	if (r == 0)
		change_drop_temp(c->writer, temp, false);
	else if (r == -EINVAL)
		r = move_dir_in_two_steps(c, temp);
	return r;
}

/* Who moves a directory writes its "..", for which a daemon without CAP_DAC_OVERRIDE needs the owner's write
 * permission. So it is the daemon's until it is there: what a crash leaves nobody else can write. */
static int keep_writable(struct creation *c, const struct heritage *h, int fd)
{
	struct writer *writer = c->writer;
	int r;

	if (!S_ISDIR(h->mode) || writer->layers->can_reopen || layer_overrides_stat(writer->layers))
		return 0;
	c->is_ours = true;
	c->owner = h->uid;
	c->mode = h->mode;
	r = change_set_owner(writer, fd, geteuid(), (gid_t)-1);
	return r < 0 ? r : change_set_mode(writer, fd, h->mode | S_IWUSR);
}

static int create_in_work_steps(struct creation *c, const struct heritage *h, const char *temp, int *ret_fd)
{
	bool is_dir = S_ISDIR(h->mode);
	int fd, r = make_bare(c, temp, &fd);

	if (r < 0)
		return r;
	r = dress(c, h, fd);
	if (r == 0)
		r = keep_writable(c, h, fd);
	if (r == 0)
		r = move_into_place(c, temp, is_dir);
	if (r < 0)
		goto undo;
	*ret_fd = fd;
	return 0;
undo:
	os_close(fd);
	change_drop_temp(c->writer, temp, is_dir);
	return r;
}

int create_in_work(struct creation *c)
{
	_cleanup_heritage_ struct heritage h = {0};
	char temp[WORK_NAME_MAX];
	int fd, r = inherit(c, &h);

	if (r < 0)
		return r;
	work_temp_name(c->writer->layers, temp);
	r = create_in_work_steps(c, &h, temp, &fd);
	if (r < 0)
		return r;
	if (S_ISREG(h.mode))
		c->fd = fd;
	else
		os_close(fd);
	return 0;
}

int link_in_work(struct writer *writer, int fd, int dirfd, const char *name)
{
	char temp[WORK_NAME_MAX];
	int r;

	(void)CHECK(fd >= 0 && dirfd >= 0);
	work_temp_name(writer->layers, temp);
	r = os_link_fd(fd, writer->layers->work_fd, temp);
	if (r < 0)
		return r;
	r = os_renameat2(writer->layers->work_fd, temp, dirfd, name, 0);
	if (r < 0)
		change_drop_temp(writer, temp, false);
	return r;
}

/* --- the stand-in of a directory ---------------------------------------------------------------------------------- */

static int create_copy_xattr(int from, int to, const char *name)
{
	_cleanup_free_ void *value = NULL;
	ssize_t n = os_getxattr(from, "", name, NULL, 0);

	if (n == -ENODATA)
		return 0;
	if (n < 0)
		return (int)n;
	value = malloc((size_t)n + 1);
	if (!value)
		return -ENOMEM;
	n = os_getxattr(from, "", name, value, (size_t)n);
	if (n < 0)
		return n == -ENODATA ? 0 : (int)n;
	return os_setxattr(to, "", name, value, (size_t)n, 0);
}

/* All but the xattrs: they say how the original merges. */
static int create_copy_xattrs(struct writer *writer, int from, int to)
{
	_cleanup_free_ char *list = NULL;
	ssize_t n = os_listxattr(from, "", NULL, 0);

	if (n <= 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	list = malloc((size_t)n + 1);
	if (!list)
		return -ENOMEM;
	n = os_listxattr(from, "", list, (size_t)n);
	if (n < 0)
		return (int)n;
	list[n] = '\0';
	for (const char *name = list; name < list + n; name += strlen(name) + 1) {
		int r = *name && !layer_reserves_xattr(writer->layers, name) ? create_copy_xattr(from, to, name) : 0;

		if (r < 0)
			return r;
	}
	return 0;
}

static int dress_stand_in(struct writer *writer, int from, const struct statx *stx, int to)
{
	const struct timespec times[2] = {{stx->stx_atime.tv_sec, stx->stx_atime.tv_nsec},
					  {stx->stx_mtime.tv_sec, stx->stx_mtime.tv_nsec}};
	int r = change_set_owner(writer, to, stx->stx_uid, stx->stx_gid);

	(void)CHECK(S_ISDIR(stx->stx_mode));
	if (r == 0)
		r = create_copy_xattrs(writer, from, to);
	if (r == 0)
		r = change_set_mode(writer, to, stx->stx_mode);
	if (r == 0)
		r = create_set_opaque(writer, to);
	return r < 0 ? r : os_futimens(to, times);
}

int create_stand_in(struct writer *writer, int fd, char ret_temp[WORK_NAME_MAX])
{
	_cleanup_close_ int to = -1;
	struct statx stx;
	int r = change_statx(writer, fd, &stx);

	if (r < 0)
		return r;
	work_temp_name(writer->layers, ret_temp);
	r = os_mkdirat(writer->layers->work_fd, ret_temp,
		       layer_overrides_stat(writer->layers) ? LAYER_OVERRIDE_MODE : 0700);
	if (r < 0)
		return r;
	to = os_openat(writer->layers->work_fd, ret_temp, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	r = to < 0 ? to : dress_stand_in(writer, fd, &stx, to);
	if (r < 0)
		change_drop_temp(writer, ret_temp, true);
	return r;
}
