/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work directory at run time: temp names, whiteouts, and the removal of trees. A crash leaves only temp files here,
 * which the next mount removes. All functions are thread-safe.
 */
#ifndef LAYER_WORK_H
#define LAYER_WORK_H

#include "layer/layer.h"

#define WORK_NAME_MAX 32

/* WORKDIR/WORK_DIR_NAME holds the temp files, as in kernel overlayfs. WORKDIR/WORK_STATE_NAME is a file of
 * format/work_state.h. Its uuid says, while the lock is held, which layers are mounted where. */
#define WORK_DIR_NAME "work"
#define WORK_STATE_NAME "plyfs.state"

/* Makes a new name "#<hex>" that no other thread uses. */
void work_temp_name(struct layer_set *set, char ret_name[WORK_NAME_MAX]);

/* The name "#<hex>" of the orphan with this id. It stays the same, and no temp name is like it. */
void work_orphan_name(uint64_t id, char ret_name[WORK_NAME_MAX]);

/* Called before a rename of the caller brings a whiteout into directory dirfd of the upper; the functions below call it
 * themselves. It does nothing if whiteouts are devices. For xattr whiteouts it makes the directory say that it holds
 * some. -EOPNOTSUPP: the directory is opaque and can't (it needs no whiteout). */
int work_prepare_whiteouts(struct layer_set *set, int dirfd);

/* Whether directory dirfd of the upper can hold whiteouts. An opaque directory, which needs none, can't hold xattr
 * whiteouts. 1, 0 or -errno. */
int work_takes_whiteouts(const struct layer_set *set, int dirfd);

/* Makes a whiteout called `name` in directory dirfd of the upper (or in work_fd), if the name is free. It is a link to
 * the shared whiteout. If linking fails it is a new one, which is shared from now on. -EEXIST: the name is taken. */
int work_make_whiteout(struct layer_set *set, int dirfd, const char *name);

/* With WHITEOUT_AUFS: hides `name` of the lower layers, whatever the upper has of it. 0 also if it was hidden already.
 * The view of the upper stays the same. So this comes before the step that it is for, and isn't taken back if that step
 * fails. -ENAMETOOLONG: the name leaves no room for the prefix. */
int work_hide_below(int dirfd, const char *name);

/* Exchanges `temp` of the work directory and `name`. It takes two steps if the file system has no exchange. */
int work_exchange(struct layer_set *set, const char *temp, int dirfd, const char *name);

/* Moves `temp` of the work directory to `name`, which must be free: -EEXIST. */
int work_publish(struct layer_set *set, const char *temp, int dirfd, const char *name);

/* Removes the xattr whiteouts from the directory `name` of the upper. */
int work_drop_whiteouts(struct layer_set *set, int dirfd, const char *name);

/* Removes the content of the directory `name`, which shows nothing: with WHITEOUT_AUFS, after work_hide_below(). */
int work_empty_dir(int dirfd, const char *name);

/* Atomically replaces the non-directory `name` in dirfd, which is no whiteout, by a whiteout (temp file and rename). */
int work_replace_by_whiteout(struct layer_set *set, int dirfd, const char *name);

/* Moves the directory `name` out of dirfd, then removes it with its content. With `whiteout` it leaves a whiteout there
 * in the same step (exchange). Errors of the removal are logged; the next mount tries again. */
int work_retire_dir(struct layer_set *set, int dirfd, const char *name, bool whiteout);

/* Removes `name` beneath dirfd, of any type, with its content. Never crosses a mount or follows a link. */
int work_remove_tree(int dirfd, const char *name);

#endif
