/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening both trees, and the way from the stage to the end.
 */
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fault.h"
#include "os/fs.h"
#include "plyfs.h"
#include "unpacked.h"

/* Bytes of the other name that podman and docker give a layer. */
#define LINK_SIZE 26

/* The upper over DIR, as its mount shows them: the dialect of images is none of a mount of ours. */
static int open_stack(struct apply *a)
{
	_cleanup_free_ char *name = NULL, *error = NULL;
	struct stat st;
	int r;

	plyfs_append(&name, "", a->upper->dir, true);
	plyfs_append(&name, ":", a->dir, true);
	r = view_stack_find(name, &a->stack, &error);
	if (r == 0) {
		struct options *options = &a->stack->options;

		options->image_layers = false;
		options->whiteouts = WHITEOUTS_OVERLAY;
		options->index = INDEX_AUTO;
		options->fuse_overlayfs = true;
		options->vfs_flags |= MS_RDONLY;
		if (stat(a->upper->work, &st) == 0) {
			options->shows_upper = true;
			options->workdir = strdup(a->upper->work);
		}
		r = view_stack_open(a->stack, common.userxattr, &error);
	}
	if (r == 0)
		r = view_stack_open_range(a->stack, 1, 1, &a->below, &error);
	if (r < 0) {
		fail("%s", error ? error : strerror(-r));
		return r;
	}
	a->both = a->stack->set;
	return 0;
}

static bool is_layer(const struct upper *u, const char *dir)
{
	struct stat a, b;

	return u->n_layers == 1 && stat(u->layers[0], &a) == 0 && stat(dir, &b) == 0 && a.st_dev == b.st_dev &&
	       a.st_ino == b.st_ino;
}

/* Whether the directory above, `n` bytes of the path, has such a file. Size 0: any. */
static bool has_beside(const char *dir, size_t n, const char *name, off_t size)
{
	_cleanup_free_ char *path = NULL;
	struct stat st;

	if (asprintf(&path, "%.*s/%s", (int)n, dir, name) < 0)
		abort();
	return lstat(path, &st) == 0 && S_ISREG(st.st_mode) && (!size || st.st_size == size);
}

/* A layer of a store, or a directory in one: images share it, and its digest says what is in it. Ours lie in
 * layers/ID/diff beside a layer.json, those of podman and docker in overlay/ID/diff beside a `link`. */
static bool is_stored(const char *dir)
{
	static const char diff[] = "/diff";

	for (const char *p = dir; (p = strstr(p, diff)); p++) {
		char end = p[sizeof(diff) - 1];
		size_t n = (size_t)(p - dir);

		if ((!end || end == '/') &&
		    (has_beside(dir, n, "layer.json", 0) || has_beside(dir, n, "link", LINK_SIZE)))
			return true;
	}
	return false;
}

static int choose_dir(struct apply *a, const char *dir)
{
	const struct upper *u = a->upper;

	if (u->n_layers > 1)
		return fail("%s: it lies on %zu layers; commit and squash make one of them", u->id, u->n_layers);
	if (!dir && !u->n_layers)
		return usage_error("apply: DIR is wanted, because the upper tells of no layer");
	if (dir && !name_is_here(dir))
		return fail("%s: a directory behind the root of another process has no name here", dir);
	a->dir = realpath(dir ? dir : u->layers[0], NULL);
	if (!a->dir)
		return fail("%s: %s", dir ? dir : u->layers[0], strerror(errno));
	if (is_stored(a->dir))
		return fail("%s: it is a layer of a store; commit makes a new one", a->dir);
	a->knows_time = u->layers && is_layer(u, a->dir);
	return EXIT_FINE;
}

static int choose_journal(struct apply *a)
{
	struct stat st;
	int n;

	if (stat(a->upper->dir, &st) < 0)
		return fail("%s: %s", a->upper->dir, strerror(errno));
	if (a->upper->base)
		n = asprintf(&a->journal, "%s/apply", a->upper->base);
	else
		n = asprintf(&a->journal, "%s.apply", a->upper->dir);
	if (n < 0 || asprintf(&a->applied, a->upper->base ? "%s/applied" : "%s.applied",
			      a->upper->base ? a->upper->base : a->upper->dir) < 0)
		abort();
	if (a->upper->base)
		snprintf(a->stage, sizeof(a->stage), ".plyctl-apply-%.32s", a->upper->id);
	else
		snprintf(a->stage, sizeof(a->stage), ".plyctl-apply-%llu", (unsigned long long)st.st_ino);
	return EXIT_FINE;
}

int apply_open(struct apply *a, const struct upper *u, const char *dir, const char *only)
{
	int status;

	*a = (struct apply){.upper = u, .only = only, .dir_fd = -1};
	status = choose_dir(a, dir);
	if (status == EXIT_FINE)
		status = choose_journal(a);
	if (status != EXIT_FINE)
		return status;
	a->dir_fd = os_open_path(a->dir, O_RDONLY | O_DIRECTORY, 0);
	if (a->dir_fd < 0)
		return fail("%s: %s", a->dir, strerror(-a->dir_fd));
	if (open_stack(a) < 0)
		return EXIT_FAILED;
	if (os_statx(a->below->layers[0].root_fd, "", &a->plan.root_from) < 0 ||
	    os_statx(a->both->layers[0].root_fd, "", &a->plan.root_to) < 0)
		return fail("%s: %s", a->dir, strerror(errno));
	return EXIT_FINE;
}

int apply_is_begun(const struct apply *a)
{
	struct stat st;

	return lstat(a->journal, &st) == 0;
}

int apply_carry_out(struct apply *a, bool is_begun)
{
	FAULT_SCOPE(FAULT_APPLY);
	int status = is_begun ? EXIT_FINE : apply_look_again(a), r;

	if (status != EXIT_FINE)
		return status;
	r = is_begun ? 0 : apply_stage(a);
	if (r < 0)
		return EXIT_FAILED;
	r = apply_commit(a);
	if (r < 0)
		return fail("%s: it isn't whole; the same call goes on", a->dir);
	return EXIT_FINE;
}

void apply_finish(struct apply *a)
{
	for (size_t i = 0; i < a->plan.n; i++)
		free(a->plan.changes[i].path);
	free(a->plan.changes);
	if (a->below)
		layer_set_put(a->below);
	view_stack_free(a->stack);
	if (a->dir_fd >= 0)
		close(a->dir_fd);
	free(a->dir);
	free(a->journal);
	free(a->applied);
}
