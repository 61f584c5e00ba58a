/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Asynchronous O_DIRECT writes (io_submit(2), by its system calls) beside processes that read the same file through the
 * page cache: once a write is complete, nobody may be told the old data any more.
 */
#include "sc.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define SIZE ((size_t)640 << 10)
#define READERS 2

static _Alignas(4096) unsigned char written[SIZE];
static unsigned char seen[SIZE];

static pid_t start_reader(int fd)
{
	pid_t pid = fork();

	while (pid == 0)
		if (pread(fd, seen, SIZE, 0) < 0)
			_exit(1);
	return pid;
}

static int write_async(aio_context_t ctx, int fd)
{
	struct iocb cb = {.aio_lio_opcode = IOCB_CMD_PWRITE,
			  .aio_fildes = (uint32_t)fd,
			  .aio_buf = (uintptr_t)written,
			  .aio_nbytes = SIZE};
	struct iocb *cbs[] = {&cb};
	struct io_event event;

	if (syscall(SYS_io_submit, ctx, 1, cbs) != 1 || syscall(SYS_io_getevents, ctx, 1, 1, &event, NULL) != 1)
		return -1;
	return event.res == (int64_t)SIZE ? 0 : -1;
}

/* 0: what was written is read each time; 1: old data; -1: an error. */
static int write_and_read(int direct, int buffered, time_t end)
{
	aio_context_t ctx = 0;

	if (syscall(SYS_io_setup, 1, &ctx))
		return -1;
	for (unsigned char pattern = 1; time(NULL) < end; pattern++) {
		memset(written, pattern, SIZE);
		if (write_async(ctx, direct) || pread(buffered, seen, SIZE, 0) != (ssize_t)SIZE)
			return -1;
		if (memcmp(written, seen, SIZE) != 0)
			return 1;
	}
	return 0;
}

int sc_direct(int argc, char **argv)
{
	static const char *const words[] = {"error", "as written", "old data"};
	pid_t readers[READERS];
	int direct, buffered, r;

	if (argc != 3)
		sc_misuse("direct FILE SECONDS");
	direct = open(argv[1], O_RDWR | O_DIRECT | O_CLOEXEC);
	buffered = open(argv[1], O_RDONLY | O_CLOEXEC);
	if (direct < 0 || buffered < 0) {
		sc_result(-1);
		return 0;
	}
	for (int i = 0; i < READERS; i++)
		readers[i] = start_reader(buffered);
	r = write_and_read(direct, buffered, time(NULL) + (time_t)sc_number(argv[2]));
	for (int i = 0; i < READERS; i++) {
		kill(readers[i], SIGKILL);
		waitpid(readers[i], NULL, 0);
	}
	puts(words[r + 1]);
	return 0;
}
