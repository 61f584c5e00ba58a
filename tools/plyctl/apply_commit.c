/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The commit: each operation looks whether it is done already, so that the journal can be carried out again. What it
 * takes a name from goes to the stage, which is removed at the end.
 */
#include "apply.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "os/fs.h"

struct committing {
	struct apply *a;
	int stage; /* -1: it is gone, and so all is done but the end */
	size_t removed;
	int err;
};

/* Says so once. */
static int failed(struct committing *c, const char *path, int r)
{
	if (r == -ELOOP || r == -ENOTDIR)
		fail("%s/%s: a symbolic link or a file has come in the way", c->a->dir, path);
	else if (r == -EXDEV)
		fail("%s/%s: it lies on another file system now", c->a->dir, path);
	else
		fail("%s/%s: %s", c->a->dir, path, strerror(-r));
	return r;
}

/* The parent of a path beneath DIR. */
static int open_parent(const struct committing *c, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *dir = slash ? strndup(path, (size_t)(slash - path)) : NULL;

	*ret_name = slash ? slash + 1 : path;
	if (!slash)
		return os_dup(c->a->dir_fd);
	return dir ? os_openat(c->a->dir_fd, dir, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV) : -ENOMEM;
}

/* Whether the stage has it. */
static bool is_staged(const struct committing *c, const char *name)
{
	struct statx stx;

	return c->stage >= 0 && os_statx(c->stage, name, &stx) == 0;
}

/* Takes the name away from what has it, if that is in the way of an object of another type. */
static int make_way(const struct committing *c, int parent, const char *name, bool for_directory, const char *prefix,
		    unsigned long long number)
{
	struct statx stx;
	char trash[32];
	int r = os_statx(parent, name, &stx);

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	if (S_ISDIR(stx.stx_mode) == for_directory)
		return 0;
	snprintf(trash, sizeof(trash), "%s%llu", prefix, number);
	return os_renameat2(parent, name, c->stage, trash, RENAME_NOREPLACE);
}

static int place(struct committing *c, const struct apply_op *op, const char *prefix)
{
	bool is_dir = op->kind == APPLY_MKDIR;
	char staged[32];
	const char *name;
	int r;

	snprintf(staged, sizeof(staged), "%s%llu", prefix, op->number);
	if (!is_staged(c, staged))
		return 0;
	_cleanup_close_ int parent = open_parent(c, op->path, &name);
	r = parent < 0 ? parent : make_way(c, parent, name, is_dir, "w", op->number);
	if (r == 0)
		r = os_renameat2(c->stage, staged, parent, name, 0);
	/* A directory that somebody has made meanwhile. */
	if (is_dir && (r == -ENOTEMPTY || r == -EEXIST))
		r = os_unlinkat(c->stage, staged, AT_REMOVEDIR);
	return r < 0 ? failed(c, op->path, r) : 0;
}

static int take_away(struct committing *c, const struct apply_op *op)
{
	struct statx stx;
	char trash[32];
	const char *name;
	int r;

	if (c->stage < 0)
		return 0;
	_cleanup_close_ int parent = open_parent(c, op->path, &name);
	r = parent < 0 ? parent : os_statx(parent, name, &stx);
	/* A directory above may be gone too. */
	if (r == -ENOENT || r == -ENOTDIR)
		return 0;
	if (r == 0 && op->number && stx.stx_ino != op->number) {
		fail("%s/%s: another object has this name now; it stays", c->a->dir, op->path);
		return 0;
	}
	do
		snprintf(trash, sizeof(trash), "r%zu", c->removed++);
	while (r == 0 && is_staged(c, trash));
	if (r == 0)
		r = os_renameat2(parent, name, c->stage, trash, RENAME_NOREPLACE);
	return r < 0 ? failed(c, op->path, r) : 0;
}

static int set_attributes(struct committing *c, const struct apply_op *op)
{
	char staged[32];
	int r;

	snprintf(staged, sizeof(staged), "%llu", op->number);
	if (!is_staged(c, staged))
		return 0;
	_cleanup_close_ int from = os_openat(c->stage, staged, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	_cleanup_close_ int to = os_openat(c->a->dir_fd, op->path, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	r = from < 0 || to < 0 ? MIN(from, to) : apply_move_attributes(c->a->below, from, to, op->keeps_time);
	return r < 0 ? failed(c, op->path, r) : 0;
}

static int set_root(struct committing *c)
{
	_cleanup_close_ int from =
		c->stage >= 0 ? os_openat(c->stage, "root", O_PATH | O_DIRECTORY, 0, OS_NO_XDEV) : -ENOENT;
	int r = from < 0 ? 0 : apply_move_owner(from, c->a->dir_fd);

	return r < 0 ? failed(c, "", r) : 0;
}

/* When nothing but the stage is left: the removal of the stage is the last that touches the root. It gets another name
 * first. Otherwise a replay would find half of a stage, and numbers of objects which new objects have by then. */
static int finish(struct committing *c, const struct timespec *mtime)
{
	struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, *mtime};
	char done[sizeof(c->a->stage) + 8];
	int r = c->stage >= 0 ? os_syncfs(c->stage) : 0;

	snprintf(done, sizeof(done), "%s" APPLY_DONE, c->a->stage);
	if (r == 0 && c->stage >= 0)
		r = os_renameat2(c->a->dir_fd, c->a->stage, c->a->dir_fd, done, 0);
	if (r == 0 && c->stage >= 0)
		r = os_fsync(c->a->dir_fd);
	if (r == 0)
		r = apply_remove_tree(c->a->dir_fd, done);
	if (r == 0)
		r = os_futimens(c->a->dir_fd, times);
	/* Of a directory that is another's; its user may change names in it, and so its time. */
	if (r == -EPERM || r == -EACCES)
		r = 0;
	if (r == 0)
		r = os_syncfs(c->a->dir_fd);
	return r < 0 ? failed(c, "", r) : 0;
}

static int commit_op(void *arg, const struct apply_op *op)
{
	struct committing *c = arg;
	int r;

	switch (op->kind) {
	case APPLY_MKDIR:
		return place(c, op, "d");
	case APPLY_PLACE:
		return place(c, op, "");
	case APPLY_REMOVE:
		return take_away(c, op);
	case APPLY_ATTRIBUTES:
		return set_attributes(c, op);
	case APPLY_ROOT:
		r = set_root(c);
		if (r == 0)
			r = finish(c, &op->mtime);
		return r == 0 && op->number ? apply_journal_note_applied(c->a) : r;
	}
	return -EBADMSG;
}

int apply_commit(struct apply *a)
{
	_cleanup_close_ int stage = os_openat(a->dir_fd, a->stage, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct committing c = {.a = a, .stage = stage};
	int r;

	if (stage < 0 && stage != -ENOENT)
		return failed(&c, a->stage, stage);
	r = apply_journal_each(a, commit_op, &c);
	if (r <= 0)
		return r;
	r = apply_journal_remove(a);
	return r < 0 ? failed(&c, "", r) : 0;
}
