/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counters: nothing that any thread counted is lost.
 */
#include "base/counter.h"

#include <pthread.h>

#include "unit.h"

enum { THREADS = 8, ROUNDS = 10000 };

static void *count_up(void *arg)
{
	for (int i = 0; i < ROUNDS; i++) {
		counter_add(COUNTER_READ, 1);
		counter_add(COUNTER_READ_BYTES, 4096);
	}
	return NULL;
}

TEST("what threads counted stays counted when they have ended")
{
	uint64_t reads = counter_read(COUNTER_READ), bytes = counter_read(COUNTER_READ_BYTES);
	pthread_t threads[THREADS];

	for (int round = 0; round < 2; round++) { /* the second takes over the first one's blocks */
		for (int i = 0; i < THREADS; i++)
			ASSERT_INT(pthread_create(&threads[i], NULL, count_up, NULL), 0);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
	}
	EXPECT_INT(counter_read(COUNTER_READ) - reads, 2 * THREADS * ROUNDS);
	EXPECT_INT(counter_read(COUNTER_READ_BYTES) - bytes, 2ll * THREADS * ROUNDS * 4096);
}

TEST("reading while others count never goes backwards")
{
	uint64_t last = 0;
	pthread_t thread;

	ASSERT_INT(pthread_create(&thread, NULL, count_up, NULL), 0);
	for (int i = 0; i < 1000; i++) {
		uint64_t now = counter_read(COUNTER_READ);

		EXPECT(now >= last);
		last = now;
	}
	pthread_join(thread, NULL);
}

TEST("every counter has a name of its own")
{
	for (int i = 0; i < COUNTER_MAX; i++) {
		ASSERT(counter_name(i));
		for (int j = 0; j < i; j++)
			EXPECT(strcmp(counter_name(i), counter_name(j)));
	}
	EXPECT_STR(counter_name(COUNTER_COPY_UP_BYTES), "copy-up-bytes");
	EXPECT(!counter_name(COUNTER_MAX));
}
