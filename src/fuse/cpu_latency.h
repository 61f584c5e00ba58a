/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Idle processors are kept awake, polling, while requests come densely (low_latency): where they halt, and a hypervisor
 * has to wake them, that takes longer than most requests. While requests are few, and while there are none, nothing is
 * asked of the machine.
 */
#ifndef FUSE_CPU_LATENCY_H
#define FUSE_CPU_LATENCY_H

#include <stdbool.h>

#include "fuse/host.h"

/* Requests a second from which on they are dense, and that they have to keep up. Below the first a wake-up more or less
 * doesn't show: of 250 microseconds it takes some 40. */
#define CPU_LATENCY_DENSE_RATE 4000U
#define CPU_LATENCY_KEEP_RATE 2000U
/* Requests after which their density is looked at: who sends fewer at a time, and then pauses, wakes nobody. */
#define CPU_LATENCY_BATCH 32U
/* How often it is looked at while processors are kept awake; so they are let go within twice that after the last
 * request. */
#define CPU_LATENCY_LOOK_MS 20U

struct cpu_latency;

/* Whether processors are to be kept awake, after so many requests in so many milliseconds; `held`: they are now. */
static inline bool cpu_latency_wanted(bool held, unsigned requests, unsigned long long ms)
{
	return requests * 1000ULL >= (held ? CPU_LATENCY_KEEP_RATE : CPU_LATENCY_DENSE_RATE) * ms;
}

/* Before the mount exists, which may cover the device. NULL where it isn't wanted or can't be had, of which users are
 * warned if they asked for it: requests take as long as ever then. */
void cpu_latency_new(enum cpu_latency_when when, struct cpu_latency **ret_latency);
/* Processors are let go. NULL is fine. */
void cpu_latency_free(struct cpu_latency *cpu_latency);
/* A request has come; from any thread. Neither a lock nor a clock, but for one of CPU_LATENCY_BATCH while nothing is
 * held. */
void cpu_latency_note(struct cpu_latency *cpu_latency);

#endif
