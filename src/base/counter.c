/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Counting touches only the thread's own cache lines: one plain load and store. Blocks are never freed, they are on a
 * list that only grows at its head, so that a reader walks it without a lock; a thread that ends leaves its block (with
 * what it counted) to the next thread that starts, so threads that come and go don't make the list longer.
 */
#include "base/counter.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/macros.h"
#include "base/scope.h"

struct counter_block {
	_Alignas(64) _Atomic uint64_t value[COUNTER_MAX]; /* written by the owner alone */
	_Atomic bool owned;
	struct counter_block *next;
};

static _Atomic(struct counter_block *) all_blocks;
static _Thread_local struct counter_block *own_block;
static pthread_key_t exit_key;
static pthread_once_t exit_key_once = PTHREAD_ONCE_INIT;
static bool have_exit_key;
/* For threads that find no memory; several may write. */
static _Atomic uint64_t shared_value[COUNTER_MAX];

static void block_disown(void *arg)
{
	struct counter_block *block = arg;

	(void)CHECK(atomic_load_explicit(&block->owned, memory_order_relaxed) && block == own_block);
	own_block = NULL;
	atomic_store_explicit(&block->owned, false, memory_order_release);
}

static void exit_key_init(void)
{
	have_exit_key = pthread_key_create(&exit_key, block_disown) == 0;
}

static struct counter_block *block_adopt(void)
{
	struct counter_block *block = atomic_load_explicit(&all_blocks, memory_order_acquire);

	for (; block; block = block->next) {
		bool owned = false;

		if (atomic_compare_exchange_strong(&block->owned, &owned, true))
			return block;
	}
	return NULL;
}

static struct counter_block *block_new(void)
{
	struct counter_block *block = aligned_alloc(_Alignof(struct counter_block), sizeof(*block));

	if (!block)
		return NULL;
	for (unsigned i = 0; i < COUNTER_MAX; i++)
		atomic_init(&block->value[i], 0);
	atomic_init(&block->owned, true);
	block->next = atomic_load_explicit(&all_blocks, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(&all_blocks, &block->next, block, memory_order_release,
						      memory_order_relaxed))
		;
	return block;
}

static struct counter_block *block_of_thread(void)
{
	if (likely(own_block))
		return own_block;
	pthread_once(&exit_key_once, exit_key_init);
	own_block = block_adopt();
	if (!own_block)
		own_block = block_new();
	if (own_block && have_exit_key)
		pthread_setspecific(exit_key, own_block);
	return own_block;
}

void counter_add(enum counter c, uint64_t n)
{
	if (!CHECK((unsigned)c < COUNTER_MAX))
		return;
	struct scope *scope = scope_current();
	struct counter_block *block;

	if (unlikely(scope)) {
		atomic_fetch_add_explicit(&scope->counted[c], n, memory_order_relaxed);
		return;
	}
	block = block_of_thread();
	if (unlikely(!block)) {
		atomic_fetch_add_explicit(&shared_value[c], n, memory_order_relaxed);
		return;
	}
	uint64_t value = atomic_load_explicit(&block->value[c], memory_order_relaxed);

	atomic_store_explicit(&block->value[c], value + n, memory_order_relaxed);
}

uint64_t counter_read(enum counter c)
{
	if (!CHECK((unsigned)c < COUNTER_MAX))
		return 0;
	struct counter_block *block = atomic_load_explicit(&all_blocks, memory_order_acquire);
	uint64_t sum = atomic_load_explicit(&shared_value[c], memory_order_relaxed);

	for (; block; block = block->next)
		sum += atomic_load_explicit(&block->value[c], memory_order_relaxed);
	return sum;
}

uint64_t counter_read_scope(const struct scope *scope, enum counter c)
{
	return CHECK((unsigned)c < COUNTER_MAX) ? atomic_load_explicit(&scope->counted[c], memory_order_relaxed) : 0;
}

const char *counter_name(enum counter c)
{
	static const char *const names[] = {
#define X(id, name) [COUNTER_##id] = name,
		COUNTER_LIST(X)
#undef X
	};

	return (unsigned)c < COUNTER_MAX ? names[c] : NULL;
}
