/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Histograms: each request is counted once, in the right bucket, by whichever thread answers it.
 */
#include "base/latency.h"

#include <pthread.h>
#include <time.h>

#include "unit.h"

static uint64_t count(unsigned operation)
{
	struct latency_histogram h;

	latency_read(operation, &h);
	return h.count;
}

TEST("a request is counted once, at its first answer")
{
	latency_begin(1);
	EXPECT_INT(count(1), 0);
	latency_end();
	latency_end();
	EXPECT_INT(count(1), 1);
}

TEST("a duration is in the bucket of its power of two")
{
	struct latency_histogram h;
	struct latency_span span;

	latency_begin(2);
	span = latency_take();
	span.start -= 3000000000ULL; /* 2^31 and more */
	latency_resume(span);
	latency_end();
	latency_read(2, &h);
	EXPECT_INT(h.bucket[31], 1);
	EXPECT(h.sum >= 3000000000ULL && h.sum < 2 * 3000000000ULL);
}

TEST("a duration longer than all buckets is in the last one")
{
	struct latency_histogram h;
	struct latency_span span;

	latency_begin(3);
	span = latency_take();
	span.start -= 1ULL << 43;
	latency_resume(span.start ? span : (struct latency_span){0});
	latency_end();
	latency_read(3, &h);
	EXPECT_INT(h.bucket[LATENCY_BUCKETS - 1], 1);
}

static void *answer(void *arg)
{
	const struct latency_span *span = arg;

	latency_resume(*span);
	latency_end();
	return NULL;
}

TEST("another thread counts what it goes on with, and the first one doesn't")
{
	struct latency_span span;
	pthread_t thread;

	latency_begin(4);
	span = latency_take();
	latency_end();
	EXPECT_INT(count(4), 0);
	ASSERT_INT(pthread_create(&thread, NULL, answer, &span), 0);
	pthread_join(thread, NULL);
	EXPECT_INT(count(4), 1);
}

TEST("an operation without a histogram is not counted, nor is the request before it")
{
	latency_begin(5);
	latency_begin(LATENCY_OPERATIONS);
	latency_end();
	EXPECT_INT(count(5), 0);
}
