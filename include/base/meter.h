/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How far this process is with a long work: the objects that it has dealt with, the bytes of contents that it has
 * read, and what it expects of both. plyctl shows it on a terminal; nothing is decided by it. Any thread adds, without
 * a lock.
 */
#ifndef BASE_METER_H
#define BASE_METER_H

#include <stdint.h>

struct meter {
	uint64_t objects, bytes;
	uint64_t all_objects, all_bytes; /* that are expected so far; 0: not known */
};

void meter_objects(uint64_t n);
void meter_bytes(uint64_t n);
/* Adds to what is expected. */
void meter_expect(uint64_t objects, uint64_t bytes);
struct meter meter_read(void);

#endif
