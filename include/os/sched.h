/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where threads run, what they do just now, and a clock that wakes one. Threads are named by their number (tid), as the
 * kernel has it.
 */
#ifndef OS_SCHED_H
#define OS_SCHED_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/* That of the calling thread. */
pid_t os_thread_id(void);

/* The processors that a thread may run on; 0: the calling one. -EINVAL on machines with more of them than a set has
 * room for. */
int os_cpus_get(pid_t tid, cpu_set_t *ret_cpus);
int os_cpus_set(pid_t tid, const cpu_set_t *cpus);

struct os_task_now {
	char state; /* as proc(5) has it: R runs or waits for a processor, S and D sleep */
	int cpu;    /* where it runs or ran last */
};
/* Any thread's, of this process or another. -ENOENT, -ESRCH: it isn't there, or isn't shown. */
int os_task_look(pid_t tid, struct os_task_now *ret_now);
/* Whether /proc shows the pid name space that our numbers are of. */
bool os_proc_is_ours(void);

/* A clock that stands. A descriptor, or -errno. */
int os_ticker_new(void);
/* It ticks once, so many microseconds from now; 0: not at all. What it ticked before is forgotten. */
int os_ticker_set(int fd, unsigned us);
/* Sleeps until it ticks; does not when it has, until it is set again. */
int os_ticker_wait(int fd);

/* Whether a read of the descriptor would give something. */
bool os_is_readable(int fd);

#endif
