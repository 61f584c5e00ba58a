/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks with classes. The order, outermost first; a thread may take a lock only of a class further in than all it
 * holds, except where a class is marked "pairs" (two of it at once, taken by the one function that orders them):
 *
 *	LOCK_GATE     shared by every change; exclusive it holds them up, which nothing but tests does yet (rwlock)
 *	  LOCK_RENAME   R: directory moves across parents
 *	    LOCK_DIR      D: names of one directory (pairs: ancestor first, else by id)
 *	      LOCK_INODE    I: one inode's change: publish, attributes, open by name (pairs: by address)
 *	        LOCK_NAMES    N: shared by who opens by name, exclusive for who moves names; only where names alone tell
 *	                      objects apart (rwlock)
 *	          LOCK_TABLE    T: inode table; never across a system call
 *	            LOCK_LEAF     leaf: listing, descriptor caches, pools, logs; nothing is taken beneath (pairs
 *	                          forbidden)
 *
 * Debug builds keep what each thread holds and abort on a violation.
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

/* None of these fails. The class says where in the order the lock stands. */
void lock_init(struct lock *l, enum lock_class class);
void lock_finish(struct lock *l);
void lock_take(struct lock *l);
void lock_drop(struct lock *l);
/* Takes two locks of one class in the order given (a first); a == b takes it once. The caller has put them in order. */
void lock_take_pair(struct lock *a, struct lock *b);
void lock_drop_pair(struct lock *a, struct lock *b);
/* One more lock of class LOCK_DIR: of a directory that lies below those whose locks this thread holds. */
void lock_take_below(struct lock *l);
/* Debug builds: whether this thread holds `l`; release builds: true, and no code. For CHECK() in *_locked functions. */
#ifdef PLYFS_DEBUG
bool lock_held(const struct lock *l);
#else
static inline bool lock_held(const struct lock *l)
{
	(void)l;
	return true;
}
#endif

void rwlock_init(struct rwlock *l, enum lock_class class);
void rwlock_finish(struct rwlock *l);
void rwlock_read(struct rwlock *l);
void rwlock_write(struct rwlock *l);
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
