// SPDX-License-Identifier: Apache-2.0
#include "archive/xattrs.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "format/name.h"
#include "os/fs.h"

#define LIST_MAX 65536	/* XATTR_LIST_MAX */
#define VALUE_MAX 65536 /* XATTR_SIZE_MAX */
#define ALL_OVERRIDES (1u << OVERRIDE_PRIVILEGED | 1u << OVERRIDE_CONTAINERS | 1u << OVERRIDE_USER)

void archive_xattrs_finish(struct archive_xattrs *xattrs)
{
	for (size_t i = 0; i < xattrs->n; i++) {
		free((char *)xattrs->list[i].name);
		free((void *)xattrs->list[i].value);
	}
	free(xattrs->list);
	*xattrs = (struct archive_xattrs){0};
}

/* The name in a tar of a name in the layer. False if a tar doesn't have it. */
static bool shown_name(const struct layer *l, const char *stored, char ret[static XATTR_NAME_SIZE])
{
	ssize_t size;

	if (l->override != OVERRIDE_NONE)
		stored = xattr_override_decode(l->override, stored);
	if (!stored || strlen(stored) >= XATTR_NAME_SIZE)
		return false;
	if (xattr_is_override(ALL_OVERRIDES, stored) || xattr_is_fuseoverlayfs(stored) ||
	    !strcmp(stored, "security.selinux"))
		return false;
	strcpy(ret, stored);
	size = (ssize_t)strlen(ret) + 1;
	for (enum xattr_ns ns = 0; ns < XATTR_NS_COUNT && size > 0; ns++) {
		ssize_t left = xattr_list_filter(ns, ret, (size_t)size);

		if (left != size) /* private, or unescaped once */
			return left > 0;
	}
	return size > 0;
}

static int xattr_value(int dirfd, const char *name, const char *stored, struct tar_xattr *ret)
{
	_cleanup_free_ char *value = malloc(VALUE_MAX);
	ssize_t n;
	char *fitting;

	if (!value)
		return -ENOMEM;
	n = os_getxattr(dirfd, name, stored, value, VALUE_MAX);
	if (n < 0)
		return (int)n;
	fitting = realloc(value, (size_t)n + 1);
	if (fitting)
		value = fitting;
	ret->len = (size_t)n;
	ret->value = TAKE_PTR(value);
	return 0;
}

static int add_one(const struct layer *l, int dirfd, const char *name, const char *stored, struct archive_xattrs *all)
{
	char shown[XATTR_NAME_SIZE];
	struct tar_xattr *next;
	int r;

	if (!shown_name(l, stored, shown))
		return 0;
	next = ARRAY_NEXT(all->list, all->n);
	if (!next)
		return -ENOMEM;
	r = xattr_value(dirfd, name, stored, next);
	if (r < 0)
		return r == -ENODATA ? 0 : r; /* it was removed meanwhile */
	next->name = strdup(shown);
	if (!next->name) {
		free((void *)next->value);
		return -ENOMEM;
	}
	all->n++;
	return 0;
}

static int xattrs_by_name(const void *a, const void *b)
{
	return strcmp(((const struct tar_xattr *)a)->name, ((const struct tar_xattr *)b)->name);
}

int archive_xattrs_read(const struct layer *l, int dirfd, const char *name, struct archive_xattrs *ret)
{
	_cleanup_free_ char *list = malloc(LIST_MAX + 1);
	_cleanup_(archive_xattrs_finish) struct archive_xattrs all = {0};
	ssize_t size;
	int r = 0;

	if (!list)
		return -ENOMEM;
	size = os_listxattr(dirfd, name, list, LIST_MAX);
	if (size < 0)
		return size == -EOPNOTSUPP ? 0 : (int)size;
	if (!CHECK(size <= LIST_MAX))
		return -EIO;
	list[size] = '\0';
	for (char *at = list; at < list + size && r == 0; at += strlen(at) + 1)
		r = add_one(l, dirfd, name, at, &all);
	if (r < 0)
		return r;
	if (all.n)
		qsort(all.list, all.n, sizeof(*all.list), xattrs_by_name);
	*ret = all;
	all = (struct archive_xattrs){0};
	return 0;
}
