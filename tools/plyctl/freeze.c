/* SPDX-License-Identifier: Apache-2.0 */
#include "freeze.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "control/protocol.h"
#include "os/task.h"

#define ANSWER_MAX 4096

static int freeze_connect(const struct view_stack *stack)
{
	const char *run = getenv("XDG_RUNTIME_DIR"), *dir = stack->options.control_socket;
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	char socket_name[CONTROL_NAME_SIZE];
	int fd, n;

	control_name(stack->dev, socket_name);
	if (dir && *dir == '/')
		n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/%s", dir, socket_name);
	else if (geteuid() != 0 && run)
		n = snprintf(address.sun_path, sizeof(address.sun_path), "%s/plyfs/%s", run, socket_name);
	else
		n = snprintf(address.sun_path, sizeof(address.sun_path), "/run/plyfs/%s", socket_name);
	if (n < 0 || (size_t)n >= sizeof(address.sun_path))
		return -ENAMETOOLONG;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		n = -errno;
		close(fd);
		return n;
	}
	return fd;
}

/* Asks, and waits for the line of the answer. */
static int freeze_ask(struct freeze *f, const char *request)
{
	char answer[ANSWER_MAX];
	size_t n = 0;
	json_auto_t *json = NULL;
	const char *cause;

	if (write(f->fd, request, strlen(request)) != (ssize_t)strlen(request))
		return -EIO;
	while (n + 1 < sizeof(answer) && (!n || answer[n - 1] != '\n')) {
		ssize_t got = read(f->fd, answer + n, sizeof(answer) - 1 - n);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return -EIO;
		n += (size_t)got;
	}
	json = json_loadb(answer, n, 0, NULL);
	if (json_is_true(json_object_get(json, "ok")))
		return 0;
	cause = json_string_value(json_object_get(json, "error"));
	snprintf(f->cause, sizeof(f->cause), "%s", cause ? cause : "no answer of the daemon");
	return -ETIMEDOUT;
}

int freeze_start(struct freeze *f, const struct view_stack *stack)
{
	char request[64];
	int r;

	f->fd = stack->kind == VIEW_PLYFS ? freeze_connect(stack) : -EOPNOTSUPP;
	if (f->fd < 0) {
		snprintf(f->cause, sizeof(f->cause), "%s",
			 f->fd == -EOPNOTSUPP ? "only plyfs can be frozen" : "the daemon has no control socket");
		return 0;
	}
	snprintf(request, sizeof(request), "{\"op\":\"freeze\",\"timeout_ms\":%d}\n", CONTROL_FREEZE_MAX_MS);
	f->since = os_now_ms();
	r = freeze_ask(f, request);
	if (r < 0) {
		close(f->fd);
		return r;
	}
	f->frozen = true;
	return 0;
}

int freeze_end(struct freeze *f)
{
	int r;

	if (!f->frozen)
		return 0;
	r = freeze_ask(f, "{\"op\":\"thaw\"}\n");
	close(f->fd);
	f->frozen = false;
	f->done = r == 0;
	f->ms = os_now_ms() - f->since;
	return r;
}
