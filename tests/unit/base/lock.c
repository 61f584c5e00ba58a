/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The lock order and its witness.
 */
#include "base/lock.h"

#include <errno.h>
#include <signal.h>

#include "base/check.h"
#include "child.h"
#include "unit.h"

static struct lock dir_a, dir_b, dir_c, inode_a, inode_b, leaf_a, leaf_b;
static struct rwlock gate;

static void init_all(void)
{
	rwlock_init(&gate, LOCK_GATE);
	lock_init(&dir_a, LOCK_DIR);
	lock_init(&dir_b, LOCK_DIR);
	lock_init(&dir_c, LOCK_DIR);
	lock_init(&inode_a, LOCK_INODE);
	lock_init(&inode_b, LOCK_INODE);
	lock_init(&leaf_a, LOCK_LEAF);
	lock_init(&leaf_b, LOCK_LEAF);
}

static void in_order(void)
{
	rwlock_read(&gate);
	lock_take_pair(&dir_b, &dir_a);
	lock_take_pair(&inode_a, &inode_b);
	lock_take(&leaf_a);
	lock_drop(&leaf_a);
	lock_take(&leaf_b);
	lock_drop(&leaf_b);
	lock_drop_pair(&inode_a, &inode_b);
	lock_drop_pair(&dir_b, &dir_a);
	rwlock_drop(&gate);
	rwlock_write(&gate);
	rwlock_drop(&gate);
}

static void inwards_then_outwards(void)
{
	lock_take(&inode_a);
	lock_take(&dir_a);
}

static void gate_beneath_dir(void)
{
	lock_take(&dir_a);
	rwlock_read(&gate);
}

static void two_of_a_class(void)
{
	lock_take(&dir_a);
	lock_take(&dir_b);
}

static void leaf_beneath_leaf(void)
{
	lock_take(&leaf_a);
	lock_take(&leaf_b);
}

static void pair_of_leaves(void)
{
	lock_take_pair(&leaf_a, &leaf_b);
}

static void pair_beneath_one(void)
{
	lock_take(&dir_a);
	lock_take_pair(&dir_b, &dir_c);
}

static void itself(void)
{
	lock_take(&dir_a);
	lock_take(&dir_a);
}

static void read_twice(void)
{
	rwlock_read(&gate);
	rwlock_read(&gate);
}

static void drop_what_is_not_held(void)
{
	lock_drop(&dir_a);
}

static void broken_invariant(void)
{
	int one = 1;

	if (!CHECK(one == 2))
		_exit(7);
}

TEST("locks taken from the outside in, and pairs by the pair functions, are accepted")
{
	init_all();
	EXPECT_INT(child_run(in_order), CHILD_EXITED);
}

TEST("a violation of the lock order aborts debug builds, whether or not it would deadlock")
{
#ifndef PLYFS_DEBUG
	SKIP("release builds keep no record");
#endif
	init_all();
	EXPECT_INT(child_run(inwards_then_outwards), SIGABRT);
	EXPECT_INT(child_run(gate_beneath_dir), SIGABRT);
	EXPECT_INT(child_run(two_of_a_class), SIGABRT);
	EXPECT_INT(child_run(leaf_beneath_leaf), SIGABRT);
	EXPECT_INT(child_run(pair_of_leaves), SIGABRT);
	EXPECT_INT(child_run(pair_beneath_one), SIGABRT);
	EXPECT_INT(child_run(itself), SIGABRT);
	EXPECT_INT(child_run(read_twice), SIGABRT);
	EXPECT_INT(child_run(drop_what_is_not_held), SIGABRT);
}

TEST("a broken invariant aborts debug builds and is survived by release builds")
{
#ifdef PLYFS_DEBUG
	EXPECT_INT(child_run(broken_invariant), SIGABRT);
#else
	EXPECT_INT(child_run(broken_invariant), -7);
#endif
}

TEST("a pair of one lock twice takes it once and drops it once")
{
	init_all();
	lock_take_pair(&dir_a, &dir_a);
	EXPECT_INT(pthread_mutex_trylock(&dir_a.mutex), EBUSY);
	lock_drop_pair(&dir_a, &dir_a);
	ASSERT_INT(pthread_mutex_trylock(&dir_a.mutex), 0);
	pthread_mutex_unlock(&dir_a.mutex);
}

TEST("a lock is held from taking to dropping, in any order of dropping")
{
	init_all();
	lock_take(&dir_a);
	lock_take(&inode_a);
	EXPECT(lock_held(&dir_a));
	lock_drop(&dir_a);
	EXPECT(lock_held(&inode_a));
#ifdef PLYFS_DEBUG
	EXPECT(!lock_held(&dir_a));
#endif
	lock_drop(&inode_a);
	lock_take(&dir_a);
	lock_drop(&dir_a);
}

TEST("an rwlock is held by who reads and by who writes, until it is dropped")
{
	struct rwlock names;

	rwlock_init(&names, LOCK_NAMES);
	rwlock_read(&names);
	EXPECT(rwlock_held(&names));
	rwlock_drop(&names);
	rwlock_write(&names);
	EXPECT(rwlock_held(&names));
	rwlock_drop(&names);
#ifdef PLYFS_DEBUG
	EXPECT(!rwlock_held(&names));
#endif
	rwlock_finish(&names);
}

TEST("LOCK_SCOPE drops at the end of its block")
{
	init_all();
	{
		LOCK_SCOPE(&leaf_a);
		EXPECT_INT(pthread_mutex_trylock(&leaf_a.mutex), EBUSY);
	}
	ASSERT_INT(pthread_mutex_trylock(&leaf_a.mutex), 0);
	pthread_mutex_unlock(&leaf_a.mutex);
}

static void *read_gate(void *arg)
{
	rwlock_read(&gate);
	rwlock_drop(&gate);
	return NULL;
}

TEST("several threads read the gate at once")
{
	pthread_t thread;

	init_all();
	rwlock_read(&gate);
	ASSERT_INT(pthread_create(&thread, NULL, read_gate, NULL), 0);
	pthread_join(thread, NULL); /* hangs if the reader must wait */
	rwlock_drop(&gate);
}
