/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Single objects: their data, attributes and removal.
 */
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "os/fs.h"

#define PIECE (1 << 20)
#define XATTR_LIST_SIZE 65536
#define XATTR_VALUE_SIZE 65536

/* --- removal ------------------------------------------------------------------------------------------------------ */

struct names {
	char **all; /* owned */
	size_t n, room;
};

static int add_name(void *arg, const struct os_dirent *entry)
{
	struct names *names = arg;

	if (!ARRAY_ROOM(names->all, names->n, names->room, 1))
		return -ENOMEM;
	names->all[names->n] = strdup(entry->name);
	return names->all[names->n++] ? 0 : -ENOMEM;
}

static int remove_content(int dirfd)
{
	struct names names = {.n = 0};
	int r = os_read_dir(dirfd, add_name, &names);

	for (size_t i = 0; i < names.n; i++) {
		if (r == 0)
			r = apply_remove_tree(dirfd, names.all[i]);
		free(names.all[i]);
	}
	free(names.all);
	return r;
}

int apply_remove_tree(int dirfd, const char *name)
{
	struct statx stx;
	int r = os_statx(dirfd, name, &stx);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (!S_ISDIR(stx.stx_mode))
		return os_unlinkat(dirfd, name, 0);
	/* Its owner may have no permissions. */
	if ((stx.stx_mode & 0700) != 0700)
		(void)os_fchmodat(dirfd, name, 0700);
	_cleanup_close_ int fd = os_openat(dirfd, name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	if (fd < 0)
		return fd;
	r = remove_content(fd);
	return r < 0 ? r : os_unlinkat(dirfd, name, AT_REMOVEDIR);
}

/* --- xattrs ------------------------------------------------------------------------------------------------------- */

/* The name that users of the union see, in `shown`. False: it is none of theirs. */
static bool shown_name(const struct layer_set *set, const char *stored, char shown[XATTR_NAME_SIZE])
{
	size_t len = strlen(stored) + 1;

	if (len > XATTR_NAME_SIZE || layer_reserves_xattr(set, stored) || layer_hides_xattr(set, stored))
		return false;
	memcpy(shown, stored, len);
	return xattr_list_filter(set->ns, shown, len) > 0;
}

/* `set` NULL: all, by the names they have. */
static int copy_xattrs(const struct layer_set *set, int from, int to)
{
	_cleanup_free_ char *list = malloc(XATTR_LIST_SIZE), *value = malloc(XATTR_VALUE_SIZE);
	ssize_t n = list && value ? os_listxattr(from, "", list, XATTR_LIST_SIZE) : -ENOMEM;
	int r = 0;

	if (n < 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	for (const char *name = list; r == 0 && name < list + n; name += strlen(name) + 1) {
		char shown[XATTR_NAME_SIZE];
		ssize_t len;

		if (set && !shown_name(set, name, shown))
			continue;
		len = os_getxattr(from, "", name, value, XATTR_VALUE_SIZE);
		if (len >= 0)
			r = os_setxattr(to, "", set ? shown : name, value, (size_t)len, 0);
		else if (len != -ENODATA)
			r = (int)len;
	}
	return r;
}

/* The xattrs of `to` that `from` lacks, but those of the format: the directory may be a layer of another union. */
static int drop_xattrs(const struct layer_set *set, int from, int to)
{
	_cleanup_free_ char *list = malloc(XATTR_LIST_SIZE);
	ssize_t n = list ? os_listxattr(to, "", list, XATTR_LIST_SIZE) : -ENOMEM;
	int r = 0;

	if (n < 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	for (const char *name = list; r == 0 && name < list + n; name += strlen(name) + 1)
		if (!layer_reserves_xattr(set, name) && !layer_hides_xattr(set, name) &&
		    os_getxattr(from, "", name, NULL, 0) == -ENODATA)
			r = os_removexattr(to, "", name);
	return r;
}

/* --- attributes --------------------------------------------------------------------------------------------------- */

static int copy_owner_and_mode(const struct statx *stx, int to)
{
	struct statx now;
	int r = os_statx(to, "", &now);
	bool is_same = r == 0 && now.stx_mode == stx->stx_mode;

	/* A user may keep what is his, and what is another's but has all of it already. */
	if (r == 0 && (now.stx_uid != stx->stx_uid || now.stx_gid != stx->stx_gid)) {
		r = os_fchown(to, stx->stx_uid, stx->stx_gid);
		is_same = false;
	}
	if (r == 0 && !is_same && !S_ISLNK(stx->stx_mode))
		r = os_fchmod(to, stx->stx_mode & 07777);
	return r;
}

static int copy_times(const struct statx *stx, int to)
{
	const struct timespec times[2] = {{.tv_sec = stx->stx_atime.tv_sec, .tv_nsec = stx->stx_atime.tv_nsec},
					  {.tv_sec = stx->stx_mtime.tv_sec, .tv_nsec = stx->stx_mtime.tv_nsec}};

	return os_futimens(to, times);
}

int apply_copy_attributes(const struct layer_set *set, int from, const struct statx *stx, int to)
{
	int r = copy_owner_and_mode(stx, to);

	if (r == 0)
		r = copy_xattrs(set, from, to);
	return r < 0 ? r : copy_times(stx, to);
}

int apply_move_owner(int from, int to)
{
	struct statx stx;
	int r = os_statx(from, "", &stx);

	return r < 0 ? r : copy_owner_and_mode(&stx, to);
}

int apply_move_attributes(const struct layer_set *set, int from, int to, bool keeps_time)
{
	struct statx stx;
	int r = os_statx(from, "", &stx);

	if (r == 0)
		r = copy_owner_and_mode(&stx, to);
	if (r == 0)
		r = drop_xattrs(set, from, to);
	if (r == 0)
		r = copy_xattrs(NULL, from, to);
	return r < 0 || keeps_time ? r : copy_times(&stx, to);
}

/* --- data --------------------------------------------------------------------------------------------------------- */

static int copy_range(int in, int out, off_t at, off_t end, char *buf)
{
	while (at < end) {
		off_t to = at;
		ssize_t n = os_copy_file_range(in, &at, out, &to, (size_t)(end - at)), written;

		if (n > 0)
			continue;
		if (n == -ENOSPC || n == -EDQUOT)
			return (int)n;
		n = os_pread(in, buf, (size_t)MIN((off_t)PIECE, end - at), at);
		if (n <= 0)
			return (int)n;
		written = os_pwrite_all(out, buf, (size_t)n, at);
		if (written != n)
			return written < 0 ? (int)written : -ENOSPC;
		at += n;
	}
	return 0;
}

int apply_copy_data(int in, int out, off_t size)
{
	_cleanup_free_ char *buf = NULL;
	off_t at = 0;
	int r = 0;

	if (!size || os_ficlone(out, in) == 0)
		return 0;
	buf = malloc(PIECE);
	if (!buf)
		return -ENOMEM;
	/* Holes stay holes. */
	while (r == 0 && at < size) {
		off_t data = os_lseek(in, at, SEEK_DATA), hole;

		/* No more data, or a file system that can't tell. */
		if (data == -ENXIO)
			break;
		if (data == -EINVAL || data == -EOPNOTSUPP)
			data = at;
		if (data < 0)
			return (int)data;
		hole = os_lseek(in, data, SEEK_HOLE);
		r = copy_range(in, out, data, hole < 0 ? size : hole, buf);
		at = hole < 0 ? size : hole;
	}
	return r < 0 ? r : os_ftruncate(out, size);
}
