/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process outside. The command stays in its session and process group, so the terminal's signals and job control
 * reach it as they reach any program of a pipeline. What is sent to plyctl alone is handed on by the control socket.
 */
#include "sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "plyctl.h"

void sandbox_passed_signals(sigset_t *ret)
{
	static const int passed[] = {SIGHUP,  SIGINT,  SIGQUIT, SIGTERM, SIGUSR1,
				     SIGUSR2, SIGALRM, SIGTSTP, SIGCONT, SIGWINCH};

	sigemptyset(ret);
	for (size_t i = 0; i < ARRAY_SIZE(passed); i++)
		sigaddset(ret, passed[i]);
}

/* As fork(2), with namespaces. */
static pid_t clone_into(int namespaces)
{
	long pid = syscall(SYS_clone, (unsigned long)(namespaces | SIGCHLD), NULL, NULL, NULL, NULL);

	return pid < 0 ? -errno : (pid_t)pid;
}

static void start_keeper(struct sandbox_run *run)
{
	char go;
	ssize_t n;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	close(run->alive[1]);
	close(run->control[0]);
	do
		n = read(run->alive[0], &go, 1);
	while (n < 0 && errno == EINTR);
	run->has_ranges = n == 1 && go == 'r';
	_exit(n == 1 ? sandbox_keep(run) : SANDBOX_FAILED);
}

static pid_t start(struct sandbox_run *run)
{
	int namespaces = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS;
	pid_t pid;

	run->has_userns = geteuid() != 0;
	namespaces |= (run->has_userns ? CLONE_NEWUSER : 0) | (run->s->no_net ? CLONE_NEWNET : 0);
	pid = clone_into(namespaces);
	if (pid == 0)
		start_keeper(run);
	if (pid < 0)
		fail("namespaces: %s", strerror(-(int)pid));
	return pid;
}

/* The terminal's job control goes on with plyctl when the command has stopped. */
static void stop_with_command(const struct sandbox_run *run)
{
	static const int go = SIGCONT;

	raise(SIGSTOP);
	(void)!write(run->control[0], &go, sizeof(go));
}

/* True at the end. */
static bool hear(const struct sandbox_run *run, int *status)
{
	struct sandbox_told told;
	ssize_t n = recv(run->control[0], &told, sizeof(told), MSG_DONTWAIT);

	if (n != sizeof(told))
		return n == 0 || errno != EAGAIN;
	if (told.event == SANDBOX_STOPPED)
		stop_with_command(run);
	else
		*status = told.event == SANDBOX_EXITED ? told.value : 128 + told.value;
	return false;
}

/* The kernel sends to all of the foreground's processes, and the command is one of them. */
static void pass(const struct sandbox_run *run, int signals)
{
	struct signalfd_siginfo info;

	while (read(signals, &info, sizeof(info)) == sizeof(info)) {
		int signo = (int)info.ssi_signo;

		if (signo != SIGCHLD && info.ssi_code != SI_KERNEL)
			(void)!write(run->control[0], &signo, sizeof(signo));
	}
}

/* A shell within the command made its own group the terminal's, and had nobody to give it back to. */
static void take_terminal(pid_t group_before)
{
	struct sigaction ignore = {.sa_handler = SIG_IGN}, former;

	if (group_before != getpgrp() || tcgetpgrp(STDIN_FILENO) == group_before)
		return;
	sigaction(SIGTTOU, &ignore, &former);
	tcsetpgrp(STDIN_FILENO, group_before);
	sigaction(SIGTTOU, &former, NULL);
}

static int wait_for_keeper(const struct sandbox_run *run, pid_t keeper, int signals)
{
	int status = -1, end = 0;
	bool is_heard = false;

	for (;;) {
		struct pollfd fds[] = {{.fd = signals, .events = POLLIN},
				       {.fd = is_heard ? -1 : run->control[0], .events = POLLIN}};
		pid_t gone = waitpid(keeper, &end, WNOHANG);

		if (gone == keeper || (gone < 0 && errno != EINTR))
			break;
		(void)poll(fds, 2, -1);
		pass(run, signals);
		is_heard = is_heard || hear(run, &status);
	}
	while (!is_heard && !hear(run, &status))
		;
	if (WIFEXITED(end) && WEXITSTATUS(end) == SANDBOX_LOST)
		return SANDBOX_FAILED;
	if (status < 0)
		return WIFSIGNALED(end) ? 128 + WTERMSIG(end) : WEXITSTATUS(end);
	/* The command has ended, and then nobody unmounted. */
	return WIFSIGNALED(end) ? SANDBOX_FAILED : status;
}

int sandbox_run(const struct sandbox *s)
{
	struct sandbox_run run = {.s = s, .uid = geteuid(), .gid = getegid()};
	pid_t keeper, group = tcgetpgrp(STDIN_FILENO);
	sigset_t signals;
	int fd, status = SANDBOX_FAILED;

	run.umask = umask(0);
	umask(run.umask);
	if (pipe2(run.alive, O_CLOEXEC) < 0 || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, run.control) < 0) {
		fail("sandbox: %s", strerror(errno));
		return SANDBOX_FAILED;
	}
	sandbox_passed_signals(&signals);
	sigaddset(&signals, SIGCHLD);
	sigprocmask(SIG_BLOCK, &signals, &run.mask);
	fd = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
	keeper = start(&run);
	close(run.alive[0]);
	close(run.control[1]);
	if (keeper > 0 && fd >= 0 && (!run.has_userns || sandbox_map_ids(&run, keeper) == 0) &&
	    write(run.alive[1], run.has_ranges ? "r" : "1", 1) == 1) {
		status = wait_for_keeper(&run, keeper, fd);
	} else if (keeper > 0) {
		close(run.alive[1]);
		run.alive[1] = -1;
		while (waitpid(keeper, NULL, 0) < 0 && errno == EINTR)
			;
	}
	take_terminal(group);
	if (run.alive[1] >= 0)
		close(run.alive[1]);
	close(run.control[0]);
	close(fd);
	sigprocmask(SIG_SETMASK, &run.mask, NULL);
	return status;
}
