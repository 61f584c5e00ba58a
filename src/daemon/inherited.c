/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the caller left open would stay so as long as the mount: a lock of a script's, a pipe that somebody reads to its
 * end. But a path may name one of them in many ways (/dev/fd/9, a link to it, 9 in that directory), so that they stay
 * until all paths have been opened.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "internal.h"
#include "base/array.h"
#include "base/check.h"

/* The numbers are the process's, and so is the list. */
static int *inherited;
static size_t inherited_count;

static void add(int fd)
{
	(void)CHECK(fd > STDERR_FILENO);

	int *next = ARRAY_NEXT(inherited, inherited_count);

	if (!next)
		return;
	*next = fd;
	inherited_count++;
	/* fusermount3 may stay as long as the mount, too */
	fcntl(fd, F_SETFD, FD_CLOEXEC);
}

void inherited_note(void)
{
	DIR *dir = opendir("/proc/self/fd");
	struct dirent *entry;

	(void)CHECK(!inherited_count);
	if (!dir)
		return;
	while ((entry = readdir(dir))) {
		int fd = atoi(entry->d_name); /* 0 for the dots */

		if (fd > STDERR_FILENO && fd != dirfd(dir))
			add(fd);
	}
	closedir(dir);
}

void inherited_close(int keep)
{
	for (size_t i = 0; i < inherited_count; i++)
		if (inherited[i] != keep)
			close(inherited[i]);
	free(inherited);
	inherited = NULL;
	inherited_count = 0;
}
