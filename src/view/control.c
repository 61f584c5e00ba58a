/* SPDX-License-Identifier: Apache-2.0 */
#include "view/control.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "control/protocol.h"
#include "internal.h"
#include "os/fs.h"
#include "os/socket.h"
#include "os/task.h"

#define PIECE 65536U

struct view_control {
	int fd;
	char *mountpoint; /* owned */
	char *answer;	  /* owned */
	size_t room;
};

/* --- the socket --------------------------------------------------------------------------------------------------- */

/* What is known before the socket is found. */
struct wanted {
	char name[CONTROL_NAME_SIZE];
	uid_t uid;	 /* of the daemon, or our own */
	int fd;		 /* the connection */
	bool is_refused; /* a socket is there, and isn't served, or not by whom it should be */
};

static bool may_be_asked(const struct wanted *w, uid_t uid)
{
	uid_t own = geteuid();

	return uid == 0 || uid == own || (own == 0 && uid == w->uid) || (uid == os_overflow_id("uid") && own == 0);
}

/* The daemon of the directory, in w->fd. */
static void try_directory(struct wanted *w, const char *dir)
{
	_cleanup_close_ int dir_fd = -1, fd = -1;
	struct statx stx;
	uid_t peer;

	if (w->fd >= 0)
		return;
	dir_fd = os_open_path(dir, O_RDONLY | O_DIRECTORY, 0);
	if (dir_fd < 0 || os_statx(dir_fd, "", &stx) < 0)
		return;
	if (!may_be_asked(w, stx.stx_uid) || (stx.stx_mode & 022))
		return;
	fd = os_connect(dir_fd, w->name);
	if (fd < 0) {
		w->is_refused |= fd != -ENOENT;
		return;
	}
	if (os_peer_uid(fd, &peer) < 0 || !may_be_asked(w, peer)) {
		w->is_refused = true;
		return;
	}
	(void)CHECK(w->fd < 0);
	w->fd = TAKE_FD(fd);
}

static void try_below(struct wanted *w, const char *parent)
{
	char path[PATH_MAX];

	if (parent && *parent == '/' && snprintf(path, sizeof(path), "%s/plyfs", parent) < (int)sizeof(path))
		try_directory(w, path);
}

static void try_directories(struct wanted *w, const char *option)
{
	char of_user[64];

	if (option && *option == '/')
		try_directory(w, option);
	try_below(w, getenv("XDG_RUNTIME_DIR"));
	try_below(w, "/run");
	snprintf(of_user, sizeof(of_user), "/run/user/%u", w->uid);
	try_below(w, of_user);
}

static uid_t user_of_process(pid_t pid)
{
	char path[32];
	struct statx stx;

	snprintf(path, sizeof(path), "/proc/%d", pid);
	_cleanup_close_ int fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
	return fd >= 0 && os_statx(fd, "", &stx) == 0 ? stx.stx_uid : geteuid();
}

static int control_connect(const struct view_stack *stack, struct view_control **ret, char **ret_error)
{
	struct wanted w = {.fd = -1, .uid = geteuid()};
	struct view_control *c;

	(void)CHECK(stack->mountpoint && stack->dev);
	control_name(stack->dev, w.name);
	if (stack->pid)
		w.uid = user_of_process(stack->pid);
	try_directories(&w, stack->options.control_socket);
	if (w.fd < 0)
		return view_refuse(ret_error, -ENOENT, "%s: %s", stack->mountpoint,
				   w.is_refused ? "nobody answers at its control socket"
						: "it has no control socket that this user may ask");
	c = calloc(1, sizeof(*c));
	if (c)
		c->mountpoint = strdup(stack->mountpoint);
	if (!c || !c->mountpoint) {
		close(w.fd);
		free(c);
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", stack->mountpoint);
	}
	c->fd = w.fd;
	*ret = c;
	return 0;
}

int view_control_of(const struct view_stack *stack, struct view_control **ret, char **ret_error)
{
	if (!stack->mountpoint || stack->kind == VIEW_OVERLAY)
		return view_refuse(ret_error, -ENODEV, "%s: not mounted by plyfs", stack->name);
	return control_connect(stack, ret, ret_error);
}

/* --- by a path ---------------------------------------------------------------------------------------------------- */

struct at {
	dev_t dev;
	struct view_stack *stack;
};

static int at_mount(void *arg, const struct os_mountinfo *m)
{
	struct at *at = arg;

	if (m->dev != at->dev || (strcmp(m->fstype, "fuse") != 0 && strncmp(m->fstype, "fuse.", 5) != 0) ||
	    at->stack->mountpoint)
		return 0;
	at->stack->dev = m->dev;
	at->stack->mountpoint = strdup(m->mountpoint);
	return at->stack->mountpoint ? 1 : -ENOMEM;
}

int view_control_open(const char *name, struct view_control **ret, char **ret_error)
{
	_cleanup_close_ int fd = os_open_path(name, O_PATH, 0);
	_cleanup_free_ char *no_server = NULL;
	struct view_stack *stack;
	struct statx stx;
	int r = fd < 0 ? fd : os_statx_cached(fd, "", &stx);

	if (r < 0)
		return view_refuse(ret_error, r, "%s: %s", name, strerror(-r));
	stack = calloc(1, sizeof(*stack));
	if (!stack)
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", name);
	stack->name = strdup(name);
	r = os_each_mount(at_mount, &(struct at){.dev = makedev(stx.stx_dev_major, stx.stx_dev_minor), .stack = stack});
	(void)CHECK((r == 1) == (stack->mountpoint != NULL));
	if (r == 1) {
		/* Not known: then the usual directories have to do. */
		(void)view_server_find(stack, &no_server);
		r = control_connect(stack, ret, ret_error);
	} else {
		r = view_refuse(ret_error, r < 0 ? r : -ENODEV, "%s: %s", name,
				r < 0 ? strerror(-r) : "not mounted by plyfs");
	}
	view_stack_free(stack);
	return r;
}

struct each {
	int (*each)(void *arg, const char *mountpoint);
	void *arg;
};

static int each_mount(void *arg, const struct os_mountinfo *m)
{
	const struct each *e = arg;

	return !strcmp(m->fstype, "fuse.plyfs") && !strcmp(m->root, "/") ? e->each(e->arg, m->mountpoint) : 0;
}

int view_control_each(int (*each)(void *arg, const char *mountpoint), void *arg)
{
	return os_each_mount(each_mount, &(struct each){.each = each, .arg = arg});
}

/* --- questions ---------------------------------------------------------------------------------------------------- */

static int control_wait(const struct view_control *c, short events, unsigned long long until)
{
	unsigned long long now = os_now_ms();
	int r = now >= until ? -ETIMEDOUT : os_wait(c->fd, events, (unsigned)(until - now));

	return r == -EINTR ? 0 : r;
}

static int send_request(const struct view_control *c, const char *bytes, size_t len, unsigned long long until)
{
	while (len > 0) {
		ssize_t n = os_send(c->fd, bytes, len);
		int r = n < 0 ? (int)n : 0;

		if (n > 0) {
			bytes += n;
			len -= (size_t)n;
			continue;
		}
		r = r == -EAGAIN || r == 0 ? control_wait(c, POLLOUT, until) : r;
		if (r < 0)
			return r;
	}
	return 0;
}

/* A line into c->answer, without its newline. */
static int receive_line(struct view_control *c, unsigned long long until)
{
	size_t len = 0;

	for (;;) {
		char *end;
		ssize_t n;
		int r;

		(void)CHECK(len <= CONTROL_ANSWER);
		if (len == CONTROL_ANSWER)
			return -EMSGSIZE;
		if (!ARRAY_ROOM(c->answer, len, c->room, PIECE))
			return -ENOMEM;
		n = os_recv(c->fd, c->answer + len, MIN(PIECE, CONTROL_ANSWER - len));
		if (n == 0)
			return -ECONNRESET;
		if (n < 0 && n != -EAGAIN)
			return (int)n;
		end = n > 0 ? memchr(c->answer + len, '\n', (size_t)n) : NULL;
		len += n > 0 ? (size_t)n : 0;
		if (end) {
			*end = '\0';
			/* One answer a question: what comes behind it isn't ours. */
			return end + 1 == c->answer + len ? 0 : -EPROTO;
		}
		r = n < 0 ? control_wait(c, POLLIN, until) : 0;
		if (r < 0)
			return r;
	}
}

int view_control_ask(struct view_control *c, const char *request, unsigned ms, const char **ret_answer,
		     char **ret_error)
{
	unsigned long long until = os_now_ms() + ms;
	int r;

	(void)CHECK(c->fd >= 0 && !strchr(request, '\n'));
	r = send_request(c, request, strlen(request), until);
	if (r == 0)
		r = send_request(c, "\n", 1, until);
	if (r == 0)
		r = receive_line(c, until);
	if (r < 0)
		return view_refuse(ret_error, r, "%s: its daemon %s", c->mountpoint,
				   r == -ETIMEDOUT  ? "doesn't answer"
				   : r == -EMSGSIZE ? "has too long an answer"
						    : "has ended the connection");
	*ret_answer = c->answer;
	return 0;
}

const char *view_control_mountpoint(const struct view_control *c)
{
	return c->mountpoint;
}

void view_control_close(struct view_control *c)
{
	if (!c)
		return;
	cleanup_close(&c->fd);
	free(c->mountpoint);
	free(c->answer);
	free(c);
}
