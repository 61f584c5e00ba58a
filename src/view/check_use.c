/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyfs locks the upper and the work directory (flock). Mounts of the kernel and of fuse-overlayfs are looked for among
 * all that are live; those also tell of the lower layers.
 */
#include "check_use.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "os/fs.h"
#include "view/stack.h"

static bool leads_there(const char *path, const struct statx *wanted)
{
	_cleanup_close_ int fd = path ? os_open_path(path, O_PATH | O_DIRECTORY, 0) : -1;
	struct statx stx;

	return fd >= 0 && os_statx_cached(fd, "", &stx) == 0 && stx.stx_ino == wanted->stx_ino &&
	       stx.stx_dev_major == wanted->stx_dev_major && stx.stx_dev_minor == wanted->stx_dev_minor;
}

static int look_at_live(void *arg, struct view_stack *stack, const char *cause)
{
	const struct statx *wanted = arg;
	bool used = stack && leads_there(stack->options.workdir, wanted);

	for (size_t i = 0; stack && !used && i < stack->options.layer_count; i++)
		used = leads_there(stack->options.layers[i].path, wanted);
	view_stack_free(stack);
	return used;
}

static int is_live(int fd)
{
	struct statx stx;
	int r = os_statx_cached(fd, "", &stx);

	(void)CHECK(fd >= 0);
	return r < 0 ? r : view_each_live(look_at_live, &stx);
}

int check_lock(int fd)
{
	int r = os_flock(fd, LOCK_EX | LOCK_NB);

	if (r == -EWOULDBLOCK)
		return -EBUSY;
	/* A file system without locks has none that a mount could hold. */
	r = is_live(fd);
	return r > 0 ? -EBUSY : r;
}

int check_is_used(int fd)
{
	int r = os_flock(fd, LOCK_SH | LOCK_NB);

	if (r == -EWOULDBLOCK)
		return 1;
	if (r == 0)
		os_flock(fd, LOCK_UN);
	return is_live(fd);
}
