/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The places outside are in the directory of the upper, and are removed at the end.
 */
#include "runs.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "plyfs.h"

int run_over(const struct view_stack *stack, const struct upper *u, struct sandbox *s)
{
	static const char *const none[] = {NULL};
	_cleanup_free_ char *mountpoint = NULL, *options = plyfs_options(stack, u->dir, u->work);
	struct sandbox_union root = {.options = options, .target = (char[]){"/"}};
	int status;

	if (asprintf(&mountpoint, "%s/root", u->base) < 0)
		abort();
	if (mkdir(mountpoint, 0755) < 0 && errno != EEXIST) {
		fail("%s: %s", mountpoint, strerror(errno));
		return SANDBOX_FAILED;
	}
	s->mountpoint = mountpoint;
	s->unions = &root;
	s->n_unions = 1;
	s->hidden = s->hidden ? s->hidden : none;
	s->shown = s->shown ? s->shown : none;
	status = sandbox_run(s);
	rmdir(mountpoint);
	return status;
}
