/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Replies that several operations give, and what an operation asks before it does anything.
 *
 * Owns nothing: what it is given is the request's.
 */
#ifndef FUSE_REPLY_H
#define FUSE_REPLY_H

#include "state.h"

/* Sends `err` (0 or negative errno) as the answer. */
void reply_result(fuse_req_t req, int err);
/* The number that the mount shows for one of the union's. */
uint64_t ino_show(const struct fs *fs, uint64_t ino);
/* Turns attributes of the union into what the mount shows. All replies below do it themselves. */
void statx_show(const struct fs *fs, struct statx *stx);
/* Fills an entry; the inode's lookup count was raised for it, and is the entry's node id's from now on. */
void entry_fill(struct fs *fs, struct inode *inode, const struct statx *stx, struct fuse_entry_param *ret_e);
/* Answers with an entry; when the kernel didn't take it (interrupted) the lookup is undone. */
void reply_entry(struct fs *fs, fuse_req_t req, struct inode *inode, const struct statx *stx);
void reply_negative(const struct fs *fs, fuse_req_t req);
void reply_attr(struct fs *fs, fuse_req_t req, const struct inode *inode, const struct statx *stx);
/* Seconds for which the kernel may keep the inode's attributes. */
double attr_timeout(struct fs *fs, const struct inode *inode);
/* Whether both nodes are of one union; false after having answered EXDEV. */
bool same_union_or_reply(fuse_req_t req, fuse_ino_t a, fuse_ino_t b);
/* The inode of a node id, or NULL after having answered ESTALE. */
struct inode *inode_or_reply(fuse_req_t req, fuse_ino_t id);
/* The same of what the request needs a directory for (ENOTDIR), or anything else (EISDIR): the tiers below take the
 * caller's word for it. */
struct inode *dir_or_reply(fuse_req_t req, fuse_ino_t id);
struct inode *file_or_reply(fuse_req_t req, fuse_ino_t id);
/* Whether an entry of a directory can be called so. */
bool is_name(const char *name);
/* The directory of a name; EINVAL for what is none. */
struct inode *named_or_reply(fuse_req_t req, fuse_ino_t id, const char *name);
/* The same for a directory that gets a new entry; also NULL, with EPERM, where users can't have the name: before
 * anything is copied up for it. */
struct inode *parent_or_reply(fuse_req_t req, fuse_ino_t id, const char *name);
/* On whose behalf something is made, in the layers' ids. False after having answered EOVERFLOW: the layers have no id
 * for them. */
bool caller_or_reply(const struct fs *fs, fuse_req_t req, struct caller *ret_caller);
/* Whether the object has a setgid bit whose group the caller isn't in. */
bool caller_drops_sgid(struct fs *fs, fuse_req_t req, struct inode *inode);

/* Child of parent by name, lookup count raised; -ENOENT. *ret_stx as the union shows it. */
int lookup_child(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode,
		 struct statx *ret_stx);

#endif
