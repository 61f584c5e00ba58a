/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a name as a directory for who has a stack: never through a symbolic link, and again when descriptors had run
 * out.
 */
#include "stack.h"

#include <errno.h>
#include <fcntl.h>

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
