/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One of a file's two names is removed while other processes look at the other one, again and again: the count of names
 * that a descriptor shows after it, and whether a further name can be made.
 */
#include "sc.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define WATCHERS 2

struct seen {
	bool wrong, refused;
};

static pid_t start_watcher(void)
{
	pid_t pid = fork();
	struct statx stx;

	while (pid == 0)
		if (statx(AT_FDCWD, "second", AT_STATX_FORCE_SYNC, STATX_BASIC_STATS, &stx) < 0 && errno != ENOENT)
			_exit(1);
	return pid;
}

static int make_and_remove(int fd, bool counts, struct seen *seen)
{
	struct stat st;

	if (link("first", "second") || unlink("first"))
		return -1;
	if (counts) {
		seen->wrong |= fstat(fd, &st) || st.st_nlink != 1;
	} else if (link("second", "third") == 0) {
		unlink("third");
	} else {
		if (errno != ENOENT)
			return -1;
		seen->refused = true;
	}
	return unlink("second");
}

static int rounds(long long count, struct seen *seen)
{
	for (long long i = 0; i < count; i++) {
		int fd = open("first", O_CREAT | O_RDWR | O_CLOEXEC, 0644);
		int r = fd < 0 ? -1 : make_and_remove(fd, i % 2, seen);

		if (fd >= 0)
			close(fd);
		if (r)
			return -1;
	}
	return 0;
}

/* links DIR COUNT */
int sc_links(int argc, char **argv)
{
	pid_t watchers[WATCHERS];
	struct seen seen = {0};
	int r;

	if (argc != 3 || chdir(argv[1]))
		sc_misuse("links DIR COUNT");
	for (int i = 0; i < WATCHERS; i++)
		watchers[i] = start_watcher();
	r = rounds(sc_number(argv[2]), &seen);
	if (r)
		sc_result(r);
	for (int i = 0; i < WATCHERS; i++)
		if (watchers[i] > 0) {
			kill(watchers[i], SIGKILL);
			waitpid(watchers[i], NULL, 0);
		}
	printf("counts %s\nlinks %s\n", seen.wrong ? "wrong" : "right", seen.refused ? "refused" : "made");
	return 0;
}
