/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request loop: the threads that take requests from the kernel.
 *
 * One thread at a time has the turn. It reads a request, does its work and reads the next. The kernel wakes the thread
 * that has waited longest. Two threads that read would be woken in turn, each where it has slept longest, which costs
 * more than the requests do. A thread that is about to read again finds the next request there without having been
 * woken.
 *
 * The other threads wait for a turn. One gets it when the thread with the turn is away too long. That thread sleeps in
 * its request (a slow layer, one that hangs, a lock), or works for too long. When it comes back it waits for a turn
 * itself. So a request that hangs holds up nobody. There are as many threads as requests that hang, and two more. More
 * threads get turns if requests wait while the thread with the turn works.
 *
 * One thread decides all this. It looks at the others every two milliseconds while there are requests. A request costs
 * one store and one load for it, and the first request after a pause starts the clock.
 */
#ifndef FUSE_LOOP_H
#define FUSE_LOOP_H

struct host;
struct loop;

/* Before the mount exists. 0 or -errno. */
int loop_new(struct host *host, struct loop **ret_loop);
void loop_free(struct loop *loop);
/* Serves the host's session until it ends, see host_serve(). Once. */
int loop_run(struct loop *loop);

/* The thread is about to answer the request that it works on. */
void loop_note_answer(void);

#endif
