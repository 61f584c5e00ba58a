/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where threads run, their present state, and a clock that wakes a thread. The kernel's number of a thread (tid)
 * identifies it.
 */
#ifndef OS_SCHED_H
#define OS_SCHED_H

#include <sched.h>
#include <stdbool.h>
#include <sys/types.h>

/* The tid of the calling thread. */
pid_t os_thread_id(void);

/* The processors that a thread may run on; tid 0 is the calling thread. -EINVAL on machines with more processors than a
 * set has room for. */
int os_cpus_get(pid_t tid, cpu_set_t *ret_cpus);
int os_cpus_set(pid_t tid, const cpu_set_t *cpus);

struct os_task_now {
	char state; /* as in proc(5): R runs or waits for a processor, S and D sleep */
	int cpu;    /* the processor where it runs or ran last */
};
/* The state of any thread, of this process or another. -ENOENT, -ESRCH: there is no such thread, or it isn't shown. */
int os_task_look(pid_t tid, struct os_task_now *ret_now);
/* Whether /proc shows the pid namespace of this process. */
bool os_proc_is_ours(void);

/* Makes a clock that is stopped. Returns a descriptor, or -errno. */
int os_ticker_new(void);
/* Sets the clock to tick once, `us` microseconds from now; 0 stops it. A former tick is forgotten. */
int os_ticker_set(int fd, unsigned us);
/* Sleeps until the clock ticks. Returns at once if it has ticked since it was set. */
int os_ticker_wait(int fd);

/* Whether a read of the descriptor would return data. */
bool os_is_readable(int fd);

#endif
