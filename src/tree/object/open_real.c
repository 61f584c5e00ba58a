/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From an inode to its object: opening it and reading its attributes.
 *
 * A file holds no descriptor; it is opened by name in its parent's directory in the layer that holds it. Between
 * looking up the name and opening it a rename may run, so what was opened is compared, and a mismatch looks
 * the name up again; and an error counts only when it is the object's. An object without a name has a pinned
 * descriptor, which is opened anew, or a name in the work directory (orphan.c).
 */
#include "object.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "layer/index.h"
#include "layer/work.h"
#include "os/fs.h"

#define SHRINK_TRIES 8

/* Where the real object is: a directory descriptor and a name, or the object's own descriptor and "". */
struct real_path {
	const struct layer_set *layers;
	struct inode_location location;
	struct dirfd dir;
	const struct layer *layer;
	const char *name;
	bool borrowed; /* dir.fd isn't the descriptor cache's */
	char index_name[OVL_FH_INDEX_NAME_SIZE];
};

static void real_path_put(struct tree *tree, struct real_path *real)
{
	if (!real->borrowed)
		dirfd_put(tree, &real->dir);
	inode_location_finish(tree, &real->location);
}

/* Of a non-directory. */
static int real_path_of_file(struct tree *tree, struct inode *inode, struct real_path *real)
{
	struct dirref *ref;
	int pinned, r;

	/* In this order: what was found without a name was pinned before that went (I4). */
	inode_locate(tree, inode, &real->location);
	pinned = atomic_load_explicit(&inode->pinned_fd, memory_order_acquire);
	real->layer = &tree->layers->layers[real->location.layer];
	real->borrowed = pinned != INODE_NOT_PINNED && real->layer->upper;
	real->name = real->borrowed && pinned >= 0 ? "" : real->location.name;
	real->dir = (struct dirfd){.fd = pinned};
	if (real->borrowed && pinned == INODE_HELD_BY_NAME) {
		work_orphan_name(inode->id, real->location.name);
		real->dir.fd = tree->layers->work_fd;
	}
	if (real->borrowed)
		return 0;
	/* The entry in the index stays where it is whatever becomes of the names. */
	if (inode_is_indexed(inode) && layer_is_indexed(tree->layers, real->layer) &&
	    inode_index_name(tree, inode, real->index_name)) {
		real->borrowed = true;
		real->name = real->index_name;
		real->dir.fd = index_fd(tree->layers);
		return 0;
	}
	r = -ESTALE;
	if (real->location.parent) {
		ref = dir_ref_of_layer(real->location.parent->dir, real->location.layer);
		r = CHECK(ref) ? dirfd_get_held(tree, real->location.parent, ref, &real->dir) : -EIO;
	}
	if (r < 0)
		inode_location_finish(tree, &real->location);
	return r;
}

/* Of a directory: its topmost ref, by its descriptor. */
static int real_path_of_dir(struct tree *tree, struct inode *inode, struct real_path *real)
{
	struct dirref *ref = dir_ref(inode->dir, 0);

	real->location.parent = NULL;
	real->borrowed = false;
	real->name = "";
	if (!CHECK(ref))
		return -EIO;
	real->layer = &tree->layers->layers[ref->layer];
	real->location.object = dirref_object(ref);
	return dirfd_get_held(tree, inode, ref, &real->dir);
}

static int real_path_get(struct tree *tree, struct inode *inode, struct real_path *real)
{
	real->layers = tree->layers;
	return inode_is_dir(inode) ? real_path_of_dir(tree, inode, real) : real_path_of_file(tree, inode, real);
}

/* A racing rename shows as one of these. */
static bool is_racing(int err)
{
	return err == -ENOENT || err == -LOOK_AGAIN;
}

static bool open_real_wants_write(int flags)
{
	return !(flags & O_PATH) && ((flags & O_ACCMODE) != O_RDONLY || (flags & O_TRUNC));
}

int reopen_at_once(int fd, int flags)
{
	int opened = os_reopen(fd, flags | O_NONBLOCK | O_NOCTTY);

	return opened == -EAGAIN ? -MUST_WAIT : opened;
}

/* Whether it is the object that is meant (I6). */
static int open_real_compare(const struct real_path *real, const struct inode *inode, const struct statx *stx)
{
	return layer_is_object(real->layers, real->location.object, stx) && (stx->stx_mode & S_IFMT) == inode->type
		       ? 0
		       : -LOOK_AGAIN;
}

static int real_path_check(const struct real_path *real, const struct inode *inode, int fd, struct statx *ret_stx)
{
	int r = layer_statx_unchecked(real->layer, fd, "", ret_stx);

	return r < 0 ? r : open_real_compare(real, inode, ret_stx);
}

/* The same by the object itself, for whose errors nothing else can be the reason. */
static int open_real_seen(const struct real_path *real, const struct inode *inode, int flags)
{
	_cleanup_close_ int fd = layer_openat(real->layer, real->dir.fd, real->name, O_PATH | O_NOFOLLOW);
	struct statx stx;
	int r = fd < 0 ? fd : real_path_check(real, inode, fd, &stx);

	return r < 0 ? r : reopen_at_once(fd, flags);
}

static int open_real_once(const struct real_path *real, const struct inode *inode, int flags)
{
	int fd;

	/* A fifo that a rename put in the place of a file must not block us before it is seen that it is another. */
	if (!(flags & O_PATH))
		flags |= O_NONBLOCK | O_NOCTTY;
	if (!*real->name)
		return flags & O_PATH ? os_dup(real->dir.fd) : reopen_at_once(real->dir.fd, flags);
	fd = layer_openat(real->layer, real->dir.fd, real->name, flags | O_NOFOLLOW);
	/* What stands there by now may refuse where the object wouldn't: a whiteout by ENXIO, a directory by EISDIR. */
	if (fd < 0 && !(flags & O_PATH))
		fd = open_real_seen(real, inode, flags);
	return fd;
}

/* I6: what is handed out has been compared, and N was held meanwhile if it is needed. */
static bool open_real_check(const struct tree *tree, const struct real_path *real, const struct inode *inode,
			    const struct statx *stx)
{
	bool good = CHECK(tree_names_held(tree));

	return good & CHECK(open_real_compare(real, inode, stx) == 0);
}

/* Opens the real object, checked. */
static int open_real(struct tree *tree, struct real_path *real, const struct inode *inode, int flags,
		     struct statx *ret_stx)
{
	_cleanup_close_ int fd = -1;
	int r;

	for (unsigned i = 0;; i++) {
		fd = open_real_once(real, inode, flags);
		if ((fd != -EMFILE && fd != -ENFILE) || i == SHRINK_TRIES || !dirfd_shrink(tree))
			break;
	}
	r = fd < 0 ? fd : real_path_check(real, inode, fd, ret_stx);
	if (r == 0 && !open_real_check(tree, real, inode, ret_stx))
		r = -EIO;
	return r < 0 ? r : TAKE_FD(fd);
}

/* What no retry changes; opening a lower file for writing would change a layer (I3). */
static int open_real_check_flags(const struct inode *inode, const struct real_path *real, int flags)
{
	if (S_ISLNK(inode->type) && !(flags & O_PATH))
		return -ELOOP;
	if (!open_real_wants_write(flags) || (real->layer->upper && !inode_is_dir(inode)))
		return 0;
	return inode_is_dir(inode) ? -EISDIR : -EROFS;
}

int inode_open_seen(struct tree *tree, struct inode *inode, int flags, const struct layer **ret_layer,
		    struct statx *ret_stx)
{
	for (unsigned i = 0; i < OPEN_REAL_TRIES; i++) {
		_cleanup_tree_names_ struct rwlock *names = tree_names_read(tree);
		struct real_path real;
		int r = real_path_get(tree, inode, &real);

		if (r < 0)
			return r;
		r = open_real_check_flags(inode, &real, flags);
		if (r < 0) {
			real_path_put(tree, &real);
			return r;
		}
		r = open_real(tree, &real, inode, flags, ret_stx);
		real_path_put(tree, &real);
		if (r >= 0 && ret_layer)
			*ret_layer = real.layer;
		if (!is_racing(r))
			return r;
		tree_names_end(&names);
		open_real_pause(i);
	}
	return -ESTALE;
}

int inode_open(struct tree *tree, struct inode *inode, int flags, const struct layer **ret_layer)
{
	struct statx stx;

	return inode_open_seen(tree, inode, flags, ret_layer, &stx);
}

static int statx_real(const struct real_path *real, const struct inode *inode, struct statx *ret_stx)
{
	struct statx stx;
	int r;

	if (*real->name)
		r = layer_statx(real->layer, real->dir.fd, real->name, &stx, NULL);
	else
		r = layer_statx_unchecked(real->layer, real->dir.fd, "", &stx);
	if (r == 0)
		r = open_real_compare(real, inode, &stx);
	if (r == 0)
		*ret_stx = stx;
	return r;
}

void statx_of_overmounted(uint16_t type, struct statx *ret_stx)
{
	memset(ret_stx, 0, sizeof(*ret_stx));
	ret_stx->stx_mask = STATX_BASIC_STATS;
	ret_stx->stx_mode = type | (S_ISDIR(type) ? 0555 : 0444);
	ret_stx->stx_nlink = 1;
	ret_stx->stx_blksize = 4096;
}

static bool inode_is_overmounted(const struct inode *inode)
{
	return inode_is_dir(inode) && (dir_ref(inode->dir, 0)->flags & DIRREF_OVERMOUNTED);
}

int inode_statx(struct tree *tree, struct inode *inode, struct statx *ret_stx)
{
	for (unsigned i = 0; i < OPEN_REAL_TRIES; i++) {
		_cleanup_tree_names_ struct rwlock *names = tree_names_read(tree);
		struct real_path real;
		int r = inode_is_overmounted(inode) ? -EXDEV : real_path_get(tree, inode, &real);

		if (r == 0) {
			r = statx_real(&real, inode, ret_stx);
			real_path_put(tree, &real);
		}
		/* Overmounted from the start, or since. */
		if (r == -EXDEV) {
			statx_of_overmounted(inode->type, ret_stx);
			r = 0;
		}
		if (r == 0)
			inode_fix_statx(tree, inode, ret_stx);
		if (!is_racing(r))
			return r;
		tree_names_end(&names);
		open_real_pause(i);
	}
	return -ESTALE;
}

void inode_fix_statx(struct tree *tree, struct inode *inode, struct statx *stx)
{
	uint16_t flags = atomic_load_explicit(&inode->flags, memory_order_acquire);

	if (inode_is_overmounted(inode))
		statx_of_overmounted(inode->type, stx);
	stx->stx_ino = inode_ino(inode);
	/* Counting the subdirectories of a merged directory would need its listing; 1 tells tools such as find not to
	 * rely on it. */
	if (inode_is_dir(inode) && (inode == tree->root || dir_depth(inode->dir) > 1))
		stx->stx_nlink = 1;
	lowerdata_fix_statx(tree, inode, stx);
	/* A file with other links in the upper, known or not, keeps their count; the name that holds it is none of
	 * them. */
	if (flags & INODE_COUNTED)
		stx->stx_nlink = inode_nlink(tree, inode);
	else if ((flags & INODE_UNLINKED) && !(flags & INODE_HARDLINKED))
		stx->stx_nlink = 0;
	else if (orphan_is_held_by_name(inode) && stx->stx_nlink > 0)
		stx->stx_nlink--;
}
