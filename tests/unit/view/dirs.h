/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A temporary directory, made the working directory, for stacks of plain directories. Whiteouts are those of the aufs
 * dialect, which need no privilege.
 */
#ifndef UNIT_VIEW_DIRS_H
#define UNIT_VIEW_DIRS_H

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/hash.h"
#include "layer/work.h"
#include "os/fs.h"
#include "unit.h"
#include "view/stack.h"

static inline bool dirs_init(void)
{
	static char path[] = "/tmp/plyfs-view.XXXXXX";

	strcpy(strrchr(path, '.') + 1, "XXXXXX");
	hash_seed_init();
	return os_init() == 0 && mkdtemp(path) && chdir(path) == 0;
}

static inline void dirs_finish(void)
{
	char *cwd = get_current_dir_name();
	int parent = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (chdir("/") < 0 || work_remove_tree(parent, strrchr(cwd, '/') + 1) < 0)
		printf("# %s is left\n", cwd);
	close(parent);
	free(cwd);
}

/* Writes a file with its content; the time is always the same. */
static inline void dirs_file(const char *path, const char *content)
{
	struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	if (fd < 0 || write(fd, content, strlen(content)) < 0 || futimens(fd, times) < 0)
		abort();
	close(fd);
}

static inline void dirs_dir(const char *path)
{
	if (mkdir(path, 0755) < 0)
		abort();
}

/* Directories have one time too, when they are complete. */
static inline void dirs_settle(const char *path)
{
	struct timespec times[2] = {{.tv_sec = 1000000000}, {.tv_sec = 1000000000}};

	if (utimensat(AT_FDCWD, path, times, 0) < 0)
		abort();
}

static inline struct view_stack *dirs_open(const char *name)
{
	struct view_stack *stack = NULL;
	char *error = NULL;

	if (view_stack_find(name, &stack, &error) == 0 && view_stack_open(stack, true, &error) == 0)
		return stack;
	printf("# %s\n", error ? error : "no error");
	free(error);
	view_stack_free(stack);
	return NULL;
}

#endif
