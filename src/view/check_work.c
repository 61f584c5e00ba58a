/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work directory: temp files, the index, notes about links, the state file. While a mount uses it, temp files are
 * its own.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "check_state.h"
#include "format/name.h"
#include "format/nlink.h"
#include "format/work_state.h"
#include "os/fs.h"

#define STATE_NAME "plyfs.state"

struct work_reading {
	struct checking *c;
	const char *dir; /* from the work directory on */
	int fd;		 /* of it */
};

static int open_dir(struct checking *c, const char *path, int *ret_fd)
{
	*ret_fd = os_openat(c->work_fd, path, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	if (*ret_fd == -ENOENT)
		return 0;
	return *ret_fd < 0 ? check_failed_at(c, VIEW_CHECK_WORK, path, *ret_fd) : 0;
}

static int read_dir(struct checking *c, const char *path, int (*each)(void *arg, const struct os_dirent *entry))
{
	struct work_reading reading = {.c = c, .dir = path};
	_cleanup_close_ int fd = -1;
	int r = open_dir(c, path, &fd);

	if (r != 0 || fd < 0)
		return r;
	reading.fd = fd;
	r = os_read_dir(fd, each, &reading);
	return r == -EACCES || r == -EPERM || r == -EIO ? check_failed_at(c, VIEW_CHECK_WORK, path, r) : r;
}

static int add_in(const struct work_reading *reading, enum view_fault fault, const char *name, const char *detail)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", reading->dir, name) < 0)
		return -ENOMEM;
	return check_add(reading->c, fault, VIEW_CHECK_WORK, path, NULL, detail ? "%s" : NULL, detail);
}

/* A mount that has crashed leaves temp files, and the next one removes them. The kernel leaves the whiteout of which
 * all others are links. */
static int add_temp(const struct work_reading *reading, const char *name)
{
	_cleanup_free_ char *path = NULL;
	struct statx stx;

	if (reading->c->check->in_use || (os_statx(reading->fd, name, &stx) == 0 && layer_is_whiteout(&stx)))
		return 0;
	if (!reading->c->crashed)
		return add_in(reading, VIEW_FAULT_STRAY_TEMP, name, NULL);
	if (asprintf(&path, "%s/%s", reading->dir, name) < 0)
		return -ENOMEM;
	return check_note(reading->c, VIEW_FAULT_STRAY_TEMP, VIEW_CHECK_WORK, path);
}

static int look_at_temp(void *arg, const struct os_dirent *entry)
{
	return strcmp(entry->name, "incompat") ? add_temp(arg, entry->name) : 0;
}

/* --- the index ---------------------------------------------------------------------------------------------------- */

/* Handles in the format of xattrs; *ret_fh of a value that can't be told isn't valid. */
static int read_handle(const struct checking *c, int dirfd, const char *name, enum xattr_overlay which,
		       struct ovl_fh *ret_fh)
{
	uint8_t value[OVL_FH_MAX];
	ssize_t n = os_getxattr(dirfd, name, xattr_overlay_name(c->set->ns, which), value, sizeof(value));

	if (n <= 0)
		return n < 0 ? (int)n : -ENODATA;
	return ovl_fh_decode(value, (size_t)n, ret_fh);
}

static int check_index_nlink(const struct work_reading *reading, const char *name, const struct statx *stx,
			     const struct statx *lower)
{
	const char *xattr = xattr_overlay_name(reading->c->set->ns, XATTR_OVERLAY_NLINK);
	/* What a crash leaves may be one off. */
	int64_t slack = reading->c->crashed || reading->c->check->in_use ? 1 : 0, links = (int64_t)stx->stx_nlink - 1,
		n;
	struct nlink_xattr nlink;
	_cleanup_free_ char *detail = NULL;
	char value[32];
	ssize_t size = os_getxattr(reading->fd, name, xattr, value, sizeof(value) - 1);

	if (size < 0)
		return 0;
	value[size] = '\0';
	if (nlink_decode(value, (size_t)size, &nlink) < 0)
		return add_in(reading, VIEW_FAULT_BAD_NLINK, name, value);
	n = nlink_apply(nlink, stx->stx_nlink, lower->stx_nlink);
	if (n + slack >= links && n - slack <= links + lower->stx_nlink && n > 0)
		return 0;
	if (asprintf(&detail, "%s with %u links, and %u below", value, stx->stx_nlink, lower->stx_nlink) < 0)
		return -ENOMEM;
	return add_in(reading, VIEW_FAULT_NLINK_MISMATCH, name, detail);
}

/* A directory in the index of an NFS export leads to its upper. */
static int check_index_dir(const struct work_reading *reading, const char *name)
{
	struct ovl_fh fh;
	_cleanup_close_ int fd = -1;

	if (read_handle(reading->c, reading->fd, name, XATTR_OVERLAY_UPPER, &fh) < 0)
		return add_in(reading, VIEW_FAULT_INDEX_DANGLING, name, "it has no overlay.upper");
	fd = check_open_handle(reading->c, &fh);
	return fd == -ESTALE ? add_in(reading, VIEW_FAULT_INDEX_DANGLING, name, NULL) : 0;
}

static int check_index_entry(const struct work_reading *reading, const char *name)
{
	struct ovl_fh fh, origin;
	struct statx stx, lower;
	_cleanup_close_ int fd = -1;
	int r = ovl_fh_from_index_name(name, &fh);

	if (r == -EINVAL)
		return add_in(reading, VIEW_FAULT_INDEX_NAME, name, NULL);
	if (r < 0 || os_statx(reading->fd, name, &stx) < 0)
		return 0;
	/* A whiteout says that the object was removed. */
	if (S_ISCHR(stx.stx_mode))
		return 0;
	if (S_ISDIR(stx.stx_mode))
		return check_index_dir(reading, name);
	r = read_handle(reading->c, reading->fd, name, XATTR_OVERLAY_ORIGIN, &origin);
	if (r == -ENODATA || r == -EINVAL || (r == 0 && !ovl_fh_equal(&fh, &origin)))
		return add_in(reading, VIEW_FAULT_INDEX_ORIGIN, name, NULL);
	fd = check_open_handle(reading->c, &fh);
	if (fd == -ESTALE)
		return add_in(reading, VIEW_FAULT_INDEX_DANGLING, name, NULL);
	if (fd < 0 || os_statx(fd, "", &lower) < 0)
		return 0;
	return check_index_nlink(reading, name, &stx, &lower);
}

static int look_at_index(void *arg, const struct os_dirent *entry)
{
	return *entry->name == '#' ? add_temp(arg, entry->name) : check_index_entry(arg, entry->name);
}

/* overlay.upper of the index is the handle of the upper's root. */
static int check_index_upper(struct checking *c)
{
	_cleanup_close_ int fd = -1, found = -1;
	struct statx stx, own;
	struct ovl_fh fh;
	int r = open_dir(c, "index", &fd);

	if (r != 0 || fd < 0)
		return r;
	if (read_handle(c, fd, "", XATTR_OVERLAY_UPPER, &fh) < 0)
		return 0;
	found = check_open_handle(c, &fh);
	if (found == -ESTALE)
		return check_add(c, VIEW_FAULT_INDEX_UPPER, VIEW_CHECK_WORK, "index", NULL, NULL);
	if (found < 0 || os_statx(found, "", &stx) < 0 || os_statx(c->set->layers[0].root_fd, "", &own) < 0)
		return 0;
	return stx.stx_ino == own.stx_ino ? 0
					  : check_add(c, VIEW_FAULT_INDEX_UPPER, VIEW_CHECK_WORK, "index", NULL, NULL);
}

static int look_at_note(void *arg, const struct os_dirent *entry)
{
	const struct work_reading *reading = arg;
	struct nlink_xattr nlink;
	struct ovl_fh fh;
	char text[32];
	ssize_t n;

	if (*entry->name == '#')
		return add_temp(reading, entry->name);
	n = os_readlinkat(reading->fd, entry->name, text, sizeof(text));
	if (n == -ENOENT)
		return 0;
	if (n > 0 && ovl_fh_from_index_name(entry->name, &fh) != -EINVAL &&
	    nlink_decode(text, (size_t)n, &nlink) == 0 && !nlink.upper && nlink.diff < 0)
		return 0;
	return add_in(reading, VIEW_FAULT_BAD_NLINK_NOTE, entry->name, NULL);
}

/* --- the state ---------------------------------------------------------------------------------------------------- */

/* -ENOENT: there is none, as after a clean end. */
static int read_state(const struct checking *c)
{
	uint8_t bytes[WORK_STATE_SIZE + 1];
	struct work_state state;
	_cleanup_close_ int fd = os_openat(c->work_fd, STATE_NAME, O_RDONLY, 0, OS_NO_XDEV);
	ssize_t n = fd < 0 ? fd : os_pread_all(fd, bytes, sizeof(bytes), 0);

	return n < 0 ? (int)n : work_state_decode(bytes, (size_t)n, &state);
}

static int check_volatile(struct checking *c)
{
	struct statx stx;
	_cleanup_close_ int fd = os_openat(c->work_fd, "work/incompat/volatile", O_PATH, 0, OS_NO_XDEV);

	if (fd < 0 || os_statx(fd, "", &stx) < 0 || c->check->in_use)
		return 0;
	return check_note(c, VIEW_FAULT_VOLATILE, VIEW_CHECK_WORK, "work/incompat/volatile");
}

int check_work(struct checking *c)
{
	int r = read_state(c);

	(void)CHECK(c->work_fd >= 0 && c->check->workdir);
	c->crashed = r != -ENOENT && !c->check->in_use;
	if (r == -EACCES || r == -EPERM)
		r = check_failed_at(c, VIEW_CHECK_WORK, STATE_NAME, r);
	else if (r < 0 && r != -ENOENT)
		r = check_add(c, VIEW_FAULT_STATE, VIEW_CHECK_WORK, STATE_NAME, NULL, "%s", strerror(-r));
	else
		r = 0;
	if (r == 0)
		r = check_volatile(c);
	if (r == 0)
		r = read_dir(c, "work", look_at_temp);
	if (r == 0)
		r = check_index_upper(c);
	if (r == 0)
		r = read_dir(c, "index", look_at_index);
	if (r == 0)
		r = read_dir(c, "nlink", look_at_note);
	return r;
}
