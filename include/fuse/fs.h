/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One union behind libfuse's low-level interface: the operations, and their object. This tier alone knows libfuse, and
 * it alone replies.
 */
#ifndef FUSE_FS_H
#define FUSE_FS_H

#include <stdbool.h>
#include <stdio.h>

#include "format/idmap.h"
#include "layer/layer.h"

struct fs;
struct fuse_lowlevel_ops;
struct fuse_session;

/* When idle processors poll while many requests come. IN_GUESTS: if they halt otherwise, in a virtual machine. */
enum cpu_latency_when { CPU_LATENCY_NEVER, CPU_LATENCY_IN_GUESTS, CPU_LATENCY_ALWAYS };

struct fs_options {
	double timeout;	      /* seconds for which the kernel may keep names and attributes */
	bool names_expire;    /* the timeout isn't for ever: the kernel asks about known names */
	bool revalidate;      /* timeout 0: the layers are looked at again each time */
	bool sync;	      /* false: volatile or fsync=0 */
	bool sync_strictly;   /* a copy-up of metadata only is synced too; needs sync */
	bool dirsync;	      /* a change of names is on disk when it is answered; needs sync */
	bool acl;	      /* POSIX ACLs */
	bool xattrs;	      /* false: noxattrs, users see no xattrs */
	bool answers_opendir; /* each OPENDIR is answered: of a dead mount opening its root must fail */
	bool open_handles;    /* OPEN is answered with a handle: the daemon can't reopen every file */
	bool copyup_at_open;  /* copyup=open */
	bool writeback;	      /* the kernel's write-back cache */
	bool passthrough;     /* the kernel reads and writes regular files by itself if it can */
	bool io_uring;	      /* requests come over io_uring if the kernel consents */
	bool opens_device;    /* /dev/fuse may be opened while requests come, which io_uring needs */
	enum cpu_latency_when cpu_latency;
	bool static_nlink; /* directories show one link */
	bool ino32;	   /* inode numbers have 32 bits */
	/* new objects get their owners by chown: the daemon can't act as their callers and keep its capabilities */
	bool give_away;
	/* The owners of the layers' objects in the mount. The maps outlive the fs. */
	const struct idmap *uidmap, *gidmap;
	uint32_t squash_uid, squash_gid; /* the owner of all objects; ID_UNSET: owners aren't squashed */
	unsigned max_write;		 /* bytes; 0: own choice */
	unsigned max_readahead;		 /* bytes; 0: own choice */
	unsigned max_read;		 /* max_read of the mount options; 0: none */
	unsigned max_background;	 /* 0: own choice */
	uint64_t cache_max;		 /* bytes of directory listings in memory; 0: own choice */
	unsigned max_fds;		 /* RLIMIT_NOFILE in force, at least fs_least_fds() */
	const char *mountpoint;		 /* outlives the fs; NULL: settings that need this path are left alone */
	bool print_negotiated;		 /* -d: the negotiation is logged */
	/* Called once, on a request thread, when INIT has been answered: the mount is live. */
	void (*on_live)(void *arg);
	void *on_live_arg;
};

/* The least number of descriptors for a union of so many layers on so many file systems. With fewer it runs out of them
 * during its work. */
unsigned fs_least_fds(unsigned layers, unsigned file_systems);
/* Makes an fs, which takes a reference to the set. 0 or -errno. */
int fs_new(struct layer_set *set, const struct fs_options *opt, struct fs **ret_fs);
/* Sets the session that serves the fs. The fs uses it to notify the kernel, and for messages that libfuse doesn't hand
 * on. Called after the mount and before the loop of the session, which outlives fs_quiesce(). 0 or -errno. */
int fs_set_session(struct fs *fs, struct fuse_session *session);
/* Serves the session until it ends. It ends when it is unmounted, when its connection is aborted, or after
 * fuse_session_exit(). After that call SIGUSR2 wakes the calling thread; it must have a handler that returns. 0, or the
 * -errno that ended it. */
int fs_serve(struct fs *fs);
/* Called after fs_serve(): answers or drops waiting requests, stops the pools, frees. */
void fs_free(struct fs *fs);
/* Called before the loop of the session is ended while the mount has users. A notification of the kernel about a name
 * waits for the lock of its directory. The holder of the lock may be waiting for an answer. So pending notifications
 * are sent while the loop still serves, and none after that. */
void fs_stop_telling(struct fs *fs);
/* Ends waiting requests, so that nobody waits for a session that ends: copy-ups are cancelled, running syncs finish. */
void fs_quiesce(struct fs *fs);

/* Asks the mount whose root directory is open at `fd` for the identity of its union (layer_set.identity). It can hang
 * like any request. -ENOTTY: that isn't a mount of an fs. */
int fs_ask_identity(int fd, uint8_t ret_identity[LAYER_IDENTITY_SIZE]);

/* Makes all changes wait; reads go on. 0 once no change runs: then the calling thread must call fs_thaw(), before it
 * uses the union in another way. Otherwise nothing is frozen: -EBUSY, changes are frozen already; -ETIMEDOUT, a change
 * took longer than wait_ms; -ESHUTDOWN, fs_end_freezes() was called before or meanwhile; -EOPNOTSUPP, with passthrough.
 * Data that the kernel holds back is in no layer yet: the caller calls syncfs(2) first if the layers are to have it. */
int fs_freeze(struct fs *fs, unsigned wait_ms);
void fs_thaw(struct fs *fs);
/* Whether changes wait now. */
bool fs_is_frozen(struct fs *fs);
/* From now on nothing is frozen. A thread that holds changes up asks fs_freeze_ends() regularly, and thaws. */
void fs_end_freezes(struct fs *fs);
bool fs_freeze_ends(struct fs *fs);

/* The sizes of an fs at one moment. */
struct fs_figures {
	uint64_t inodes;	    /* known to the kernel, or in use */
	unsigned directories_open;  /* descriptors of directories */
	unsigned files_open;	    /* descriptors of files */
	unsigned descriptors_max;   /* RLIMIT_NOFILE */
	uint64_t listing_bytes_max; /* limit of the directory listings in memory */
	unsigned changes_waiting;   /* jobs that wait: for a copy-up, for a lease, or because changes are frozen */
};
void fs_figures(struct fs *fs, struct fs_figures *ret);
/* With so many descriptors (descriptors_max) one walk or explanation (tree/walk.h) may be made beside the work of the
 * fs. */
#define FS_WALK_LEAST_FDS 512U
/* The name of an operation by its number in linux/fuse.h, as in "lookup"; NULL: there is none. */
const char *fs_operation_name(unsigned operation);

/* The table for fuse_session_new(); userdata is the fs. */
const struct fuse_lowlevel_ops *fs_operations(void);
/* Prints the compiled-in features in one line, e.g. "libfuse 3.14, no tmpfile, no statx". */
void fs_print_features(FILE *out);
/* Logs counters and cache sizes (SIGUSR1). */
void fs_log_status(struct fs *fs);

#endif
