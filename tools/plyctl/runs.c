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

static char *make_place(const struct upper *u, const char *name)
{
	char *path = NULL;

	if (asprintf(&path, "%s/%s", u->base, name) < 0)
		abort();
	if (mkdir(path, 0755) < 0 && errno != EEXIST)
		fail("%s: %s", path, strerror(errno));
	return path;
}

int run_sandbox(const struct upper *u, struct sandbox *s)
{
	static const char *const none[] = {NULL};
	_cleanup_free_ char *mountpoint = make_place(u, "root"), *scratch = make_place(u, "memory");
	int status;

	s->mountpoint = mountpoint;
	s->hidden = s->hidden ? s->hidden : none;
	s->shown = s->shown ? s->shown : none;
	for (size_t i = 0; i < s->n_unions; i++)
		if (s->unions[i].on_memory)
			s->scratch = scratch;
	status = sandbox_run(s);
	rmdir(mountpoint);
	rmdir(scratch);
	return status;
}

int run_over(const struct view_stack *stack, const struct upper *u, struct sandbox *s)
{
	_cleanup_free_ char *options = plyfs_options(stack, u->dir, u->work);
	struct sandbox_union root = {.options = options, .target = (char[]){"/"}};

	s->unions = &root;
	s->n_unions = 1;
	return run_sandbox(u, s);
}
