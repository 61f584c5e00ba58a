/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a file says, and waiting until it says it.
 */
#ifndef UNIT_DAEMON_FILE_H
#define UNIT_DAEMON_FILE_H

#include <fcntl.h>
#include <unistd.h>

#include "unit.h"

#define FILE_WAIT_MS 20000

/* The beginning of a file; "" when it can't be read. Valid until the next call. */
static inline const char *file_text(const char *path)
{
	static char text[4096];
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);

	if (fd >= 0)
		close(fd);
	text[n < 0 ? 0 : n] = '\0';
	return text;
}

/* Waits until the file has the text; false when it doesn't come. */
static inline bool file_will_have(const char *path, const char *part)
{
	for (int ms = 0; ms < FILE_WAIT_MS; ms++) {
		if (strstr(file_text(path), part))
			return true;
		usleep(1000);
	}
	return UNIT_FAIL("%s says \"%s\"", path, file_text(path));
}

#endif
