/* SPDX-License-Identifier: Apache-2.0 */
/*
 * sc control SOCKET STEP..: a client of the daemon's control socket, who may be a bad one. It says "connected", and
 * then does each step:
 *
 *	ask:TEXT	sends the line and prints the answer
 *	send:TEXT	sends the text, without a newline
 *	line		prints a line that comes
 *	flood:NUMBER	sends so many bytes without a newline; says "cut off" where that is refused, else "taken"
 *	storm:NUMBER	sends so many lines "{\"op\":\"status\"}" and reads no answer; says as flood
 *	ends:SECONDS	says "ended" when the daemon ends the connection within that time, else "stays"
 *	wait:FILE	until the file is there
 */
#include "sc.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void send_bytes(int fd, const char *text, size_t len)
{
	if (send(fd, text, len, MSG_NOSIGNAL) != (ssize_t)len)
		puts("not sent");
}

/* Byte by byte: what comes behind the line is the next step's. */
static void print_line(int fd)
{
	char c = 0;
	ssize_t n;

	while ((n = recv(fd, &c, 1, 0)) == 1 && c != '\n')
		putchar(c);
	puts(n == 1 ? "" : "(no answer)");
}

static void flood(int fd, long long bytes, const char *piece, size_t size)
{
	struct timeval patience = {.tv_sec = 10};

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	while (bytes > 0) {
		ssize_t n = send(fd, piece, size, MSG_NOSIGNAL);

		if (n < 0) {
			puts(errno == EAGAIN ? "nobody reads" : "cut off");
			return;
		}
		bytes -= n;
	}
	puts("taken");
}

static void see_end(int fd, int seconds)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char bytes[4096];
	ssize_t n = 1;

	while (n > 0 && poll(&p, 1, seconds * 1000) == 1)
		n = recv(fd, bytes, sizeof(bytes), 0);
	puts(n <= 0 ? "ended" : "stays");
}

static void step(int fd, const char *word)
{
	static const char line[] = "{\"op\":\"status\"}\n";
	static char piece[1 << 16];

	if (!strncmp(word, "ask:", 4)) {
		send_bytes(fd, word + 4, strlen(word + 4));
		send_bytes(fd, "\n", 1);
		print_line(fd);
	} else if (!strncmp(word, "send:", 5)) {
		send_bytes(fd, word + 5, strlen(word + 5));
	} else if (!strcmp(word, "line")) {
		print_line(fd);
	} else if (!strncmp(word, "flood:", 6)) {
		memset(piece, 'x', sizeof(piece));
		flood(fd, sc_number(word + 6), piece, sizeof(piece));
	} else if (!strncmp(word, "storm:", 6)) {
		flood(fd, sc_number(word + 6) * (long long)strlen(line), line, strlen(line));
	} else if (!strncmp(word, "ends:", 5)) {
		see_end(fd, atoi(word + 5));
	} else if (!strncmp(word, "wait:", 5)) {
		while (access(word + 5, F_OK))
			usleep(10000);
	} else {
		sc_misuse("control: %s", word);
	}
	fflush(stdout);
}

int sc_control(int argc, char **argv)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (argc < 2 || strlen(argv[1]) >= sizeof(address.sun_path))
		sc_misuse("control SOCKET STEP..");
	strcpy(address.sun_path, argv[1]);
	if (fd < 0 || connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0) {
		sc_result(-1);
		return 0;
	}
	puts("connected");
	fflush(stdout);
	for (int i = 2; i < argc; i++)
		step(fd, argv[i]);
	return 0;
}
