// SPDX-License-Identifier: Apache-2.0
#include "store/pump.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/macros.h"
#include "base/ring.h"
#include "base/thread.h"
#include "image/error.h"

struct pump {
	pump_write write; /* constant, and `write_arg` */
	void *write_arg;
	pthread_t thread;
	struct ring *ring;
	/* of the writer, and its thread's until it has ended */
	int err;
	struct image_error error;
};

static int pump_sink(void *arg, const void *data, size_t len)
{
	struct pump *p = arg;

	return ring_write(p->ring, data, len);
}

static void *pump_run(void *arg)
{
	struct pump *p = arg;
	int r = p->write(p->write_arg, pump_sink, p, &p->error);

	p->err = MIN(r, 0);
	ring_end(p->ring);
	return NULL;
}

static ssize_t pump_read(void *arg, void *buf, size_t size, struct image_error *error)
{
	struct pump *p = arg;
	size_t n = ring_read(p->ring, buf, size);

	(void)CHECK(n <= size);
	return n || !p->err ? (ssize_t)n : image_fail(error, p->err, "%s", p->error.text);
}

static void pump_end(void *arg)
{
	struct pump *p = arg;

	ring_close(p->ring);
	pthread_join(p->thread, NULL);
	ring_free(p->ring);
	free(p);
}

int pump_new(pump_write write, void *arg, struct stream **ret, struct image_error *error)
{
	static const struct stream_calls calls = {.read = pump_read, .end = pump_end};
	struct pump *p = calloc(1, sizeof(*p));
	int r;

	if (!p || !(p->ring = ring_new(PUMP_SIZE))) {
		free(p);
		return image_fail_memory(error);
	}
	p->write = write;
	p->write_arg = arg;
	strcpy(p->error.text, "fails");
	r = thread_start(&p->thread, pump_run, p);
	if (r < 0) {
		ring_free(p->ring);
		free(p);
		return image_fail(error, r, "threads: %s", strerror(-r));
	}
	r = stream_of_calls(&calls, p, ret);
	return r < 0 ? image_fail_memory(error) : 0;
}
