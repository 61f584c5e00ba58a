/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks with classes. The order is given below, outermost first. A thread may take a lock only of a class further in
 * than all locks that it holds. A class marked "pairs" is an exception: the one function that orders them takes two of
 * it at once.
 *
 *	LOCK_GATE     shared by every change; exclusive it stops all changes: freeze (rwlock)
 *	  LOCK_RENAME   R: directory moves across parents
 *	    LOCK_DIR      D: names of one directory (pairs: ancestor first, else by id)
 *	      LOCK_INODE    I: one inode's change: publish, attributes, open by name (pairs: by address)
 *	        LOCK_NAMES    N: where names alone tell objects apart (rwlock); shared for opening by name,
 *	                         exclusive for moving names
 *	          LOCK_TABLE    T: inode table; never across a system call
 *	            LOCK_LEAF     leaf: listing, descriptor caches, pools, logs; no lock beneath (pairs forbidden)
 *
 * Debug builds record the locks that each thread holds, and abort on a violation.
 */
#ifndef BASE_LOCK_H
#define BASE_LOCK_H

#include <pthread.h>
#include <stdbool.h>

enum lock_class { LOCK_GATE, LOCK_RENAME, LOCK_DIR, LOCK_INODE, LOCK_NAMES, LOCK_TABLE, LOCK_LEAF, LOCK_CLASS_MAX };

struct lock {
	pthread_mutex_t mutex;
	unsigned char class;
};

struct rwlock {
	pthread_rwlock_t rw;
	unsigned char class;
};

/* None of these functions fails. The class is the position of the lock in the order. */
void lock_init(struct lock *l, enum lock_class class);
void lock_finish(struct lock *l);
void lock_take(struct lock *l);
void lock_drop(struct lock *l);
/* Takes two locks of one class in the order given, a first. With a == b it takes the lock once. The caller has ordered
 * the two. */
void lock_take_pair(struct lock *a, struct lock *b);
void lock_drop_pair(struct lock *a, struct lock *b);
/* Takes one more lock of class LOCK_DIR: that of a directory below those whose locks this thread holds. */
void lock_take_below(struct lock *l);
/* Debug builds: whether this thread holds `l`, the rwlock in either way; release builds: true, and no code. For CHECK()
 * in *_locked functions. */
#ifdef PLYFS_DEBUG
bool lock_held(const struct lock *l);
bool rwlock_held(const struct rwlock *l);
#else
static inline bool lock_held(const struct lock *l)
{
	(void)l;
	return true;
}
static inline bool rwlock_held(const struct rwlock *l)
{
	(void)l;
	return true;
}
#endif

void rwlock_init(struct rwlock *l, enum lock_class class);
void rwlock_finish(struct rwlock *l);
void rwlock_read(struct rwlock *l);
void rwlock_write(struct rwlock *l);
/* Take the lock only if that is possible at once; whether they did. */
bool rwlock_try_read(struct rwlock *l);
bool rwlock_try_write(struct rwlock *l);
void rwlock_drop(struct rwlock *l);

static inline void lock_cleanup(struct lock **l)
{
	if (*l)
		lock_drop(*l);
}

#define LOCK_SCOPE_NAME2(line) _lock_scope_##line
#define LOCK_SCOPE_NAME(line) LOCK_SCOPE_NAME2(line)
/* Holds `l` until the end of the scope. */
#define LOCK_SCOPE(l)                                                                                                  \
	struct lock *LOCK_SCOPE_NAME(__LINE__) __attribute__((cleanup(lock_cleanup), unused)) = (lock_take(l), (l))

#endif
