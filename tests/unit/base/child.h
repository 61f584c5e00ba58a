/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs what may end its process in a process of its own.
 */
#ifndef UNIT_BASE_CHILD_H
#define UNIT_BASE_CHILD_H

#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

enum { CHILD_EXITED = 0, CHILD_NO_FORK = -1 };

/* Runs `run` in a child; returns the signal that ended it, or minus its exit status (0 when `run` returned),
 * CHILD_NO_FORK. */
static inline int child_run(void (*run)(void))
{
	int status;

	fflush(NULL);
	pid_t pid = fork();

	if (pid < 0)
		return CHILD_NO_FORK;
	if (!pid) {
		prctl(PR_SET_DUMPABLE, 0); /* an expected abort leaves no core file */
		if (!freopen("/dev/null", "w", stderr))
			_exit(99);
		alarm(10); /* what should have ended may hang */
		run();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid)
		return CHILD_NO_FORK;
	return WIFSIGNALED(status) ? WTERMSIG(status) : -WEXITSTATUS(status);
}

#endif
