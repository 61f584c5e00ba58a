/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Locks with classes and, in debug builds, their witness: each thread keeps the stack of what it holds, and taking a
 * lock whose class isn't strictly further in than all of them aborts, whether or not the thread would have deadlocked
 * this time. The check is made before blocking, so that a self-deadlock is reported as well.
 */
#include "base/lock.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/check.h"

#ifdef PLYFS_DEBUG

#define HELD_MAX 16

struct held {
	const void *lock;
	enum lock_class class;
};

static _Thread_local struct held held[HELD_MAX];
static _Thread_local unsigned n_held;

static const char *class_name(enum lock_class class)
{
	static const char *const names[LOCK_CLASS_MAX] = {"gate", "rename", "dir", "inode", "names", "table", "leaf"};

	return (unsigned)class < LOCK_CLASS_MAX ? names[class] : "?";
}

/* Straight to stderr: the log may be what holds the lock. */
__attribute__((noreturn)) static void witness_abort(const char *what, const void *lock, enum lock_class class)
{
	fprintf(stderr, "plyfs: lock order: %s %s %p; this thread holds, outermost first:", what, class_name(class),
		lock);
	for (unsigned i = 0; i < n_held; i++)
		fprintf(stderr, " %s %p", class_name(held[i].class), held[i].lock);
	fputc('\n', stderr);
	abort();
}

/* `partner`: the first lock of a pair, which alone may be of the same class; NULL outside of pairs. */
static void witness_take(const void *lock, enum lock_class class, const void *partner)
{
	for (unsigned i = 0; i < n_held; i++)
		if (held[i].class >= class && (!partner || held[i].lock != partner))
			witness_abort("takes", lock, class);
	if (n_held == HELD_MAX)
		witness_abort("has no room for", lock, class);
	held[n_held++] = (struct held){lock, class};
}

static void witness_pair(enum lock_class class, const void *lock)
{
	if (class != LOCK_DIR && class != LOCK_INODE)
		witness_abort("takes a pair of", lock, class);
}

static void witness_take_below(const void *lock, enum lock_class class)
{
	if (class != LOCK_DIR)
		witness_abort("takes below", lock, class);
	for (unsigned i = 0; i < n_held; i++)
		if (held[i].class > class || held[i].lock == lock)
			witness_abort("takes below", lock, class);
	if (n_held == HELD_MAX)
		witness_abort("has no room for", lock, class);
	held[n_held++] = (struct held){lock, class};
}

static void witness_drop(const void *lock, enum lock_class class)
{
	for (unsigned i = n_held; i-- > 0;)
		if (held[i].lock == lock) {
			for (n_held--; i < n_held; i++)
				held[i] = held[i + 1];
			return;
		}
	witness_abort("drops, not holding,", lock, class);
}

static bool witness_holds(const void *lock)
{
	for (unsigned i = 0; i < n_held; i++)
		if (held[i].lock == lock)
			return true;
	return false;
}

bool lock_held(const struct lock *l)
{
	return witness_holds(l);
}

bool rwlock_held(const struct rwlock *l)
{
	return witness_holds(l);
}

#else

static void witness_take(const void *lock, enum lock_class class, const void *partner)
{
}

static void witness_pair(enum lock_class class, const void *lock)
{
}

static void witness_take_below(const void *lock, enum lock_class class)
{
}

static void witness_drop(const void *lock, enum lock_class class)
{
}

#endif

#ifdef __SANITIZE_THREAD__
/* Directories move, and with them the order of their locks. ThreadSanitizer remembers the order in which two mutexes
 * were once taken, takes that for a deadlock, and can't know that one rename at a time orders directories that aren't
 * parent and child. */
const char *__tsan_default_suppressions(void);
const char *__tsan_default_suppressions(void)
{
	return "deadlock:lock_take_pair\ndeadlock:lock_take_below\n";
}
#endif

void lock_init(struct lock *l, enum lock_class class)
{
	(void)CHECK((unsigned)class < LOCK_CLASS_MAX);
	pthread_mutex_init(&l->mutex, NULL);
	l->class = class;
}

void lock_finish(struct lock *l)
{
	pthread_mutex_destroy(&l->mutex);
}

static void take(struct lock *l, const struct lock *partner)
{
	witness_take(l, l->class, partner);
	pthread_mutex_lock(&l->mutex);
}

void lock_take(struct lock *l)
{
	take(l, NULL);
}

void lock_drop(struct lock *l)
{
	witness_drop(l, l->class);
	pthread_mutex_unlock(&l->mutex);
}

void lock_take_pair(struct lock *a, struct lock *b)
{
	(void)CHECK(a->class == b->class);
	witness_pair(a->class, a);
	take(a, NULL);
	if (a != b)
		take(b, a);
}

void lock_take_below(struct lock *l)
{
	witness_take_below(l, l->class);
	pthread_mutex_lock(&l->mutex);
}

void lock_drop_pair(struct lock *a, struct lock *b)
{
	if (a != b)
		lock_drop(b);
	lock_drop(a);
}

void rwlock_init(struct rwlock *l, enum lock_class class)
{
	(void)CHECK((unsigned)class < LOCK_CLASS_MAX);
	pthread_rwlockattr_t attr;

	pthread_rwlockattr_init(&attr);
#ifdef __GLIBC__
	/* Else a steady flow of readers keeps the writer out for ever. No thread reads twice: the class order forbids
	 * it. */
	pthread_rwlockattr_setkind_np(&attr, PTHREAD_RWLOCK_PREFER_WRITER_NONRECURSIVE_NP);
#endif
	pthread_rwlock_init(&l->rw, &attr);
	pthread_rwlockattr_destroy(&attr);
	l->class = class;
}

void rwlock_finish(struct rwlock *l)
{
	pthread_rwlock_destroy(&l->rw);
}

void rwlock_read(struct rwlock *l)
{
	witness_take(l, l->class, NULL);
	pthread_rwlock_rdlock(&l->rw);
}

void rwlock_write(struct rwlock *l)
{
	witness_take(l, l->class, NULL);
	pthread_rwlock_wrlock(&l->rw);
}

bool rwlock_try_read(struct rwlock *l)
{
	witness_take(l, l->class, NULL);
	if (pthread_rwlock_tryrdlock(&l->rw) == 0)
		return true;
	witness_drop(l, l->class);
	return false;
}

bool rwlock_try_write(struct rwlock *l)
{
	witness_take(l, l->class, NULL);
	if (pthread_rwlock_trywrlock(&l->rw) == 0)
		return true;
	witness_drop(l, l->class);
	return false;
}

void rwlock_drop(struct rwlock *l)
{
	witness_drop(l, l->class);
	pthread_rwlock_unlock(&l->rw);
}
