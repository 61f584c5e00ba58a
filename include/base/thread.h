/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads that work behind the session's.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Starts a thread with all signals blocked: they belong to the session's threads, and a handler that ran here would
 * interrupt the work. 0, or -errno of pthread_create(3). */
int thread_start(pthread_t *ret_thread, void *(*run)(void *), void *arg);
/* Names the calling thread, as ps(1) shows it: 15 letters. */
void thread_name(const char *name);

#endif
