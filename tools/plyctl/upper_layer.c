/* SPDX-License-Identifier: Apache-2.0 */
#include "upper_layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "archive/layer.h"
#include "archive/open.h"
#include "image/error.h"
#include "os/task.h"
#include "sandbox.h"
#include "store/commit.h"

#define BUFFER (256 << 10)

/* The upper over the layers below, read as images' layers are. */
static int open_over(const struct upper_layer *l, struct layer_set **ret, struct image_error *error)
{
	size_t n = l->below->options.layer_count;
	_cleanup_free_ const char **dirs = calloc(n + 1, sizeof(*dirs));
	bool in_user = geteuid() != 0 || !os_in_init_userns();

	if (!dirs)
		return image_fail_memory(error);
	dirs[0] = l->u->dir;
	for (size_t i = 0; i < n; i++)
		dirs[i + 1] = l->below->options.layers[i].path;
	return archive_open_layers(dirs, n + 1, in_user || common.userxattr, ret, error);
}

static int write_tar(const struct upper_layer *l, archive_sink sink, void *arg, struct image_error *error)
{
	struct archive_options options;
	struct layer_set *set;
	int r = archive_options_of_environment(&options, error);

	if (r == 0)
		r = open_over(l, &set, error);
	if (r < 0)
		return r;
	r = store_write_layer(set, &options, sink, arg, error);
	layer_set_put(set);
	return r;
}

/* --- the other process -------------------------------------------------------------------------------------------- */

static int write_all(void *arg, const void *data, size_t len)
{
	const int *fd = arg;

	for (size_t at = 0; at < len;) {
		ssize_t n = write(*fd, (const char *)data + at, len - at);

		if (n < 0 && errno != EINTR)
			return -errno;
		at += (size_t)MAX(n, (ssize_t)0);
	}
	return 0;
}

static int write_in_namespace(void *arg)
{
	struct upper_layer *l = arg;

	return write_tar(l, write_all, &l->fd, l->error) < 0 ? EXIT_FAILED : EXIT_FINE;
}

int upper_layer_start(struct upper_layer *l, const struct view_stack *below, const struct upper *u)
{
	int fds[2];

	*l = (struct upper_layer){.below = below, .u = u, .fd = -1, .child = -1};
	if (geteuid() == 0)
		return 0;
	l->error = mmap(NULL, sizeof(*l->error), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (l->error == MAP_FAILED)
		abort();
	if (pipe2(fds, O_CLOEXEC) < 0)
		return -fail("pipe: %s", strerror(errno));
	l->child = fork();
	if (l->child == 0) {
		close(fds[0]);
		l->fd = fds[1];
		_exit(sandbox_call_as_root(write_in_namespace, l));
	}
	close(fds[1]);
	l->fd = fds[0];
	return l->child < 0 ? -fail("fork: %s", strerror(errno)) : 0;
}

/* Whether it wrote all. */
static bool other_succeeded(struct upper_layer *l)
{
	int status = 0;
	pid_t gone;

	do
		gone = waitpid(l->child, &status, 0);
	while (gone < 0 && errno == EINTR);
	l->child = -1;
	return gone > 0 && WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FINE;
}

static int hand_on(struct upper_layer *l, archive_sink sink, void *sink_arg, struct image_error *error)
{
	_cleanup_free_ char *buffer = malloc(BUFFER);
	ssize_t n = buffer ? 1 : -1;
	int r = 0;

	while (n > 0 && r == 0) {
		n = read(l->fd, buffer, BUFFER);
		if (n < 0 && errno == EINTR)
			n = 1;
		else if (n > 0)
			r = sink(sink_arg, buffer, (size_t)n);
	}
	if (r < 0)
		return r;
	if (n < 0 || !other_succeeded(l))
		return image_fail(error, -EIO, "%s", *l->error->text ? l->error->text : "the upper can't be read");
	return 0;
}

int upper_layer_write(void *arg, archive_sink sink, void *sink_arg, struct image_error *error)
{
	struct upper_layer *l = arg;

	return l->fd < 0 ? write_tar(l, sink, sink_arg, error) : hand_on(l, sink, sink_arg, error);
}

void upper_layer_finish(struct upper_layer *l)
{
	if (l->fd >= 0)
		close(l->fd);
	if (l->child > 0)
		(void)other_succeeded(l);
	if (l->error)
		munmap(l->error, sizeof(*l->error));
}
