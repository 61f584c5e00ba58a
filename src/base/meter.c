/* SPDX-License-Identifier: Apache-2.0 */
#include "base/meter.h"

#include <stdatomic.h>

#include "base/check.h"

static struct {
	_Atomic uint64_t objects, bytes, all_objects, all_bytes;
} meter;

static void meter_add(_Atomic uint64_t *to, uint64_t n)
{
	atomic_fetch_add_explicit(to, n, memory_order_relaxed);
}

void meter_objects(uint64_t n)
{
	meter_add(&meter.objects, n);
}

void meter_bytes(uint64_t n)
{
	(void)CHECK(n <= INT64_MAX);
	meter_add(&meter.bytes, n);
}

void meter_expect(uint64_t objects, uint64_t bytes)
{
	(void)CHECK(bytes <= INT64_MAX);
	meter_add(&meter.all_objects, objects);
	meter_add(&meter.all_bytes, bytes);
}

struct meter meter_read(void)
{
	return (struct meter){.objects = meter.objects,
			      .bytes = meter.bytes,
			      .all_objects = meter.all_objects,
			      .all_bytes = meter.all_bytes};
}
