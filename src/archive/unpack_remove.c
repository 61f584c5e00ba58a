// SPDX-License-Identifier: Apache-2.0
/*
 * Removing a tree without recursion: of a directory, files are removed and directories are noted. A directory that has
 * no others in it is removed, and its parent is looked at again.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "archive/unpack.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "os/fs.h"

struct removing {
	int fd;
	int err;
	char name[NAME_SIZE]; /* of a directory in it */
};

/* Stops at the first directory. */
static int remove_entry(void *arg, const struct os_dirent *d)
{
	struct removing *w = arg;
	int r = os_unlinkat(w->fd, d->name, 0);

	if (r == -EISDIR || r == -EPERM) {
		r = os_unlinkat(w->fd, d->name, AT_REMOVEDIR);
		if (r == -ENOTEMPTY || r == -EEXIST) {
			(void)CHECK(strlen(d->name) < sizeof(w->name));
			strcpy(w->name, d->name);
			return 1;
		}
	}
	if (r < 0 && r != -ENOENT && !w->err)
		w->err = r;
	return 0;
}

/* Empties the directory of fd, which has only directories that are empty below it, or tells one that isn't. 1: there
 * is one. */
static int remove_level(struct removing *w)
{
	int r;

	(void)CHECK(w->fd >= 0);
	*w->name = '\0';
	r = os_read_dir(w->fd, remove_entry, w);
	return r;
}

/* Moves the contents of a directory that lies in another up to `top`, so that depth doesn't grow. */
struct hoisting {
	int from, top;
	unsigned long *number;
	int err;
};

static int hoist_entry(void *arg, const struct os_dirent *d)
{
	struct hoisting *h = arg;
	char name[32];
	int r;

	/* A directory gets another parent only if it may be written. */
	if (d->type == DT_DIR)
		(void)os_fchmodat(h->from, d->name, 0700);
	do {
		snprintf(name, sizeof(name), ".gone-%lu", (*h->number)++);
		r = os_renameat2(h->from, d->name, h->top, name, 1 /* RENAME_NOREPLACE */);
	} while (r == -EEXIST);
	if (r < 0 && !h->err)
		h->err = r;
	return 0;
}

int unpack_remove(int dirfd)
{
	struct removing w = {.fd = dirfd};
	unsigned long number = 0;
	int r;

	while ((r = remove_level(&w)) == 1) {
		_cleanup_close_ int sub = os_openat(dirfd, w.name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
		struct removing below = {.fd = sub};
		struct hoisting h = {.from = sub, .top = dirfd, .number = &number};

		if (sub == -EACCES && os_fchmodat(dirfd, w.name, 0700) == 0)
			sub = below.fd = h.from = os_openat(dirfd, w.name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
		if (sub < 0)
			return sub;
		(void)os_fchmod(sub, 0700);
		/* Files go at once. Directories that have something in them are moved to the top. */
		r = remove_level(&below);
		if (r == 1)
			r = os_read_dir(sub, hoist_entry, &h);
		if (r == 0 && h.err)
			r = h.err;
		if (r == 0)
			r = os_unlinkat(dirfd, w.name, AT_REMOVEDIR);
		if (r < 0)
			return r;
	}
	return r < 0 ? r : w.err;
}
