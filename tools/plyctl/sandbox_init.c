/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Process 1 of the command: it reaps orphans, hands signals on, and tells plyctl how the command ended.
 */
#include "sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "os/task.h"
#include "plyctl.h"

/* A signal that init got by itself went to the whole process group, so the command has it. */
#define SAME_SIGNAL_MS 100
/* The control socket of init; the standard streams are below. */
#define CONTROL_FD 3

/* As docker's containers have them. In a user namespace all are harmless, but CAP_SYS_ADMIN could make inputs
 * writable. */
static const unsigned kept_caps[] = {CAP_CHOWN,	  CAP_DAC_OVERRIDE,	CAP_FOWNER,	CAP_FSETID,	CAP_KILL,
				     CAP_SETGID,  CAP_SETUID,		CAP_SETPCAP,	CAP_SETFCAP,	CAP_MKNOD,
				     CAP_NET_RAW, CAP_NET_BIND_SERVICE, CAP_SYS_CHROOT, CAP_AUDIT_WRITE};

static void limit_caps(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct data[2] = {{0}};
	uint64_t kept = 0;

	for (size_t i = 0; i < ARRAY_SIZE(kept_caps); i++)
		kept |= (uint64_t)1 << kept_caps[i];
	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++)
		if (!(kept & (uint64_t)1 << cap))
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	for (int i = 0; i < 2; i++)
		data[i].effective = data[i].permitted = (uint32_t)(kept >> (32 * i));
	syscall(SYS_capset, &header, data);
}

/* What a shell answers. */
static int exec_failed(const char *name, int err)
{
	fail("%s: %s", name, err == ENOENT && !strchr(name, '/') ? "no such command" : strerror(err));
	return err == ENOENT ? 127 : 126;
}

static void restore_limits(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || !caller_nofile)
		return;
	limit.rlim_cur = caller_nofile;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void command(const struct sandbox_run *run)
{
	const struct sandbox *s = run->s;
	int r = run->s->own_ids && run->has_userns ? sandbox_take_own_ids(run) : 0;

	if (r < 0) {
		fail("user namespace: %s", strerror(-r));
		_exit(SANDBOX_FAILED);
	}
	if (!run->has_userns || s->n_inputs)
		limit_caps();
	if (chdir(s->cwd) < 0)
		(void)!chdir("/");
	umask(run->umask);
	restore_limits();
	syscall(SYS_close_range, 3U, ~0U, 4U /* CLOSE_RANGE_CLOEXEC */);
	sigprocmask(SIG_SETMASK, &run->mask, NULL);
	environ = (char **)s->env;
	execvp(s->argv[0], s->argv);
	_exit(exec_failed(s->argv[0], errno));
}

struct init {
	const struct sandbox_run *run;
	pid_t command;
	unsigned long long got_ms[NSIG]; /* when init got a signal by itself; 0: never */
};

static void tell(const struct init *init, int event, int value)
{
	struct sandbox_told told = {.event = event, .value = value};

	(void)!send(init->run->control[1], &told, sizeof(told), MSG_NOSIGNAL);
}

/* Reaps all who have ended. True at the end of the command. */
static bool reap(const struct init *init)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG | WUNTRACED)) > 0) {
		if (pid != init->command)
			continue;
		if (WIFSTOPPED(status)) {
			tell(init, SANDBOX_STOPPED, WSTOPSIG(status));
			continue;
		}
		if (WIFEXITED(status))
			tell(init, SANDBOX_EXITED, WEXITSTATUS(status));
		else
			tell(init, SANDBOX_KILLED, WTERMSIG(status));
		return true;
	}
	return pid < 0 && errno == ECHILD;
}

static void note_signals(struct init *init, int fd)
{
	struct signalfd_siginfo info;

	while (read(fd, &info, sizeof(info)) == sizeof(info))
		if (info.ssi_signo < NSIG)
			init->got_ms[info.ssi_signo] = os_now_ms();
}

static void pass_signal(struct init *init)
{
	int signo;

	if (recv(init->run->control[1], &signo, sizeof(signo), MSG_DONTWAIT) != sizeof(signo) || signo <= 0 ||
	    signo >= NSIG)
		return;
	if (signo != SIGCONT && init->got_ms[signo] && os_now_ms() - init->got_ms[signo] < SAME_SIGNAL_MS)
		return;
	kill(init->command, signo);
}

/* In a user namespace the command may look at /proc/1/fd. So init keeps no descriptor that leads out of the root: only
 * the streams that the command has too, and the socket. */
static int close_outside(struct sandbox_run *run)
{
	if (run->control[1] != CONTROL_FD && dup3(run->control[1], CONTROL_FD, O_CLOEXEC) < 0)
		return -1;
	run->control[1] = CONTROL_FD;
	return (int)syscall(SYS_close_range, CONTROL_FD + 1U, ~0U, 0U);
}

int sandbox_init(struct sandbox_run *run)
{
	struct init init = {.run = run};
	sigset_t signals;
	int fd;

	if (sandbox_enter_root(run) < 0)
		return SANDBOX_FAILED;
	if (close_outside(run) < 0) {
		fail("descriptors: %s", strerror(errno));
		return SANDBOX_FAILED;
	}
	sandbox_passed_signals(&signals);
	sigaddset(&signals, SIGCHLD);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	init.command = fork();
	if (init.command == 0)
		command(run);
	if (init.command < 0 || fd < 0) {
		fail("%s: %s", run->s->argv[0], strerror(errno));
		return SANDBOX_FAILED;
	}
	do {
		struct pollfd fds[] = {{.fd = fd, .events = POLLIN}, {.fd = run->control[1], .events = POLLIN}};

		(void)poll(fds, 2, -1);
		note_signals(&init, fd);
		if (fds[1].revents & POLLIN)
			pass_signal(&init);
	} while (!reap(&init));
	return 0;
}
