/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc lease PATH r|w GO: holds a lease on the file (fcntl(2), F_SETLEASE). It says "held"; "asked" when somebody wants
 * to open the file; and then gives the lease up as soon as the file GO is there.
 */
#include "sc.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int sc_lease(int argc, char **argv)
{
	sigset_t io;
	int fd, sig, type;

	if (argc != 4)
		sc_misuse("lease PATH r|w GO");
	type = strcmp(argv[2], "w") ? F_RDLCK : F_WRLCK;
	sigemptyset(&io);
	sigaddset(&io, SIGIO);
	sigprocmask(SIG_BLOCK, &io, NULL);
	fd = open(argv[1], (type == F_RDLCK ? O_RDONLY : O_RDWR) | O_CLOEXEC);
	if (fd < 0 || fcntl(fd, F_SETLEASE, type) < 0) {
		sc_result(-1);
		return 1;
	}
	puts("held");
	fflush(stdout);
	sigwait(&io, &sig);
	puts("asked");
	fflush(stdout);
	while (access(argv[3], F_OK))
		usleep(10000);
	fcntl(fd, F_SETLEASE, F_UNLCK);
	return 0;
}
