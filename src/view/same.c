/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether two objects are the same where attributes don't say it: their xattrs as users see them, targets, and bytes.
 * Objects are opened in their layers, below the roots.
 */
#include "list.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "os/fs.h"

#define XATTR_NAMES_SIZE 65536
#define XATTR_VALUE_SIZE 65536
#define PIECE 65536

static int same_open(const struct view_side *s, int flags)
{
	const struct view_item *i = s->item;

	(void)CHECK(i->layer < s->set->n);
	if (i->no_path)
		return -ENOENT;
	return layer_open_path(&s->set->layers[i->layer], i->path ? i->path : s->path, flags);
}

static int same_open_data(const struct view_side *s)
{
	const struct view_item *i = s->item;

	if (!i->data_path)
		return same_open(s, O_RDONLY);
	if (i->data_layer == TREE_WALK_NO_LAYER)
		return -EIO;
	(void)CHECK(i->data_layer < s->set->n + s->set->n_data);
	return layer_open_path(&s->set->layers[i->data_layer], i->data_path, O_RDONLY);
}

/* --- xattrs ------------------------------------------------------------------------------------------------------- */

static bool is_seen(const struct view_side *s, const char *name)
{
	return !layer_reserves_xattr(s->set, name) && !layer_hides_xattr(s->set, name);
}

/* Whether each xattr of `a` is one of `b` with the same value; counts those of a. 1: one isn't. */
static int lacks(const struct view_side *a, int a_fd, const struct view_side *b, int b_fd, size_t *ret_count)
{
	_cleanup_free_ char *names = malloc(XATTR_NAMES_SIZE);
	_cleanup_free_ char *values = malloc((size_t)2 * XATTR_VALUE_SIZE);
	ssize_t n = names && values ? os_listxattr(a_fd, "", names, XATTR_NAMES_SIZE) : -ENOMEM;

	*ret_count = 0;
	if (n < 0)
		return n == -EOPNOTSUPP ? 0 : (int)n;
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
		ssize_t len, other;

		if (!is_seen(a, names + i))
			continue;
		++*ret_count;
		if (!is_seen(b, names + i))
			return 1;
		len = os_getxattr(a_fd, "", names + i, values, XATTR_VALUE_SIZE);
		other = os_getxattr(b_fd, "", names + i, values + XATTR_VALUE_SIZE, XATTR_VALUE_SIZE);
		if (len != other || (len > 0 && memcmp(values, values + XATTR_VALUE_SIZE, (size_t)len) != 0))
			return 1;
	}
	return 0;
}

int view_xattrs_differ(const struct view_side *a, const struct view_side *b)
{
	unsigned a_flags = a->item->xattr_flags & XATTR_FLAGS_SHOWN;
	unsigned b_flags = b->item->xattr_flags & XATTR_FLAGS_SHOWN;
	size_t a_count, b_count;
	int r;

	if (a_flags != b_flags)
		return 1;
	if (!a_flags || a->item->no_path || b->item->no_path)
		return 0;
	_cleanup_close_ int a_fd = same_open(a, O_PATH);
	_cleanup_close_ int b_fd = same_open(b, O_PATH);
	if (a_fd < 0 || b_fd < 0)
		return MIN(a_fd, b_fd);
	r = lacks(a, a_fd, b, b_fd, &a_count);
	if (r == 0)
		r = lacks(b, b_fd, a, a_fd, &b_count);
	return r;
}

/* --- targets, bytes ----------------------------------------------------------------------------------------------- */

int view_targets_differ(const struct view_side *a, const struct view_side *b)
{
	char a_text[PATH_MAX], b_text[PATH_MAX];
	_cleanup_close_ int a_fd = same_open(a, O_PATH);
	_cleanup_close_ int b_fd = same_open(b, O_PATH);
	ssize_t n, m;

	(void)CHECK(S_ISLNK(a->item->stx.stx_mode) && S_ISLNK(b->item->stx.stx_mode));
	if (a_fd < 0 || b_fd < 0)
		return MIN(a_fd, b_fd);
	n = os_readlinkat(a_fd, "", a_text, sizeof(a_text));
	m = os_readlinkat(b_fd, "", b_text, sizeof(b_text));
	if (n < 0 || m < 0)
		return (int)MIN(n, m);
	return n != m || memcmp(a_text, b_text, (size_t)n) != 0;
}

int view_bytes_differ(const struct view_side *a, const struct view_side *b)
{
	_cleanup_close_ int a_fd = same_open_data(a);
	_cleanup_close_ int b_fd = same_open_data(b);
	_cleanup_free_ char *bytes = malloc((size_t)2 * PIECE);
	struct statx a_stx, b_stx;
	off_t at = 0;

	if (a_fd < 0 || b_fd < 0 || !bytes)
		return bytes ? MIN(a_fd, b_fd) : -ENOMEM;
	if (os_statx(a_fd, "", &a_stx) == 0 && os_statx(b_fd, "", &b_stx) == 0 && a_stx.stx_ino == b_stx.stx_ino &&
	    a_stx.stx_dev_major == b_stx.stx_dev_major && a_stx.stx_dev_minor == b_stx.stx_dev_minor)
		return 0;
	for (;;) {
		ssize_t n = os_pread(a_fd, bytes, PIECE, at);
		ssize_t m = os_pread(b_fd, bytes + PIECE, PIECE, at);

		if (n < 0 || m < 0)
			return (int)MIN(n, m);
		(void)CHECK(n <= PIECE && m <= PIECE);
		if (n != m || memcmp(bytes, bytes + PIECE, (size_t)n) != 0)
			return 1;
		if (n < PIECE)
			return 0;
		at += n;
	}
}
