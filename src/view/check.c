/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a check one after the other: each layer, the union, the work directory.
 */
#include "view/check.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "check_state.h"
#include "check_use.h"
#include "internal.h"
#include "os/fs.h"

/* --- the work directory ------------------------------------------------------------------------------------------- */

/* Whether a directory that nobody named is a work directory: it has `work`, which has nothing but temp files. */
static int is_no_temp(void *arg, const struct os_dirent *entry)
{
	return *entry->name != '#' && strcmp(entry->name, "incompat") != 0;
}

static bool looks_like_work(const char *path)
{
	_cleanup_close_ int fd = os_open_path(path, O_PATH | O_DIRECTORY, 0);
	_cleanup_close_ int work = fd < 0 ? -1 : os_openat(fd, "work", O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);

	return work >= 0 && os_read_dir(work, is_no_temp, NULL) == 0;
}

/* The work directory of an upper: UPPER.work, or `work` beside it. */
static int guess_workdir(const char *upper, char **ret)
{
	_cleanup_free_ char *named = NULL, *beside = NULL;

	if (asprintf(&named, "%s.work", upper) < 0 || asprintf(&beside, "%s/../work", upper) < 0)
		return -ENOMEM;
	(void)CHECK(!*ret);
	if (looks_like_work(named))
		*ret = TAKE_PTR(named);
	else if (looks_like_work(beside))
		*ret = TAKE_PTR(beside);
	return 0;
}

static int find_workdir(struct checking *c, const char *workdir, char **ret_error)
{
	const struct view_stack *stack = c->stack;
	struct view_check *check = c->check;
	int r = 0;

	if (!workdir)
		workdir = stack->options.workdir;
	if (workdir)
		check->workdir = strdup(workdir);
	else
		r = guess_workdir(c->set->layers[0].path, &check->workdir);
	if (r < 0 || (workdir && !check->workdir))
		return -ENOMEM;
	if (!check->workdir)
		return 0;
	c->work_fd = os_open_path(check->workdir, O_PATH | O_DIRECTORY, 0);
	if (c->work_fd >= 0)
		return 0;
	return view_refuse(ret_error, c->work_fd, "%s: %s", check->workdir, strerror(-c->work_fd));
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static int find_use(struct checking *c)
{
	int r;

	c->upper_fd = layer_openat(&c->set->layers[0], c->set->layers[0].root_fd, ".", O_RDONLY | O_DIRECTORY);
	if (c->upper_fd < 0)
		return check_failed_at(c, 0, "", c->upper_fd);
	r = check_is_used(c->upper_fd);
	c->check->in_use = c->stack->mountpoint || r > 0;
	return MIN(r, 0);
}

static int check_all(struct checking *c, const char *workdir, char **ret_error)
{
	size_t n = (size_t)c->set->n + c->set->n_data;
	int r = find_workdir(c, workdir, ret_error);

	if (r == 0)
		r = find_use(c);
	for (size_t i = 0; i < n && r == 0; i++)
		r = check_layer(c, i);
	if (r == 0)
		r = check_union(c);
	if (r == 0 && c->work_fd >= 0)
		r = check_work(c);
	return r;
}

static int finding_order(const void *a, const void *b)
{
	const struct view_finding *x = a, *y = b;
	int r;

	if (x->layer != y->layer)
		return x->layer < y->layer ? -1 : 1;
	r = strcmp(x->path, y->path);
	return r ? r : x->fault < y->fault ? -1 : x->fault > y->fault;
}

static void finding_free(struct view_finding *finding)
{
	free(finding->path);
	free(finding->detail);
}

/* A hidden directory may be told in several places. */
static void sort_findings(struct view_check *check)
{
	size_t n = 0;

	if (!check->n)
		return;
	qsort(check->list, check->n, sizeof(*check->list), finding_order);
	for (size_t i = 1; i < check->n; i++) {
		if (finding_order(&check->list[n], &check->list[i]) == 0)
			finding_free(&check->list[i]);
		else
			check->list[++n] = check->list[i];
	}
	check->n = n + 1;
}

int view_check_find(const struct view_stack *stack, const char *workdir, view_check_failed failed, void *arg,
		    struct view_check *ret, char **ret_error)
{
	struct checking c = {.stack = stack,
			     .set = stack->set,
			     .check = ret,
			     .failed = failed,
			     .arg = arg,
			     .upper_fd = -1,
			     .work_fd = -1};
	int r;

	*ret = (struct view_check){.n = 0};
	if (!stack->set) {
		ret->packed = true;
		r = workdir ? view_refuse(ret_error, -EINVAL, "%s: an image in an archive has no work directory",
					  stack->name)
			    : check_packed(&c, ret_error);
		sort_findings(ret);
		return r;
	}
	(void)CHECK(stack->set->n > 0);
	c.alone = stack->kind == VIEW_DIRECTORIES && stack->set->n == 1;
	c.names = malloc(CHECK_NAMES_SIZE);
	r = c.names ? check_all(&c, workdir, ret_error) : -ENOMEM;
	sort_findings(ret);
	cleanup_close(&c.upper_fd);
	cleanup_close(&c.work_fd);
	free(c.names);
	free(c.inos);
	return r;
}

void view_check_free(struct view_check *check)
{
	for (size_t i = 0; i < check->n; i++)
		finding_free(&check->list[i]);
	free(check->list);
	free(check->workdir);
	*check = (struct view_check){.n = 0};
}
