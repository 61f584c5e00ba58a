/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Bytes are copied without the lock: the bytes that wait are the reader's, and the rest is the writer's.
 */
#include "base/ring.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/macros.h"

struct ring {
	size_t size;	  /* constant */
	struct lock lock; /* leaf; guards all below but the bytes */
	pthread_cond_t more, less;
	size_t at, len; /* of the bytes that wait */
	bool reader_waits, writer_waits;
	bool ended, closed;
	unsigned char bytes[];
};

/* What is worth waking the other thread. */
static size_t enough_to_read(const struct ring *r)
{
	return r->size / 8 + 1;
}

struct ring *ring_new(size_t size)
{
	struct ring *r = malloc(sizeof(*r) + size);

	if (!r || !CHECK(size > 0))
		return NULL;
	*r = (struct ring){.size = size};
	lock_init(&r->lock, LOCK_LEAF);
	pthread_cond_init(&r->more, NULL);
	pthread_cond_init(&r->less, NULL);
	return r;
}

void ring_free(struct ring *r)
{
	if (!r)
		return;
	(void)CHECK(!r->reader_waits && !r->writer_waits);
	pthread_cond_destroy(&r->more);
	pthread_cond_destroy(&r->less);
	lock_finish(&r->lock);
	free(r);
}

void *ring_room(struct ring *r, size_t *ret_len)
{
	size_t end;

	lock_take(&r->lock);
	r->writer_waits = true;
	while (r->len == r->size && !r->closed)
		pthread_cond_wait(&r->less, &r->lock.mutex);
	r->writer_waits = false;
	end = (r->at + r->len) % r->size;
	*ret_len = r->closed ? 0 : MIN(r->size - r->len, r->size - end);
	lock_drop(&r->lock);
	return *ret_len ? r->bytes + end : NULL;
}

void ring_put(struct ring *r, size_t n)
{
	lock_take(&r->lock);
	(void)CHECK(n <= r->size - r->len && !r->ended);
	r->len += n;
	if (r->reader_waits && r->len >= enough_to_read(r))
		pthread_cond_signal(&r->more);
	lock_drop(&r->lock);
}

int ring_write(struct ring *r, const void *data, size_t len)
{
	while (len) {
		size_t room;
		void *to = ring_room(r, &room);

		if (!to)
			return -ECANCELED;
		room = MIN(room, len);
		memcpy(to, data, room);
		ring_put(r, room);
		data = (const char *)data + room;
		len -= room;
	}
	return 0;
}

void ring_end(struct ring *r)
{
	lock_take(&r->lock);
	r->ended = true;
	pthread_cond_signal(&r->more);
	lock_drop(&r->lock);
}

/* Waits for bytes: how many lie there in one piece, from *ret_at on. */
static size_t ring_await(struct ring *r, size_t *ret_at)
{
	size_t n;

	lock_take(&r->lock);
	r->reader_waits = true;
	while (!r->ended && !r->len)
		pthread_cond_wait(&r->more, &r->lock.mutex);
	r->reader_waits = false;
	*ret_at = r->at;
	n = MIN(r->len, r->size - r->at);
	lock_drop(&r->lock);
	return n;
}

size_t ring_read(struct ring *r, void *buf, size_t size)
{
	size_t at, n = MIN(ring_await(r, &at), size);

	(void)CHECK(!r->closed);
	memcpy(buf, r->bytes + at, n);
	lock_take(&r->lock);
	r->at = (r->at + n) % r->size;
	r->len -= n;
	if (r->writer_waits && r->len <= r->size / 2)
		pthread_cond_signal(&r->less);
	lock_drop(&r->lock);
	return n;
}

void ring_close(struct ring *r)
{
	lock_take(&r->lock);
	r->closed = true;
	pthread_cond_signal(&r->less);
	lock_drop(&r->lock);
}
