/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mounts a directory once more with its ids mapped, as mount(8) of newer util-linux does with X-mount.idmap: the map is
 * that of a user namespace, which a child stands in for.
 */
#include "sc.h"

#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#ifndef MOUNT_ATTR_IDMAP
#define MOUNT_ATTR_IDMAP 0x00100000
#endif
#define MAP_MAX 4096

/* The child; it waits in its namespace until it is killed. */
static pid_t namespace_start(void)
{
	int ready[2];
	char byte;
	pid_t pid;

	if (pipe(ready) < 0)
		return -1;
	pid = fork();
	if (pid == 0) {
		if (unshare(CLONE_NEWUSER) < 0 || write(ready[1], "", 1) != 1)
			_exit(1);
		pause();
		_exit(0);
	}
	close(ready[1]);
	if (pid > 0 && read(ready[0], &byte, 1) != 1) {
		waitpid(pid, NULL, 0);
		pid = -1;
	}
	close(ready[0]);
	return pid;
}

static int namespace_write(pid_t pid, const char *file, const char *text)
{
	char path[64];
	int fd, r;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, file);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return -1;
	r = write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
	close(fd);
	return r;
}

static int namespace_fd(pid_t pid)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/ns/user", (int)pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static int mount_with(const char *dir, const char *mountpoint, int ns)
{
	struct mount_attr attr = {.attr_set = MOUNT_ATTR_IDMAP, .userns_fd = (unsigned)ns};
	int tree = (int)syscall(SYS_open_tree, AT_FDCWD, dir, OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC);

	if (tree < 0 || syscall(SYS_mount_setattr, tree, "", AT_EMPTY_PATH, &attr, sizeof(attr)) < 0)
		return -1;
	return (int)syscall(SYS_move_mount, tree, "", AT_FDCWD, mountpoint, MOVE_MOUNT_F_EMPTY_PATH);
}

int sc_idmap(int argc, char **argv)
{
	char map[MAP_MAX] = "";
	int r = -1;
	pid_t pid;

	if (argc < 4)
		sc_misuse("idmap DIR MOUNTPOINT LAYER:MOUNT:LEN...");
	for (int i = 3; i < argc; i++) {
		size_t used = strlen(map);
		unsigned layer, mount, len;

		if (sscanf(argv[i], "%u:%u:%u", &layer, &mount, &len) != 3)
			sc_misuse("no range '%s'", argv[i]);
		snprintf(map + used, sizeof(map) - used, "%u %u %u\n", layer, mount, len);
	}
	pid = namespace_start();
	if (pid > 0) {
		if (namespace_write(pid, "uid_map", map) == 0 && namespace_write(pid, "gid_map", map) == 0)
			r = mount_with(argv[1], argv[2], namespace_fd(pid));
		sc_result(r);
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
	} else {
		sc_result(-1);
	}
	return r < 0 ? 1 : 0;
}
