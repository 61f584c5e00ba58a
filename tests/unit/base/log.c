/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What reaches the log's file, and how much of it.
 */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "../../../src/base/internal.h"
#include "unit.h"

static char path[] = "/tmp/plyfs-log-XXXXXX";
static char text[65536];

/* Starts an empty log file with a fresh budget for each cause. */
static void start_log(void)
{
	int fd;

	strcpy(path, "/tmp/plyfs-log-XXXXXX");
	log_close();
	log_set_stderr(false);
	log_clock_offset += LOG_INTERVAL;
	fd = mkstemp(path);
	close(fd);
	log_set_level(LOG_INFO);
	EXPECT_INT(log_open_file(path), 0);
}

static const char *read_log(void)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t len = read(fd, text, sizeof(text) - 1);

	close(fd);
	unlink(path);
	text[len < 0 ? 0 : len] = '\0';
	return text;
}

static unsigned count(const char *haystack, const char *needle)
{
	unsigned n = 0;

	while ((haystack = strstr(haystack, needle))) {
		haystack += strlen(needle);
		n++;
	}
	return n;
}

TEST("a line in the file has a time, a level and the message")
{
	start_log();
	log_warning("the answer is %d", 42);
	const char *log = read_log();
	int year, month, day, hour, minute, second, ms, end = 0;

	EXPECT_INT(
		sscanf(log, "%4d-%2d-%2dT%2d:%2d:%2d.%3dZ%n", &year, &month, &day, &hour, &minute, &second, &ms, &end),
		7);
	EXPECT_STR(log + end, " warning: the answer is 42\n");
}

TEST("with a mountpoint a line says which mount it is about")
{
	start_log();
	log_set_mountpoint("/mnt/\nerror: merged");
	log_warning("the answer is %d", 42);
	log_set_mountpoint(NULL);
	log_warning("the answer is %d", 43);
	read_log();
	EXPECT(strstr(text, " warning: /mnt/?error: merged: the answer is 42\n"));
	EXPECT(strstr(text, " warning: the answer is 43\n"));
}

TEST("messages below the level are dropped")
{
	start_log();
	log_debug("chatter");
	log_info("news");
	log_set_level(LOG_ERR);
	log_warning("unasked");
	log_error("trouble");
	read_log();
	EXPECT_INT(count(text, "\n"), 2);
	EXPECT_INT(count(text, "news"), 1);
	EXPECT_INT(count(text, "trouble"), 1);
}

TEST("a newline or an escape in a name can't forge a line")
{
	start_log();
	log_info("name %s", "a\nerror: b\033[2J\177");
	EXPECT_INT(count(read_log(), "\n"), 1);
	EXPECT(strstr(text, "name a?error: b?[2J?\n"));
}

TEST("a message longer than the line is cut and ends with a newline")
{
	static char longest[5000];

	start_log();
	memset(longest, 'x', sizeof(longest) - 1);
	log_info("%s", longest);
	read_log();
	EXPECT_INT(count(text, "\n"), 1);
	EXPECT(strlen(text) > 1000 && text[strlen(text) - 1] == '\n');
}

TEST("logging keeps errno, and %m tells it")
{
	start_log();
	errno = ENOTEMPTY;
	log_limited(LOG_CAUSE_WORKDIR, LOG_ERR, "first: %m");
	log_error("second: %m");
	EXPECT_INT(errno, ENOTEMPTY);
	EXPECT_INT(count(read_log(), strerror(ENOTEMPTY)), 2);
}

TEST("a cause writes at most its budget in an interval and tells afterwards what was left out")
{
	start_log();
	for (int i = 0; i < LOG_BURST + 25; i++)
		log_limited(LOG_CAUSE_COPY_UP, LOG_WARNING, "copying failed");
	log_limited(LOG_CAUSE_XATTR, LOG_WARNING, "another cause");
	log_clock_offset += LOG_INTERVAL;
	log_limited(LOG_CAUSE_COPY_UP, LOG_WARNING, "copying failed");
	read_log();
	EXPECT_INT(count(text, "copying failed"), LOG_BURST + 1);
	EXPECT_INT(count(text, "another cause"), 1);
	EXPECT_INT(count(text, "left out 25 more messages about copy-up"), 1);
}

TEST("closing the log tells what was left out last")
{
	start_log();
	for (int i = 0; i < LOG_BURST + 3; i++)
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "layer changed");
	log_close();
	EXPECT_INT(count(read_log(), "left out 3 more messages about layers"), 1);
}

TEST("messages below the level don't use up a cause's budget")
{
	start_log();
	for (int i = 0; i < LOG_BURST + 3; i++)
		log_limited(LOG_CAUSE_WHITEOUT, LOG_DEBUG, "detail");
	log_limited(LOG_CAUSE_WHITEOUT, LOG_WARNING, "matter");
	EXPECT_INT(count(read_log(), "matter"), 1);
}

TEST("a log file that can't be opened is an error and leaves the old one in use")
{
	start_log();
	EXPECT_INT(log_open_file("/nonexistent/directory/log"), -ENOENT);
	log_info("still here");
	EXPECT_INT(count(read_log(), "still here"), 1);
}
