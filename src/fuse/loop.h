/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The request loop: who takes requests from the kernel.
 *
 * One thread at a time has the turn: it reads a request, does the work of it and reads the next. As the kernel wakes
 * whoever has waited longest, two that read would be woken in turn, each where it has slept longest, which costs more
 * than the requests do; and a thread that is about to read again finds the next request there without having been
 * woken. Others wait for a turn of theirs, and get one when a thread is away too long: it sleeps in its request (a slow
 * layer, one that hangs, a lock), or it takes all too long. When it comes back it waits for a turn in its turn. So a
 * request that hangs holds up nobody, whatever it is and whatever hangs there, and there are as many threads as
 * requests that hang, and two more. Where requests wait though the thread with the turn only works, more threads get
 * turns.
 *
 * All that is decided by one thread that looks at the others every two milliseconds while there are requests. A request
 * costs one store and one load for it, and the first one after a pause starts the clock.
 */
#ifndef FUSE_LOOP_H
#define FUSE_LOOP_H

struct fs;
struct loop;

/* Before the mount exists. 0 or -errno. */
int loop_new(struct fs *fs, struct loop **ret_loop);
void loop_free(struct loop *loop);
/* Serves the fs's session until it ends, see fs_serve(). Once. */
int loop_run(struct loop *loop);

/* The thread is about to answer the request that it works on. */
void loop_note_answer(void);

#endif
