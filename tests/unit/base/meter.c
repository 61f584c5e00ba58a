/* SPDX-License-Identifier: Apache-2.0 */
#include "base/meter.h"

#include <pthread.h>

#include "unit.h"

static void *add_many(void *arg)
{
	for (int i = 0; i < 10000; i++) {
		meter_objects(1);
		meter_bytes(3);
	}
	return arg;
}

TEST("what all threads add is there, and what is expected too")
{
	pthread_t threads[4];
	struct meter m;

	meter_expect(7, 8);
	meter_expect(1, 0);
	for (int i = 0; i < 4; i++)
		ASSERT_INT(pthread_create(&threads[i], NULL, add_many, NULL), 0);
	for (int i = 0; i < 4; i++)
		pthread_join(threads[i], NULL);
	m = meter_read();
	EXPECT_INT(m.objects, 40000);
	EXPECT_INT(m.bytes, 120000);
	EXPECT_INT(m.all_objects, 8);
	EXPECT_INT(m.all_bytes, 8);
}
