/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Symlinks on the way to a path. What was followed so far has none, so `..` behind it is its parent.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "internal.h"
#include "view/explain.h"

#define FOLLOW_MAX 40 /* as path_resolution(7) */

struct following {
	char *done;	  /* without symlinks, no slash at either end; owned */
	char *rest;	  /* what follows; owned */
	const char *path; /* that is looked at */
	bool is_end;	  /* it ends with the last component of all */
	size_t at;	  /* the length of the path of the first symlink in it; 0: none */
	char *link;	  /* its target; owned */
};

static int follow_step(void *arg, const struct view_explained *explained)
{
	const struct tree_walk_entry *e = explained->entry;
	struct following *f = arg;
	size_t len = strlen(e->path);

	(void)CHECK(len <= strlen(f->path));
	if (!explained->link || (f->is_end && !f->path[len]))
		return 0;
	f->at = len;
	f->link = strdup(explained->link);
	return f->link ? 1 : -ENOMEM;
}

/* The length of the components up to one that is "..". */
static size_t plain_length(const char *path)
{
	size_t at = 0;

	while (path[at]) {
		size_t n = strcspn(path + at, "/");

		if (n == 2 && !strncmp(path + at, "..", 2))
			return at;
		at += n + (path[at + n] == '/');
	}
	return at;
}

/* Takes `..` from the rest, and the last component from what was followed. */
static void follow_up(struct following *f)
{
	char *slash = strrchr(f->done, '/');
	size_t n = 2 + (f->rest[2] == '/');

	(void)CHECK(!strncmp(f->rest, "..", 2));
	*(slash ? slash : f->done) = '\0';
	memmove(f->rest, f->rest + n, strlen(f->rest + n) + 1);
}

/* Without doubled slashes and `.`, in place. */
static void make_plain(char *path)
{
	char *out = path;

	for (const char *from = path; *from;) {
		size_t n = strcspn(from, "/");

		if (n && !(n == 1 && *from == '.')) {
			if (out > path)
				*out++ = '/';
			memmove(out, from, n);
			out += n;
		}
		from += n + (from[n] == '/');
	}
	*out = '\0';
}

/* The target takes the place of the link. */
static int follow_symlink(struct following *f, const char *candidate, const char *behind)
{
	_cleanup_free_ char *target = TAKE_PTR(f->link), *rest = NULL, *done = NULL;
	const char *after = candidate + f->at;
	size_t parent = f->at;

	(void)CHECK(target && f->at > 0);
	while (parent > 0 && candidate[parent - 1] != '/')
		parent--;
	if (asprintf(&rest, "%s%s/%s", target, after, behind) < 0)
		rest = NULL;
	done = strndup(candidate, *target == '/' || !parent ? 0 : parent - 1);
	if (!rest || !done)
		return -ENOMEM;
	make_plain(rest);
	free(f->done);
	free(f->rest);
	f->done = TAKE_PTR(done);
	f->rest = TAKE_PTR(rest);
	return 0;
}

/* 1: a link was followed. */
static int follow_once(const struct view_stack *stack, struct following *f, char **ret_error)
{
	_cleanup_free_ char *candidate = NULL, *behind = NULL;
	size_t n = plain_length(f->rest), own = n;
	int r;

	while (own > 0 && f->rest[own - 1] == '/')
		own--;
	behind = strdup(f->rest + n);
	if (!behind || asprintf(&candidate, "%s%s%.*s", f->done, *f->done && own ? "/" : "", (int)own, f->rest) < 0)
		return -ENOMEM;
	f->path = candidate;
	f->is_end = !*behind;
	f->at = 0;
	r = view_explain(stack, candidate, follow_step, f, ret_error);
	if (r == 1)
		return follow_symlink(f, candidate, behind) < 0 ? -ENOMEM : 1;
	if (r < 0 && r != -ENOENT)
		return r;
	(void)CHECK(!f->link);
	free(f->done);
	free(f->rest);
	f->done = TAKE_PTR(candidate);
	f->rest = TAKE_PTR(behind);
	return 0;
}

int view_follow(const struct view_stack *stack, const char *path, char **ret_path, char **ret_error)
{
	struct following f = {.done = strdup(""), .rest = strdup(path)};
	unsigned links = 0;
	int r = f.done && f.rest ? 0 : -ENOMEM;

	(void)CHECK(*path != '/');
	while (r >= 0 && *f.rest) {
		if (!strncmp(f.rest, "..", 2) && (!f.rest[2] || f.rest[2] == '/')) {
			follow_up(&f);
			continue;
		}
		r = follow_once(stack, &f, ret_error);
		links += r == 1;
		if (links > FOLLOW_MAX)
			r = -ELOOP;
	}
	free(f.rest);
	if (r < 0)
		free(f.done);
	else
		*ret_path = f.done;
	return MIN(r, 0);
}
