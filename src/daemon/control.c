/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The connections of the control socket. A thread takes them in; each has a thread of its own, so that a client who
 * sends nothing, or reads nothing, holds up nobody else, and no more than CONTROL_CLIENTS are taken in. None of these
 * threads serves the mount.
 *
 * A freeze is held by the thread of its connection, which looks at the time, at the connection and at the end of the
 * mount ten times a second meanwhile, and does nothing that could hang.
 */
#include "control.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/macros.h"
#include "base/thread.h"
#include "internal.h"
#include "os/task.h"

#define SEND_MS 2000U
#define FREEZE_WAIT_MS 10000U
#define FROZEN_LOOK_MS 100U
#define NO_DESCRIPTORS_US 100000U
#define EXPLAIN_WAIT_MS 10000U
#define EXPLAIN_LOOK_US 1000U

enum client_state { CLIENT_NONE, CLIENT_RUNS, CLIENT_ENDED };

struct client {
	struct control *control; /* c */
	enum client_state state; /* lock */
	pthread_t thread;	 /* the listener's, and after its end control_stop()'s */
	int fd;			 /* lock: it is closed under it, too */
};

struct control {
	struct control_union u;	      /* c */
	struct control_socket socket; /* c */
	char directory[PATH_MAX];     /* c */
	pthread_t listener;
	struct lock lock;      /* leaf */
	bool stops;	       /* lock */
	_Atomic bool explains; /* a one connection at a time: FS_WALK_LEAST_FDS */
	struct client clients[CONTROL_CLIENTS];
};

/* A connection, of its thread alone. */
struct connection {
	struct control *control;
	int fd;
	bool frozen;			 /* by this connection */
	bool thawed;			 /* its freeze ended before it said so */
	unsigned long long frozen_until; /* os_now_ms() */
	unsigned long long line_until;	 /* a request that has begun must be whole; 0: none has */
	unsigned long long idle_until;
	struct control_request request;
	size_t len;
	char line[CONTROL_LINE + 1];
};

/* --- waiting ------------------------------------------------------------------------------------------------------ */

static void thaw(struct connection *c)
{
	(void)CHECK(c->frozen);
	fs_thaw(c->control->u.fs);
	c->frozen = false;
	c->idle_until = os_now_ms() + CONTROL_IDLE_MS;
}

static void look_at_freeze(struct connection *c, unsigned long long now)
{
	if (!c->frozen || (now < c->frozen_until && !fs_freeze_ends(c->control->u.fs)))
		return;
	thaw(c);
	c->thawed = true;
}

static unsigned long long connection_until(const struct connection *c, short events, unsigned long long send_until)
{
	if (events & POLLOUT)
		return send_until;
	if (c->line_until)
		return c->line_until;
	/* How long it may be idle then begins at the thaw. */
	return c->frozen ? c->frozen_until + CONTROL_IDLE_MS : c->idle_until;
}

/* Until something can be read or written: 0, or -ETIMEDOUT. */
static int connection_wait(struct connection *c, short events, unsigned long long send_until)
{
	for (;;) {
		struct pollfd p = {.fd = c->fd, .events = events};
		unsigned long long now = os_now_ms(), until;
		int n;

		look_at_freeze(c, now);
		until = connection_until(c, events, send_until);
		if (now >= until)
			return -ETIMEDOUT;
		n = poll(&p, 1, (int)MIN(until - now, c->frozen ? FROZEN_LOOK_MS : SEND_MS));
		if (n > 0)
			return 0;
		if (n < 0 && errno != EINTR)
			return -errno;
	}
}

static int send_all(struct connection *c, const char *text, size_t len)
{
	unsigned long long until = os_now_ms() + SEND_MS;

	while (len > 0) {
		ssize_t n = send(c->fd, text, len, MSG_NOSIGNAL | MSG_DONTWAIT);
		int r;

		if (n > 0) {
			text += n;
			len -= (size_t)n;
			continue;
		}
		if (n < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		r = connection_wait(c, POLLOUT, until);
		if (r < 0)
			return r;
	}
	return 0;
}

/* --- answers ------------------------------------------------------------------------------------------------------ */

static void begin_answer(struct json *json, bool ok)
{
	json_init(json, CONTROL_ANSWER);
	json_open_object(json, NULL);
	json_bool(json, "ok", ok);
}

static int send_answer(struct connection *c, struct json *json)
{
	int r;

	json_close_object(json);
	r = json_finish(json);
	if (r == 0)
		r = send_all(c, json->text, json->len);
	json_free(json);
	return r;
}

static int refuse(struct connection *c, const char *cause)
{
	struct json json;

	begin_answer(&json, false);
	json_bytes(&json, "error", cause);
	return send_answer(c, &json);
}

static int confirm(struct connection *c)
{
	struct json json;

	begin_answer(&json, true);
	return send_answer(c, &json);
}

static const char *freeze_cause(int r)
{
	switch (r) {
	case -EBUSY:
		return "changes are frozen already";
	case -ETIMEDOUT:
		return "a change takes too long";
	case -ESHUTDOWN:
		return "the mount ends";
	case -EOPNOTSUPP:
		return "with data=passthrough the kernel writes to files by itself";
	default:
		return strerror(-r);
	}
}

static int do_freeze(struct connection *c)
{
	int r = c->frozen ? -EBUSY : fs_freeze(c->control->u.fs, FREEZE_WAIT_MS);

	if (r < 0)
		return refuse(c, freeze_cause(r));
	c->frozen = true;
	c->thawed = false;
	c->frozen_until = os_now_ms() + c->request.timeout_ms;
	return confirm(c);
}

static int do_thaw(struct connection *c)
{
	bool frozen;

	look_at_freeze(c, os_now_ms());
	frozen = c->frozen;
	if (!frozen)
		return refuse(c, c->thawed ? "changes went on before: the time was over, or the mount ends"
					   : "this connection has frozen nothing");
	thaw(c);
	return confirm(c);
}

/* Its turn: false when another one takes too long. */
static bool take_turn(struct control *control)
{
	unsigned long long until = os_now_ms() + EXPLAIN_WAIT_MS;

	while (atomic_exchange(&control->explains, true)) {
		if (os_now_ms() >= until)
			return false;
		os_sleep_us(EXPLAIN_LOOK_US);
	}
	return true;
}

static int do_explain(struct connection *c)
{
	struct fs_figures f;
	struct json json;
	int r;

	if (c->frozen)
		return refuse(c, "this connection has frozen changes: ask by another one");
	fs_figures(c->control->u.fs, &f);
	if (f.descriptors_max < FS_WALK_LEAST_FDS)
		return refuse(c, "the daemon has too few descriptors (RLIMIT_NOFILE)");
	if (!take_turn(c->control))
		return refuse(c, "another connection's question takes too long");
	begin_answer(&json, true);
	r = control_answer_explain(&c->control->u, c->request.path, &json);
	atomic_store(&c->control->explains, false);
	if (r == 0 && !json.failed)
		return send_answer(c, &json);
	json_free(&json);
	return refuse(c, r < 0 ? strerror(-r) : "the answer is too long");
}

static int do_tell(struct connection *c)
{
	struct json json;

	begin_answer(&json, true);
	if (c->request.op == CONTROL_STATUS)
		control_answer_status(&c->control->u, &json);
	else
		control_answer_layers(&c->control->u, c->request.from, &json);
	return send_answer(c, &json);
}

static int answer_line(struct connection *c, size_t len)
{
	const char *cause;

	if (control_parse(c->line, len, &c->request, &cause) < 0)
		return refuse(c, cause);
	switch (c->request.op) {
	case CONTROL_STATUS:
	case CONTROL_LAYERS_OF:
		return do_tell(c);
	case CONTROL_EXPLAIN:
		return do_explain(c);
	case CONTROL_FREEZE:
		return do_freeze(c);
	case CONTROL_THAW:
		return do_thaw(c);
	}
	return -EINVAL;
}

/* --- a connection ------------------------------------------------------------------------------------------------- */

/* More bytes of the line: 0, or why the connection ends. */
static int receive(struct connection *c)
{
	ssize_t n;
	int r;

	(void)CHECK(c->len < CONTROL_LINE);
	r = connection_wait(c, POLLIN, 0);
	if (r < 0)
		return r;
	n = recv(c->fd, c->line + c->len, CONTROL_LINE - c->len, MSG_DONTWAIT);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -ECONNRESET;
	if (!c->line_until)
		c->line_until = os_now_ms() + CONTROL_LINE_MS;
	c->len += (size_t)n;
	return 0;
}

/* The requests that are there, in order. What is left is the beginning of another one. */
static int answer_lines(struct connection *c)
{
	char *end;

	while ((end = memchr(c->line, '\n', c->len))) {
		size_t len = (size_t)(end - c->line);
		int r = answer_line(c, len);

		(void)CHECK(len < c->len);
		c->len -= len + 1;
		memmove(c->line, end + 1, c->len);
		c->line_until = c->len ? os_now_ms() + CONTROL_LINE_MS : 0;
		c->idle_until = os_now_ms() + CONTROL_IDLE_MS;
		if (r < 0)
			return r;
	}
	if (c->len < CONTROL_LINE)
		return 0;
	refuse(c, "the request is too long");
	return -EMSGSIZE;
}

static void serve_connection(struct control *control, int fd)
{
	struct connection *c = calloc(1, sizeof(*c));
	int r = 0;

	if (!c)
		return;
	c->control = control;
	c->fd = fd;
	c->idle_until = os_now_ms() + CONTROL_IDLE_MS;
	while (r == 0) {
		r = receive(c);
		if (r == 0)
			r = answer_lines(c);
	}
	if (c->frozen)
		thaw(c);
	free(c);
}

static void *client_main(void *arg)
{
	struct client *client = arg;
	struct control *control = client->control;
	int fd;

	thread_name("plyfs-client");
	lock_take(&control->lock);
	fd = client->fd;
	lock_drop(&control->lock);
	(void)CHECK(fd >= 0);
	serve_connection(control, fd);
	LOCK_SCOPE(&control->lock);
	close(client->fd);
	client->fd = -1;
	client->state = CLIENT_ENDED;
	return NULL;
}

/* --- the listener ------------------------------------------------------------------------------------------------- */

/* The socket's mode lets nobody else in; this is asked for the case that somebody has changed that. Root of the machine
 * has no number of its own in a user namespace that lacks it, and nor has anybody else there: then the mode is what
 * tells them apart. */
static bool is_served(const struct control *control, int fd)
{
	struct ucred peer;
	socklen_t size = sizeof(peer);

	(void)CHECK(fd >= 0);
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0)
		return false;
	if (peer.uid == geteuid() || peer.uid == 0)
		return true;
	return !os_in_init_userns() && peer.uid == os_overflow_id("uid") && control_socket_is_private(&control->socket);
}

static enum client_state state_of_client(struct client *client)
{
	LOCK_SCOPE(&client->control->lock);
	return client->state;
}

/* A slot whose thread isn't there, or NULL. */
static struct client *free_slot(struct control *control)
{
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		struct client *client = &control->clients[i];
		enum client_state state = state_of_client(client);

		if (state == CLIENT_RUNS)
			continue;
		if (state == CLIENT_ENDED)
			pthread_join(client->thread, NULL);
		client->state = CLIENT_NONE;
		return client;
	}
	return NULL;
}

/* One line, as far as the socket takes it at once. */
static void turn_away(int fd, const char *line)
{
	(void)send(fd, line, strlen(line), MSG_NOSIGNAL | MSG_DONTWAIT);
	close(fd);
}

static void take_in(struct control *control, int fd)
{
	struct client *client;

	if (!is_served(control, fd)) {
		turn_away(fd, "{\"ok\":false,\"error\":\"the mount is another user's\"}\n");
		return;
	}
	client = free_slot(control);
	if (!client) {
		turn_away(fd, "{\"ok\":false,\"error\":\"too many connections\"}\n");
		return;
	}
	LOCK_SCOPE(&control->lock);
	client->fd = fd;
	client->state = CLIENT_RUNS;
	if (!control->stops && thread_start(&client->thread, client_main, client) == 0)
		return;
	close(fd);
	client->fd = -1;
	client->state = CLIENT_NONE;
}

static bool stops(struct control *control)
{
	LOCK_SCOPE(&control->lock);
	return control->stops;
}

static void *listener_main(void *arg)
{
	struct control *control = arg;

	thread_name("plyfs-control");
	control_socket_sweep(&control->socket);
	while (!stops(control)) {
		struct pollfd p = {.fd = control->socket.fd, .events = POLLIN};
		int fd;

		(void)poll(&p, 1, -1);
		fd = accept4(control->socket.fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
		if (fd >= 0)
			take_in(control, fd);
		else if (errno != EAGAIN && errno != EINTR && errno != ECONNABORTED && !stops(control))
			os_sleep_us(NO_DESCRIPTORS_US);
	}
	return NULL;
}

/* --- life --------------------------------------------------------------------------------------------------------- */

int control_prepare(const struct mounted *m, struct control **ret_control)
{
	struct control *control = calloc(1, sizeof(*control));
	int r;

	if (!control)
		return -ENOMEM;
	r = control_socket_prepare(m, &control->socket);
	if (r < 0) {
		free(control);
		return r;
	}
	lock_init(&control->lock, LOCK_LEAF);
	control->u.opt = m->opt;
	if (!getcwd(control->directory, sizeof(control->directory)))
		strcpy(control->directory, "/");
	control->u.directory = control->directory;
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++) {
		control->clients[i].control = control;
		control->clients[i].fd = -1;
	}
	*ret_control = control;
	return 0;
}

int control_start(struct control *control, struct layer_set *set, struct fs *fs, dev_t dev)
{
	int r;

	if (!CHECK(!control->u.fs))
		return -EIO;
	if (!CHECK(dev))
		return -ENODEV;
	control->u.set = set;
	control->u.dev = dev;
	control->u.since = os_now_ms();
	r = control_socket_open(&control->socket, dev);
	if (r < 0)
		return r;
	control->u.fs = fs;
	r = thread_start(&control->listener, listener_main, control);
	if (r < 0)
		control->u.fs = NULL;
	return r;
}

static void end_threads(struct control *control)
{
	fs_end_freezes(control->u.fs);
	lock_take(&control->lock);
	(void)CHECK(!control->stops);
	control->stops = true;
	shutdown(control->socket.fd, SHUT_RDWR);
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		if (control->clients[i].fd >= 0)
			shutdown(control->clients[i].fd, SHUT_RDWR);
	lock_drop(&control->lock);
	pthread_join(control->listener, NULL);
	/* No other thread makes any now. */
	for (unsigned i = 0; i < CONTROL_CLIENTS; i++)
		if (state_of_client(&control->clients[i]) != CLIENT_NONE)
			pthread_join(control->clients[i].thread, NULL);
}

void control_stop(struct control *control)
{
	if (!control)
		return;
	if (control->u.fs)
		end_threads(control);
	control_socket_close(&control->socket);
	lock_finish(&control->lock);
	free(control);
}
