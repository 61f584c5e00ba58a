/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Results that are nobody's errno. They go beside negative errnos, so their numbers begin where those of the kernel end
 * (4095): what a system call answers is never taken for one of them. None of them leaves the daemon.
 */
#ifndef BASE_AGAIN_H
#define BASE_AGAIN_H

/* As -LOOK_AGAIN: it changed while it was looked at, or has to be in the upper first; nothing was done. Who can look
 * again does. */
#define LOOK_AGAIN 4096
/* As -MUST_WAIT: it can't be opened before another process gives up its lease on it (fcntl(2), F_SETLEASE), and that
 * has been told so; nothing was done. Nobody waits for it in the call: who answers a request asks again after a
 * while. */
#define MUST_WAIT 4097
/* As -TOO_EARLY: what belongs before it isn't there yet. */
#define TOO_EARLY 4098

#endif
