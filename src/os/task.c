/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Credentials, capabilities, limits and other processes. The credential calls are made by number: the C library's
 * wrappers would change all threads, or none.
 */
#include "os/task.h"

#include <dlfcn.h>
#ifdef __GLIBC__
#include <execinfo.h>
#endif
#include <fcntl.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "internal.h"
#include "os/sched.h"

/* Inode number of the initial user namespace: part of the kernel's interface, named in linux/nsfs.h of late. */
#define USER_NS_INIT_INO 0xEFFFFFFDu

/* --- credentials ------------------------------------------------------------------------------------------------- */

int os_keep_caps_on_fsuid(void)
{
	int bits = prctl(PR_GET_SECUREBITS);

	if (bits < 0)
		return -errno;
	if (bits & SECBIT_NO_SETUID_FIXUP)
		return 0;
	return prctl(PR_SET_SECUREBITS, bits | SECBIT_NO_SETUID_FIXUP) < 0 ? -errno : 0;
}

/* setfsuid and setfsgid report no failure; asked for an impossible id they only tell the one in force. If the kernel
 * refused (an id that our user namespace doesn't map), the thread must not go on with the id of somebody else. */
static unsigned set_fs_id(long number, unsigned id, unsigned own)
{
	syscall(number, id);
	if ((unsigned)syscall(number, -1) == id)
		return id;
	syscall(number, own);
	return own;
}

int os_set_fsids(uid_t uid, gid_t gid)
{
	/* What this thread has; a new thread has its creator's, which is not known here. */
	static _Thread_local uid_t thread_uid = (uid_t)-1;
	static _Thread_local gid_t thread_gid = (gid_t)-1;

	if (thread_gid != gid)
		thread_gid = set_fs_id(SYS_setfsgid, gid, getegid());
	if (thread_uid != uid)
		thread_uid = set_fs_id(SYS_setfsuid, uid, geteuid());
	return thread_gid == gid && thread_uid == uid ? 0 : -EOVERFLOW;
}

unsigned os_overflow_id(const char *which)
{
	unsigned id = 65534;
	char path[64];
	FILE *file;

	snprintf(path, sizeof(path), "/proc/sys/kernel/overflow%s", which);
	file = fopen(path, "re");
	if (!file)
		return id;
	if (fscanf(file, "%u", &id) != 1)
		id = 65534;
	fclose(file);
	return id;
}

static bool has_cap(pid_t tid, int cap)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3, .pid = tid};
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];

	if (!CHECK(cap >= 0 && cap <= CAP_LAST_CAP))
		return false;
	if (syscall(SYS_capget, &header, data) < 0)
		return false;
	return data[CAP_TO_INDEX(cap)].effective & CAP_TO_MASK(cap);
}

bool os_has_cap(int cap)
{
	return has_cap(0, cap);
}

bool os_task_has_cap(pid_t tid, int cap)
{
	char path[40];
	struct stat st;

	if (tid <= 0 || !has_cap(tid, cap))
		return false;
	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)tid);
	return !stat(path, &st) && st.st_ino == USER_NS_INIT_INO;
}

ssize_t os_read_small(const char *path, char *buf, size_t size)
{
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);

	(void)CHECK(size > 1);
	if (fd < 0)
		return -errno;
	ssize_t len = OS_LOOK(read(fd, buf, size - 1));

	if (len >= 0)
		buf[len] = '\0';
	return len;
}

int os_enter_mount_ns(const char *ns)
{
	_cleanup_close_ int fd = -1;
	char path[64];

	if (ns[0] && ns[strspn(ns, "0123456789")] == '\0') {
		snprintf(path, sizeof(path), "/proc/%.20s/ns/mnt", ns);
		ns = path;
	}
	fd = OS_LOOK(open(ns, O_RDONLY | O_CLOEXEC));
	return fd < 0 ? fd : OS_CHANGE(setns(fd, CLONE_NEWNS));
}

bool os_in_init_userns(void)
{
	struct stat st;
	char map[64];
	unsigned first, outside, count;

	if (!stat("/proc/self/ns/user", &st))
		return st.st_ino == USER_NS_INIT_INO;
	if (os_read_small("/proc/self/uid_map", map, sizeof(map)) < 0)
		return false;
	return sscanf(map, "%u %u %u", &first, &outside, &count) == 3 && !first && !outside && count == 0xFFFFFFFFu;
}

bool os_has_one_user(void)
{
	char map[64], *line = map;
	unsigned count;

	/* A longer map isn't read as a whole, and has several lines. */
	if (os_read_small("/proc/self/uid_map", map, sizeof(map)) < 0)
		return false;
	line = strchr(map, '\n');
	return (!line || !line[1]) && sscanf(map, "%*u %*u %u", &count) == 1 && count == 1;
}

bool os_has_filesystem(const char *type)
{
	FILE *file = fopen("/proc/filesystems", "re");
	char line[128];
	bool found = false;

	while (file && !found && fgets(line, sizeof(line), file)) {
		char *tab = strchr(line, '\t'); /* behind "nodev" or nothing */

		line[strcspn(line, "\n")] = '\0';
		found = tab && !strcmp(tab + 1, type);
	}
	if (file)
		fclose(file);
	return found;
}

/* --- other processes --------------------------------------------------------------------------------------------- */

bool os_proc_is_ours(void)
{
	char target[16];
	ssize_t len = readlink("/proc/self", target, sizeof(target) - 1);

	if (len <= 0)
		return false;
	target[len] = '\0';
	return atol(target) == (long)getpid();
}

/* /proc may hide what exists (hidepid=), kill(2) doesn't. */
static bool is_gone(pid_t tid)
{
	return os_proc_is_ours() && kill(tid, 0) < 0 && errno == ESRCH;
}

static bool has_sigkill(const char *mask)
{
	return strtoull(mask, NULL, 16) & (1ull << (SIGKILL - 1));
}

static bool line_says_killed(const char *line)
{
	const char *value = strchr(line, ':');

	if (!value)
		return false;
	value += 1 + strspn(value + 1, " \t");
	if (!strncmp(line, "State:", 6))
		return *value == 'Z' || *value == 'X';
	return (!strncmp(line, "SigPnd:", 7) || !strncmp(line, "ShdPnd:", 7)) && has_sigkill(value);
}

bool os_status_says_killed(FILE *status)
{
	_cleanup_free_ char *line = NULL; /* that of the groups may be long */
	size_t size = 0;
	bool killed = false;

	while (!killed && getline(&line, &size, status) > 0)
		killed = line_says_killed(line);
	return killed || (ferror(status) && errno == ESRCH);
}

bool os_task_killed(pid_t tid)
{
	char path[32];

	if (tid <= 0)
		return false;
	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	FILE *status = fopen(path, "re");

	if (!status)
		return (errno == ENOENT || errno == ESRCH) && is_gone(tid);
	bool killed = os_status_says_killed(status);

	fclose(status);
	return killed && os_proc_is_ours();
}

/* --- this process ------------------------------------------------------------------------------------------------ */

unsigned long os_raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return 1024;
	rlim_t before = limit.rlim_cur;

	limit.rlim_cur = limit.rlim_max;
	return setrlimit(RLIMIT_NOFILE, &limit) < 0 ? before : limit.rlim_cur;
}

void os_raise_limits_of_work(void)
{
	static const int resources[] = {RLIMIT_FSIZE, RLIMIT_CPU};
	const struct rlimit none = {RLIM_INFINITY, RLIM_INFINITY};
	struct rlimit limit;

	for (unsigned i = 0; i < ARRAY_SIZE(resources); i++) {
		if (setrlimit(resources[i], &none) == 0 || getrlimit(resources[i], &limit) < 0)
			continue;
		limit.rlim_cur = limit.rlim_max;
		setrlimit(resources[i], &limit);
	}
}

void os_reserve_fds(unsigned n)
{
	int fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, (int)n - 1);

	if (fd >= 0)
		close(fd);
}

void os_no_core_dumps(void)
{
	struct rlimit none = {0, 0};

	setrlimit(RLIMIT_CORE, &none);
}

void os_set_oom_score(int value)
{
	_cleanup_close_ int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return;
	dprintf(fd, "%d", value);
}

const char *os_c_library(void)
{
	Dl_info info;

	return dladdr(stderr, &info) && strchr(info.dli_fname, '/') && strstr(info.dli_fname, ".so") ? info.dli_fname
												     : NULL;
}

void os_load_unwinder(void)
{
#ifdef __GLIBC__
	void *frame;

	(void)backtrace(&frame, 1);
#endif
}

/* By way of the descriptor of /proc: the union itself may cover the path. */
unsigned long long os_resident_bytes(void)
{
	_cleanup_close_ int fd = openat(os_kernel.proc_fd, "../statm", O_RDONLY | O_CLOEXEC);
	char text[128];
	ssize_t n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
	unsigned long long size, resident;

	text[MAX(n, 0)] = '\0';
	if (sscanf(text, "%llu %llu", &size, &resident) != 2)
		return 0;
	(void)CHECK(resident <= size);
	return resident * (unsigned long long)sysconf(_SC_PAGESIZE);
}

unsigned os_cpu_count(void)
{
	cpu_set_t cpus;

	if (!sched_getaffinity(0, sizeof(cpus), &cpus))
		return (unsigned)CPU_COUNT(&cpus);
	/* More processors than the set has room for. */
	long n = sysconf(_SC_NPROCESSORS_ONLN);

	return n > 0 ? (unsigned)n : 1;
}

unsigned long long os_now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (unsigned long long)now.tv_sec * 1000000 + (unsigned long long)now.tv_nsec / 1000;
}

unsigned long long os_now_ms(void)
{
	return os_now_us() / 1000;
}

struct timespec os_now_real(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return now;
}

void os_sleep_us(unsigned us)
{
	struct timespec t = {.tv_sec = us / 1000000, .tv_nsec = (long)(us % 1000000) * 1000};

	nanosleep(&t, NULL);
}

int os_random(void *ret, size_t len)
{
	return getrandom(ret, len, 0) == (ssize_t)len ? 0 : -EIO;
}
