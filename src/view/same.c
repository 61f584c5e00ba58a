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
#include "image/toc.h"
#include "os/fs.h"

#define XATTR_NAMES_SIZE 65536
#define XATTR_VALUE_SIZE 65536
#define PIECE 65536

static int same_open(const struct view_side *s, int flags)
{
	const struct view_item *i = s->item;

	(void)CHECK(s->u->set && i->layer < s->u->set->n);
	if (i->no_path)
		return -ENOENT;
	return layer_open_path(&s->u->set->layers[i->layer], i->path ? i->path : s->path, flags);
}

/* A fifo that took the place of the file meanwhile must not hold plyctl. */
static int same_open_data(const struct view_side *s)
{
	const struct view_item *i = s->item;

	if (!i->data_path)
		return same_open(s, O_RDONLY | O_NONBLOCK);
	if (i->data_layer == TREE_WALK_NO_LAYER)
		return -EIO;
	(void)CHECK(i->data_layer < s->u->set->n + s->u->set->n_data);
	return layer_open_path(&s->u->set->layers[i->data_layer], i->data_path, O_RDONLY | O_NONBLOCK);
}

/* --- xattrs ------------------------------------------------------------------------------------------------------- */

static bool is_seen(const struct view_side *s, const char *name)
{
	return !layer_reserves_xattr(s->u->set, name) && !layer_hides_xattr(s->u->set, name);
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

static int xattrs_digest(const struct view_side *s, uint64_t *ret)
{
	_cleanup_free_ char *names = malloc(XATTR_NAMES_SIZE), *value = malloc(XATTR_VALUE_SIZE);
	ssize_t n, len;

	*ret = 0;
	if (s->u->merged)
		*ret = s->u->merged->nodes[s->item->node].xattrs;
	if (s->u->merged || !(s->item->xattr_flags & XATTR_FLAGS_SHOWN) || s->item->no_path)
		return 0;
	_cleanup_close_ int fd = same_open(s, O_PATH);
	n = fd < 0 ? fd : names && value ? os_listxattr(fd, "", names, XATTR_NAMES_SIZE) : -ENOMEM;
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1) {
		if (!is_seen(s, names + i))
			continue;
		len = os_getxattr(fd, "", names + i, value, XATTR_VALUE_SIZE);
		if (len >= 0)
			*ret += image_xattr_digest(names + i, value, (size_t)len);
	}
	return n < 0 && n != -EOPNOTSUPP ? (int)n : 0;
}

/* Of archives the digest is known alone. */
static int digests_differ(const struct view_side *a, const struct view_side *b)
{
	uint64_t a_digest, b_digest;
	int r = xattrs_digest(a, &a_digest);

	if (r == 0)
		r = xattrs_digest(b, &b_digest);
	return r < 0 ? r : a_digest != b_digest;
}

int view_xattrs_differ(const struct view_side *a, const struct view_side *b)
{
	unsigned a_flags = a->item->xattr_flags & XATTR_FLAGS_SHOWN;
	unsigned b_flags = b->item->xattr_flags & XATTR_FLAGS_SHOWN;
	size_t a_count, b_count;
	int r;

	if (a->u->merged || b->u->merged)
		return digests_differ(a, b);
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

/* --- targets ------------------------------------------------------------------------------------------------------ */

static ssize_t same_target(const struct view_side *s, char text[PATH_MAX])
{
	if (s->u->merged) {
		const struct merged *m = s->u->merged;

		return stpncpy(text, merged_text(m, m->nodes[s->item->node].text), PATH_MAX) - text;
	}
	_cleanup_close_ int fd = same_open(s, O_PATH);
	return fd < 0 ? fd : os_readlinkat(fd, "", text, PATH_MAX);
}

int view_targets_differ(const struct view_side *a, const struct view_side *b)
{
	char a_text[PATH_MAX], b_text[PATH_MAX];
	ssize_t n, m;

	(void)CHECK(S_ISLNK(a->item->stx.stx_mode) && S_ISLNK(b->item->stx.stx_mode));
	n = same_target(a, a_text);
	m = same_target(b, b_text);
	if (n < 0 || m < 0)
		return (int)MIN(n, m);
	return n != m || memcmp(a_text, b_text, (size_t)n) != 0;
}

/* --- bytes -------------------------------------------------------------------------------------------------------- */

static int same_hash_file(const struct view_side *s, XXH3_state_t *state, XXH128_hash_t *ret)
{
	_cleanup_close_ int fd = same_open_data(s);
	_cleanup_free_ char *bytes = malloc(PIECE);
	ssize_t n;

	if (fd < 0 || !bytes)
		return fd < 0 ? fd : -ENOMEM;
	XXH3_128bits_reset(state);
	for (off_t at = 0; (n = os_pread(fd, bytes, PIECE, at)) > 0; at += n) {
		(void)CHECK(n <= PIECE);
		XXH3_128bits_update(state, bytes, (size_t)n);
	}
	*ret = XXH3_128bits_digest(state);
	return n < 0 ? (int)n : 0;
}

/* Contents of archives come one after the other, so their hashes are compared. */
static int hashes_differ(const struct view_side *a, const struct view_side *b)
{
	const struct view_side *sides[2] = {a, b};
	XXH3_state_t *state = XXH3_createState();
	XXH128_hash_t hashes[2];
	int r = state ? 0 : -ENOMEM;

	for (int i = 0; i < 2 && r == 0; i++)
		r = sides[i]->u->merged ? merged_hash(sides[i]->u->merged, sides[i]->item->node, &hashes[i])
					: same_hash_file(sides[i], state, &hashes[i]);
	if (state)
		XXH3_freeState(state);
	return r < 0 ? r : !XXH128_isEqual(hashes[0], hashes[1]);
}

int view_bytes_differ(const struct view_side *a, const struct view_side *b)
{
	if (a->u->merged || b->u->merged)
		return hashes_differ(a, b);
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
