/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials, capabilities, limits and other processes, a call each.
 */
#ifndef OS_TASK_H
#define OS_TASK_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/* Keeps the file capabilities of all threads when their fsuid changes (SECBIT_NO_SETUID_FIXUP); before threads start.
 * -EPERM without CAP_SETPCAP. */
int os_keep_caps_on_fsuid(void);
/* Sets the calling thread's fsuid and fsgid for what it creates; the caller restores them with its own ids. -EOVERFLOW
 * when one isn't there in our user namespace: the thread then has its own in that place. */
int os_set_fsids(uid_t uid, gid_t gid);
/* The "uid" or "gid" that the kernel shows for one that can't be expressed. */
unsigned os_overflow_id(const char *which);
/* Whether this process has a capability (CAP_* of linux/capability.h) in its effective set. */
bool os_has_cap(int cap);
/* Whether thread `tid` has it, and that in the initial user namespace. False when it can't be looked at. */
bool os_task_has_cap(pid_t tid, int cap);
/* Whether we are in the initial user namespace. */
bool os_in_init_userns(void);
/* Goes to another mount namespace, whose root becomes the working directory, before there are threads: `ns` is its file
 * or, in digits, a process's number. */
int os_enter_mount_ns(const char *ns);
/* Whether the running kernel knows a type of file systems now; a feature that comes with one is on then (selinuxfs:
 * SELinux). */
bool os_has_filesystem(const char *type);
/* Whether thread `tid` has SIGKILL pending or is dead: its request may be dropped. False when it can't be looked at. */
bool os_task_killed(pid_t tid);
/* Raises RLIMIT_NOFILE to its hard limit; returns the limit now in force. */
unsigned long os_raise_nofile(void);
/* Raises RLIMIT_FSIZE and RLIMIT_CPU as far as it may. A daemon works for others, whose own limits the kernel keeps. */
void os_raise_limits_of_work(void);
/* Makes the kernel's table of descriptors big enough for n of them, as far as the limit permits. To be called while
 * there is one thread: later a table that has to grow makes the thread that opens wait for all processors, milliseconds
 * at each doubling. */
void os_reserve_fds(unsigned n);
/* Core dumps off (RLIMIT_CORE 0 and PR_SET_DUMPABLE stays, for /proc/self/fd). */
void os_no_core_dumps(void);
/* Tries to set oom_score_adj; EACCES is ignored. */
void os_set_oom_score(int value);
/* The file of the C library, in whose directory are those that it loads when it needs them; NULL in a static
 * program. */
const char *os_c_library(void);
/* Loads the one that pthread_cancel(3) needs, which the C library else does at the first call: a mount of ours may
 * cover it by then. */
void os_load_unwinder(void);
/* Processors that this process may run on, at least 1. */
unsigned os_cpu_count(void);
/* CLOCK_MONOTONIC in milliseconds, and in microseconds. */
unsigned long long os_now_ms(void);
unsigned long long os_now_us(void);
/* CLOCK_REALTIME, which file systems stamp with. */
struct timespec os_now_real(void);
/* Sleeps; a signal may end it early. */
void os_sleep_us(unsigned us);
/* Random bytes of the kernel: 0, or -EIO when it has none yet. */
int os_random(void *ret, size_t len);

#endif
