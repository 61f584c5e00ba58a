/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Remedies. Directories are opened anew by their paths, because the layers of a stack are read-only here. They must be
 * the same ones, and nothing may be mounted on the way.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "check_use.h"
#include "format/name.h"
#include "internal.h"
#include "layer/work.h"
#include "os/fs.h"
#include "view/check.h"

/* The directories, n layers and the work directory behind them. */
struct fixing {
	const struct view_stack *stack;
	struct view_check *check;
	int *fds; /* O_RDONLY, locked; -1: nothing to mend there; owned */
	size_t n;
};

static size_t slot_of(const struct fixing *f, const struct view_finding *finding)
{
	return finding->layer == VIEW_CHECK_WORK ? f->n : finding->layer;
}

/* --- one finding -------------------------------------------------------------------------------------------------- */

/* The directory in which the path lies, and its last component. */
static int open_parent(int root, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = strdup(path);

	if (!parent)
		return -ENOMEM;
	*ret_name = slash ? slash + 1 : path;
	parent[slash ? slash - path : 0] = '\0';
	return os_openat(root, *parent ? parent : ".", O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
}

static int remove_at(int root, const char *path)
{
	const char *name;
	_cleanup_close_ int fd = open_parent(root, path, &name);

	if (fd < 0)
		return fd;
	return *name ? work_remove_tree(fd, name) : -EINVAL;
}

static int remove_whiteout(int root, const char *path)
{
	const char *name;
	_cleanup_close_ int fd = open_parent(root, path, &name);
	char aufs[NAME_SIZE];
	int r;

	if (fd < 0)
		return fd;
	r = os_unlinkat(fd, name, 0);
	/* It may be one of the aufs dialect, whose path is told by its meaning. */
	if (r == -ENOENT && aufs_whiteout_name(name, aufs) > 0)
		r = os_unlinkat(fd, aufs, 0);
	return r;
}

static int remove_xattr(const struct fixing *f, int root, const struct view_finding *finding)
{
	const char *opaque = xattr_overlay_name(f->stack->set->ns, XATTR_OVERLAY_OPAQUE);
	_cleanup_close_ int fd = os_openat(root, *finding->path ? finding->path : ".", O_PATH, 0, OS_NO_XDEV);
	struct statx stx;
	int r = fd < 0 ? fd : os_statx(fd, "", &stx);

	if (r < 0)
		return r;
	(void)CHECK(finding->xattr);
	/* A directory without its redirect must not merge with what lies at its own path. */
	if ((finding->fault == VIEW_FAULT_DANGLING_REDIRECT || finding->fault == VIEW_FAULT_BAD_REDIRECT) &&
	    S_ISDIR(stx.stx_mode))
		r = os_setxattr(fd, "", opaque, "y", 1, 0);
	if (r == 0 && finding->fault == VIEW_FAULT_BAD_IMPURE && S_ISDIR(stx.stx_mode))
		return os_setxattr(fd, "", finding->xattr, "y", 1, 0);
	if (r == 0)
		r = os_removexattr(fd, "", finding->xattr);
	/* Another name of the file had it removed. */
	return r == -ENODATA ? 0 : r;
}

static int mend(const struct fixing *f, const struct view_finding *finding)
{
	int root = f->fds[slot_of(f, finding)];

	if (!CHECK(root >= 0))
		return -EIO;
	switch (finding->fault) {
	case VIEW_FAULT_ORPHAN_WHITEOUT:
	case VIEW_FAULT_LOWEST_WHITEOUT:
		return remove_whiteout(root, finding->path);
	case VIEW_FAULT_STRAY_TEMP:
	case VIEW_FAULT_INDEX_NAME:
	case VIEW_FAULT_INDEX_ORIGIN:
	case VIEW_FAULT_INDEX_DANGLING:
	case VIEW_FAULT_BAD_NLINK_NOTE:
	case VIEW_FAULT_STATE:
	case VIEW_FAULT_VOLATILE:
		return remove_at(root, finding->path);
	default:
		return remove_xattr(f, root, finding);
	}
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static bool wants_mending(const struct view_finding *finding, bool destroy)
{
	return view_fault_remedy(finding->fault) && (destroy || !view_fault_destroys(finding->fault));
}

static int open_slot(struct fixing *f, size_t slot, char **ret_error)
{
	const struct layer *l = slot < f->n ? &f->stack->set->layers[slot] : NULL;
	const char *path = l ? l->path : f->check->workdir;
	struct statx a, b;
	int fd = os_open_path(path, O_RDONLY | O_DIRECTORY, 0), r = fd;

	(void)CHECK(f->fds[slot] < 0 && path);
	if (fd >= 0) {
		f->fds[slot] = fd;
		r = os_statx(fd, "", &a);
	}
	if (r >= 0 && l)
		r = os_statx(l->root_fd, "", &b);
	if (r >= 0 && l && (a.stx_ino != b.stx_ino || a.stx_dev_minor != b.stx_dev_minor))
		r = -ESTALE;
	if (r >= 0)
		r = check_lock(fd);
	if (r == -EBUSY)
		return view_refuse(ret_error, r, "%s: a mount uses it; nothing was changed", path);
	return r < 0 ? view_refuse(ret_error, r, "%s: %s", path, strerror(-r)) : 0;
}

/* All before anything is changed. The upper stands for its work directory. */
static int open_slots(struct fixing *f, bool destroy, char **ret_error)
{
	int r = 0;

	for (size_t i = 0; i < f->check->n && r == 0; i++) {
		const struct view_finding *finding = &f->check->list[i];

		if (!wants_mending(finding, destroy))
			continue;
		if (f->fds[slot_of(f, finding)] < 0)
			r = open_slot(f, slot_of(f, finding), ret_error);
		if (r == 0 && finding->layer == VIEW_CHECK_WORK && f->fds[0] < 0)
			r = open_slot(f, 0, ret_error);
	}
	return r;
}

int view_check_fix(const struct view_stack *stack, struct view_check *check, bool destroy, char **ret_error)
{
	struct fixing f = {.stack = stack, .check = check};
	int r;

	if (check->in_use || stack->mountpoint)
		return view_refuse(ret_error, -EBUSY, "%s: a mount uses it; nothing was changed", stack->name);
	if (stack->image)
		return view_refuse(ret_error, -EOPNOTSUPP, "%s: the layers %s", stack->name,
				   stack->set ? "belong to an engine's store" : "are packed");
	f.n = (size_t)stack->set->n + stack->set->n_data;
	f.fds = malloc((f.n + 1) * sizeof(*f.fds));
	if (!f.fds)
		return -ENOMEM;
	memset(f.fds, 0xff, (f.n + 1) * sizeof(*f.fds));
	r = open_slots(&f, destroy, ret_error);
	for (size_t i = 0; i < check->n && r == 0; i++) {
		struct view_finding *finding = &check->list[i];

		if (!wants_mending(finding, destroy))
			continue;
		finding->err = mend(&f, finding);
		finding->mended = finding->err >= 0;
	}
	for (size_t i = 0; i <= f.n; i++)
		cleanup_close(&f.fds[i]);
	free(f.fds);
	return r;
}
