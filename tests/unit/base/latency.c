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

TEST("a quantile is within the bucket of the request that it means")
{
	struct latency_histogram h = {.count = 0};

	EXPECT_INT(latency_quantile(&h, 500), 0);
	h.bucket[10] = 1;
	h.count = 1;
	EXPECT_INT(latency_quantile(&h, 500), 1024 + 512);
	h.bucket[10] = 990;
	h.bucket[20] = 10;
	h.count = 1000;
	EXPECT_INT(latency_quantile(&h, 495), 1535);
	EXPECT_INT(latency_quantile(&h, 990), 2047);
	EXPECT_INT(latency_quantile(&h, 1000), (1 << 20) + (19 << 20) / 20);
	EXPECT_INT(latency_quantile(&h, 991) > 1 << 20, 1);
	h.bucket[20] = h.count = UINT64_MAX / 4;
	EXPECT_INT(latency_quantile(&h, 999) <= 1 << 21, 1);
}

TEST("what came since is the difference, and never negative")
{
	struct latency_histogram before = {.count = 5, .sum = 100}, h = {.count = 8, .sum = 50};

	before.bucket[3] = 2;
	before.bucket[4] = 3;
	h.bucket[3] = 7;
	h.bucket[4] = 1;
	latency_since(&h, &before);
	EXPECT_INT(h.count, 5);
	EXPECT_INT(h.sum, 0);
	EXPECT_INT(h.bucket[3], 5);
	EXPECT_INT(h.bucket[4], 0);
}
