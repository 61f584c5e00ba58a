/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results that are no errno. They are used beside negative errnos, so their numbers begin after those of the kernel
 * (4095). No system call can return one of them. None of them leaves the daemon.
 */
#ifndef BASE_AGAIN_H
#define BASE_AGAIN_H

/* Returned as -LOOK_AGAIN: the object changed during the call, or must first be in the upper. Nothing was done. The
 * caller looks again. */
#define LOOK_AGAIN 4096
/* Returned as -MUST_WAIT: the object can't be opened before another process gives up its lease (fcntl(2), F_SETLEASE).
 * The kernel has told that process. Nothing was done. No thread waits within the call: the request is repeated after a
 * while. */
#define MUST_WAIT 4097
/* Returned as -TOO_EARLY: a prerequisite isn't there yet. */
#define TOO_EARLY 4098

#endif
