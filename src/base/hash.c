/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The one seeded hash. The seed is secret to this process: nothing that leaves it (node ids, cookies, files) may be
 * made of these hashes.
 */
#include "base/hash.h"

#include <errno.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t hash_seed;

/* Not secret, but different each time: for a kernel that gives no random numbers (none that can run us is known). */
static uint64_t seed_of_last_resort(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)now.tv_sec << 20 ^ (uint64_t)getpid() ^
	       (uint64_t)(uintptr_t)&now;
}

void hash_seed_init(void)
{
	uint64_t seed;
	ssize_t got;

	do
		got = getrandom(&seed, sizeof(seed), 0);
	while (got < 0 && errno == EINTR);
	hash_seed = got == sizeof(seed) ? seed : seed_of_last_resort();
}

uint64_t hash_bytes(const void *p, size_t len)
{
	return XXH3_64bits_withSeed(p, len, hash_seed);
}

uint64_t hash_name(uint64_t parent, const char *name, size_t len)
{
	/* The odd constant spreads neighbouring parents' numbers over the whole seed. */
	return XXH3_64bits_withSeed(name, len, hash_seed + parent * 0x9e3779b97f4a7c15u);
}
