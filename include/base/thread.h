/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Threads beside those of the session.
 */
#ifndef BASE_THREAD_H
#define BASE_THREAD_H

#include <pthread.h>

/* Starts a thread with all signals blocked. Signals are for the threads of the session: a handler in this thread would
 * interrupt its work. 0, or -errno of pthread_create(3). */
int thread_start(pthread_t *ret_thread, void *(*run)(void *), void *arg);
/* Names the calling thread, as ps(1) shows it: 15 letters. */
void thread_name(const char *name);

#endif
