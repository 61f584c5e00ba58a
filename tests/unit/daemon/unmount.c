/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What is unmounted at the end, and what isn't. A tmpfs stands in for the union and a socket for its session's
 * descriptor; all of it in mount namespaces that go with the test.
 */
#include <sys/socket.h>
#include <sys/statfs.h>

#include "../../../src/daemon/internal.h"
#include "base/log.h"
#include "daemon/file.h"
#include "layer/fixture.h"

static struct options opt;
static struct mounted m;
static char mountpoint[128];
static int other_end;

static dev_t device_of(const char *path)
{
	struct stat st;

	return stat(path, &st) < 0 ? 0 : st.st_dev;
}

/* Mounts the stand-in over the fixture's m. */
static bool begin(void)
{
	char cwd[96];
	int fds[2];

	if (!getcwd(cwd, sizeof(cwd)) || mount("union", "m", "tmpfs", 0, NULL) < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) < 0)
		return UNIT_FAIL("no stand-in");
	UNIT_PRINT(mountpoint, "%s/m", cwd);
	opt = (struct options){.mountpoint = mountpoint};
	m = (struct mounted){.opt = &opt, .fd = fds[0], .helper_fd = -1, .dev = device_of("m")};
	other_end = fds[1];
	log_set_stderr(false);
	return log_open_file("log") == 0;
}

static bool is_mounted(void)
{
	return device_of("m") != device_of(".");
}

static void detach(void)
{
	ASSERT(begin());
	mounted_detach(&m);
	EXPECT(!is_mounted());
	EXPECT_STR(file_text("log"), "");
}

TEST("what is ours is unmounted, also when it is in use")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, detach);
}

static void detach_bound(void)
{
	ASSERT(begin());
	ASSERT(mount("m", "m", NULL, MS_BIND, NULL) == 0 && mount("m", "m", NULL, MS_BIND, NULL) == 0);
	mounted_detach(&m);
	EXPECT(!is_mounted());
}

TEST("a union that was bound over itself goes with all of that")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, detach_bound);
}

static void detach_overmounted(void)
{
	dev_t above;

	ASSERT(begin());
	ASSERT(mount("above", "m", "tmpfs", 0, NULL) == 0);
	above = device_of("m");
	mounted_detach(&m);
	EXPECT(device_of("m") == above);
	EXPECT(strstr(file_text("log"), "overmounted by another mount, which stays"));
	ASSERT(umount2("m", MNT_DETACH) == 0);
	EXPECT(device_of("m") == m.dev);
}

TEST("what somebody else has mounted over it stays, and a warning says so")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, detach_overmounted);
}

static void detach_foreign(void)
{
	ASSERT(begin());
	/* At the same time as ours, so that its number is another one. */
	ASSERT(mount("another", "l1", "tmpfs", 0, NULL) == 0);
	ASSERT(umount2("m", 0) == 0 && mount("l1", "m", NULL, MS_MOVE, NULL) == 0);
	mounted_detach(&m);
	EXPECT(is_mounted());
	EXPECT_STR(file_text("log"), "");
}

TEST("another file system that was mounted in its found stays")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, detach_foreign);
}

static void detach_ended(void)
{
	int fuse = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	if (fuse < 0)
		return;
	ASSERT(begin());
	/* One that isn't mounted polls as one whose session has ended; its device number may be another mount's by
	 * now. */
	m.fd = fuse;
	EXPECT_INT(mounted_find(&m), -ENOENT);
	mounted_detach(&m);
	EXPECT(is_mounted());
}

TEST("after the end of the session nothing is taken for ours")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, detach_ended);
}

static void find_and_unmount(void)
{
	int found;

	ASSERT(begin());
	found = mounted_find(&m);
	ASSERT(found >= 0);
	/* The session ends in between. */
	close(other_end);
	mounted_unmount(&m, found);
	EXPECT(!is_mounted());
	EXPECT(fcntl(found, F_GETFD) < 0);
}

TEST("what was found while the session lived is unmounted after its end")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, find_and_unmount);
}

static void detach_none(void)
{
	ASSERT(begin());
	m.dev = 0;
	EXPECT_INT(mounted_find(&m), -ENOENT);
	mounted_detach(&m);
	mounted_unmount(&m, -ENOENT);
	EXPECT(is_mounted());
}

TEST("a session that we didn't mount isn't unmounted")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, detach_none);
}
