/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Requests that come over io_uring. libfuse reads and answers them by itself, so they don't pass through wire.c: their
 * time is taken around the operation here, and in job.c and waiting.c where another thread goes on.
 */
#ifndef FUSE_RING_H
#define FUSE_RING_H

#include "base/latency.h"
#include "state.h"

/* Puts operations that take the time in the place of those of the table. Without rings it does nothing. */
void ring_wrap(struct fuse_lowlevel_ops *ops);
/* The request of a job was answered, or another thread goes on with it. */
static inline void ring_answered(const struct host *host)
{
	/* A message was counted when its answer was written. */
	if (host->opt.io_uring)
		latency_end();
}

#endif
