// SPDX-License-Identifier: Apache-2.0
#include "store/same.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/xattrs.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "os/fs.h"

#define COMPARE_PIECE (64 << 10)

static bool same_stx(const struct statx *a, const struct statx *b, bool times)
{
	return a->stx_mode == b->stx_mode && a->stx_uid == b->stx_uid && a->stx_gid == b->stx_gid &&
	       a->stx_rdev_major == b->stx_rdev_major && a->stx_rdev_minor == b->stx_rdev_minor &&
	       (S_ISDIR(a->stx_mode) || a->stx_size == b->stx_size) &&
	       (!times || (a->stx_mtime.tv_sec == b->stx_mtime.tv_sec && a->stx_mtime.tv_nsec == b->stx_mtime.tv_nsec));
}

static bool same_lists(const struct archive_xattrs *a, const struct archive_xattrs *b)
{
	bool same = a->n == b->n;

	for (size_t i = 0; i < a->n && same; i++)
		same = !strcmp(a->list[i].name, b->list[i].name) && a->list[i].len == b->list[i].len &&
		       !memcmp(a->list[i].value, b->list[i].value, a->list[i].len);
	return same;
}

static int same_xattrs(const struct same_object *a, const struct same_object *b)
{
	_cleanup_(archive_xattrs_finish) struct archive_xattrs mine = {0}, theirs = {0};
	int r = archive_xattrs_read(a->layer, a->fd, "", &mine);

	if (r == 0)
		r = archive_xattrs_read(b->layer, b->fd, "", &theirs);
	return r < 0 ? r : same_lists(&mine, &theirs);
}

static int same_link_target(const struct same_object *a, const struct same_object *b)
{
	size_t size = (size_t)a->stx->stx_size + 2;
	_cleanup_free_ char *mine = malloc(size), *theirs = malloc(size);
	ssize_t n, m;

	if (!mine || !theirs)
		return -ENOMEM;
	n = os_readlinkat(a->fd, "", mine, size);
	m = n < 0 ? n : os_readlinkat(b->fd, "", theirs, size);
	return m < 0 ? (int)m : n == m && !memcmp(mine, theirs, (size_t)n);
}

static int same_content(const struct same_object *a, const struct same_object *b)
{
	_cleanup_free_ char *mine = malloc(COMPARE_PIECE), *theirs = malloc(COMPARE_PIECE);
	_cleanup_close_ int fd = os_reopen(a->fd, O_RDONLY | O_NONBLOCK), other = -1;
	ssize_t n = 1, m;

	if (!mine || !theirs)
		return -ENOMEM;
	other = fd < 0 ? fd : os_reopen(b->fd, O_RDONLY | O_NONBLOCK);
	if (other < 0)
		return other;
	for (off_t at = 0; n > 0; at += n) {
		n = os_pread_all(fd, mine, COMPARE_PIECE, at);
		m = n < 0 ? n : os_pread_all(other, theirs, COMPARE_PIECE, at);
		if (m < 0)
			return (int)m;
		if (n != m || memcmp(mine, theirs, (size_t)n) != 0)
			return 0;
	}
	return 1;
}

int store_same(const struct same_object *a, const struct same_object *b, bool times)
{
	int r = same_stx(a->stx, b->stx, times);

	(void)CHECK(a->fd >= 0 && b->fd >= 0);
	if (r > 0)
		r = same_xattrs(a, b);
	if (r > 0 && S_ISLNK(a->stx->stx_mode))
		r = same_link_target(a, b);
	if (r > 0 && S_ISREG(a->stx->stx_mode))
		r = same_content(a, b);
	return r;
}
