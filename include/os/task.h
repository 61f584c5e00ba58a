/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials, capabilities, limits and other processes; one call a function.
 */
#ifndef OS_TASK_H
#define OS_TASK_H

#include <stdbool.h>
#include <sys/types.h>
#include <time.h>

/* Keeps the file capabilities of all threads when their fsuid changes (SECBIT_NO_SETUID_FIXUP). Called before threads
 * start. -EPERM without CAP_SETPCAP. */
int os_keep_caps_on_fsuid(void);
/* Sets the calling thread's fsuid and fsgid for the objects that it creates. The caller restores them with its own ids.
 * -EOVERFLOW: an id doesn't exist in this user namespace. The thread then has its own id in its place. */
int os_set_fsids(uid_t uid, gid_t gid);
/* The "uid" or "gid" that the kernel shows for an id that it can't express. */
unsigned os_overflow_id(const char *which);
/* Whether this process has a capability (CAP_* of linux/capability.h) in its effective set. */
bool os_has_cap(int cap);
/* Whether thread `tid` has the capability in the initial user namespace. False if this can't be looked at. */
bool os_task_has_cap(pid_t tid, int cap);
/* Whether this process is in the initial user namespace. */
bool os_in_init_userns(void);
/* Whether there is only one user in this process's user namespace. */
bool os_has_one_user(void);
/* Enters another mount namespace, before there are threads. Its root becomes the working directory. `ns` is its file
 * or, in digits, the number of a process. */
int os_enter_mount_ns(const char *ns);
/* Whether the running kernel knows a type of file systems now. A feature that comes with a type is on then (selinuxfs:
 * SELinux). */
bool os_has_filesystem(const char *type);
/* Whether thread `tid` has SIGKILL pending or is dead, so that its request may be dropped. False if this can't be
 * looked at. */
bool os_task_killed(pid_t tid);
/* Raises RLIMIT_NOFILE to its hard limit. Returns the limit that is now in force. */
unsigned long os_raise_nofile(void);
/* Raises RLIMIT_FSIZE and RLIMIT_CPU as far as permitted. A daemon works for other processes, whose own limits the
 * kernel checks. */
void os_raise_limits_of_work(void);
/* Makes the kernel's table of descriptors big enough for n of them, as far as the limit permits. Called while there is
 * one thread. Later the table may have to grow. The thread that opens then waits for all processors, milliseconds at
 * each doubling. */
void os_reserve_fds(unsigned n);
/* Turns core dumps off (RLIMIT_CORE 0). PR_SET_DUMPABLE stays, for /proc/self/fd. */
void os_no_core_dumps(void);
/* Tries to set oom_score_adj; EACCES is ignored. */
void os_set_oom_score(int value);
/* The file of the C library. Its directory has the libraries that it loads on demand. NULL in a static program. */
const char *os_c_library(void);
/* Loads the library that pthread_cancel(3) needs. The C library would load it at the first call, when the union may
 * cover it. */
void os_load_unwinder(void);
/* Bytes of memory that this process has in use now (RSS), or 0 if this can't be looked at. */
unsigned long long os_resident_bytes(void);
/* Processors that this process may run on, at least 1. */
unsigned os_cpu_count(void);
/* CLOCK_MONOTONIC in milliseconds, and in microseconds. */
unsigned long long os_now_ms(void);
unsigned long long os_now_us(void);
/* CLOCK_REALTIME, the clock of file system timestamps. */
struct timespec os_now_real(void);
/* Sleeps; a signal may end it early. */
void os_sleep_us(unsigned us);
/* Random bytes of the kernel: 0, or -EIO when it has none yet. */
int os_random(void *ret, size_t len);

#endif
