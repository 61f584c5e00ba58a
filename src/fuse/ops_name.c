/* SPDX-License-Identifier: Apache-2.0 */
/*
 * MKNOD, MKDIR, SYMLINK, LINK, UNLINK, RMDIR, RENAME.
 */
#include "ops.h"
#include "job.h"
#include "names.h"
#include "reply.h"

#include <linux/fs.h>
#include <stdio.h>

#include "base/check.h"

/* The answer to a change of names that failed, and may have come in part: an xattr was set, a whiteout placed and
 * removed again. */
static int names_failed(struct job *job, int r)
{
	struct fs *fs = job->fs;
	struct inode *objects[2] = {NULL};

	(void)CHECK(r < 0 && job->name);
	if (r == -LOOK_AGAIN)
		return job_result(job, r);
	objects[0] = inode_peek(fs->tree, job->inode, job->name);
	if (job->inode2 && job->name2)
		objects[1] = inode_peek(fs->tree, job->inode2, job->name2);
	for (unsigned i = 0; i < ARRAY_SIZE(objects); i++) {
		if (objects[i])
			attributes_doubt(fs, objects[i]);
		inode_put(fs->tree, objects[i]);
	}
	if (job->inode2)
		attributes_doubt(fs, job->inode2);
	return job_failed(job, r);
}

/* --- new names ---------------------------------------------------------------------------------------------------- */

static int run_make(struct job *job)
{
	_cleanup_names_ struct names_change names = {.fs = job->fs};
	struct inode *inode;
	struct statx stx;
	int fd, r = names_add(&names, job->inode, job->name);

	/* A waiting job's copy of the target lies in its second name. */
	job->spec.target = job->name2;
	if (r == 0)
		r = create_entry(job->fs->writer, &job->caller, job->inode, job->name, &job->spec, &inode, &stx, &fd);
	if (r < 0)
		return names_failed(job, r);
	r = names_sync(&names);
	if (r < 0) {
		name_take_back(job->fs, job->inode, job->name, S_ISDIR(job->spec.mode));
		inode_forget(job->fs->tree, inode, 1);
		return job_result(job, r);
	}
	reply_entry(job->fs, job->req, inode, &stx);
	return 0;
}

static void make_entry(fuse_req_t req, fuse_ino_t parent_id, const char *name, const struct create_spec *spec)
{
	struct inode *parent = parent_or_reply(req, parent_id, name);
	struct job job;

	(void)CHECK(!S_ISLNK(spec->mode) || spec->target);
	if (!parent)
		return;
	counter_add(COUNTER_CREATE, 1);
	job_init(&job, fs_of(req, parent_id), req, run_make);
	job.inode = job.needs[0] = parent;
	job.name = name;
	job.name2 = spec->target;
	job.spec = *spec;
	if (caller_or_reply(job.fs, req, &job.caller))
		job_start_naming(&job);
}

void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev)
{
	/* It would be a whiteout: refused before the parent is copied up for it. */
	if (S_ISCHR(mode) && !rdev)
		reply_result(req, -EPERM);
	else
		make_entry(req, parent, name, &(struct create_spec){.mode = mode, .rdev = rdev});
}

void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode)
{
	make_entry(req, parent, name, &(struct create_spec){.mode = S_IFDIR | (mode & 07777)});
}

void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name)
{
	make_entry(req, parent, name, &(struct create_spec){.mode = S_IFLNK | 0777, .target = target});
}

/* A file without its data needs a redirect to it before it gets another name. Where that would be too long the data is
 * brought up, and no redirect is needed: the caller's file is no directory, for which EXDEV would be an answer. */
static bool wants_data_instead(struct job *job, int r)
{
	bool lacks = false;

	(void)CHECK(r <= 0);
	if (r != -EXDEV || job->how != COPYUP_META)
		return false;
	for (unsigned i = 0; i < JOB_NEEDS; i++)
		lacks |= job->needs[i] && inode_is_metacopy(job->needs[i]);
	if (lacks)
		job->how = COPYUP_FULL;
	return lacks;
}

static int run_link(struct job *job)
{
	struct fs *fs = job->fs;
	_cleanup_names_ struct names_change names = {.fs = fs};
	struct inode *inode;
	struct statx stx;
	int r = names_add(&names, job->inode2, job->name);

	if (r == 0)
		r = create_link(fs->writer, job->inode, job->inode2, job->name, &stx);
	if (wants_data_instead(job, r))
		return -LOOK_AGAIN;
	if (r < 0)
		return names_failed(job, r);
	r = names_sync(&names);
	/* The reply is an entry: it counts as a lookup of the new name. */
	inode = r == 0 ? inode_lookup_known(fs->tree, job->inode2, job->name) : NULL;
	if (inode) {
		reply_entry(job->fs, job->req, inode, &stx);
		return 0;
	}
	name_take_back(fs, job->inode2, job->name, false);
	return job_failed(job, r < 0 ? r : -ESTALE);
}

void op_link(fuse_req_t req, fuse_ino_t id, fuse_ino_t newparent_id, const char *newname)
{
	struct inode *inode = same_union_or_reply(req, id, newparent_id) ? inode_or_reply(req, id) : NULL;
	struct inode *parent = inode ? parent_or_reply(req, newparent_id, newname) : NULL;
	struct job job;

	if (!inode || !parent)
		return;
	counter_add(COUNTER_LINK, 1);
	job_init(&job, fs_of(req, id), req, run_link);
	job.how = COPYUP_META;
	job.needs[0] = job.inode2 = parent;
	job.needs[1] = job.inode = inode;
	job.name = newname;
	job_start_naming(&job);
}

/* --- names that go ------------------------------------------------------------------------------------------------ */

/* Where the upper's file system hides what is open when it is removed, in its directory, we have nothing open. */
static void name_let_go(struct fs *fs, struct inode *parent, const char *name)
{
	struct inode *inode;

	if (!fs->layers->has_upper || fs->layers->removed != REMOVED_HIDES)
		return;
	inode = inode_peek(fs->tree, parent, name);
	if (inode && !inode_is_dir(inode))
		data_let_go(fs->data, inode);
	inode_put(fs->tree, inode);
}

static int run_removal(struct job *job, int (*remove)(struct writer *writer, struct inode *parent, const char *name))
{
	_cleanup_names_ struct names_change names = {.fs = job->fs};
	int r = names_add(&names, job->inode, job->name);

	(void)CHECK(inode_is_dir(job->inode) && is_name(job->name));
	if (r == 0)
		r = remove(job->fs->writer, job->inode, job->name);
	if (r < 0)
		return names_failed(job, r);
	r = names_sync(&names);
	if (r < 0)
		names_doubt(&names);
	return job_result(job, r);
}

static int run_unlink(struct job *job)
{
	name_let_go(job->fs, job->inode, job->name);
	return run_removal(job, remove_file);
}

static int run_rmdir(struct job *job)
{
	return run_removal(job, remove_dir);
}

static void name_remove_entry(fuse_req_t req, fuse_ino_t parent_id, const char *name, int (*run)(struct job *))
{
	struct inode *parent = named_or_reply(req, parent_id, name);
	struct job job;

	if (!parent)
		return;
	counter_add(COUNTER_REMOVE, 1);
	job_init(&job, fs_of(req, parent_id), req, run);
	job.inode = job.needs[0] = parent;
	job.name = name;
	job_start_naming(&job);
}

void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	name_remove_entry(req, parent, name, run_unlink);
}

void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name)
{
	name_remove_entry(req, parent, name, run_rmdir);
}

/* --- rename ------------------------------------------------------------------------------------------------------- */

static int run_rename(struct job *job)
{
	_cleanup_names_ struct names_change names = {.fs = job->fs};
	int r = names_add(&names, job->inode, job->name);

	if (r == 0)
		r = names_add(&names, job->inode2, job->name2);
	if (r == 0 && !(job->flags & RENAME_EXCHANGE))
		name_let_go(job->fs, job->inode2, job->name2);
	if (r == 0)
		r = rename_entry(job->fs->writer, job->inode, job->name, job->inode2, job->name2, job->flags);
	if (wants_data_instead(job, r))
		return -LOOK_AGAIN;
	if (r < 0)
		return names_failed(job, r);
	r = names_sync(&names);
	if (r < 0)
		names_doubt(&names);
	return job_result(job, r);
}

/* The object under a name, which a rename needs in the upper; its lookup is undone by the caller. Without redirects a
 * directory that has lower parts can't move at all, and must not be copied up for nothing. */
static int rename_need(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode)
{
	struct statx stx;
	unsigned flags;
	int r = lookup_child(fs, parent, name, ret_inode, &stx);

	if (r < 0)
		return r;
	if (!fs->layers->make_redirects && inode_is_dir(*ret_inode) && (*ret_inode)->dir->n_lower > 0) {
		/* Who is answered EXDEV copies and removes, and what can't be removed stands twice then. */
		r = attr_get_flags(fs->writer, *ret_inode, &flags);
		inode_forget(fs->tree, *ret_inode, 1);
		*ret_inode = NULL;
		return r == 0 && flags & (FS_IMMUTABLE_FL | FS_APPEND_FL) ? -EPERM : -EXDEV;
	}
	return 0;
}

/* What shows entries can't be replaced, which must be found before the directory to be moved, `old`, is copied up. */
static int rename_check_replaced(struct fs *fs, const struct job *job, const struct inode *old)
{
	struct inode *there;
	struct statx stx;
	int r;

	if (!inode_is_dir(old) || inode_in_upper(old))
		return 0;
	r = lookup_child(fs, job->inode2, job->name2, &there, &stx);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* An error is met again, and told, by the rename itself. */
	if (inode_is_dir(there) && there->dir->n_lower > 0 && listing_is_empty(fs->tree, there) == 0)
		r = -ENOTEMPTY;
	inode_forget(fs->tree, there, 1);
	return r;
}

/* Refusals that must come before anything is copied up. */
static int rename_check(struct fs *fs, const struct job *job)
{
	struct inode *there;
	struct statx stx;
	int r;

	if (job->flags & ~(unsigned)(RENAME_NOREPLACE | RENAME_EXCHANGE))
		return -EINVAL;
	if (!(job->flags & RENAME_EXCHANGE) && layer_reserves_name(fs->tree->layers, job->name2))
		return -EPERM;
	if (!(job->flags & RENAME_NOREPLACE))
		return 0;
	r = lookup_child(fs, job->inode2, job->name2, &there, &stx);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	inode_forget(fs->tree, there, 1);
	return -EEXIST;
}

void op_rename(fuse_req_t req, fuse_ino_t parent_id, const char *name, fuse_ino_t newparent_id, const char *newname,
	       unsigned flags)
{
	struct fs *fs = fs_of(req, parent_id);
	bool same = same_union_or_reply(req, parent_id, newparent_id);
	struct inode *oldparent = same ? named_or_reply(req, parent_id, name) : NULL;
	struct inode *newparent = oldparent ? named_or_reply(req, newparent_id, newname) : NULL;
	struct inode *old = NULL, *new = NULL;
	struct job job;
	int r;

	if (!oldparent || !newparent)
		return;
	counter_add(COUNTER_RENAME, 1);
	job_init(&job, fs, req, run_rename);
	job.how = COPYUP_META;
	job.inode = oldparent;
	job.inode2 = newparent;
	job.name = name;
	job.name2 = newname;
	job.flags = flags;
	r = rename_check(fs, &job);
	if (r == 0)
		r = rename_need(fs, oldparent, name, &old);
	if (r == 0 && (flags & RENAME_EXCHANGE))
		r = rename_need(fs, newparent, newname, &new);
	else if (r == 0)
		r = rename_check_replaced(fs, &job, old);
	if (r < 0) {
		reply_result(req, r);
	} else {
		/* The parent of what is copied up comes with it, but a file with several names may be up by another
		 * one. */
		job.needs[0] = newparent;
		job.needs[1] = oldparent;
		job.needs[2] = old;
		job.needs[3] = new;
		job_start_naming(&job);
	}
	if (old)
		inode_forget(fs->tree, old, 1);
	if (new)
		inode_forget(fs->tree, new, 1);
}
