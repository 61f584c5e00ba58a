/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's control group. Who ends a service or a container ends what is in its cgroup, and below it: a daemon that
 * must outlive its caller needs a place beside. Version 2 has one hierarchy, version 1 one for each set of controllers,
 * and hybrid systems have both; a process is in one group of each. What is mounted says which there are,
 * /proc/self/cgroup which groups we are in.
 *
 * A group can't be removed while somebody is in it, so at the end we leave it first. Groups further up are tried before
 * the one that we came from: that one may be frozen or gone. Version 2 lets no process into a group that hands
 * controllers down, but for the root, so all are tried.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "internal.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "os/mount.h"

#define MAX_HIERARCHIES 32U
#define MAX_NAMES 16U
#define PROCS "cgroup.procs"

struct hierarchy {
	dev_t dev;
	bool cpuset; /* of version 1: a new group has no processors and no memory until it is given some */
	char *top;   /* where it is mounted */
	char *root;  /* which group is mounted there, as /proc/self/cgroup names groups */
	char *own;   /* ours, below top: "" or "/a/b" */
	char *made;  /* the directory that we made; NULL: none */
};

struct cgroup {
	struct hierarchy list[MAX_HIERARCHIES];
	size_t count;
};

/* --- what there is ----------------------------------------------------------------------------------------------- */

/* Whether the comma-separated list has the word. */
static bool has_word(const char *list, const char *word, size_t len)
{
	for (; *list; list += strcspn(list, ","), list += *list == ',')
		if (strcspn(list, ",") == len && !strncmp(list, word, len))
			return true;
	return false;
}

/* What is left of a group's path below another one; NULL when it isn't there. */
static const char *below(const char *root, const char *path)
{
	size_t len = strcmp(root, "/") ? strlen(root) : 0;

	if (strncmp(root, path, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	return strcmp(path + len, "/") ? path + len : "";
}

/* The path in a line "ID:CONTROLLER,..:PATH" of /proc/self/cgroup when it is of that hierarchy, else NULL. */
static const char *path_in_line(char *line, const struct os_mountinfo *m)
{
	char *controllers = strchr(line, ':'), *path;

	line[strcspn(line, "\n")] = '\0';
	path = controllers ? strchr(controllers + 1, ':') : NULL;
	if (!path)
		return NULL;
	controllers++;
	*path++ = '\0';
	if (!strcmp(m->fstype, "cgroup2"))
		return *controllers ? NULL : path;
	return *controllers && has_word(m->super_options, controllers, strcspn(controllers, ",")) ? path : NULL;
}

/* Our group in that hierarchy, below its mount; NULL when it can't be reached there. */
static char *own_group(const struct os_mountinfo *m)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	_cleanup_free_ char *line = NULL;
	const char *path = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	while (!path && getline(&line, &size, file) > 0)
		path = path_in_line(line, m);
	fclose(file);
	/* A control group namespace shows what lies outside of it so. */
	if (path && strncmp(path, "/..", 3) == 0 && (!path[3] || path[3] == '/'))
		return NULL;
	path = path ? below(m->root, path) : NULL;
	return path ? strdup(path) : NULL;
}

static int add_hierarchy(void *arg, const struct os_mountinfo *m)
{
	struct cgroup *cgroup = arg;
	struct hierarchy *h = &cgroup->list[cgroup->count];
	bool v2 = !strcmp(m->fstype, "cgroup2");
	struct stat st;

	if (!CHECK(cgroup->count <= MAX_HIERARCHIES))
		return -EIO;
	if ((!v2 && strcmp(m->fstype, "cgroup") != 0) || cgroup->count == MAX_HIERARCHIES)
		return 0;
	for (size_t i = 0; i < cgroup->count; i++)
		if (cgroup->list[i].dev == m->dev)
			return 0;
	/* Another mount may cover it. */
	if (stat(m->mountpoint, &st) < 0 || st.st_dev != m->dev)
		return 0;
	h->own = own_group(m);
	if (!h->own)
		return 0;
	h->top = strdup(m->mountpoint);
	h->root = strdup(m->root);
	h->dev = m->dev;
	h->cpuset = !v2 && has_word(m->super_options, "cpuset", strlen("cpuset"));
	cgroup->count++;
	return h->top && h->root ? 0 : -ENOMEM;
}

/* --- going into a group ------------------------------------------------------------------------------------------ */

static int write_text(int dirfd, const char *name, const char *text)
{
	if (!CHECK(!strchr(name, '/')))
		return -EIO;
	_cleanup_close_ int fd = openat(dirfd, name, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -errno;
	return write(fd, text, strlen(text)) < 0 ? -errno : 0;
}

static int open_group(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd < 0 ? -errno : fd;
}

/* PATH is a directory of a cgroup file system: 0, or 1 when it is none. */
static int enter_directory(const char *path)
{
	_cleanup_close_ int fd = open_group(path);
	struct statfs fs;

	if (fd < 0 || fstatfs(fd, &fs) < 0)
		return 1;
	if (fs.f_type != CGROUP_SUPER_MAGIC && fs.f_type != CGROUP2_SUPER_MAGIC)
		return 1;
	return write_text(fd, PROCS, "0");
}

/* PATH is a group's name, as /proc/PID/cgroup shows it: in each hierarchy that has it. */
static int enter_named(const struct cgroup *cgroup, const char *path)
{
	int entered = -ENOENT;

	for (size_t i = 0; i < cgroup->count; i++) {
		const struct hierarchy *h = &cgroup->list[i];
		const char *rest = *path == '/' ? below(h->root, path) : NULL;
		char full[PATH_MAX];

		if (!rest || snprintf(full, sizeof(full), "%s%s", h->top, rest) >= (int)sizeof(full))
			continue;
		int r = enter_directory(full);

		if (r > 0)
			continue;
		if (r < 0)
			return r;
		entered = 0;
	}
	return entered;
}

/* --- a new group ------------------------------------------------------------------------------------------------- */

/* A group of that name whose daemon was killed is empty and can be removed. */
static int make_beside(int parent_fd, char *name, size_t size)
{
	for (unsigned i = 0; i < MAX_NAMES; i++) {
		if (i == 0)
			snprintf(name, size, "plyfs-%d", (int)getpid());
		else
			snprintf(name, size, "plyfs-%d-%u", (int)getpid(), i);
		if (mkdirat(parent_fd, name, 0755) == 0)
			return 0;
		if (errno != EEXIST)
			return -errno;
		if (unlinkat(parent_fd, name, AT_REMOVEDIR) == 0 && mkdirat(parent_fd, name, 0755) == 0)
			return 0;
	}
	return -EEXIST;
}

static int hand_down(int parent_fd, int fd, const char *name)
{
	_cleanup_close_ int from = openat(parent_fd, name, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n = from < 0 ? -1 : read(from, text, sizeof(text) - 1);

	if (n < 0)
		return -errno;
	text[n] = '\0';
	return write_text(fd, name, text);
}

static int enter_new_group(const struct hierarchy *h, int parent_fd, const char *name)
{
	_cleanup_close_ int fd = openat(parent_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	if (h->cpuset)
		r = hand_down(parent_fd, fd, "cpuset.cpus");
	if (r == 0 && h->cpuset)
		r = hand_down(parent_fd, fd, "cpuset.mems");
	return r < 0 ? r : write_text(fd, PROCS, "0");
}

/* Beside the group that we are in, or below it where that is the root. */
static int enter_new(struct hierarchy *h)
{
	_cleanup_free_ char *parent = NULL;
	const char *slash = strrchr(h->own, '/');
	char name[64];
	int r;

	if (!CHECK(!h->made && (!*h->own || *h->own == '/')))
		return -EIO;
	if (asprintf(&parent, "%s%.*s", h->top, slash ? (int)(slash - h->own) : 0, h->own) < 0)
		return -ENOMEM;
	_cleanup_close_ int parent_fd = open_group(parent);

	if (parent_fd < 0)
		return parent_fd;
	r = make_beside(parent_fd, name, sizeof(name));
	if (r < 0)
		return r;
	r = enter_new_group(h, parent_fd, name);
	if (r == 0 && asprintf(&h->made, "%s/%s", parent, name) < 0)
		r = -ENOMEM;
	if (r < 0)
		unlinkat(parent_fd, name, AT_REMOVEDIR);
	return r;
}

/* In each hierarchy where we may: without privilege that is the one that was handed over to the user, if any. */
static int enter_new_everywhere(struct cgroup *cgroup)
{
	int first = 0;
	bool any = false;

	for (size_t i = 0; i < cgroup->count; i++) {
		struct hierarchy *h = &cgroup->list[i];
		int r = enter_new(h);

		any |= r == 0;
		if (r < 0)
			log_debug("cgroup: new: %s%s: %s", h->top, h->own, strerror(-r));
		if (r < 0 && first == 0)
			first = r;
	}
	return any ? 0 : first < 0 ? first : -ENOENT;
}

/* --- leaving ----------------------------------------------------------------------------------------------------- */

/* All that are in the group: fusermount3 stays beside a daemon with auto_unmount. */
static int move_all(const char *from, const char *to)
{
	_cleanup_close_ int to_fd = open_group(to);
	_cleanup_free_ char *path = NULL;
	char pid[32];
	int r = 0;

	if (to_fd < 0)
		return to_fd;
	if (asprintf(&path, "%s/" PROCS, from) < 0)
		return -ENOMEM;
	FILE *procs = fopen(path, "re");

	if (!procs)
		return -errno;
	while (r == 0 && fgets(pid, sizeof(pid), procs)) {
		r = write_text(to_fd, PROCS, pid);
		if (r == -ESRCH)
			r = 0;
	}
	fclose(procs);
	return r;
}

static void leave(const struct hierarchy *h)
{
	_cleanup_free_ char *to = strdup(h->made);
	size_t top = strlen(h->top);
	int r = -ENOMEM;

	if (!CHECK(!strncmp(h->made, h->top, top) && h->made[top] == '/'))
		return;
	while (to && r < 0 && strlen(to) > top) {
		*strrchr(to, '/') = '\0';
		r = move_all(h->made, to);
	}
	if (r < 0) {
		free(TAKE_PTR(to));
		if (asprintf(&to, "%s%s", h->top, h->own) < 0)
			to = NULL;
		r = to ? move_all(h->made, to) : -ENOMEM;
	}
	if (r < 0 || rmdir(h->made) < 0)
		log_warning("cgroup: %s stays: %s", h->made, strerror(r < 0 ? -r : errno));
}

void cgroup_leave(struct cgroup *cgroup)
{
	if (!cgroup)
		return;
	for (size_t i = 0; i < cgroup->count; i++) {
		struct hierarchy *h = &cgroup->list[i];

		if (h->made)
			leave(h);
		free(h->top);
		free(h->root);
		free(h->own);
		free(h->made);
	}
	free(cgroup);
}

/* --- the option -------------------------------------------------------------------------------------------------- */

static const char *cgroup_cause_of(int r, const char *value, const struct cgroup *cgroup)
{
	struct stat st;

	if (r == -ENOENT && cgroup->count == 0)
		return "no control group is within reach";
	/* A directory elsewhere is no group's name. */
	if (r == -ENOENT && strcmp(value, "new") != 0 && stat(value, &st) == 0)
		return "not a control group";
	return strerror(-r);
}

int cgroup_enter(const char *value, struct cgroup **ret_cgroup, struct error *ret_error)
{
	struct cgroup *cgroup = calloc(1, sizeof(*cgroup));
	int r;

	if (!cgroup)
		return -ENOMEM;
	r = os_each_mount(add_hierarchy, cgroup);
	if (r == 0 && !strcmp(value, "new"))
		r = enter_new_everywhere(cgroup);
	else if (r == 0) {
		r = enter_directory(value);
		if (r > 0)
			r = enter_named(cgroup, value);
	}
	if (r == 0) {
		*ret_cgroup = cgroup;
		return 0;
	}
	(void)error_set(ret_error, r, "cgroup: %s: %s", value, cgroup_cause_of(r, value, cgroup));
	cgroup_leave(cgroup);
	return r;
}
