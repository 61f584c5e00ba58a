/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One table for the process, and one for each scope: a request costs two looks at the clock, which are no system calls,
 * and two additions.
 */
#include "base/latency.h"

#include <stdatomic.h>
#include <string.h>
#include <time.h>

#include "base/check.h"
#include "base/macros.h"
#include "base/scope.h"

static struct latency_counts histograms[LATENCY_OPERATIONS];
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
#ifdef PLYFS_NO_LATENCIES
	/* To be compared with (tests/bench/latency-cost). */
	return;
#endif
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
	struct scope *scope = scope_current();
	struct latency_counts *h = scope ? &scope->latencies[own.operation] : &histograms[own.operation];
	uint64_t ns = now_ns() - own.start;

	own.start = 0;
	atomic_fetch_add_explicit(&h->sum, ns, memory_order_relaxed);
	atomic_fetch_add_explicit(&h->bucket[histogram_bucket(ns)], 1, memory_order_relaxed);
}

static void read_counts(const struct latency_counts *h, struct latency_histogram *ret)
{
	ret->count = 0;
	ret->sum = atomic_load_explicit(&h->sum, memory_order_relaxed);
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		ret->bucket[i] = atomic_load_explicit(&h->bucket[i], memory_order_relaxed);
		ret->count += ret->bucket[i];
	}
}

void latency_read(unsigned operation, struct latency_histogram *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (CHECK(operation < LATENCY_OPERATIONS))
		read_counts(&histograms[operation], ret);
}

void latency_read_scope(const struct scope *scope, unsigned operation, struct latency_histogram *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (CHECK(operation < LATENCY_OPERATIONS))
		read_counts(&scope->latencies[operation], ret);
}

uint64_t latency_quantile(const struct latency_histogram *h, unsigned permille)
{
	uint64_t wanted, before = 0;

	if (!h->count || !CHECK(permille <= 1000))
		return 0;
	/* Rounded up: of one request its own. No product of large counts. */
	wanted = h->count / 1000 * permille + (h->count % 1000 * permille + 999) / 1000;
	wanted = MAX(wanted, 1U);
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		uint64_t start = i ? UINT64_C(1) << i : 0, width = (UINT64_C(2) << i) - start;

		if (h->bucket[i] && before + h->bucket[i] >= wanted)
			/* The middle of its share of the bucket. */
			return start +
			       (uint64_t)((double)width * ((double)(wanted - before) - 0.5) / (double)h->bucket[i]);
		before += h->bucket[i];
	}
	return UINT64_C(1) << LATENCY_BUCKETS;
}

void latency_since(struct latency_histogram *h, const struct latency_histogram *before)
{
	h->sum -= MIN(h->sum, before->sum);
	h->count = 0;
	for (unsigned i = 0; i < LATENCY_BUCKETS; i++) {
		h->bucket[i] -= MIN(h->bucket[i], before->bucket[i]);
		h->count += h->bucket[i];
	}
}
