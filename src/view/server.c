/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The process that serves a FUSE mount. Everything in /proc is another process's word, which may go away at any moment:
 * whatever can't be read is passed over, and what a command line says is parsed as the server itself has parsed it.
 */
#include "internal.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "os/fs.h"
#include "os/task.h"

#define COMMAND_MAX (1 << 20) /* bytes of a command line or an environment */

struct search {
	int proc_fd;
	int pid_fd; /* of the process that is looked at */
	dev_t dev;
	const char *mountpoint;
	pid_t found;	/* by the connection */
	pid_t by_name;	/* by its command line */
	bool connected; /* the process has a descriptor of the connection */
};

/* A whole file of /proc, with a NUL behind it. NULL if it can't be read. */
static char *server_read(int dirfd, const char *name, size_t *ret_len)
{
	_cleanup_close_ int fd = os_openat(dirfd, name, O_RDONLY, 0, OS_CROSS_MOUNTS);
	_cleanup_free_ char *text = NULL;
	size_t len = 0, room = 0;
	ssize_t n = 0;

	if (fd < 0)
		return NULL;
	do {
		len += (size_t)n;
		if (len > COMMAND_MAX || !ARRAY_ROOM(text, len, room, 4097))
			return NULL;
		n = os_pread(fd, text + len, 4096, (off_t)len);
	} while (n > 0);
	if (n < 0)
		return NULL;
	text[len] = '\0';
	*ret_len = len;
	return TAKE_PTR(text);
}

/* The strings of a block that NULs separate. The array points into the block and ends with NULL. */
static char **server_split(char *block, size_t len, int *ret_count)
{
	char **strings = NULL;
	int n = 0, count = 0;

	for (size_t i = 0; i < len; i++)
		count += !block[i];
	strings = calloc((size_t)count + 2, sizeof(*strings));
	if (!strings)
		return NULL;
	for (size_t i = 0; i < len && n <= count; i += strlen(block + i) + 1)
		strings[n++] = block + i;
	*ret_count = n;
	return strings;
}

/* --- finding it --------------------------------------------------------------------------------------------------- */

/* As fdinfo prints it: the device number in the kernel's own form. */
static unsigned long connection_of(dev_t dev)
{
	return ((unsigned long)major(dev) << 20) | minor(dev);
}

static int look_at_descriptor(void *arg, const struct os_dirent *entry)
{
	static const char key[] = "fuse_connection:";
	struct search *s = arg;
	_cleanup_free_ char *name = NULL, *text = NULL;
	char target[32];
	const char *line;
	size_t len;
	ssize_t n;

	if (asprintf(&name, "fdinfo/%s", entry->name) < 0)
		return -ENOMEM;
	_cleanup_close_ int fds = os_openat(s->pid_fd, "fd", O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	if (fds < 0)
		return 0;
	n = os_readlinkat(fds, entry->name, target, sizeof(target));
	if (n != (ssize_t)strlen("/dev/fuse") || memcmp(target, "/dev/fuse", (size_t)n) != 0)
		return 0;
	text = server_read(s->pid_fd, name, &len);
	line = text ? strstr(text, key) : NULL;
	s->connected = line && strtoul(line + strlen(key), NULL, 10) == connection_of(s->dev);
	return s->connected;
}

static bool has_program_name(const char *path)
{
	const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;

	return strstr(name, "plyfs") || strstr(name, "fuse-overlayfs");
}

static bool names_mountpoint(char **argv, int argc, const char *mountpoint)
{
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], mountpoint))
			return true;
	return false;
}

static int look_at_process(void *arg, const struct os_dirent *entry)
{
	struct search *s = arg;
	_cleanup_free_ char *block = NULL;
	_cleanup_free_ char **argv = NULL;
	size_t len;
	int argc;

	(void)CHECK(!s->found);
	if (!isdigit((unsigned char)entry->name[0]))
		return 0;
	_cleanup_close_ int fd = os_openat(s->proc_fd, entry->name, O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	block = fd < 0 ? NULL : server_read(fd, "cmdline", &len);
	argv = block && len ? server_split(block, len, &argc) : NULL;
	if (!argv || !has_program_name(argv[0]))
		return 0;
	_cleanup_close_ int fds = os_openat(fd, "fd", O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	s->pid_fd = fd;
	s->connected = false;
	if (fds >= 0)
		(void)os_read_dir_once(fds, look_at_descriptor, s);
	if (s->connected)
		s->found = atoi(entry->name);
	else if (names_mountpoint(argv, argc, s->mountpoint))
		s->by_name = atoi(entry->name);
	return s->found != 0;
}

/* --- what it says ------------------------------------------------------------------------------------------------- */

/* The environment's PWD: a daemon has left the directory in which it was started. */
static char *server_started_in(int pid_fd)
{
	_cleanup_free_ char *block = NULL;
	size_t len;

	block = server_read(pid_fd, "environ", &len);
	for (size_t i = 0; block && i < len; i += strlen(block + i) + 1)
		if (!strncmp(block + i, "PWD=/", 5))
			return strdup(block + i + 4);
	return NULL;
}

/* Where the server's paths begin. */
struct server_around {
	pid_t pid;
	bool elsewhere;	  /* its root directory isn't ours */
	char *started_in; /* owned; NULL: not known */
	char *cwd;	  /* from its root directory; owned; NULL: not known */
};

static void server_forget_around(struct server_around *around)
{
	free(around->started_in);
	free(around->cwd);
}

/* What a link in /proc/PID says. */
static char *server_link(int dirfd, const char *name)
{
	char target[PATH_MAX];
	ssize_t n = os_readlinkat(dirfd, name, target, sizeof(target));

	return n > 0 && (size_t)n < sizeof(target) ? strndup(target, (size_t)n) : NULL;
}

/* Its mount namespace is another one, or its root directory lies below ours. */
static bool server_is_elsewhere(int pid_fd, int own_fd, const char *root)
{
	_cleanup_close_ int their_ns = os_openat(pid_fd, "ns", O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	_cleanup_close_ int our_ns = os_openat(own_fd, "ns", O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	_cleanup_free_ char *theirs = their_ns < 0 ? NULL : server_link(their_ns, "mnt");
	_cleanup_free_ char *ours = our_ns < 0 ? NULL : server_link(our_ns, "mnt");

	return (root && strcmp(root, "/") != 0) || (theirs && ours && strcmp(theirs, ours) != 0);
}

/* The kernel tells both directories as they are called in the mount namespace. */
static char *server_cwd(int pid_fd, const char *root)
{
	_cleanup_free_ char *cwd = server_link(pid_fd, "cwd");
	size_t n = root && strcmp(root, "/") ? strlen(root) : 0;

	if (!cwd || *cwd != '/' || strncmp(cwd, root ? root : "", n) != 0 || (n && cwd[n] && cwd[n] != '/'))
		return NULL;
	return strdup(cwd[n] ? cwd + n : "/");
}

static void server_look_around(int proc_fd, int pid_fd, struct server_around *ret)
{
	_cleanup_close_ int own_fd = os_openat(proc_fd, "thread-self", O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	_cleanup_free_ char *root = server_link(pid_fd, "root");
	char own[16];

	snprintf(own, sizeof(own), "%d", getpid());
	if (own_fd < 0)
		own_fd = os_openat(proc_fd, own, O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	ret->elsewhere = server_is_elsewhere(pid_fd, own_fd, root);
	ret->started_in = server_started_in(pid_fd);
	ret->cwd = server_cwd(pid_fd, root);
}

static bool is_there(const char *path)
{
	_cleanup_close_ int fd = os_open_path(path, O_PATH, 0);

	return fd >= 0;
}

/* A path of the server, from its root directory, as this process has to say it. NULL: -ENOMEM. */
static char *server_path(const struct server_around *around, const char *dir, const char *path)
{
	char root[32] = "", *text;

	(void)CHECK(around->pid > 0);
	if (around->elsewhere)
		snprintf(root, sizeof(root), "/proc/%d/root", around->pid);
	return asprintf(&text, "%s%s%s%s", root, dir, *dir ? "/" : "", path) < 0 ? NULL : text;
}

/* -ENOENT: it is relative to a directory that isn't known. A daemon has left the directory in which it was started. */
static int server_translate(char **path, const struct server_around *around)
{
	const char *dir = around->started_in;
	char *text = NULL;

	if (!*path)
		return 0;
	if (**path == '/') {
		text = server_path(around, "", *path);
	} else {
		text = dir ? server_path(around, dir, *path) : NULL;
		if (dir && !text)
			return -ENOMEM;
		if (!dir && !around->cwd)
			return -ENOENT;
		if (around->cwd && !(text && is_there(text))) {
			free(text);
			text = server_path(around, around->cwd, *path);
		}
	}
	if (!text)
		return -ENOMEM;
	free(*path);
	*path = text;
	return 0;
}

static int server_translate_all(struct view_stack *stack, int proc_fd, int pid_fd, char **ret_error)
{
	_cleanup_(server_forget_around) struct server_around around = {.pid = stack->pid};
	struct options *options = &stack->options;
	const char *path = options->upperdir;
	int r;

	server_look_around(proc_fd, pid_fd, &around);
	r = server_translate(&options->upperdir, &around);
	if (r == 0) {
		path = options->workdir;
		r = server_translate(&options->workdir, &around);
	}
	for (size_t i = 0; i < options->layer_count && r == 0; i++) {
		path = options->layers[i].path;
		r = server_translate(&options->layers[i].path, &around);
	}
	if (r == -ENOENT)
		return view_refuse(ret_error, r, "%s: its layer %s is relative to a directory that isn't known",
				   stack->name, path);
	return r < 0 ? view_refuse(ret_error, r, "%s: out of memory", stack->name) : 0;
}

/* When it was started: the 22nd field of stat, in ticks since boot, and the time of boot. */
static time_t server_started_at(int proc_fd, int pid_fd)
{
	_cleanup_free_ char *stat = NULL, *boot = NULL;
	const char *field, *line;
	size_t len;
	long ticks = sysconf(_SC_CLK_TCK);

	stat = server_read(pid_fd, "stat", &len);
	boot = server_read(proc_fd, "stat", &len);
	line = boot ? strstr(boot, "\nbtime ") : NULL;
	field = stat ? strrchr(stat, ')') : NULL;
	for (int i = 2; field && i < 22; i++) {
		field = strchr(field, ' ');
		field = field ? field + 1 : NULL;
	}
	if (!field || !line || ticks <= 0)
		return 0;
	return (time_t)(strtoull(line + 7, NULL, 10) + strtoull(field, NULL, 10) / (unsigned long)ticks);
}

static int server_keep_command(struct view_stack *stack, char *const *argv, int argc)
{
	(void)CHECK(!stack->command && argc > 0);
	stack->command = calloc((size_t)argc + 1, sizeof(*stack->command));
	for (int i = 0; stack->command && i < argc; i++) {
		stack->command[i] = strdup(argv[i]);
		if (!stack->command[i])
			return -ENOMEM;
	}
	return stack->command ? 0 : -ENOMEM;
}

static int server_parse(struct view_stack *stack, int proc_fd, char **ret_error)
{
	_cleanup_free_ char *block = NULL;
	_cleanup_free_ char **argv = NULL;
	struct option_env env = {.privileged = false};
	struct option_error error = {.status = 0};
	struct statx stx;
	char name[16];
	size_t len;
	int argc, r;

	(void)CHECK(stack->pid > 0);
	snprintf(name, sizeof(name), "%d", stack->pid);
	_cleanup_close_ int fd = os_openat(proc_fd, name, O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	block = fd < 0 ? NULL : server_read(fd, "cmdline", &len);
	argv = block ? server_split(block, len, &argc) : NULL;
	if (!argv || os_statx(fd, "", &stx) < 0)
		return view_refuse(ret_error, -ESRCH, "%s: its server has gone", stack->name);
	env.privileged = stx.stx_uid == 0;
	if (server_keep_command(stack, argv, argc) < 0)
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", stack->name);
	r = options_parse(argc, argv, &env, &stack->options, &error);
	if (r < 0)
		return view_refuse(ret_error, r, "%s: the command line of process %s: %s", stack->name, name,
				   error.text);
	stack->since = server_started_at(proc_fd, fd);
	return server_translate_all(stack, proc_fd, fd, ret_error);
}

int view_server_find(struct view_stack *stack, char **ret_error)
{
	_cleanup_close_ int proc_fd = os_open_path("/proc", O_RDONLY | O_DIRECTORY, 0);
	struct search s = {.proc_fd = proc_fd, .dev = stack->dev, .mountpoint = stack->mountpoint};
	int r;

	(void)CHECK(stack->mountpoint);
	if (proc_fd < 0)
		return view_refuse(ret_error, proc_fd, "/proc: %s", strerror(-proc_fd));
	r = os_read_dir(proc_fd, look_at_process, &s);
	if (r < 0)
		return view_refuse(ret_error, r, "/proc: %s", strerror(-r));
	stack->pid = s.found ? s.found : s.by_name;
	if (!stack->pid)
		return view_refuse(ret_error, -ENOENT,
				   "%s: no process serves it that can be looked at, so its layers aren't known",
				   stack->name);
	return server_parse(stack, proc_fd, ret_error);
}
