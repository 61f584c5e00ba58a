/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The mounts below a directory, as mountinfo has them.
 */
#include "machine.h"

#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "os/mount.h"
#include "plyfs.h"

#define UNIONS_MAX 256

static const char *const kernel_types[] = {
	"autofs", "binfmt_misc", "bpf",	       "cgroup",     "cgroup2",	  "configfs", "debugfs",
	"devpts", "devtmpfs",	 "efivarfs",   "fusectl",    "hugetlbfs", "mqueue",   "nsfs",
	"proc",	  "pstore",	 "rpc_pipefs", "securityfs", "selinuxfs", "sysfs",    "tracefs"};

struct gathering {
	struct machine *m;
	const char *root;
	const struct upper *upper;
	const char **shown;
};

static bool is_left_out(const char *target, const char *fstype)
{
	static const char *const own[] = {"/proc", "/sys", "/dev"};

	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		if (path_is_below(target, own[i]))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(kernel_types); i++)
		if (!strcmp(fstype, kernel_types[i]))
			return true;
	return false;
}

/* The path of the command for a path of the machine. */
static const char *target_of(const char *root, const char *path)
{
	const char *rest = strcmp(root, "/") ? path + strlen(root) : path;

	return *rest ? rest : "/";
}

static void add_union(struct machine *m, const char *source, const char *target, const struct upper *u)
{
	struct sandbox_union *new;

	for (size_t i = 0; i < m->n; i++)
		if (!strcmp(m->unions[i].target, target))
			return;
	if (!ARRAY_ROOM(m->unions, m->n, m->room, 1))
		abort();
	new = &m->unions[m->n++];
	*new = (struct sandbox_union){.target = strdup(target), .source = strdup(source), .on_memory = !u};
	plyfs_append(&new->options, "lowerdir=", source, true);
	if (u) {
		plyfs_append(&new->options, ",upperdir=", u->dir, false);
		plyfs_append(&new->options, ",workdir=", u->work, false);
	}
}

static int add_file(struct gathering *g, const char *path)
{
	struct machine *m = g->m;
	const char **end = g->shown;

	if (strcmp(g->root, "/") != 0)
		return 0;
	if (m->n_files == MACHINE_FILES_MAX)
		return fail("%s: more than %d files with mounts on them can't be shown", path, MACHINE_FILES_MAX);
	while (*end)
		end++;
	m->files[m->n_files] = strdup(path);
	*end = m->files[m->n_files++];
	end[1] = NULL;
	return 0;
}

static int gather_mount(void *arg, const struct os_mountinfo *mount)
{
	struct gathering *g = arg;
	const char *path = mount->mountpoint;
	struct stat st;

	if (!path_is_below(path, g->root) || !strcmp(path, g->root) ||
	    is_left_out(target_of(g->root, path), mount->fstype))
		return 0;
	/* What plyctl itself has mounted, and what another mount hides, isn't seen. */
	if (path_is_below(path, g->upper->base) || lstat(path, &st) < 0 || st.st_dev != mount->dev)
		return 0;
	if (!S_ISDIR(st.st_mode))
		return add_file(g, path);
	if (g->m->n == UNIONS_MAX)
		return fail("%s: more than %d mounts below %s can't be shown", path, UNIONS_MAX, g->root);
	add_union(g->m, path, target_of(g->root, path), NULL);
	return 0;
}

static int by_target(const void *a, const void *b)
{
	return strcmp(((const struct sandbox_union *)a)->target, ((const struct sandbox_union *)b)->target);
}

int machine_gather(struct machine *m, const char *root, const char *inside, const struct upper *u, const char **shown)
{
	int r;
	struct gathering g = {.m = m, .root = root, .upper = u, .shown = shown};

	add_union(m, root, "/", inside ? NULL : u);
	if (inside)
		add_union(m, inside, inside, u);
	r = os_each_mount(gather_mount, &g);
	if (r != 0)
		return r < 0 ? fail("the table of mounts can't be read: %s", strerror(-r)) : EXIT_FAILED;
	/* What lies deeper is mounted later. */
	qsort(m->unions, m->n, sizeof(*m->unions), by_target);
	return EXIT_FINE;
}

void machine_finish(struct machine *m)
{
	for (size_t i = 0; i < m->n; i++) {
		free(m->unions[i].options);
		free(m->unions[i].target);
		free(m->unions[i].source);
	}
	free(m->unions);
	for (size_t i = 0; i < m->n_files; i++)
		free(m->files[i]);
}
