/* SPDX-License-Identifier: Apache-2.0 */
/*
 * latency MOUNT FILES SECONDS: while big/0 .. big/7 are copied up, each with two writers, and another process syncs,
 * names that were never looked up (small/0 .. small/FILES-1) are looked up one after the other. Prints how long that
 * took and exits with 1 when the 99th percentile is 10 ms or more, or when a writer failed. Measures until all writers
 * have ended, SECONDS at most.
 */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define BIG 8
#define LIMIT_US 10000.0

static double now_us(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec * 1e6 + (double)t.tv_nsec / 1e3;
}

static void writer(const char *mount, int i, int second)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/big/%d", mount, i);
	fd = open(path, O_WRONLY);
	if (fd < 0 || pwrite(fd, "x", 1, second ? 4096 : 0) != 1 || close(fd) < 0) {
		perror(path);
		_exit(1);
	}
	_exit(0);
}

static void syncer(const char *mount)
{
	char path[4096];
	int fd;

	snprintf(path, sizeof(path), "%s/synced", mount);
	fd = open(path, O_WRONLY | O_CREAT, 0600);
	for (;;)
		if (fd < 0 || pwrite(fd, "y", 1, 0) != 1 || fsync(fd) < 0) {
			perror(path);
			_exit(1);
		}
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	const char *mount = argv[1];
	int files = argc > 2 ? atoi(argv[2]) : 0, running = 0, failed = 0, n = 0;
	double seconds = argc > 3 ? atof(argv[3]) : 0, end;
	double *took = calloc((size_t)(files > 0 ? files : 1), sizeof(*took));
	pid_t sync_pid;

	if (argc != 4 || !took)
		return 2;
	for (int i = 0; i < 2 * BIG; i++, running++)
		if (fork() == 0)
			writer(mount, i % BIG, i >= BIG);
	sync_pid = fork();
	if (sync_pid == 0)
		syncer(mount);
	end = now_us() + seconds * 1e6;
	while (running > 0 && n < files && now_us() < end) {
		char path[4096];
		struct stat st;
		double start;
		int status;

		snprintf(path, sizeof(path), "%s/small/%d", mount, n);
		start = now_us();
		if (stat(path, &st) < 0) {
			perror(path);
			failed = 1;
		}
		took[n++] = now_us() - start;
		usleep(1000);
		while (waitpid(-1, &status, WNOHANG) > 0) {
			running--;
			failed |= status != 0;
		}
	}
	kill(sync_pid, SIGKILL);
	for (int status; running > 0 && wait(&status) > 0;)
		if (!WIFSIGNALED(status)) {
			running--;
			failed |= status != 0;
		}
	if (n < 100) {
		printf("only %d samples: the copy-ups were over too soon to tell\n", n);
		return 1;
	}
	qsort(took, (size_t)n, sizeof(*took), compare);
	printf("stat elsewhere: %d samples, median %.0f us, 99%% %.0f us, worst %.0f us%s\n", n, took[n / 2],
	       took[n - 1 - n / 100], took[n - 1], failed ? ", FAILED operations" : "");
	return failed || took[n - 1 - n / 100] >= LIMIT_US;
}
