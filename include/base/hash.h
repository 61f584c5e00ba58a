/* SPDX-License-Identifier: Apache-2.0 */
/*
 * XXH3-64, seeded once a process from the kernel's random numbers, so that a hostile writer can't choose names that
 * collide. Include this header before uthash.h: it makes XXH3 the hash function of every table.
 */
#ifndef BASE_HASH_H
#define BASE_HASH_H

#include <stddef.h>
#include <stdint.h>

/* Draws the seed; called once before any table exists. */
void hash_seed_init(void);
/* A hash that differs from process to process: for tables in memory, never for stored data. */
uint64_t hash_bytes(const void *p, size_t len);
/* The same with another, long secret. Parts of these hashes may be visible outside, as the positions of names in a
 * listing. */
uint64_t hash_order(const void *p, size_t len);
/* Hash of a name in a directory: `parent` is any number that identifies the directory. */
uint64_t hash_name(uint64_t parent, const char *name, size_t len);

#define HASH_FUNCTION(keyptr, keylen, hashv)                                                                           \
	do {                                                                                                           \
		(hashv) = (unsigned)hash_bytes((keyptr), (keylen));                                                    \
	} while (0)

#endif
