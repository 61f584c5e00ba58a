/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory for one test, made the working directory, with lower layers l1, l2, l3, an upper u, a work directory w
 * and a mountpoint m; and a process in namespaces of its own for what needs a mount.
 */
#ifndef UNIT_LAYER_FIXTURE_H
#define UNIT_LAYER_FIXTURE_H

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "cli/option.h"
#include "layer/device.h"
#include "layer/layer.h"
#include "layer/work.h"
#include "os/fs.h"
#include "unit.h"

struct fixture {
	char path[64];
	int fd;
	struct layer_set *set;
	char *error;
	struct options opt;
};

static inline void fixture_close(struct fixture *f)
{
	layer_set_put(f->set);
	free(f->error);
	options_free(&f->opt);
	f->set = NULL;
	f->error = NULL;
	memset(&f->opt, 0, sizeof(f->opt));
}

static inline void fixture_finish(struct fixture *f)
{
	int parent;

	fixture_close(f);
	if (f->fd < 0 || chdir("/") < 0)
		return;
	parent = open("/tmp", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (work_remove_tree(parent, strrchr(f->path, '/') + 1) < 0)
		printf("# %s is left\n", f->path);
	close(parent);
	close(f->fd);
}

static inline bool fixture_init(struct fixture *f)
{
	static const char *const dirs[] = {"l1", "l2", "l3", "u", "w", "m"};

	memset(f, 0, sizeof(*f));
	f->fd = -1;
	strcpy(f->path, "/tmp/plyfs-layer-XXXXXX");
	if (os_init() < 0 || !mkdtemp(f->path))
		return false;
	f->fd = open(f->path, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (f->fd < 0 || chdir(f->path) < 0)
		return false;
	for (size_t i = 0; i < sizeof(dirs) / sizeof(*dirs); i++)
		if (mkdir(dirs[i], 0755) < 0)
			return false;
	return true;
}

#define FIXTURE(f)                                                                                                     \
	struct fixture f __attribute__((cleanup(fixture_finish)));                                                     \
	ASSERT(fixture_init(&f))

/* layer_set_open(); f->error is the refusal. */
static inline int fixture_open_spec(struct fixture *f, const struct stack_spec *spec, const char *mountpoint)
{
	struct error error = {0};
	int ret = layer_set_open(spec, mountpoint, &f->set, &error);

	EXPECT(!error.text || error.err < 0);
	f->error = error.text;
	return ret;
}

/* The same with the text of -o. */
static inline int fixture_open_at(struct fixture *f, const char *text, const char *mountpoint)
{
	char *argv[] = {(char *)"plyfs", (char *)"-o", (char *)text, (char *)"m", NULL};
	struct option_env env = {.privileged = true};
	struct option_error error;
	struct stack_spec spec;
	int ret;

	fixture_close(f);
	ret = options_parse(4, argv, &env, &f->opt, &error);
	if (ret < 0) {
		printf("# options: %s\n", error.text);
		memset(&f->opt, 0, sizeof(f->opt));
		return ret;
	}
	spec = options_stack(&f->opt);
	ret = fixture_open_spec(f, &spec, mountpoint);
	/* A set that kept something of the specification would meet this. */
	memset(&spec, 0xff, sizeof(spec));
	return ret;
}

static inline int fixture_open(struct fixture *f, const char *text)
{
	return fixture_open_at(f, text, "m");
}

#define EXPECT_OPENS(f, text)                                                                                          \
	do {                                                                                                           \
		int _ret = fixture_open((f), (text));                                                                  \
		EXPECT_STR((f)->error, NULL);                                                                          \
		ASSERT_INT(_ret, 0);                                                                                   \
	} while (0)

#define EXPECT_REFUSED(f, text, err, line)                                                                             \
	do {                                                                                                           \
		EXPECT_INT(fixture_open((f), (text)), (err));                                                          \
		EXPECT_STR((f)->error, (line));                                                                        \
	} while (0)

static inline bool make_file(const char *path, const char *content, mode_t mode)
{
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, mode);
	bool good = fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content);

	if (fd >= 0)
		close(fd);
	return good;
}

/* What the union shows for this inode on the device of that layer's root. */
static inline uint64_t number_of(const struct layer_set *set, unsigned layer, uint64_t ino)
{
	return layer_union_ino(set, (struct object_id){.ino = ino, .device = set->layers[layer].device});
}

static inline bool exists(const char *path)
{
	struct stat st;

	return !lstat(path, &st);
}

static inline int count_entry(void *arg, const struct os_dirent *entry)
{
	++*(int *)arg;
	return 0;
}

static inline int count_entries(const char *path)
{
	int n = 0, fd = open(path, O_PATH | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || os_read_dir(fd, count_entry, &n) < 0)
		n = -1;
	if (fd >= 0)
		close(fd);
	return n;
}

static inline bool write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	bool good = fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text);

	if (fd >= 0)
		close(fd);
	return good;
}

/* Enters new namespaces; with CLONE_NEWUSER we become root of it. */
static inline bool enter_namespaces(int flags)
{
	char uid_map[32], gid_map[32];

	snprintf(uid_map, sizeof(uid_map), "0 %d 1", (int)geteuid());
	snprintf(gid_map, sizeof(gid_map), "0 %d 1", (int)getegid());
	if (unshare(flags) < 0)
		return false;
	if ((flags & CLONE_NEWUSER) &&
	    (!write_text("/proc/self/setgroups", "deny") || !write_text("/proc/self/uid_map", uid_map) ||
	     !write_text("/proc/self/gid_map", gid_map)))
		return false;
	return !(flags & CLONE_NEWNS) || !mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL);
}

#define NOT_PERMITTED 77

/* Runs `test` in a process in new namespaces. */
static inline void run_in_namespaces(int flags, void (*test)(void))
{
	int status = 0;
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (!pid) {
		if (!enter_namespaces(flags))
			_exit(NOT_PERMITTED);
		unit_state.failures = 0;
		test();
		fflush(stdout);
		_exit(unit_state.failures ? 1 : 0);
	}
	ASSERT_INT(waitpid(pid, &status, 0), pid);
	if (WIFEXITED(status) && WEXITSTATUS(status) == NOT_PERMITTED)
		SKIP("namespaces are not permitted");
	EXPECT_INT(status, 0);
}

/* A FUSE mount whose daemon never answers: whoever sends it a request hangs. The descriptor of the connection, or
 * -1. */
static inline int mount_silent_fuse(const char *path)
{
	char options[80];
	int fd = open("/dev/fuse", O_RDWR | O_CLOEXEC);

	snprintf(options, sizeof(options), "fd=%d,rootmode=40000,user_id=0,group_id=0", fd);
	if (fd >= 0 && mount("silent", path, "fuse.silent", 0, options) < 0) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static inline void umount_silent_fuse(const char *path, int fd)
{
	close(fd);
	umount2(path, MNT_DETACH);
}

#define NEEDS_ROOT()                                                                                                   \
	do {                                                                                                           \
		if (geteuid())                                                                                         \
			SKIP("needs root");                                                                            \
	} while (0)

#endif
