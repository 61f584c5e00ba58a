/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table for the process: a request costs two looks at the clock, which are no system calls, and two additions.
 */
#include "base/latency.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/macros.h"

struct histogram {
	_Atomic uint64_t sum;
	_Atomic uint64_t bucket[LATENCY_BUCKETS];
};

static struct histogram histograms[LATENCY_OPERATIONS];
static _Thread_local struct latency_span own;

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000U + (uint64_t)ts.tv_nsec;
}

void latency_begin(unsigned operation)
{
	own = (struct latency_span){0};
	if (operation < LATENCY_OPERATIONS)
		own = (struct latency_span){.start = now_ns(), .operation = operation};
}

struct latency_span latency_take(void)
{
	struct latency_span span = own;

	own.start = 0;
	return span;
}

void latency_resume(struct latency_span span)
{
	(void)CHECK(!span.start || span.operation < LATENCY_OPERATIONS);
	own = span;
}

static unsigned histogram_bucket(uint64_t ns)
{
	unsigned n = ns ? 63U - (unsigned)__builtin_clzll(ns) : 0;

	return MIN(n, LATENCY_BUCKETS - 1U);
}

void latency_end(void)
{
	if (!own.start)
		return;
	if (!CHECK(own.operation < LATENCY_OPERATIONS))
		return;
	struct histogram *h = &histograms[own.operation];
	uint64_t ns = now_ns() - own.start;

	own.start = 0;
	atomic_fetch_add_explicit(&h->sum, ns, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->bucket[histogram_bucket(ns)], 1, memory_order_relaxed);
}

void latency_read(unsigned operation, struct latency_histogram *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!CHECK(operation < LATENCY_OPERATIONS))
		return;
	struct histogram *h = &histograms[operation];

	ret->sum = atomic_load_explicit(&h->sum, memory_order_relaxed);
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		ret->bucket[i] = atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
		ret->count += ret->bucket[i];
	}
}
