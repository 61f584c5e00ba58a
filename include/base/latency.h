/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How long requests take: one histogram for each kind of operation. A bucket holds the durations from one power of two
 * of nanoseconds to the next. A thread works on one request at a time; its span says which and since when. If another
 * thread goes on with the request it takes the span over. Counting takes no lock.
 */
#ifndef BASE_LATENCY_H
#define BASE_LATENCY_H

#include <stdatomic.h>
#include <stdint.h>

#define LATENCY_OPERATIONS 64
#define LATENCY_BUCKETS 40

/* The durations of one operation, as they are counted. */
struct latency_counts {
	_Atomic uint64_t sum;
	_Atomic uint64_t bucket[LATENCY_BUCKETS];
};

struct scope; /* base/scope.h */

/* A request that is being worked on. A zeroed span is none. */
struct latency_span {
	uint64_t start; /* CLOCK_MONOTONIC in nanoseconds */
	unsigned operation;
};

struct latency_histogram {
	uint64_t count;			  /* of all buckets */
	uint64_t sum;			  /* nanoseconds */
	uint64_t bucket[LATENCY_BUCKETS]; /* [n]: durations from 2^n to 2^(n+1) - 1; the last has all longer ones too */
};

/* This thread begins to work on a request. An operation that has no histogram isn't measured. */
void latency_begin(unsigned operation);
/* Takes the span of this thread's request, which another thread goes on with. */
struct latency_span latency_take(void);
/* This thread goes on with the request. */
void latency_resume(struct latency_span span);
/* The request of this thread is about to be answered: counts it once. Without a request it does nothing. */
void latency_end(void);
/* Requests during the call may be in the numbers or not. */
void latency_read(unsigned operation, struct latency_histogram *ret);
/* The same of a scope. */
void latency_read_scope(const struct scope *scope, unsigned operation, struct latency_histogram *ret);
/* The duration in nanoseconds that `permille` of 1000 requests keep within, as far as the buckets tell: within a bucket
 * requests count as spread evenly. 0 without requests. */
uint64_t latency_quantile(const struct latency_histogram *h, unsigned permille);
/* Takes the numbers of an earlier moment off `h`. A number that is less than before, as after a restart, becomes
 * 0. */
void latency_since(struct latency_histogram *h, const struct latency_histogram *before);

#endif
