/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The stage: an object for each change that writes one, named by the number of the change. A directory's object is
 * empty and has its attributes; a directory that isn't there yet has a second one, dN, which gets its name.
 */
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "copy.h"
#include "os/fs.h"

struct staging {
	struct apply *a;
	int fd;	  /* of the stage */
	size_t i; /* number of the change */
	char name[24];
	bool found;
};

/* An object that the index leads to has no path of a layer, but one of its names in the upper, where the upper has
 * it. */
static int open_object(const struct apply *a, const struct tree_walk_entry *e)
{
	_cleanup_free_ char *path = NULL;
	int r = tree_walk_layer_path(e, &path);

	if (r == -ENOENT && e->indexed)
		return layer_open_path(&a->both->layers[0], e->path, O_PATH | O_NOFOLLOW);
	return r < 0 ? r : layer_open_path(&a->both->layers[e->layer], path, O_PATH | O_NOFOLLOW);
}

static int make_file(const struct staging *st, const struct tree_walk_entry *e, int from, int *ret_fd)
{
	/* Of an empty file nobody looks for the data. */
	bool is_own = (!e->data_path && !e->metacopy) || !e->stx.stx_size;
	_cleanup_close_ int in = is_own ? os_reopen(from, O_RDONLY) : copy_open(st->a->both, e);
	int fd, r;

	if (in < 0)
		return in;
	fd = os_openat(st->fd, st->name, O_RDWR | O_CREAT | O_EXCL, 0600, OS_NO_XDEV);
	if (fd < 0)
		return fd;
	r = apply_copy_data(in, fd, (off_t)e->stx.stx_size);
	if (r < 0) {
		os_close(fd);
		return r;
	}
	*ret_fd = fd;
	return 0;
}

static int make_symlink(const struct staging *st, int from)
{
	char target[PATH_MAX];
	ssize_t n = os_readlinkat(from, "", target, sizeof(target) - 1);

	if (n < 0)
		return (int)n;
	target[n] = '\0';
	return os_symlinkat(target, st->fd, st->name);
}

/* The object without attributes, open. */
static int make_object(const struct staging *st, const struct tree_walk_entry *e, int from, int *ret_fd)
{
	const struct statx *stx = &e->stx;
	int fd, r;

	if (S_ISREG(stx->stx_mode))
		return make_file(st, e, from, ret_fd);
	if (S_ISDIR(stx->stx_mode))
		r = os_mkdirat(st->fd, st->name, 0700);
	else if (S_ISLNK(stx->stx_mode))
		r = make_symlink(st, from);
	else
		r = os_mknodat(st->fd, st->name, (stx->stx_mode & S_IFMT) | 0600,
			       makedev(stx->stx_rdev_major, stx->stx_rdev_minor));
	if (r < 0)
		return r;
	fd = os_openat(st->fd, st->name, O_PATH | O_NOFOLLOW, 0, OS_NO_XDEV);
	if (fd < 0)
		return fd;
	*ret_fd = fd;
	return 0;
}

static int stage_entry(void *arg, const struct tree_walk_entry *e)
{
	struct staging *st = arg;
	_cleanup_close_ int from = open_object(st->a, e);
	int to = -1, r;

	if (from < 0)
		return from;
	r = make_object(st, e, from, &to);
	if (r == 0)
		r = apply_copy_attributes(st->a->both, from, &e->stx, to);
	if (to >= 0)
		os_close(to);
	st->found = r == 0;
	return r < 0 ? r : TREE_WALK_PRUNE;
}

static int stage_object(struct staging *st, const char *path)
{
	static const struct tree_walk_calls calls = {.entry = stage_entry};
	int r;

	st->found = false;
	r = tree_walk(st->a->both, path, TREE_WALK_STAT, &calls, st);
	return r < 0 ? r : st->found ? 0 : -ENOENT;
}

static bool is_new_directory(const struct apply_change *c)
{
	return S_ISDIR(c->to.stx_mode) && (c->kind == VIEW_ADDED || !S_ISDIR(c->from.stx_mode));
}

/* Of a file with several names the index may lead to some of them only: any that can be opened will do. */
static int stage_linked(struct staging *st, const struct apply_plan *p, size_t first)
{
	int r = stage_object(st, p->changes[first].path);

	for (size_t i = first + 1; r == -ENOENT && i < p->n; i++)
		if (p->changes[i].link == (long)first)
			r = stage_object(st, p->changes[i].path);
	return r;
}

static int stage_change(struct staging *st, const struct apply_plan *p, size_t i)
{
	const struct apply_change *c = &p->changes[i];
	char other[24];
	int r;

	snprintf(st->name, sizeof(st->name), "%zu", i);
	if (c->kind == VIEW_DELETED)
		return 0;
	if (c->link != APPLY_NO_LINK && (size_t)c->link != i) {
		snprintf(other, sizeof(other), "%ld", c->link);
		return os_linkat(st->fd, other, st->fd, st->name);
	}
	r = c->link == APPLY_NO_LINK ? stage_object(st, c->path) : stage_linked(st, p, i);
	if (r == 0 && is_new_directory(c)) {
		snprintf(other, sizeof(other), "d%zu", i);
		r = os_mkdirat(st->fd, other, 0700);
	}
	return r;
}

/* The root of an upper has the attributes of the root below when plyctl makes it. Another's says nothing. */
static int stage_root(struct staging *st)
{
	int r = st->a->knows_time ? os_mkdirat(st->fd, "root", 0700) : -EEXIST;

	if (r < 0)
		return r == -EEXIST ? 0 : r;
	_cleanup_close_ int to = os_openat(st->fd, "root", O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	return to < 0 ? to : apply_move_owner(st->a->both->layers[0].root_fd, to);
}

/* The number that the object has outside of the union; 0: it can't be looked at. */
static unsigned long long real_number(const struct apply *a, const char *path)
{
	_cleanup_close_ int fd = os_openat(a->dir_fd, path, O_PATH | O_NOFOLLOW, 0, OS_NO_XDEV);
	struct statx stx;

	return fd >= 0 && os_statx(fd, "", &stx) == 0 ? stx.stx_ino : 0;
}

static void write_journal(const struct apply *a, struct apply_writer *w)
{
	const struct apply_plan *p = &a->plan;
	const struct statx_timestamp *mtime;
	struct apply_op op;

	/* What is new, parents first; what goes; attributes, parents last. */
	for (size_t i = 0; i < p->n; i++) {
		const struct apply_change *c = &p->changes[i];

		op = (struct apply_op){
			.kind = is_new_directory(c) ? APPLY_MKDIR : APPLY_PLACE, .number = i, .path = c->path};
		if (c->kind != VIEW_DELETED && (op.kind == APPLY_MKDIR || !S_ISDIR(c->to.stx_mode)))
			apply_journal_add(w, &op);
	}
	for (size_t i = 0; i < p->n; i++) {
		const struct apply_change *c = &p->changes[i];

		if (c->kind != VIEW_DELETED)
			continue;
		op = (struct apply_op){.kind = APPLY_REMOVE, .number = real_number(a, c->path), .path = c->path};
		apply_journal_add(w, &op);
	}
	for (size_t i = p->n; i-- > 0;) {
		const struct apply_change *c = &p->changes[i];

		op = (struct apply_op){
			.kind = APPLY_ATTRIBUTES, .number = i, .keeps_time = c->keeps_time, .path = c->path};
		if (c->kind != VIEW_DELETED && S_ISDIR(c->to.stx_mode))
			apply_journal_add(w, &op);
	}
	mtime = p->root_changes ? &p->root_to.stx_mtime : &p->root_from.stx_mtime;
	op = (struct apply_op){.kind = APPLY_ROOT,
			       .number = !a->only,
			       .mtime = {.tv_sec = mtime->tv_sec, .tv_nsec = mtime->tv_nsec},
			       .path = ""};
	apply_journal_add(w, &op);
}

static int stage_failed(const struct apply *a, const char *path, int r)
{
	if (r == -ENOSPC || r == -EDQUOT)
		fail("%s: %s; nothing was changed, and the same call begins anew", a->dir, strerror(-r));
	else
		fail("%s/%s: %s; nothing was changed", a->dir, path, strerror(-r));
	(void)apply_remove_tree(a->dir_fd, a->stage);
	return r;
}

/* Of DIR. What is made in the stage would inherit it, and have an ACL that the union doesn't show. */
static int forget_default_acl(int fd)
{
	int r = os_removexattr(fd, "", "system.posix_acl_default");

	return r == -ENODATA || r == -EOPNOTSUPP ? 0 : r;
}

int apply_stage(struct apply *a)
{
	struct staging st = {.a = a, .fd = -1};
	struct apply_writer *w = NULL;
	char done[sizeof(a->stage) + 8];
	int r = apply_remove_tree(a->dir_fd, a->stage);

	/* Of an upper that had this number before. */
	snprintf(done, sizeof(done), "%s" APPLY_DONE, a->stage);
	if (r == 0)
		r = apply_remove_tree(a->dir_fd, done);
	if (r == 0)
		r = os_mkdirat(a->dir_fd, a->stage, 0700);
	if (r < 0)
		return stage_failed(a, a->stage, r);
	_cleanup_close_ int fd = os_openat(a->dir_fd, a->stage, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	st.fd = fd;
	r = fd < 0 ? fd : forget_default_acl(fd);
	if (r == 0)
		r = stage_root(&st);
	for (size_t i = 0; r == 0 && i < a->plan.n; i++) {
		r = stage_change(&st, &a->plan, i);
		if (r < 0)
			return stage_failed(a, a->plan.changes[i].path, r);
	}
	if (r == 0)
		r = os_syncfs(fd);
	if (r == 0)
		r = apply_journal_begin(a, &w);
	if (r < 0)
		return stage_failed(a, "", r);
	write_journal(a, w);
	r = apply_journal_end(a, w);
	if (r == 0)
		return 0;
	/* A journal may be there nevertheless, and without its stage it would be taken for done. */
	if (apply_journal_remove(a) < 0 && apply_is_begun(a)) {
		fail("%s: %s; the same call goes on", a->journal, strerror(-r));
		return r;
	}
	return stage_failed(a, "", r);
}
