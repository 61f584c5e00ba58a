/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The seeded hashes. The seed is secret to this process: nothing that leaves it (node ids, cookies, files) may be made
 * of these hashes, but of hash_order()'s, which have a secret of their own.
 */
#include "base/hash.h"

#include <errno.h>
#include <stdbool.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define XXH_INLINE_ALL
#include <xxhash.h>

static uint64_t hash_seed;
static unsigned char order_secret[XXH3_SECRET_SIZE_MIN];

/* Not secret, but different each time: for a kernel that gives no random numbers (none that can run us is known). */
static uint64_t seed_of_last_resort(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (uint64_t)now.tv_nsec * 0x9e3779b97f4a7c15u ^ (uint64_t)now.tv_sec << 20 ^ (uint64_t)getpid() ^
	       (uint64_t)(uintptr_t)&now;
}

static bool draw(void *ret, size_t len)
{
	ssize_t got;

	do
		got = getrandom(ret, len, 0);
	while (got < 0 && errno == EINTR);
	return got == (ssize_t)len;
}

uint64_t hash_bytes(const void *p, size_t len)
{
	return XXH3_64bits_withSeed(p, len, hash_seed);
}

void hash_seed_init(void)
{
	if (!draw(&hash_seed, sizeof(hash_seed)))
		hash_seed = seed_of_last_resort();
	if (!draw(order_secret, sizeof(order_secret)))
		for (size_t i = 0; i < sizeof(order_secret); i++)
			order_secret[i] = (unsigned char)hash_bytes(&i, sizeof(i));
}

uint64_t hash_order(const void *p, size_t len)
{
	return XXH3_64bits_withSecret(p, len, order_secret, sizeof(order_secret));
}

uint64_t hash_name(uint64_t parent, const char *name, size_t len)
{
	/* The odd constant spreads neighbouring parents' numbers over the whole seed. */
	return XXH3_64bits_withSeed(name, len, hash_seed + parent * 0x9e3779b97f4a7c15u);
}
