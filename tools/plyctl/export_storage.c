// SPDX-License-Identifier: Apache-2.0
#include "export_storage.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/unpack.h"
#include "base/cleanup.h"
#include "os/fs.h"

enum { NO_PROGRAM = 127 };

int storage_stage(char **ret, struct image_error *error)
{
	const char *base = getenv("TMPDIR");
	char *path = NULL;

	if (asprintf(&path, "%s/plyctl-export-XXXXXX", base && *base == '/' ? base : "/var/tmp") < 0)
		return image_fail_memory(error);
	if (!mkdtemp(path)) {
		int r = -errno;

		(void)image_fail(error, r, "%s: %s", path, strerror(-r));
		free(path);
		return r;
	}
	*ret = path;
	return 0;
}

void storage_unstage(char **layout)
{
	_cleanup_close_ int fd = *layout ? open(*layout, O_RDONLY | O_DIRECTORY | O_CLOEXEC) : -1;

	if (fd >= 0) {
		(void)unpack_remove(fd);
		(void)rmdir(*layout);
	}
	free(*layout);
	*layout = NULL;
}

int storage_copy(const char *layout, const char *target, struct image_error *error)
{
	_cleanup_free_ char *source = NULL;
	pid_t child;
	int status;

	if (asprintf(&source, "oci:%s", layout) < 0)
		return image_fail_memory(error);
	(void)fflush(NULL);
	child = fork();
	if (child == 0) {
		/* The only line on standard output is the image's id. */
		(void)dup2(STDERR_FILENO, STDOUT_FILENO);
		(void)execlp("skopeo", "skopeo", "copy", "--quiet", source, target, (char *)NULL);
		_exit(errno == ENOENT ? NO_PROGRAM : NO_PROGRAM - 1);
	}
	if (child < 0)
		return image_fail(error, -errno, "fork: %s", strerror(errno));
	while (waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	if (WIFEXITED(status) && WEXITSTATUS(status) == NO_PROGRAM)
		return image_fail(error, -ENOENT, "%s: skopeo is wanted, which writes that store", target);
	if (!WIFEXITED(status) || WEXITSTATUS(status) != 0)
		return image_fail(error, -EIO, "%s: skopeo failed", target);
	return 0;
}
