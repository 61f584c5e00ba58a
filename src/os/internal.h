/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of this tier, and seen by its unit tests: how a system call is made, and what the kernel has.
 */
#ifndef OS_INTERNAL_H
#define OS_INTERNAL_H

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>

#include "base/check.h"
#include "base/fault.h"

/* Written by os_init(); tests clear the switches to take the older kernels' ways. */
struct os_kernel {
	int proc_fd; /* O_PATH of /proc/self/fd */
	bool fchmodat2;
	bool xattrat;
	bool confines_roots; /* os_confine_roots() */
};
extern struct os_kernel os_kernel;

#define OS_FD_NAME_MAX 12
#define OS_FD_PATH_MAX (OS_FD_NAME_MAX + 14)

/* "N", the name of `fd` in proc_fd. Its magic link leads to the object itself and no further, be that a symlink. */
const char *os_fd_name(int fd, char buf[OS_FD_NAME_MAX]);
/* "/proc/self/fd/N" or "/proc/self/fd/N/NAME"; -ENAMETOOLONG. */
int os_fd_path(int fd, const char *name, char *buf, size_t size);

/* Whether the file /proc/TID/status says that the task is dead, or has SIGKILL pending. */
bool os_status_says_killed(FILE *status);

/* Reads a line of /proc/TID/stat. 0 or -EINVAL. */
struct os_task_now;
int os_parse_task_stat(const char *line, struct os_task_now *ret_now);

/* Takes a line of mountinfo apart in place; *m points into it. False when it isn't one. */
struct os_mountinfo;
bool os_parse_mountinfo(char *line, struct os_mountinfo *m);

/* The contract of names: one component. One with a slash would leave the directory through the first symlink. */
static inline bool os_name_ok(const char *name)
{
	return CHECK(!strchr(name, '/'));
}

/* A call that looks: its result, or -errno. */
#define OS_LOOK(call)                                                                                                  \
	({                                                                                                             \
		__typeof__(call) _look;                                                                                \
		do                                                                                                     \
			_look = (call);                                                                                \
		while (_look < 0 && errno == EINTR);                                                                   \
		_look < 0 ? -errno : _look;                                                                            \
	})

/* A call that changes something and may be repeated after EINTR. */
#define OS_CHANGE(call)                                                                                                \
	({                                                                                                             \
		__typeof__(call) _change = fault_before();                                                             \
		if (!_change) {                                                                                        \
			_change = OS_LOOK(call);                                                                       \
			if (_change >= 0)                                                                              \
				fault_after();                                                                         \
		}                                                                                                      \
		_change;                                                                                               \
	})

/* A call that changes names: repeated after EINTR (which only network and FUSE file systems give here) it might find
 * its own work, so EINTR is passed on. */
#define OS_CHANGE_ONCE(call)                                                                                           \
	({                                                                                                             \
		__typeof__(call) _once = fault_before();                                                               \
		if (!_once) {                                                                                          \
			_once = (call);                                                                                \
			if (_once < 0)                                                                                 \
				_once = -errno;                                                                        \
			else                                                                                           \
				fault_after();                                                                         \
		}                                                                                                      \
		_once;                                                                                                 \
	})

/* The beginning of a file of the kernel's as a string: its length, which is below `size`, or -errno. task.c */
ssize_t os_read_small(const char *path, char *buf, size_t size);

#endif
