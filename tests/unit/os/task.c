/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials, and what is told about other processes.
 */
#include "os/task.h"

#include <linux/capability.h>
#include <pthread.h>
#include <signal.h>
#include <sys/fsuid.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "scratch.h"
#include "unit.h"

static bool killed_by_status(const char *text)
{
	FILE *file = fmemopen((void *)(uintptr_t)text, strlen(text), "r");
	bool killed = os_status_says_killed(file);

	fclose(file);
	return killed;
}

TEST("a living thread isn't killed, a dead one is, also while it waits for its parent")
{
	pid_t pid = fork();
	siginfo_t info;

	if (!pid)
		for (;;)
			pause();
	ASSERT(pid > 0);
	EXPECT(!os_task_killed(getpid()));
	EXPECT(!os_task_killed(pid));
	kill(pid, SIGKILL);
	ASSERT_INT(waitid(P_PID, (id_t)pid, &info, WEXITED | WNOWAIT), 0);
	EXPECT(os_task_killed(pid));
	ASSERT_INT(waitpid(pid, NULL, 0), pid);
	EXPECT(os_task_killed(pid));
}

TEST("a task with SIGKILL pending is killed, one with another signal isn't")
{
	EXPECT(!killed_by_status(
		"Name:\tx\nState:\tD (disk sleep)\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000000000\n"));
	EXPECT(!killed_by_status("State:\tD (disk sleep)\nSigPnd:\t0000000000004002\nShdPnd:\t0000000000004000\n"));
	EXPECT(killed_by_status("State:\tD (disk sleep)\nSigPnd:\t0000000000000100\nShdPnd:\t0000000000000000\n"));
	EXPECT(killed_by_status("State:\tS (sleeping)\nSigPnd:\t0000000000000000\nShdPnd:\t0000000000004100\n"));
	EXPECT(killed_by_status("Name:\tx\nState:\tZ (zombie)\n"));
	EXPECT(!killed_by_status("Name:\tState: Z\nState:\tR (running)\n"));
}

static int fd_table_size(void)
{
	FILE *status = fopen("/proc/self/status", "re");
	char line[256];
	int size = -1;

	while (status && fgets(line, sizeof(line), status) && sscanf(line, "FDSize: %d", &size) != 1)
		;
	if (status)
		fclose(status);
	return size;
}

TEST("a table of descriptors that was asked for is there, within the limit, and no descriptor stays open")
{
	int before = fd_table_size(), next = dup(STDIN_FILENO), again;
	struct rlimit limit;

	close(next);
	ASSERT(before > 0 && getrlimit(RLIMIT_NOFILE, &limit) == 0);
	os_reserve_fds(UINT32_MAX / 2);
	EXPECT_INT(fd_table_size(), before);
	os_reserve_fds((unsigned)limit.rlim_cur);
	EXPECT(fd_table_size() >= (int)limit.rlim_cur);
	again = dup(STDIN_FILENO);
	EXPECT_INT(again, next);
	close(again);
}

TEST("nothing is told about no process")
{
	EXPECT(!os_task_killed(0));
	EXPECT(!os_task_killed(-1));
}

static void *ids_of_another_thread(void *arg)
{
	uid_t *uid = arg;

	*uid = (uid_t)setfsuid((uid_t)-1);
	return NULL;
}

TEST("files belong to the ids that were set for this thread and no other, and to one's own again afterwards")
{
	SCRATCH(s);
	pthread_t thread;
	uid_t other = 1;

	if (!os_has_cap(CAP_SETUID) || !os_has_cap(CAP_SETGID))
		SKIP("not permitted to change ids");
	ASSERT_INT(pthread_create(&thread, NULL, ids_of_another_thread, &other), 0);
	pthread_join(thread, NULL);
	EXPECT_INT(other, geteuid());
	ASSERT_INT(chmod(s.path, 0777), 0);
	os_set_fsids(1234, 5678);
	if (setfsuid((uid_t)-1) != 1234 || setfsgid((gid_t)-1) != 5678)
		SKIP("a user namespace doesn't map these ids");
	EXPECT_INT(os_mkdirat(s.fd, "theirs", 0700), 0);
	os_set_fsids(1234, 5678);
	os_set_fsids(0, 0);
	EXPECT_INT(os_mkdirat(s.fd, "ours", 0700), 0);
	EXPECT_INT(scratch_stat(&s, "theirs").st_uid, 1234);
	EXPECT_INT(scratch_stat(&s, "theirs").st_gid, 5678);
	EXPECT_INT(scratch_stat(&s, "ours").st_uid, 0);
	EXPECT_INT(scratch_stat(&s, "ours").st_gid, 0);
}

static void *start_as_another(void *arg)
{
	os_set_fsids(0, 0);
	return ids_of_another_thread(arg);
}

TEST("a thread that inherited another's ids gets its own back")
{
	pthread_t thread;
	uid_t uid = 1;

	if (geteuid() || !os_has_cap(CAP_SETUID))
		SKIP("not permitted to change ids");
	os_set_fsids(1234, 5678);
	ASSERT_INT(pthread_create(&thread, NULL, start_as_another, &uid), 0);
	pthread_join(thread, NULL);
	os_set_fsids(0, 0);
	EXPECT_INT(uid, 0);
}

/* In a new user namespace in which the parent has mapped the ids 0 and 1: its exit status tells what went wrong. */
static int ids_in_userns(int unshared, int mapped)
{
	char c = 0;

	if (syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */))
		return 77;
	if (write(unshared, &c, 1) != 1 || read(mapped, &c, 1) != 1)
		return 78;
	os_set_fsids(1, 0);
	if (setfsuid((uid_t)-1) != 1)
		return 1;
	os_set_fsids(4321, 0); /* which isn't mapped */
	return setfsuid((uid_t)-1) ? 2 : 0;
}

static bool write_uid_map(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/uid_map", pid);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return write(fd, "0 0 2\n", 6) == 6;
}

TEST("an id that the kernel refuses leaves the thread with its own, not with the one before")
{
	int unshared[2], mapped[2], status;
	char c;

	if (geteuid() || !os_has_cap(CAP_SETUID))
		SKIP("not permitted to change ids");
	ASSERT(!pipe2(unshared, O_CLOEXEC) && !pipe2(mapped, O_CLOEXEC));
	pid_t pid = fork();

	if (!pid) {
		close(mapped[1]);
		_exit(ids_in_userns(unshared[1], mapped[0]));
	}
	close(unshared[1]);
	close(mapped[0]);
	bool ready = read(unshared[0], &c, 1) == 1 && write_uid_map(pid) && write(mapped[1], "", 1) == 1;

	close(unshared[0]);
	close(mapped[1]); /* ends a child that waits for it */
	ASSERT(pid > 0);
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	if (!ready)
		SKIP("no user namespace can be set up here");
	EXPECT_INT(status, 0);
}

TEST("capabilities survive a change of the file system's user id once that was asked for")
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		if (os_keep_caps_on_fsuid() < 0)
			_exit(77);
		os_set_fsids(1234, 5678);
		_exit(!os_has_cap(CAP_DAC_OVERRIDE) || os_keep_caps_on_fsuid());
	}
	ASSERT(pid > 0);
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		SKIP("no CAP_SETPCAP");
	EXPECT_INT(status, 0);
}

TEST("without capabilities none is told")
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
		struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = {0};

		if (syscall(SYS_capset, &header, none))
			_exit(2);
		_exit(os_has_cap(CAP_SYS_ADMIN) || os_has_cap(CAP_DAC_OVERRIDE));
	}
	ASSERT(pid > 0);
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	EXPECT_INT(status, 0);
}

TEST("a new user namespace isn't the initial one")
{
	pid_t pid = fork();
	int status;

	if (!pid)
		_exit(syscall(SYS_unshare, 0x10000000 /* CLONE_NEWUSER */) ? 77 : os_in_init_userns());
	ASSERT(pid > 0);
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	if (WEXITSTATUS(status) == 77)
		SKIP("no user namespaces here");
	EXPECT_INT(status, 0);
}

TEST("types of file systems are told by their whole name")
{
	EXPECT(os_has_filesystem("proc"));
	EXPECT(os_has_filesystem("tmpfs"));
	EXPECT(!os_has_filesystem("tmp"));
	EXPECT(!os_has_filesystem("nodev"));
	EXPECT(!os_has_filesystem(""));
}

TEST("the limit of descriptors rises to the hard limit")
{
	struct rlimit limit, lower;

	ASSERT_INT(getrlimit(RLIMIT_NOFILE, &limit), 0);
	lower = (struct rlimit){.rlim_cur = 64, .rlim_max = limit.rlim_max};
	ASSERT_INT(setrlimit(RLIMIT_NOFILE, &lower), 0);
	EXPECT_INT(os_raise_nofile(), limit.rlim_max);
	ASSERT_INT(getrlimit(RLIMIT_NOFILE, &lower), 0);
	EXPECT_INT(lower.rlim_cur, limit.rlim_max);
	setrlimit(RLIMIT_NOFILE, &limit);
}

TEST("the limits of file sizes and processor time rise to their hard limits at least")
{
	const int resources[] = {RLIMIT_FSIZE, RLIMIT_CPU};
	struct rlimit limits[2], lower;

	for (int i = 0; i < 2; i++) {
		ASSERT_INT(getrlimit(resources[i], &limits[i]), 0);
		lower = (struct rlimit){.rlim_cur = 1000000, .rlim_max = limits[i].rlim_max};
		ASSERT_INT(setrlimit(resources[i], &lower), 0);
	}
	os_raise_limits_of_work();
	for (int i = 0; i < 2; i++) {
		ASSERT_INT(getrlimit(resources[i], &lower), 0);
		EXPECT(lower.rlim_cur >= limits[i].rlim_max);
		setrlimit(resources[i], &limits[i]);
	}
}

TEST("settings of the process take effect")
{
	pid_t pid = fork();
	int status;

	if (!pid) {
		struct rlimit core;
		char score[16] = "";

		os_no_core_dumps();
		os_set_oom_score(500);
		getrlimit(RLIMIT_CORE, &core);
		int fd = open("/proc/self/oom_score_adj", O_RDONLY | O_CLOEXEC);

		if (read(fd, score, sizeof(score) - 1) < 0 || atoi(score) != 500)
			_exit(1);
		if (core.rlim_cur || core.rlim_max)
			_exit(2);
		_exit(0);
	}
	ASSERT(pid > 0);
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	EXPECT_INT(WEXITSTATUS(status), 0);
}

TEST("the clock goes forward and there is a processor")
{
	unsigned long long before = os_now_ms();

	usleep(3000);
	EXPECT(os_now_ms() > before);
	EXPECT(os_cpu_count() >= 1);
	EXPECT(os_resident_bytes() >= 100000);
}
