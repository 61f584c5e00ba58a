/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work directory at run time: temp names, whiteouts, and removing trees. A crash leaves only temp files here, which
 * the next mount removes. All functions are thread-safe.
 */
#ifndef LAYER_WORK_H
#define LAYER_WORK_H

#include "layer/layer.h"

#define WORK_NAME_MAX 32

/* WORKDIR/WORK_DIR_NAME holds the temp files, as in kernel overlayfs; WORKDIR/WORK_STATE_NAME is a format/work_state.h
 * file whose uuid tells, while the lock is held, which layers are mounted where. */
#define WORK_DIR_NAME "work"
#define WORK_STATE_NAME "plyfs.state"

/* A fresh name "#<hex>" that no other thread uses. */
void work_temp_name(struct layer_set *set, char ret_name[WORK_NAME_MAX]);

/* The name "#<hex>" of the orphan with this id; it stays the same, and no
 * temp name is like it. */
void work_orphan_name(uint64_t id, char ret_name[WORK_NAME_MAX]);

/* Must precede a whiteout's arrival in directory dirfd of the upper by a rename of the caller's; the functions below do
 * it by themselves. Where whiteouts are devices nothing needs doing; in the xattr form the directory must say that it
 * holds some. -EOPNOTSUPP: it can't, being opaque (which needs no whiteout). */
int work_prepare_whiteouts(struct layer_set *set, int dirfd);

/* Whether directory dirfd of the upper can hold whiteouts: one that is opaque (which needs none) can't in the xattr
 * form. 1, 0 or -errno. */
int work_takes_whiteouts(const struct layer_set *set, int dirfd);

/* Makes a whiteout called `name` in directory dirfd of the upper (or in work_fd) where nothing has this name: a link to
 * the shared whiteout, or a new one (and that is shared from now on) where linking fails. -EEXIST when the name is
 * taken. */
int work_make_whiteout(struct layer_set *set, int dirfd, const char *name);

/* With WHITEOUT_AUFS: hides what lower layers have of `name`, whatever the upper has of it; 0 also where that was so
 * already. What the upper shows stays as it is, so this precedes the step that it is for, and isn't taken back when
 * that fails. -ENAMETOOLONG: the name leaves no room for the prefix. */
int work_hide_below(int dirfd, const char *name);

/* Exchanges `temp` of the work directory and `name`; in two steps where the file system has no exchange. */
int work_exchange(struct layer_set *set, const char *temp, int dirfd, const char *name);

/* Moves `temp` of the work directory to `name`, where nothing is: -EEXIST. */
int work_publish(struct layer_set *set, const char *temp, int dirfd, const char *name);

/* Removes the whiteouts of the xattr form from the directory `name` of the upper. */
int work_drop_whiteouts(struct layer_set *set, int dirfd, const char *name);

/* Removes what the directory `name`, which shows nothing, holds: with WHITEOUT_AUFS, after work_hide_below(). */
int work_empty_dir(int dirfd, const char *name);

/* Replaces the non-directory `name` in dirfd, which is no whiteout, atomically by a whiteout (temp + rename). */
int work_replace_by_whiteout(struct layer_set *set, int dirfd, const char *name);

/* Moves the directory `name` out of dirfd and leaves a whiteout there, in one step (exchange), then removes what was
 * moved with all it holds. `whiteout` false: just moves it out. The removal's errors are logged; the next mount tries
 * again. */
int work_retire_dir(struct layer_set *set, int dirfd, const char *name, bool whiteout);

/* Removes `name` beneath dirfd, whatever it is, with all it holds; never crosses a mount or follows a link. */
int work_remove_tree(int dirfd, const char *name);

#endif
