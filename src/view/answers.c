/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Paths on file systems of other machines or processes, which may hang. Their mounts are known by their types. A path
 * that leads there over a symlink isn't noticed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "internal.h"
#include "os/fs.h"

#define ANSWER_MS 3000

struct asking {
	char **paths; /* absolute; owned */
	size_t n;
	bool roots;	/* a path that is a mountpoint is asked too */
	bool *may_hang; /* owned; by path */
};

static bool may_hang(const char *fstype)
{
	static const char *const types[] = {"nfs",  "nfs4", "cifs",   "smb3",	"9p",
					    "ceph", "afs",  "lustre", "beegfs", "autofs"};

	if (!strncmp(fstype, "fuse", 4) && strcmp(fstype, "fusectl") != 0)
		return true;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(fstype, types[i]))
			return true;
	return false;
}

/* The path from the root by its text alone: a file system that hangs isn't asked for it. */
static char *absolute_of(const char *path)
{
	_cleanup_close_ int here = *path == '/' ? -1 : os_open_path(".", O_PATH | O_DIRECTORY, 0);
	char cwd[PATH_MAX] = "", *text = NULL, *out;
	ssize_t n = here < 0 ? 0 : os_fd_target(here, cwd, sizeof(cwd) - 1);

	cwd[MAX(n, (ssize_t)0)] = '\0';
	if (asprintf(&text, "%s/%s", cwd, path) < 0)
		return NULL;
	out = text;
	for (const char *from = text; *from;) {
		size_t len = strcspn(from, "/");

		if (len == 2 && !strncmp(from, "..", 2)) {
			while (out > text && *--out != '/')
				;
		} else if (len && !(len == 1 && *from == '.')) {
			*out++ = '/';
			memmove(out, from, len);
			out += len;
		}
		from += len + (from[len] == '/');
	}
	(void)CHECK(out <= text + strlen(text));
	*out = '\0';
	return text;
}

/* What is behind the mountpoint; NULL: the path isn't there. */
static const char *behind(const char *mountpoint, const char *path)
{
	size_t n = strcmp(mountpoint, "/") ? strlen(mountpoint) : 0;

	return !strncmp(path, mountpoint, n) && (!path[n] || path[n] == '/') ? path + n : NULL;
}

static int note_hanging(void *arg, const struct os_mountinfo *m)
{
	struct asking *a = arg;
	bool hangs = may_hang(m->fstype);

	(void)CHECK(a->paths && a->may_hang);
	/* A mount covers those before it. */
	for (size_t i = 0; i < a->n; i++) {
		const char *rest = behind(m->mountpoint, a->paths[i]);

		if (rest)
			a->may_hang[i] = hangs && (*rest || a->roots);
	}
	return 0;
}

static int ask_some(const struct asking *a, const char *name, char **ret_error)
{
	_cleanup_free_ const char **paths = calloc(a->n + 1, sizeof(*paths));
	size_t asked = 0, silent = 0;
	int r;

	if (!paths)
		return -ENOMEM;
	/* What is mounted in another mount namespace isn't known here. */
	for (size_t i = 0; i < a->n; i++)
		if (a->may_hang[i] || !strncmp(a->paths[i], "/proc/", 6))
			paths[asked++] = a->paths[i];
	r = asked ? os_paths_answer(paths, asked, ANSWER_MS, &silent) : 0;
	(void)CHECK(silent <= asked);
	return r == -ETIMEDOUT ? view_refuse(ret_error, r, "%s: %s doesn't answer", name, paths[silent]) : r;
}

int view_paths_answer(const char *name, const char *const *paths, size_t n, bool roots, char **ret_error)
{
	struct asking a = {.paths = calloc(n + 1, sizeof(*a.paths)),
			   .n = n,
			   .roots = roots,
			   .may_hang = calloc(n + 1, sizeof(*a.may_hang))};
	int r = a.paths && a.may_hang ? 0 : -ENOMEM;

	(void)CHECK(name);
	for (size_t i = 0; i < n && r == 0; i++) {
		a.paths[i] = absolute_of(paths[i]);
		r = a.paths[i] ? 0 : -ENOMEM;
	}
	if (r == 0)
		r = os_each_mount(note_hanging, &a);
	if (r == 0)
		r = ask_some(&a, name, ret_error);
	for (size_t i = 0; a.paths && i < n; i++)
		free(a.paths[i]);
	free(a.paths);
	free(a.may_hang);
	return r < 0 ? view_refuse(ret_error, r, "%s: %s", name, strerror(-r)) : 0;
}

int view_layers_answer(const char *name, const struct options *options, char **ret_error)
{
	const char **paths = calloc(options->layer_count + 2, sizeof(*paths));
	size_t n = 0;
	int r;

	if (!paths)
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", name);
	for (size_t i = 0; i < options->layer_count; i++)
		paths[n++] = options->layers[i].path;
	if (options->upperdir)
		paths[n++] = options->upperdir;
	if (options->workdir)
		paths[n++] = options->workdir;
	(void)CHECK(n <= options->layer_count + 2);
	r = view_paths_answer(name, paths, n, true, ret_error);
	free(paths);
	return r;
}
