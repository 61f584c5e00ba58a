/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Creating names. Where the upper has nothing of the name the object is made right in its parent, as its caller (fsuid
 * and fsgid): the upper's file system then does the rest in one step - setgid directories, default ACLs, security
 * labels, quotas. Over a whiteout it is made in the work directory (create_in_work.c).
 *
 * A whiteout in a lower layer alone needs no care: the lookup of a merged directory ends there, so a new directory in
 * the upper merges with nothing and needs no xattr.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "nlink.h"
#include "change/change.h"
#include "create.h"
#include "redirect.h"
#include "os/task.h"
#include "target.h"

/* --- as the caller ------------------------------------------------------------------------------------------------ */

/* The rest of the block makes files as the caller; `err` where that is nobody whom this user namespace knows. */
struct disguise {
	bool on;
	int err;
};

static void disguise_end(struct disguise *d)
{
	if (d->on)
		os_set_fsids(geteuid(), getegid());
}

static struct disguise disguise_start(const struct writer *writer, const struct caller *caller)
{
	struct disguise d = {.on = writer->as_caller};

	if (d.on && os_set_fsids(caller->uid, caller->gid) < 0 && !writer->squash)
		d.err = -EOVERFLOW;
	return d;
}

#define AS_CALLER(writer, caller)                                                                                      \
	struct disguise _disguise __attribute__((cleanup(disguise_end))) = disguise_start(writer, caller)

/* Whether an object that is made by this thread for the caller has the right owner from the start. */
static bool owner_comes_right(const struct writer *writer, const struct caller *caller)
{
	if (layer_overrides_stat(writer->layers))
		return false;
	return writer->as_caller || (caller->uid == geteuid() && caller->gid == getegid());
}

/* Whether a caller may have rights that his ids alone don't give: those of his groups, which the thread doesn't take.
 * With CAP_DAC_OVERRIDE it needs none, and whether he has them the kernel knows. */
static bool lacks_groups(const struct writer *writer)
{
	return writer->as_caller && !writer->layers->can_reopen;
}

/* The mode to create with: the umask counts only where no default ACL takes its place. */
static int effective_mode(struct writer *writer, const struct caller *caller, struct inode *parent, int dirfd,
			  mode_t mode, mode_t *ret_mode)
{
	_cleanup_free_ void *acl = NULL;
	ssize_t size = change_default_acl(writer, parent, dirfd, &acl);

	(void)CHECK(change_holds_dir(parent));
	if (size < 0)
		return (int)size;
	*ret_mode = size ? mode : mode & ~caller->umask;
	return 0;
}

/* --- making it ---------------------------------------------------------------------------------------------------- */

static int make_in_parent(struct creation *c, mode_t mode)
{
	AS_CALLER(c->writer, c->caller);

	if (_disguise.err)
		return _disguise.err;
	switch (mode & S_IFMT) {
	case S_IFREG:
		c->fd = os_openat(c->dirfd, c->name, O_CREAT | O_EXCL | O_RDWR, mode & 07777, OS_NO_XDEV);
		return c->fd < 0 ? c->fd : 0;
	case S_IFDIR:
		return os_mkdirat(c->dirfd, c->name, mode & 07777);
	case S_IFLNK:
		return os_symlinkat(c->spec->target, c->dirfd, c->name);
	default:
		return os_mknodat(c->dirfd, c->name, mode, c->spec->rdev);
	}
}

static int make(struct creation *c)
{
	mode_t mode = 0;
	int r;

	(void)CHECK(c->dirfd >= 0 && c->fd < 0);
	if (c->over_whiteout || !owner_comes_right(c->writer, c->caller))
		return create_in_work(c);
	r = effective_mode(c->writer, c->caller, c->parent, c->dirfd, c->spec->mode, &mode);
	if (r == 0)
		r = make_in_parent(c, mode);
	if (r != -EACCES || !lacks_groups(c->writer))
		return r;
	c->fd = -1;
	return create_in_work(c);
}

/* Takes a new name back that nobody has heard of. */
static void unmake(struct writer *writer, struct inode *parent, int dirfd, const char *name, bool is_dir,
		   bool over_whiteout)
{
	char shown[TREE_PATH_SHOWN];
	int r;

	(void)CHECK(change_holds_dir(parent));
	if (!over_whiteout)
		r = os_unlinkat(dirfd, name, is_dir ? AT_REMOVEDIR : 0);
	else if (is_dir)
		r = work_retire_dir(writer->layers, dirfd, name, true);
	else
		r = work_replace_by_whiteout(writer->layers, dirfd, name);
	if (r == 0)
		return;
	log_limited(LOG_CAUSE_LAYER, LOG_ERR, "%s: the new object could not be taken back: %s",
		    tree_path(writer->tree, parent->id, name, shown), strerror(-r));
	change_doubt(writer, parent, name);
}

/* --- telling the tree --------------------------------------------------------------------------------------------- */

static int look_at_new(struct creation *c, struct resolved *ret)
{
	struct layer_set *set = c->writer->layers;
	struct layer *upper = layer_upper(set);
	int fd = c->fd >= 0 ? c->fd : c->dirfd;
	const char *name = c->fd >= 0 ? "" : c->name;
	int r = layer_statx_unchecked(upper, fd, name, &ret->stx);

	if (r == 0)
		r = layer_object(set, upper, fd, name, &ret->stx, &ret->id);
	if (r == 0)
		r = layer_read_xattr_flags(set, upper, fd, name, &ret->xattr_flags);
	if (r < 0)
		return r;
	ret->layer = upper->index;
	ret->ino = layer_union_ino(set, ret->id);
	ret->in_upper = true;
	if (S_ISDIR(ret->stx.stx_mode))
		ret->upper_ref =
			(struct dirref){.layer = (uint16_t)upper->index, .device = ret->id.device, .ino = ret->id.ino};
	return 0;
}

static int introduce(struct creation *c, struct inode **ret_inode, struct statx *ret_stx)
{
	struct tree *tree = c->writer->tree;
	struct resolved made = {0};
	struct inode *inode;
	int r = look_at_new(c, &made);

	if (r == 0)
		r = inode_intern(tree, c->parent, c->name, &made, &inode);
	if (r < 0)
		return r;
	listing_add(tree, c->parent, c->name, change_dtype(&made.stx), inode_ino(inode), made.layer);
	*ret_stx = made.stx;
	inode_fix_statx(tree, inode, ret_stx);
	*ret_inode = inode;
	return 0;
}

/* --- entry -------------------------------------------------------------------------------------------------------- */

static int check_spec(const struct create_spec *spec)
{
	switch (spec->mode & S_IFMT) {
	case S_IFREG:
	case S_IFDIR:
	case S_IFBLK:
	case S_IFIFO:
	case S_IFSOCK:
		return 0;
	case S_IFLNK:
		return spec->target ? 0 : -EINVAL;
	case S_IFCHR:
		/* It would be a whiteout. */
		return spec->rdev ? 0 : -EPERM;
	default:
		return -EPERM;
	}
}

/* Nothing of the name is visible; tells whether a whiteout has to make way. */
static int check_absent(struct writer *writer, struct inode *parent, const char *name, bool *ret_over_whiteout)
{
	_cleanup_resolved_ struct resolved resolved = {0};
	int r = change_resolve(writer, parent, name, &resolved);

	(void)CHECK(change_holds_dir(parent));
	if (r != -ENOENT || inode_is_unlinked(parent))
		return r < 0 ? r : -EEXIST;
	/* It would be a whiteout of another name, and not be seen itself. */
	if (layer_reserves_name(writer->layers, name))
		return -EPERM;
	*ret_over_whiteout = resolved.upper_whiteout;
	return 0;
}

/* Gives a new directory away, which the daemon had to be able to write while it was moved. */
static int give_away(struct creation *c)
{
	_cleanup_close_ int fd = os_openat(c->dirfd, c->name, O_PATH | O_DIRECTORY | O_NOFOLLOW, 0, OS_NO_XDEV);
	int r = fd < 0 ? fd : change_set_owner(c->writer, fd, c->owner, (gid_t)-1);

	return r < 0 ? r : change_set_mode(c->writer, fd, c->mode);
}

static int create_locked(struct creation *c, struct inode **ret_inode, struct statx *ret_stx)
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	int r = check_absent(c->writer, c->parent, c->name, &c->over_whiteout);

	(void)CHECK(change_holds_dir(c->parent));
	if (r == 0)
		r = change_check_names(c->writer, c->parent, false);
	if (r == 0)
		r = change_dirfd_open(c->writer, c->parent, &dir);
	if (r < 0)
		return r;
	c->dirfd = dir.dirfd.fd;
	r = make(c);
	if (r < 0)
		return r;
	r = c->is_ours ? give_away(c) : 0;
	if (r == 0)
		r = introduce(c, ret_inode, ret_stx);
	if (r < 0)
		unmake(c->writer, c->parent, c->dirfd, c->name, S_ISDIR(c->spec->mode), c->over_whiteout);
	return r;
}

int create_entry(struct writer *writer, const struct caller *caller, struct inode *parent, const char *name,
		 const struct create_spec *spec, struct inode **ret_inode, struct statx *ret_stx, int *ret_fd)
{
	struct creation c = {.writer = writer,
			     .caller = caller,
			     .spec = spec,
			     .parent = parent,
			     .name = name,
			     .dirfd = -1,
			     .fd = -1};
	int r = check_spec(spec);

	if (r < 0)
		return r;
	CHANGE_SCOPE(writer, FAULT_CREATE);
	lock_take(&parent->dir->lock);
	r = create_locked(&c, ret_inode, ret_stx);
	lock_drop(&parent->dir->lock);
	if (c.fd >= 0 && (r < 0 || !spec->want_fd))
		os_close(TAKE_FD(c.fd));
	(void)CHECK(c.fd < 0 || S_ISREG(spec->mode));
	if (r == 0)
		*ret_fd = c.fd;
	return r;
}

/* --- without a name ----------------------------------------------------------------------------------------------- */

static int dress_nameless(struct writer *writer, const struct caller *caller, int dirfd, int fd, mode_t mode)
{
	struct change_new_attrs id = {.uid = caller->uid, .gid = caller->gid, .mode = S_IFREG | (mode & 07777)};
	struct statx parent, made;
	int r = change_statx(writer, dirfd, &parent);

	if (r == 0 && (parent.stx_mode & S_ISGID))
		id.gid = parent.stx_gid;
	if (r == 0 && !layer_overrides_stat(writer->layers)) {
		/* The mode that a default ACL may have made of it. */
		r = change_statx(writer, fd, &made);
		id.mode = made.stx_mode;
	}
	return r < 0 ? r : change_set_new_attrs(writer, fd, &id);
}

static int open_nameless(struct writer *writer, const struct caller *caller, int dirfd, mode_t mode)
{
	AS_CALLER(writer, caller);

	return _disguise.err ? _disguise.err : os_open_tmpfile(dirfd, O_RDWR, mode & 07777);
}

/* In the parent itself, so that it inherits from it. */
static int make_nameless(struct writer *writer, const struct caller *caller, int dirfd, mode_t mode)
{
	_cleanup_close_ int fd = open_nameless(writer, caller, dirfd, mode);
	bool complete = owner_comes_right(writer, caller);
	int r;

	if (fd == -EACCES && lacks_groups(writer)) {
		fd = os_open_tmpfile(dirfd, O_RDWR, mode & 07777);
		complete = false;
	}
	if (fd == -EISDIR)
		return -EOPNOTSUPP;
	if (fd < 0)
		return fd;
	r = complete ? 0 : dress_nameless(writer, caller, dirfd, fd, mode);
	return r < 0 ? r : TAKE_FD(fd);
}

/* Takes the descriptor. */
static int introduce_nameless(struct writer *writer, int fd, struct inode **ret_inode, struct statx *ret_stx,
			      int *ret_fd)
{
	_cleanup_close_ int own = fd;
	_cleanup_close_ int second = os_dup(fd);
	int r = change_statx(writer, fd, ret_stx);

	if (r == 0)
		r = inode_intern_nameless(writer->tree, ret_stx, TAKE_FD(own), ret_inode);
	if (r < 0)
		return r;
	inode_fix_statx(writer->tree, *ret_inode, ret_stx);
	*ret_fd = TAKE_FD(second);
	return 0;
}

int create_tmpfile(struct writer *writer, const struct caller *caller, struct inode *parent, mode_t mode,
		   struct inode **ret_inode, struct statx *ret_stx, int *ret_fd)
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	int fd, r;

	if (!writer->layers->has_upper)
		return -EROFS;
	CHANGE_SCOPE(writer, FAULT_CREATE);
	LOCK_SCOPE(&parent->dir->lock);
	if (inode_is_unlinked(parent))
		return -ENOENT;
	r = change_check_names(writer, parent, false);
	if (r == 0)
		r = change_dirfd_open(writer, parent, &dir);
	if (r == 0)
		r = effective_mode(writer, caller, parent, dir.dirfd.fd, mode, &mode);
	if (r < 0)
		return r;
	fd = make_nameless(writer, caller, dir.dirfd.fd, mode);
	return fd < 0 ? fd : introduce_nameless(writer, fd, ret_inode, ret_stx, ret_fd);
}

/* --- another name ------------------------------------------------------------------------------------------------- */

/* What has lost its last name gets none again, though it has one in the work directory; the file system itself refuses
 * what has not. Caller holds I. */
static int check_linkable(struct writer *writer, struct inode *inode, int fd)
{
	uint16_t flags = atomic_load(&inode->flags);
	struct statx stx;
	int r;

	(void)CHECK(fd >= 0 && change_holds_inode(writer, inode));
	if (!(flags & INODE_UNLINKED) || (flags & INODE_TMPFILE) || !orphan_is_held_by_name(inode))
		return 0;
	r = os_statx(fd, "", &stx);
	if (r < 0)
		return r;
	inode_fix_statx(writer->tree, inode, &stx);
	return stx.stx_nlink ? 0 : -ENOENT;
}

/* The object is open (O_PATH) at `fd`: whatever its names are by now, it is the one that is meant. Caller holds D and
 * I. */
static int link_locked(struct writer *writer, struct inode *inode, int fd, struct inode *parent, const char *name,
		       struct statx *ret_stx)
{
	_cleanup_dirfd_ struct change_dirfd dir = CHANGE_DIRFD_INIT;
	bool over_whiteout;
	int r = check_linkable(writer, inode, fd);

	(void)CHECK(change_holds_dir(parent) && change_holds_inode(writer, inode));
	if (r == 0)
		r = check_absent(writer, parent, name, &over_whiteout);
	if (r == 0)
		r = change_check_names(writer, parent, false);
	if (r == 0)
		r = change_dirfd_open(writer, parent, &dir);
	/* Its st_ino may be a lower file's: readers of the directory have to look. */
	if (r == 0 && !(atomic_load(&inode->flags) & INODE_NO_ORIGIN))
		r = change_set_impure(writer, parent, dir.dirfd.fd);
	if (r == 0)
		r = nlink_prepare(writer, inode);
	if (r == 0 && inode_is_metacopy(inode))
		r = redirect_write_linked(writer, inode, fd);
	if (r < 0)
		return r;
	r = over_whiteout ? link_in_work(writer, fd, dir.dirfd.fd, name) : os_link_fd(fd, dir.dirfd.fd, name);
	if (r < 0)
		return r;
	r = change_statx(writer, fd, ret_stx);
	if (r < 0) {
		unmake(writer, parent, dir.dirfd.fd, name, false, over_whiteout);
		return r;
	}
	nlink_added(writer, inode);
	inode_name_added(writer->tree, inode, parent, name);
	listing_add(writer->tree, parent, name, (unsigned char)(inode->type >> 12), inode_ino(inode), 0);
	inode_fix_statx(writer->tree, inode, ret_stx);
	return 0;
}

int create_link(struct writer *writer, struct inode *inode, struct inode *newparent, const char *newname,
		struct statx *ret_stx)
{
	_cleanup_close_ int fd = -1;

	/* Before a copy-up: with a reserved name it would be for nothing. */
	if (inode_is_dir(inode) || layer_reserves_name(writer->layers, newname))
		return -EPERM;
	CHANGE_SCOPE(writer, FAULT_CREATE);
	fd = change_open_upper(writer, inode, O_PATH);
	if (fd < 0)
		return fd;
	LOCK_SCOPE(&newparent->dir->lock);
	LOCK_SCOPE(inode_lock(writer->tree, inode));
	return link_locked(writer, inode, fd, newparent, newname, ret_stx);
}
