/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of a user namespace. newuidmap(1) and newgidmap(1) write those that /etc/subuid and /etc/subgid give a user. A
 * user without them has one id.
 */
#include "sandbox_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pwd.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plyctl.h"

struct range {
	unsigned long first, count;
};

/* From the file itself: a static program has no other sources of users. What the environment says is no secret, because
 * newuidmap(1) looks again. The caller frees it. */
static char *user_name(uid_t uid)
{
	FILE *f = fopen("/etc/passwd", "re");
	const struct passwd *user = NULL;
	const char *name = getenv("USER");

	while (f && (user = fgetpwent(f)) && user->pw_uid != uid)
		;
	name = user ? user->pw_name : name ? name : "";
	if (f)
		fclose(f);
	return strdup(name);
}

/* The first range of a user in a file of lines NAME:FIRST:COUNT, by name or number. */
static bool range_of(const char *file, uid_t uid, struct range *ret)
{
	_cleanup_free_ char *name = user_name(uid);
	FILE *f = fopen(file, "re");
	char line[512], number[16];
	bool found = false;

	snprintf(number, sizeof(number), "%u", uid);
	while (f && !found && fgets(line, sizeof(line), f)) {
		char *first = strchr(line, ':'), *count = first ? strchr(first + 1, ':') : NULL;

		if (!count)
			continue;
		*first++ = '\0';
		if (strcmp(line, number) != 0 && (!name || !*name || strcmp(line, name) != 0))
			continue;
		ret->first = strtoul(first, NULL, 10);
		ret->count = strtoul(count + 1, NULL, 10);
		found = ret->first > 0 && ret->count > 0;
	}
	if (f)
		fclose(f);
	return found;
}

/* PROGRAM PID 0 ID 1 1 FIRST COUNT. */
static bool run_helper(const char *program, pid_t pid, unsigned id, const struct range *range)
{
	char text[4][24];
	pid_t child;
	int status;

	snprintf(text[0], sizeof(text[0]), "%d", pid);
	snprintf(text[1], sizeof(text[1]), "%u", id);
	snprintf(text[2], sizeof(text[2]), "%lu", range->first);
	snprintf(text[3], sizeof(text[3]), "%lu", range->count);
	child = fork();
	if (child == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDERR_FILENO);
		execlp(program, program, text[0], "0", text[1], "1", "1", text[2], text[3], NULL);
		_exit(127);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int write_file(const char *dir, const char *name, const char *text)
{
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%s/%s", dir, name);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	r = write(fd, text, strlen(text)) < 0 ? -errno : 0;
	close(fd);
	return r;
}

/* One id of each kind. */
static int write_single(const char *dir, unsigned uid_inside, unsigned uid, unsigned gid_inside, unsigned gid)
{
	char text[64];
	int r = write_file(dir, "setgroups", "deny");

	snprintf(text, sizeof(text), "%u %u 1", uid_inside, uid);
	if (r == 0 || r == -ENOENT)
		r = write_file(dir, "uid_map", text);
	snprintf(text, sizeof(text), "%u %u 1", gid_inside, gid);
	return r < 0 ? r : write_file(dir, "gid_map", text);
}

int sandbox_map_ids(struct sandbox_run *run, pid_t pid)
{
	struct range uids, gids;
	char dir[24];
	int r;

	if (!run->s->own_ids && range_of("/etc/subuid", run->uid, &uids) && range_of("/etc/subgid", run->uid, &gids) &&
	    run_helper("newgidmap", pid, run->gid, &gids) && run_helper("newuidmap", pid, run->uid, &uids)) {
		run->has_ranges = true;
		return 0;
	}
	snprintf(dir, sizeof(dir), "%d", pid);
	r = write_single(dir, 0, run->uid, 0, run->gid);
	if (r < 0)
		fail("user namespace: %s", strerror(-r));
	return r;
}

int sandbox_take_own_ids(const struct sandbox_run *run)
{
	if (unshare(CLONE_NEWUSER) < 0)
		return -errno;
	return write_single("self", run->uid, 0, run->gid, 0);
}

bool sandbox_has_ranges(void)
{
	struct range range;

	return geteuid() != 0 && range_of("/etc/subuid", geteuid(), &range) &&
	       range_of("/etc/subgid", geteuid(), &range);
}

/* In a process that fork(2) makes: what os keeps of its process is renewed there, and not by a bare clone(2). */
static int call_in_fork(int (*call)(void *arg), void *arg)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		status = call(arg);
		fflush(stdout);
		_exit(status);
	}
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : SANDBOX_FAILED;
}

int sandbox_call_as_root(int (*call)(void *arg), void *arg)
{
	static const struct sandbox nothing = {.own_ids = false};
	struct sandbox_run run = {.s = &nothing, .uid = geteuid(), .gid = getegid()};
	int go[2], status = 0;
	pid_t child;
	char c;

	if (pipe2(go, O_CLOEXEC) < 0)
		return fail("pipe: %s", strerror(errno));
	child = (pid_t)syscall(SYS_clone, (unsigned long)(CLONE_NEWUSER | SIGCHLD), NULL, NULL, NULL, NULL);
	if (child == 0) {
		close(go[1]);
		_exit(read(go[0], &c, 1) == 1 ? call_in_fork(call, arg) : SANDBOX_FAILED);
	}
	close(go[0]);
	if (child < 0)
		fail("user namespace: %s", strerror(errno));
	else if (sandbox_map_ids(&run, child) == 0)
		(void)!write(go[1], "", 1);
	close(go[1]);
	while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR)
		;
	return child > 0 && WIFEXITED(status) ? WEXITSTATUS(status) : SANDBOX_FAILED;
}
