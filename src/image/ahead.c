/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A stream that a thread of its own reads ahead: what inflates and hashes the one below.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/macros.h"
#include "base/ring.h"
#include "base/thread.h"
#include "image/error.h"
#include "image/stream.h"

#define AHEAD_SIZE ((size_t)1 << 20)
/* What is read at once: the other thread has something to do early. */
#define AHEAD_PIECE ((size_t)64 << 10)

struct ahead {
	struct stream *below; /* not owned; the thread's until it has ended */
	struct ring *ring;
	pthread_t thread;
	/* of the stream below; the thread's until it has ended */
	int err;
	struct image_error error;
};

static void *ahead_run(void *arg)
{
	struct ahead *a = arg;
	ssize_t n = 1;
	size_t room;
	void *to;

	while (n > 0 && (to = ring_room(a->ring, &room))) {
		n = stream_read(a->below, to, MIN(room, AHEAD_PIECE), &a->error);
		if (n > 0)
			ring_put(a->ring, (size_t)n);
	}
	a->err = (int)MIN(n, (ssize_t)0);
	ring_end(a->ring);
	return NULL;
}

static ssize_t ahead_read(void *arg, void *buf, size_t size, struct image_error *error)
{
	struct ahead *a = arg;
	size_t n = ring_read(a->ring, buf, size);

	(void)CHECK(n <= size);
	return n || !a->err ? (ssize_t)n : image_fail(error, a->err, "%s", a->error.text);
}

static void ahead_end(void *arg)
{
	struct ahead *a = arg;

	ring_close(a->ring);
	pthread_join(a->thread, NULL);
	ring_free(a->ring);
	free(a);
}

int stream_ahead(struct stream *below, struct stream **ret, struct image_error *error)
{
	static const struct stream_calls calls = {.read = ahead_read, .end = ahead_end};
	struct ahead *a = calloc(1, sizeof(*a));
	int r;

	if (!a || !(a->ring = ring_new(AHEAD_SIZE))) {
		free(a);
		return image_fail_memory(error);
	}
	a->below = below;
	strcpy(a->error.text, "fails");
	r = thread_start(&a->thread, ahead_run, a);
	if (r < 0) {
		ring_free(a->ring);
		free(a);
		return image_fail(error, r, "threads: %s", strerror(-r));
	}
	r = stream_of_calls(&calls, a, ret);
	return r < 0 ? image_fail_memory(error) : 0;
}
