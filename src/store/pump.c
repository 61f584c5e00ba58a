// SPDX-License-Identifier: Apache-2.0
#include "store/pump.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/macros.h"
#include "base/thread.h"
#include "image/error.h"

struct pump {
	pump_write write; /* constant, and `write_arg` */
	void *write_arg;
	pthread_t thread;
	struct lock lock; /* leaf; guards all below */
	pthread_cond_t changed;
	size_t at, len; /* of the bytes that wait */
	bool ended;	/* nothing more is written */
	bool closed;	/* nothing more is read */
	int err;	/* of the writer */
	struct image_error error;
	unsigned char bytes[PUMP_SIZE];
};

static size_t pump_put_locked(struct pump *p, const void *data, size_t len)
{
	size_t end = (p->at + p->len) % PUMP_SIZE, n = MIN(len, PUMP_SIZE - p->len);

	(void)CHECK(lock_held(&p->lock));
	n = MIN(n, PUMP_SIZE - end);
	memcpy(p->bytes + end, data, n);
	p->len += n;
	return n;
}

static int pump_sink(void *arg, const void *data, size_t len)
{
	struct pump *p = arg;
	size_t n;

	lock_take(&p->lock);
	while (len && !p->closed) {
		while (p->len == PUMP_SIZE && !p->closed)
			pthread_cond_wait(&p->changed, &p->lock.mutex);
		n = p->closed ? 0 : pump_put_locked(p, data, len);
		data = (const char *)data + n;
		len -= n;
		pthread_cond_broadcast(&p->changed);
	}
	lock_drop(&p->lock);
	return len ? -ECANCELED : 0;
}

static void *pump_run(void *arg)
{
	struct pump *p = arg;
	struct image_error error = {.text = "fails"};
	int r = p->write(p->write_arg, pump_sink, p, &error);

	lock_take(&p->lock);
	p->ended = true;
	p->err = MIN(r, 0);
	p->error = error;
	pthread_cond_broadcast(&p->changed);
	lock_drop(&p->lock);
	return NULL;
}

static ssize_t pump_read(void *arg, void *buf, size_t size, struct image_error *error)
{
	struct pump *p = arg;
	size_t n;
	int err;

	lock_take(&p->lock);
	while (!p->len && !p->ended)
		pthread_cond_wait(&p->changed, &p->lock.mutex);
	n = MIN(size, p->len);
	n = MIN(n, PUMP_SIZE - p->at);
	memcpy(buf, p->bytes + p->at, n);
	p->at = (p->at + n) % PUMP_SIZE;
	p->len -= n;
	err = n ? 0 : p->err;
	pthread_cond_broadcast(&p->changed);
	lock_drop(&p->lock);
	(void)CHECK(n <= size);
	return err < 0 ? image_fail(error, err, "%s", p->error.text) : (ssize_t)n;
}

static void pump_end(void *arg)
{
	struct pump *p = arg;

	lock_take(&p->lock);
	p->closed = true;
	pthread_cond_broadcast(&p->changed);
	lock_drop(&p->lock);
	pthread_join(p->thread, NULL);
	pthread_cond_destroy(&p->changed);
	lock_finish(&p->lock);
	free(p);
}

int pump_new(pump_write write, void *arg, struct stream **ret, struct image_error *error)
{
	static const struct stream_calls calls = {.read = pump_read, .end = pump_end};
	struct pump *p = calloc(1, sizeof(*p));
	int r;

	if (!p)
		return image_fail_memory(error);
	p->write = write;
	p->write_arg = arg;
	lock_init(&p->lock, LOCK_LEAF);
	pthread_cond_init(&p->changed, NULL);
	r = thread_start(&p->thread, pump_run, p);
	if (r < 0) {
		free(p);
		return image_fail(error, r, "threads: %s", strerror(-r));
	}
	r = stream_of_calls(&calls, p, ret);
	return r < 0 ? image_fail_memory(error) : 0;
}
