/* SPDX-License-Identifier: Apache-2.0 */
/*
 * When processors are kept awake.
 */
#include "../../../src/fuse/cpu_latency.h"

#include "base/macros.h"
#include "unit.h"

static const struct {
	bool held;
	unsigned requests;
	unsigned long long ms;
	bool wanted;
} looks[] = {
	/* Nothing is held, and a batch is full. */
	{false, CPU_LATENCY_BATCH, 0, true},
	{false, CPU_LATENCY_BATCH, 1, true},
	{false, CPU_LATENCY_BATCH, 8, true},
	{false, CPU_LATENCY_BATCH, 9, false},
	{false, CPU_LATENCY_BATCH, 1000, false},
	{false, CPU_LATENCY_BATCH, 1ULL << 40, false}, /* the first after years */
	/* The thread was late, and more have come. */
	{false, 400, 100, true},
	{false, 399, 100, false},
	{false, 4000000000U, 1000000000, true},
	{false, 4000000000U, 1000000001, false},
	/* Processors are held, an interval is over. */
	{true, 0, CPU_LATENCY_LOOK_MS, false},
	{true, 1, CPU_LATENCY_LOOK_MS, false},
	{true, 39, CPU_LATENCY_LOOK_MS, false},
	{true, 40, CPU_LATENCY_LOOK_MS, true},
	{true, 80, CPU_LATENCY_LOOK_MS, true},
	{true, 199, 100, false},
	{true, 200, 100, true},
	/* What isn't enough to begin may be enough to go on. */
	{false, 300, 100, false},
	{true, 300, 100, true},
};

TEST("processors are kept awake by dense requests, and until they are less than half as dense")
{
	for (size_t i = 0; i < ARRAY_SIZE(looks); i++)
		if (cpu_latency_wanted(looks[i].held, looks[i].requests, looks[i].ms) != looks[i].wanted)
			UNIT_FAIL("%s, %u requests in %llu ms", looks[i].held ? "held" : "not held", looks[i].requests,
				  looks[i].ms);
}
