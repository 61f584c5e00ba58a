/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening by name and by path for who has a stack: one name at a time where a path is too long for one system call, never through a symbolic
 * link, and again when descriptors had run out.
 */
#include "stack.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"

#define SHRINK_TRIES 8

/* Whether it is worth another try. */
static bool made_room(struct dir_stack *ds, int fd, unsigned tries)
{
	return (fd == -EMFILE || fd == -ENFILE) && tries < SHRINK_TRIES && ds->calls->shrink(ds);
}

int stack_open_name(struct dir_stack *ds, const struct layer *l, int dirfd, const char *name)
{
	for (unsigned i = 0;; i++) {
		int fd = layer_openat(l, dirfd, name, O_PATH | O_DIRECTORY | O_NOFOLLOW);

		if (!made_room(ds, fd, i))
			return fd;
	}
}

int stack_open_path(struct dir_stack *ds, const struct layer *l, const char *path)
{
	_cleanup_close_ int fd = -1;
	char name[TREE_NAME_MAX + 1];

	for (;;) {
		size_t len = strcspn(path, "/");
		int next;

		if (!CHECK(len > 0 && len <= TREE_NAME_MAX))
			return -EIO;
		memcpy(name, path, len);
		name[len] = '\0';
		next = stack_open_name(ds, l, fd < 0 ? l->root_fd : fd, name);
		if (next < 0)
			return next;
		cleanup_close(&fd);
		fd = next;
		path += len;
		if (!*path)
			return TAKE_FD(fd);
		path++;
	}
}
