/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Event counters. Each thread adds to a block of its own, and a reader sums the blocks. A block outlives its thread.
 * Counting takes no lock.
 */
#ifndef BASE_COUNTER_H
#define BASE_COUNTER_H

#include <stdint.h>

/* One X(id, "name") for each counter. SIGUSR1 logs these names. */
#define COUNTER_LIST(X)                                                                                                \
	X(LOOKUP, "lookup")                                                                                            \
	X(LOOKUP_CACHED, "lookup-cached")                                                                              \
	X(LOOKUP_NEGATIVE, "lookup-negative")                                                                          \
	X(GETATTR, "getattr")                                                                                          \
	X(SETATTR, "setattr")                                                                                          \
	X(READLINK, "readlink")                                                                                        \
	X(OPEN, "open")                                                                                                \
	X(READ, "read")                                                                                                \
	X(READ_BYTES, "read-bytes")                                                                                    \
	X(WRITE, "write")                                                                                              \
	X(WRITE_BYTES, "write-bytes")                                                                                  \
	X(FSYNC, "fsync")                                                                                              \
	X(READDIR, "readdir")                                                                                          \
	X(READDIRPLUS, "readdirplus")                                                                                  \
	X(CREATE, "create")                                                                                            \
	X(REMOVE, "remove")                                                                                            \
	X(RENAME, "rename")                                                                                            \
	X(LINK, "link")                                                                                                \
	X(XATTR, "xattr")                                                                                              \
	X(STATFS, "statfs")                                                                                            \
	X(MISC, "misc")                                                                                                \
	X(FORGET, "forget")                                                                                            \
	X(COPY_UP, "copy-up")                                                                                          \
	X(COPY_UP_BYTES, "copy-up-bytes")                                                                              \
	X(COPY_UP_FAILED, "copy-up-failed")                                                                            \
	X(LISTING_BUILT, "listing-built")                                                                              \
	X(WAITING, "waiting")                                                                                          \
	X(INTERRUPTED, "interrupted")                                                                                  \
	X(DESCRIPTOR_EVICTED, "descriptor-evicted")

enum counter {
#define X(id, name) COUNTER_##id,
	COUNTER_LIST(X)
#undef X
		COUNTER_MAX
};

struct scope; /* base/scope.h */

void counter_add(enum counter c, uint64_t n);
/* The sum of all threads since the process began. Events during the call may be in the sum or not. */
uint64_t counter_read(enum counter c);
/* The same of what was counted in a scope, which isn't in that sum. */
uint64_t counter_read_scope(const struct scope *scope, enum counter c);
const char *counter_name(enum counter c);

#endif
