/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How fusermount3 is called, what of its words users hear, and what becomes of the descriptor that it sends. This
 * program stands in for it: started under that name it writes its arguments down and does what the environment says.
 */
#include <limits.h>
#include <linux/capability.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>

#include "../../../src/daemon/internal.h"
#include "daemon/file.h"
#include "layer/fixture.h"

#define HELPER "/usr/bin/fusermount3"
#define PLAY "PLYFS_UNIT_HELPER" /* what the stand-in does */
#define ARGUMENTS "arguments"	 /* file: a line for each call */

/* --- the stand-in ------------------------------------------------------------------------------------------------- */

static void send_null(int socket)
{
	char byte = 0, control[CMSG_SPACE(sizeof(int))] = "";
	struct iovec iov = {&byte, 1};
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
	struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
	int fd = open("/dev/null", O_RDWR);

	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	if (sendmsg(socket, &msg, 0) != 1)
		_exit(9);
}

__attribute__((constructor)) static void stand_in(int argc, char **argv)
{
	const char *play = getenv(PLAY), *socket = getenv("_FUSE_COMMFD");
	FILE *file;

	if (strcmp(argv[0], "fusermount3") != 0)
		return;
	file = fopen(ARGUMENTS, "a");
	for (int i = 1; i < argc; i++)
		fprintf(file, "%s%c", argv[i], i + 1 < argc ? ' ' : '\n');
	fclose(file);
	if (!strcmp(play, "refuse")) {
		fputs("fusermount3: user has no write access to mountpoint\nmore\n", stderr);
		_exit(1);
	}
	if (!strcmp(play, "mount"))
		send_null(atoi(socket));
	_exit(0);
}

/* --- the tests ---------------------------------------------------------------------------------------------------- */

static struct options opt;
static struct mounted m;
static struct error error;
static char mountpoint[128];

/* In a mount namespace of our own. False: there is none to stand in for. */
static bool begin(const char *play, const char *options)
{
	char cwd[96], text[128], own[PATH_MAX] = "";
	char *argv[] = {(char *)"plyfs", (char *)"-o", text, mountpoint, NULL};
	struct option_env env = {.privileged = true};
	struct option_error option_error;

	if (access(HELPER, X_OK) < 0 || access("/dev/fuse", R_OK | W_OK) < 0)
		return false;
	if (readlink("/proc/self/exe", own, sizeof(own) - 1) < 0 || mount(own, HELPER, NULL, MS_BIND, NULL) < 0 ||
	    !getcwd(cwd, sizeof(cwd)))
		return UNIT_FAIL("no stand-in");
	setenv(PLAY, play, 1);
	UNIT_PRINT(mountpoint, "%s/m", cwd);
	UNIT_PRINT(text, "lowerdir=l1,%s", options);
	if (options_parse(4, argv, &env, &opt, &option_error) < 0)
		return UNIT_FAIL("%s", option_error.text);
	error_finish(&error);
	return mounted_prepare(&opt, &m, &error) == 0 || UNIT_FAIL("%s", error_text(&error));
}

static void end(void)
{
	error_finish(&error);
	close(m.fd);
	options_free(&opt);
}

static void mount_by_helper(void)
{
	int fd;
	struct stat st;
	char *line;

	if (!begin("mount", "auto_unmount,nosuid,nodev,fsname=name"))
		return;
	fd = m.fd;
	EXPECT_INT(mounted_open(&m, &error), 0);
	EXPECT_STR(error.text, NULL);
	/* libfuse has the number already, so what came is under it. */
	EXPECT_INT(m.fd, fd);
	ASSERT(fstat(m.fd, &st) == 0);
	EXPECT(st.st_rdev == makedev(1, 3));
	EXPECT(m.helper_fd >= 0 && m.helper_fd < m.fd);
	ASSERT(fstat(m.helper_fd, &st) == 0);
	EXPECT(S_ISSOCK(st.st_mode));
	ASSERT(asprintf(&line, " -- %s\n", mountpoint) > 0);
	EXPECT(!strncmp(file_text(ARGUMENTS), "-o ", 3) && strstr(file_text(ARGUMENTS), "fsname=name") &&
	       strstr(file_text(ARGUMENTS), line));
	free(line);
	close(m.helper_fd);
	end();
}

TEST("with auto_unmount the helper mounts, its descriptor takes the number that libfuse has, and our end of the socket "
     "stays open")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, mount_by_helper);
}

static void refused_by_helper(void)
{
	char *line;

	if (!begin("refuse", "auto_unmount"))
		return;
	EXPECT(mounted_open(&m, &error) < 0);
	ASSERT(asprintf(&line, "mount: %s: fusermount3: user has no write access to mountpoint", mountpoint) > 0);
	EXPECT_STR(error.text, line);
	EXPECT_INT(m.dev, 0);
	free(line);
	end();
}

TEST("the first line of a helper that refuses is the cause")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, refused_by_helper);
}

static void no_answer(void)
{
	char *line;

	if (!begin("nothing", "auto_unmount"))
		return;
	EXPECT(mounted_open(&m, &error) < 0);
	ASSERT(asprintf(&line, "mount: %s: fusermount3 can't mount it", mountpoint) > 0);
	EXPECT_STR(error.text, line);
	free(line);
	end();
}

TEST("a helper that ends without a word and without a descriptor is a refusal")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, no_answer);
}

static bool drop_sys_admin(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2];

	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	data[0].effective &= ~(1U << CAP_SYS_ADMIN);
	return syscall(SYS_capset, &header, data) == 0;
}

static void unmount_by_helper(void)
{
	struct stat st;
	char *line;
	int fds[2];

	if (!begin("nothing", "nosuid"))
		return;
	ASSERT(mount("union", "m", "tmpfs", 0, NULL) == 0 && stat("m", &st) == 0);
	ASSERT(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0);
	close(m.fd);
	m.fd = fds[0];
	m.dev = st.st_dev;
	ASSERT(drop_sys_admin());
	mounted_detach(&m);
	ASSERT(asprintf(&line, "-u -q -z -- %s\n", mountpoint) > 0);
	EXPECT(!strncmp(file_text(ARGUMENTS), line, strlen(line)));
	free(line);
	end();
}

TEST("without the privilege the helper unmounts, quietly and lazily")
{
	FIXTURE(f);
	NEEDS_ROOT();
	run_in_namespaces(CLONE_NEWNS, unmount_by_helper);
}

TEST("a descriptor that is no mounted session is refused")
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	char path[32];

	UNIT_PRINT(path, "/dev/fd/%d", null);
	opt = (struct options){.mountpoint = path};
	error_finish(&error);
	EXPECT_INT(mounted_prepare(&opt, &m, &error), -EINVAL);
	EXPECT(error.text && strstr(error.text, "not a mounted session of /dev/fuse"));
	error_finish(&error);
	close(null);
}
