/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the operation families share: the file system object, replies, jobs.
 *
 * A job is one request that changes something. It names the inodes that it needs in the upper; when all are there it runs at once on the
 * request thread, else a copy of it waits until copy-up has brought them and runs on a pool thread. A request that syncs
 * runs on the sync pool. So request threads never copy up, never sync and never wait for either.
 */
#ifndef FUSE_INTERNAL_H
#define FUSE_INTERNAL_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/counter.h"
#include "base/lock.h"
#include "base/macros.h"
#include "base/pool.h"
#include "change/change.h"
#include "change/copyup.h"
#include "data/data.h"
#include "fuse/fs.h"
#include "tree/listing.h"
#include "tree/resolve.h"
#include "tree/tree.h"

struct cpu_latency; /* cpu_latency.h */
struct loop; /* loop.h */
struct waiting;
struct handle; /* ops_open.c: what OPEN was answered with */
struct passthrough; /* passthrough.c */

/* ids.c: what ids become on their way between the layers and the mount. */
struct id_rules {
	bool on; /* c else ids are the same on both sides */
	const struct idmap *uidmap, *gidmap;   /* c */
	uint32_t squash_uid, squash_gid;       /* c ID_UNSET without */
	uint32_t overflow_uid, overflow_gid;   /* c shown in an ACL where the map has none */
	uint32_t no_uid, no_gid;               /* c the same of an owner */
};

struct fs {
	struct fs_options opt;    /* c */
	struct id_rules ids; /* c */
	struct layer_set *layers; /* c */
	struct tree *tree;        /* c */
	struct writer *writer;    /* c */
	struct data *data;        /* c */
	struct pool *sync;        /* c fsync, fsyncdir, long copies, syncs before eviction */
	struct pool *tell;        /* c one thread, fuse/names.c */
	_Atomic bool telling_ends; /* a the kernel isn't told of names any more */
	struct waiting *waiting;  /* c fuse/waiting.c */
	struct loop *loop;        /* c */
	void (*on_answer)(void);  /* c called on the thread that is about to answer a request */
	struct cpu_latency *cpu_latency; /* c NULL where processors may halt */
	struct fuse_session *session; /* c once requests come; NULL without one */
	bool no_open;             /* c after INIT: the kernel can do without OPEN */
	struct passthrough *passthrough; /* c after INIT: NULL without data=passthrough */
	bool no_opendir;          /* c after INIT */
	struct lock handles_lock; /* leaf */
	struct handle *handles;   /* handles_lock: all that are open */
	_Atomic size_t forgotten; /* a lookups since the last trim */
	_Atomic bool trimming;    /* a `trim` is the pool's */
	struct pool_task trim;
	_Atomic int plus_bias;    /* readers that ask for attributes were seen lately */
	_Atomic int walk_bias;	  /* walks were */
	_Atomic int found_bias;	  /* files were read right after they had been looked up */
	_Atomic uint64_t file_found;  /* the file that was looked up last: its id */
	_Atomic uint64_t file_next;   /* the one after the file that was read last, in its directory */
	_Atomic uint64_t walk_dir;    /* the directory that somebody began to read last: its id */
	_Atomic uint64_t walk_parent; /* its parent's, or 0 */
};

static inline struct fs *fs_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* --- replies (reply.c) ---------------------------------------------------------------------------------------------------- */

/* Sends `err` (0 or negative errno) as the answer. */
void reply_result(fuse_req_t req, int err);
/* The number that the mount shows for one of the union's. */
uint64_t ino_show(const struct fs *fs, uint64_t ino);
/* Turns attributes of the union into what the mount shows. All replies below do it themselves. */
void statx_show(const struct fs *fs, struct statx *stx);
/* Fills an entry; the inode's lookup count was raised for it, and is the entry's node id's from now on. */
void entry_fill(struct fs *fs, struct inode *inode, const struct statx *stx, struct fuse_entry_param *ret_e);
/* Answers with an entry; when the kernel didn't take it (interrupted) the lookup is undone. */
void reply_entry(fuse_req_t req, struct inode *inode, const struct statx *stx);
void reply_negative(fuse_req_t req);
void reply_attr(fuse_req_t req, const struct inode *inode, const struct statx *stx);
/* Seconds for which the kernel may keep the inode's attributes. */
double attr_timeout(struct fs *fs, const struct inode *inode);
/* The inode of a node id, or NULL after having answered ESTALE. */
struct inode *inode_or_reply(fuse_req_t req, fuse_ino_t id);
/* The same of what the request needs a directory for (ENOTDIR), or anything else (EISDIR): the tiers below take the caller's word for it. */
struct inode *dir_or_reply(fuse_req_t req, fuse_ino_t id);
struct inode *file_or_reply(fuse_req_t req, fuse_ino_t id);
/* Whether an entry of a directory can be called so. */
bool is_name(const char *name);
/* The directory of a name; EINVAL for what is none. */
struct inode *named_or_reply(fuse_req_t req, fuse_ino_t id, const char *name);
/* The same for a directory that gets a new entry; also NULL, with EPERM, where users can't have the name: before anything is copied up for
 * it. */
struct inode *parent_or_reply(fuse_req_t req, fuse_ino_t id, const char *name);
/* On whose behalf something is made, in the layers' ids. False after having answered EOVERFLOW: the layers have no id for them. */
bool caller_or_reply(fuse_req_t req, struct caller *ret_caller);
/* Whether the object has a setgid bit whose group the caller isn't in. */
bool caller_drops_sgid(fuse_req_t req, struct inode *inode);

/* Child of parent by name, lookup count raised; -ENOENT. *ret_stx as the union shows it. */
int lookup_child(struct fs *fs, struct inode *parent, const char *name, struct inode **ret_inode, struct statx *ret_stx);

/* --- walks (walk.c) -------------------------------------------------------------------------------------------------------- */

/* Which entries of a stream carry attributes; decided at its start and then kept by the directory, unless more is
 * wanted. */
enum dir_plus walk_plus(struct fs *fs, struct dir *dir, bool start);
/* `name` of parent was looked up. */
void walk_note_lookup(struct fs *fs, struct inode *parent, const struct statx *stx, const char *name);
/* Somebody begins to read `dir`, whose parent may be NULL. */
void walk_note(struct fs *fs, const struct inode *dir, const struct inode *parent);
/* A file was looked up, and its reply is on its way. */
void walk_file_found(struct fs *fs, struct inode *inode, const struct statx *stx);
/* A file is read. */
void walk_file_read(struct fs *fs, struct inode *inode);

/* Closes the handles of a session that ended without RELEASE. */
void handles_free(struct fs *fs);

/* --- data=passthrough (passthrough.c) ------------------------------------------------------------------------------------------ */

/* `dev_fd`, the session's, outlives it. */
int passthrough_new(int dev_fd, struct passthrough **ret);
void passthrough_free(struct passthrough *p);
/* Whether the kernel lets us have backing files; asked at the first OPEN. */
bool passthrough_usable(struct passthrough *p);
/* An OPEN or CREATE of the node, which leads to the inode, is about to be answered; `write`: not read-only. Returns the backing id for the
 * answer, or 0: without; each is ended by passthrough_release(). -ESTALE: the kernel shall look the name up again. `known_to_kernel`: it has
 * attributes of the node already. */
int passthrough_open(struct fs *fs, struct inode *inode, uint64_t node, bool write, bool known_to_kernel);
void passthrough_release(struct fs *fs, uint64_t node, bool write);
/* Whether the attributes may change without us. */
bool passthrough_is_written(struct fs *fs, const struct inode *inode);
/* The inode's mode changed: how it is opened is decided anew, unless it is open. */
void passthrough_drop_idle(struct fs *fs, const struct inode *inode);
/* The inode is about to be freed. */
void passthrough_evict(struct fs *fs, const struct inode *inode);

/* --- ids (ids.c) ---------------------------------------------------------------------------------------------------------------
 *
 * Requests and replies carry the mount's ids, all below this tier the layers'. What crosses the border passes here. */

void ids_init(struct fs *fs);
/* From the layers' ids to the mount's. */
void ids_show_mapped(const struct fs *fs, uint32_t *uid, uint32_t *gid);
static inline void ids_show(const struct fs *fs, uint32_t *uid, uint32_t *gid)
{
	if (fs->ids.on)
		ids_show_mapped(fs, uid, gid);
}
/* From the mount's ids to the layers'; either may be NULL. -EOVERFLOW when there is none, unless owners are squashed. */
int ids_store(const struct fs *fs, uint32_t *uid, uint32_t *gid);
/* The same of who makes something. The mount's root, where the map lacks it, makes what belongs to the layers' root. */
int ids_store_caller(const struct fs *fs, uint32_t *uid, uint32_t *gid);
/* Whether the attribute's value holds ids. */
bool ids_in_xattr(const struct fs *fs, const char *name);
/* Such a value, in place: for the mount (-ENODATA: it means nothing there), and for the layers (-EINVAL: an id that they don't have). */
int ids_show_xattr(const struct fs *fs, const char *name, void *value, size_t size);
int ids_store_xattr(const struct fs *fs, const char *name, void *value, size_t size);

/* --- jobs (job.c) ----------------------------------------------------------------------------------------------------------- */

#define JOB_NEEDS 4

struct job {
	struct pool_task task;
	struct copyup_waiter waiter;
	struct fs *fs;
	fuse_req_t req;
	/* Does the work and answers; returns 0 then. Nothing answered: -LOOK_AGAIN, something has to be copied up (again); -MUST_WAIT. */
	int (*run)(struct job *job);

	struct inode *needs[JOB_NEEDS]; /* in this order, NULL entries are passed over */
	enum copyup_how how;            /* of the needs; directories come whole in any case */
	unsigned next;
	unsigned attempts;

	/* arguments; the job's run function knows which are used. Strings and buf are copied when the job has to
	 * wait. */
	struct inode *inode, *inode2;
	fuse_ino_t node; /* by which the kernel named the inode */
	const char *name, *name2;
	const void *buf;
	size_t size;
	off_t off, off2;
	unsigned flags;
	int mode;
	struct caller caller;
	struct create_spec spec;
	struct attr_change attr;
	struct fuse_file_info fi;
	bool kills_priv; /* the caller may not keep setuid and setgid */
	bool copied_up;  /* copy-ups of some of the needs ended */

	/* waiting jobs only */
	struct job *waiting_next, *waiting_prev; /* waiting's lock */
	bool is_waiting;                       /* waiting's lock */
	bool is_deferred;                      /* waiting's lock: is_waiting, for no copy-up */
	unsigned deferrals;                    /* the thread's that has the job */
	uint64_t due;                          /* waiting's lock: until when, while is_deferred; os_now_ms() */
	bool interrupted;                      /* waiting's lock */
	_Atomic unsigned refs;                 /* a */
	pid_t pid;
	char *own_name, *own_name2;
	void *own_buf;
};

/* Runs the job (which lies on the caller's stack) now, or lets a copy wait. */
void job_start(struct job *job);
/* Runs a copy of the job on the sync pool. */
void job_start_blocking(struct job *job);
/* job_start() of a job that may leave one more written file open. While the syncs before eviction lag behind, it queues after them: so
 * writers, and nobody else, go at the disk's pace instead of running out of descriptors. */
void job_start_opening(struct job *job);
/* job_start() of a job that changes names, which with dirsync syncs. */
void job_start_naming(struct job *job);
void job_put(struct job *job);
/* A copy on the heap that owns all it points to; NULL after having answered ENOMEM. */
struct job *job_clone(const struct job *from);
/* An error of a write-back that is about to be answered is kept for those who come later. */
void job_keep_lost(const struct job *job, int err);
/* Answers with a result alone. */
void job_reply(struct job *job, int err);
/* How a run function ends with a result alone: -LOOK_AGAIN and -MUST_WAIT are handed back, anything else is the answer. */
int job_result(struct job *job, int r);
/* The same for a change of attributes or data that failed and may have come in part: the kernel asks for the attributes again. */
int job_failed(struct job *job, int r);
static inline void job_init(struct job *job, fuse_req_t req, int (*run)(struct job *))
{
	memset(job, 0, sizeof(*job));
	job->fs = fs_of(req);
	job->req = req;
	job->run = run;
}

/* --- changes of names that are told as errors (names.c) ------------------------------------------------------------------------ */

/* The names that a request changes; all of it does nothing without dirsync. */
struct names_change {
	struct fs *fs;
	unsigned n;
	struct {
		struct inode *dir;
		const char *name;
		struct inode *object; /* what the name led to; referenced; may be NULL */
		int fd;               /* the directory in the upper, owned; -1: none, or it is the other name's */
	} at[2];
};

/* One of two names at the most, before anything is changed: an error leaves all as it was. Its strings live as long as `c`. */
int names_add(struct names_change *c, struct inode *dir, const char *name);
/* After the change, before the answer: syncs the directories. */
int names_sync(struct names_change *c);
/* The change has come and an error is answered: the kernel asks again for the names and for what they led to. */
void names_doubt(struct names_change *c);
void names_finish(struct names_change *c);
#define _cleanup_names_ _cleanup_(names_finish)

/* Removes a new name that an error is answered for, before that is. */
void name_take_back(struct fs *fs, struct inode *dir, const char *name, bool is_dir);
/* The kernel may know the name wrongly: it asks again, soon after the request that changed it was answered. Never waits; any lock may be held
 * but T and a leaf. */
void name_doubt(struct fs *fs, struct inode *dir, const char *name);
/* The kernel may know the attributes wrongly: it asks again. Never waits. */
void attributes_doubt(struct fs *fs, const struct inode *inode);

/* --- waiting jobs and interrupts (waiting.c) ---------------------------------------------------------------------------------- */

int waiting_new(struct fs *fs, struct waiting **ret_waiting);
void waiting_free(struct waiting *waiting);
/* Enters the job and watches for its interrupt. */
void waiting_enter(struct job *job);
/* Enters a job on the heap that must wait; after a while its task goes to the sync pool. */
void waiting_defer(struct job *job);
/* Takes it out; false when somebody else did. */
bool waiting_leave(struct job *job);
/* Cancels all of them with `err`. */
void waiting_cancel_all(struct fs *fs, int err);

/* The upper's directory, open for fsync(2). -EROFS: it is in lower layers alone. ops_dir.c */
int dir_open_to_sync(struct fs *fs, struct inode *dir);

/* --- the operations ------------------------------------------------------------------------------------------------------------- */

/* The kernel has taken the answer to INIT; called on a request thread, before its next request. Not where messages don't pass through wire.c. */
void fs_started(struct fs *fs);
/* The largest piece that the kernel shall write at once, in bytes; libfuse may settle for less. */
unsigned fs_max_write(const struct fs *fs);
void op_init(void *userdata, struct fuse_conn_info *conn);
void op_lookup(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_forget(fuse_req_t req, fuse_ino_t ino, uint64_t n);
void op_forget_multi(fuse_req_t req, size_t count, struct fuse_forget_data *forgets);
void op_getattr(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_setattr(fuse_req_t req, fuse_ino_t ino, struct stat *attr, int to_set, struct fuse_file_info *fi);
void op_open(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_create(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, struct fuse_file_info *fi);
void op_flush(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_release(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_opendir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_releasedir(fuse_req_t req, fuse_ino_t ino, struct fuse_file_info *fi);
void op_read(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_write(fuse_req_t req, fuse_ino_t ino, const char *buf, size_t size, off_t off, struct fuse_file_info *fi);
void op_fsync(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_fallocate(fuse_req_t req, fuse_ino_t ino, int mode, off_t off, off_t len, struct fuse_file_info *fi);
void op_lseek(fuse_req_t req, fuse_ino_t ino, off_t off, int whence, struct fuse_file_info *fi);
void op_copy_file_range(fuse_req_t req, fuse_ino_t in, off_t off_in, struct fuse_file_info *fi_in, fuse_ino_t out,
			off_t off_out, struct fuse_file_info *fi_out, size_t len, int flags);
void op_readdir(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_readdirplus(fuse_req_t req, fuse_ino_t ino, size_t size, off_t off, struct fuse_file_info *fi);
void op_fsyncdir(fuse_req_t req, fuse_ino_t ino, int datasync, struct fuse_file_info *fi);
void op_mknod(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode, dev_t rdev);
void op_mkdir(fuse_req_t req, fuse_ino_t parent, const char *name, mode_t mode);
void op_symlink(fuse_req_t req, const char *target, fuse_ino_t parent, const char *name);
void op_link(fuse_req_t req, fuse_ino_t ino, fuse_ino_t newparent, const char *newname);
void op_unlink(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rmdir(fuse_req_t req, fuse_ino_t parent, const char *name);
void op_rename(fuse_req_t req, fuse_ino_t parent, const char *name, fuse_ino_t newparent, const char *newname,
	       unsigned flags);
void op_setxattr(fuse_req_t req, fuse_ino_t ino, const char *name, const char *value, size_t size, int flags);
void op_getxattr(fuse_req_t req, fuse_ino_t ino, const char *name, size_t size);
void op_listxattr(fuse_req_t req, fuse_ino_t ino, size_t size);
void op_removexattr(fuse_req_t req, fuse_ino_t ino, const char *name);
void op_readlink(fuse_req_t req, fuse_ino_t ino);
void op_statfs(fuse_req_t req, fuse_ino_t ino);
void op_ioctl(fuse_req_t req, fuse_ino_t ino, unsigned cmd, void *arg, struct fuse_file_info *fi, unsigned flags,
	      const void *in, size_t in_size, size_t out_size);
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 17)
void op_tmpfile(fuse_req_t req, fuse_ino_t parent, mode_t mode, struct fuse_file_info *fi);
#endif
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 18)
void op_statx(fuse_req_t req, fuse_ino_t ino, int flags, int mask, struct fuse_file_info *fi);
#endif

#endif
