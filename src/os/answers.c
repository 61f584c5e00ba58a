/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A call on a file system that hangs can't be ended, not even by a signal in some cases. So another process makes it,
 * which may stay behind.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "internal.h"
#include "os/fs.h"
#include "os/task.h"

/* What stays behind must not hold a lock of its caller, or the end of a pipe for which somebody waits. */
static void close_all_but(int out)
{
	(void)CHECK(out >= 0);
	if (out > 0)
		(void)close_range(0, (unsigned)out - 1, 0);
	(void)close_range((unsigned)out + 1, ~0u, 0);
}

/* Whatever the answers are. */
static void ask_all(const char *const *paths, size_t n, int out)
{
	for (size_t i = 0; i < n; i++) {
		int fd = os_open_path(paths[i], O_PATH, 0);
		struct statx stx;

		if (fd >= 0) {
			(void)!statx(fd, "", AT_EMPTY_PATH | AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &stx);
			close(fd);
		}
		if (write(out, "", 1) != 1)
			return;
	}
}

/* How many paths have answered by then; -errno. */
static ssize_t count_answers(int in, size_t n, unsigned long long until)
{
	size_t answered = 0;
	char bytes[64];

	while (answered < n) {
		struct pollfd p = {.fd = in, .events = POLLIN};
		unsigned long long now = os_now_ms();
		int r = now >= until ? 0 : poll(&p, 1, (int)(until - now));
		ssize_t got = r > 0 ? read(in, bytes, sizeof(bytes)) : 0;

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0 || got < 0)
			return -errno;
		if (r == 0 || got == 0)
			break;
		answered += (size_t)got;
	}
	(void)CHECK(answered <= n);
	return (ssize_t)answered;
}

int os_paths_answer(const char *const *paths, size_t n, unsigned ms, size_t *ret_silent)
{
	_cleanup_close_ int in = -1, out = -1;
	int ends[2];
	ssize_t answered;
	pid_t child;

	(void)CHECK(n > 0);
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	in = ends[0];
	out = ends[1];
	child = fork();
	if (child < 0)
		return -errno;
	if (child == 0) {
		close_all_but(out);
		ask_all(paths, n, out);
		_exit(0);
	}
	cleanup_close(&out);
	out = -1;
	answered = count_answers(in, n, os_now_ms() + ms);
	if (answered == (ssize_t)n) {
		while (waitpid(child, NULL, 0) < 0 && errno == EINTR)
			;
		return 0;
	}
	/* It may not obey until the file system answers. */
	kill(child, SIGKILL);
	(void)!waitpid(child, NULL, WNOHANG);
	if (answered < 0)
		return (int)answered;
	*ret_silent = (size_t)answered;
	return -ETIMEDOUT;
}
