/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where the daemon's messages go, and which of libfuse's lines is the cause that users are told.
 */
#define FUSE_USE_VERSION 314
#include <fuse_log.h>

#include "../../../src/daemon/internal.h"
#include "base/log.h"
#include "daemon/file.h"
#include "layer/fixture.h"

/* Standard error goes into a file while a test runs. */
static int standard_error = -1;

static void said_begin(void)
{
	int fd = open("said", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	fflush(stderr);
	standard_error = dup(STDERR_FILENO);
	dup2(fd, STDERR_FILENO);
	close(fd);
}

static const char *said_end(void)
{
	dup2(standard_error, STDERR_FILENO);
	close(standard_error);
	return file_text("said");
}

TEST("a log file that can't be opened is a warning, and the messages still go elsewhere")
{
	FIXTURE(f);
	struct options opt = {.log = (char *)"none/log", .mountpoint = (char *)"/m"};
	const char *said;

	said_begin();
	messages_open(&opt, true);
	said = said_end();
	EXPECT(strstr(said, "plyfs: log: none/log: No such file or directory\n"));
	EXPECT(strstr(said, "plyfs: /m: the mount covers the system's log, which gets no messages\n"));
	log_close();
}

TEST("the first line of libfuse is the cause, the later ones are in the log")
{
	FIXTURE(f);
	struct options opt = {.log = (char *)"log", .mountpoint = (char *)"/m"};

	messages_open(&opt, true);
	EXPECT_STR(messages_of_libfuse(), NULL);
	fuse_log(FUSE_LOG_ERR, "fuse: unknown option(s): `%s'\n", "-x");
	EXPECT_STR(messages_of_libfuse(), "fuse: unknown option(s): `-x'");
	EXPECT(!strstr(file_text("log"), "unknown option"));
	fuse_log(FUSE_LOG_WARNING, "second\nforged line\n");
	EXPECT_STR(messages_of_libfuse(), "fuse: unknown option(s): `-x'");
	EXPECT(strstr(file_text("log"), " warning: /m: libfuse: second\n"));
	EXPECT(!strstr(file_text("log"), "forged"));
	log_close();
}

TEST("once the mount is live the first line of libfuse is in the log too")
{
	FIXTURE(f);
	struct options opt = {.log = (char *)"log", .mountpoint = (char *)"/m"};

	messages_open(&opt, true);
	messages_live();
	fuse_log(FUSE_LOG_ERR, "fuse: first of all\n");
	EXPECT_STR(messages_of_libfuse(), NULL);
	EXPECT(strstr(file_text("log"), " warning: /m: libfuse: fuse: first of all\n"));
	log_close();
}

TEST("what libfuse says at -d goes to standard error as it is, and is no cause")
{
	FIXTURE(f);
	struct options opt = {.debug = true, .mountpoint = (char *)"/m"};

	messages_open(&opt, true);
	said_begin();
	fuse_log(FUSE_LOG_DEBUG, "unique: %d\n", 2);
	EXPECT_STR(said_end(), "unique: 2\n");
	EXPECT(!messages_of_libfuse() || !strstr(messages_of_libfuse(), "unique"));
	log_set_level(LOG_INFO);
	log_close();
}
