/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The ring: bytes come out as they went in, whoever is faster, and neither thread waits for one that has gone.
 */
#include "base/ring.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>

#include "base/macros.h"
#include "unit.h"

#define MANY 300000

static unsigned char byte_at(size_t i)
{
	return (unsigned char)(i * 7 + i / 251);
}

struct writing {
	struct ring *ring;
	size_t piece; /* 0: by ring_room() */
	int result;
	size_t written;
};

static void *write_many(void *arg)
{
	struct writing *w = arg;
	unsigned char piece[5000];
	size_t room;

	while (w->written < MANY && w->result == 0) {
		size_t n = MIN(w->piece ? w->piece : sizeof(piece), MANY - w->written);
		unsigned char *to = piece;

		if (!w->piece) {
			to = ring_room(w->ring, &room);
			n = to ? MIN(room, MANY - w->written) : 0;
		}
		for (size_t i = 0; i < n; i++)
			to[i] = byte_at(w->written + i);
		if (w->piece)
			w->result = ring_write(w->ring, piece, n);
		else if (to)
			ring_put(w->ring, n);
		else
			w->result = -ECANCELED;
		w->written += n;
	}
	ring_end(w->ring);
	return NULL;
}

TEST("all bytes come in order, with pieces of any size, and then the end")
{
	static const size_t sizes[] = {1, 7, 64, 1000, 70000}, pieces[] = {0, 1, 13, 4999};

	for (size_t s = 0; s < ARRAY_SIZE(sizes); s++) {
		for (size_t p = 0; p < ARRAY_SIZE(pieces); p++) {
			struct writing w = {.ring = ring_new(sizes[s]), .piece = pieces[p]};
			unsigned char got[997];
			size_t at = 0, n, wrong = 0;
			pthread_t thread;

			/* A small ring takes a switch of threads for each of its fillings. */
			if (sizes[s] < 64)
				w.written = at = MANY - 2000;
			ASSERT(w.ring);
			ASSERT_INT(pthread_create(&thread, NULL, write_many, &w), 0);
			while ((n = ring_read(w.ring, got, 1 + at % sizeof(got))) > 0)
				for (size_t i = 0; i < n; i++)
					wrong += got[i] != byte_at(at++);
			EXPECT_INT(wrong, 0);
			EXPECT_INT(at, MANY);
			EXPECT_INT(ring_read(w.ring, got, 1), 0);
			pthread_join(thread, NULL);
			EXPECT_INT(w.result, 0);
			ring_free(w.ring);
		}
	}
}

TEST("a writer whose reader has gone is told")
{
	for (size_t piece = 0; piece < 2; piece++) {
		struct writing w = {.ring = ring_new(4096), .piece = piece * 100};
		unsigned char got[10];
		pthread_t thread;

		ASSERT_INT(pthread_create(&thread, NULL, write_many, &w), 0);
		EXPECT(ring_read(w.ring, got, sizeof(got)) > 0);
		ring_close(w.ring);
		pthread_join(thread, NULL);
		EXPECT_INT(w.result, -ECANCELED);
		EXPECT(w.written < MANY);
		ring_free(w.ring);
	}
}
