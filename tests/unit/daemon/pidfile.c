/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The pid file of a daemon in the foreground: when it is written, and whose it is at the end.
 */
#include <sys/stat.h>

#include "../../../src/daemon/internal.h"
#include "daemon/file.h"
#include "layer/fixture.h"

static char path[128], own[32];

/* A daemon that isn't live yet, with its pid file at `name` in the fixture. */
static bool begin(struct daemonize *d, struct options *opt, const char *name)
{
	struct error error = {0};
	char cwd[96];

	if (!getcwd(cwd, sizeof(cwd)))
		return UNIT_FAIL("no working directory");
	UNIT_PRINT(path, "%s/%s", cwd, name);
	UNIT_PRINT(own, "%d\n", (int)getpid());
	*opt = (struct options){.foreground = true, .pidfile = path};
	return daemonize_start(d, opt, &error) == 0;
}

TEST("the file comes when the mount is live, says who it is, and goes at the end")
{
	FIXTURE(f);
	struct daemonize d;
	struct options opt;

	ASSERT(begin(&d, &opt, "pid"));
	EXPECT(!exists("pid"));
	daemonize_report(&d, -1);
	EXPECT_STR(file_text("pid"), own);
	daemonize_remove_pidfile(&d);
	EXPECT(!exists("pid"));
}

TEST("what was in the file before is gone, however long it was")
{
	FIXTURE(f);
	struct daemonize d;
	struct options opt;

	ASSERT(make_file("pid", "1234567890123456789\nmore\n", 0644));
	ASSERT(begin(&d, &opt, "pid"));
	daemonize_report(&d, -1);
	EXPECT_STR(file_text("pid"), own);
	daemonize_remove_pidfile(&d);
}

TEST("a file that says another number by then is the successor's")
{
	FIXTURE(f);
	struct daemonize d;
	struct options opt;

	ASSERT(begin(&d, &opt, "pid"));
	daemonize_report(&d, -1);
	ASSERT(unlink("pid") == 0 && make_file("pid", "1\n", 0644));
	daemonize_remove_pidfile(&d);
	EXPECT_STR(file_text("pid"), "1\n");
}

TEST("who never was live removes nothing")
{
	FIXTURE(f);
	struct daemonize d;
	struct options opt;

	ASSERT(begin(&d, &opt, "pid"));
	ASSERT(make_file("pid", own, 0644));
	daemonize_remove_pidfile(&d);
	EXPECT_STR(file_text("pid"), own);
	close(d.pid_dir);
}

TEST("the directory is the one from before the mount, wherever it is by then")
{
	FIXTURE(f);
	struct daemonize d;
	struct options opt;

	ASSERT(mkdir("run", 0755) == 0 && begin(&d, &opt, "run/pid"));
	/* As when the mount is made over it. */
	ASSERT(rename("run", "elsewhere") == 0 && mkdir("run", 0755) == 0);
	daemonize_report(&d, -1);
	EXPECT_STR(file_text("elsewhere/pid"), own);
	EXPECT(!exists("run/pid"));
}

TEST("a pipe without a reader holds up nobody, and stays")
{
	FIXTURE(f);
	struct daemonize d;
	struct options opt;
	struct stat st;

	ASSERT(mkfifo("pid", 0600) == 0 && begin(&d, &opt, "pid"));
	daemonize_report(&d, -1);
	daemonize_remove_pidfile(&d);
	EXPECT(lstat("pid", &st) == 0 && S_ISFIFO(st.st_mode));
}
