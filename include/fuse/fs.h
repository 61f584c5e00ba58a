/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One union behind libfuse's low-level interface: the operations, and the object that they work on. This is the only
 * tier that knows libfuse, and the only one that replies.
 */
#ifndef FUSE_FS_H
#define FUSE_FS_H

#include <stdbool.h>
#include <stdio.h>

#include "format/idmap.h"
#include "layer/layer.h"
#include "os/idle.h"

struct fs;
struct fuse_lowlevel_ops;
struct fuse_session;

struct fs_options {
	double timeout;		      /* seconds names and attributes stay valid in the kernel */
	bool names_expire;	      /* the timeout isn't for ever: the kernel asks about names that it knows */
	bool revalidate;	      /* timeout 0: look at the layers again each time */
	bool sync;		      /* false: volatile or fsync=0 */
	bool sync_strictly;	      /* a copy-up syncs what it makes also where only metadata is copied; needs sync */
	bool dirsync;		      /* a change of names is on disk when it is answered; needs sync */
	bool acl;		      /* POSIX ACLs */
	bool xattrs;		      /* false: noxattrs, users see none */
	bool open_handles;	      /* OPEN is answered with a handle: descriptors can't be reopened at will */
	bool copyup_at_open;	      /* copyup=open */
	bool writeback;		      /* the kernel's write-back cache */
	bool passthrough;	      /* the kernel reads and writes regular files by itself where it can */
	bool io_uring;		      /* requests come over io_uring where the kernel consents */
	bool opens_device;	      /* /dev/fuse may be opened while requests come, for which io_uring has a use */
	enum low_latency low_latency; /* whether idle processors poll while requests come densely */
	bool static_nlink;	      /* directories show one link */
	bool ino32;		      /* inode numbers show in 32 bits */
	/* new objects get their owners by chown: the daemon can't act as their callers and keep its capabilities */
	bool give_away;
	/* Whose the layers' objects are in the mount. The maps outlive the fs. */
	const struct idmap *uidmap, *gidmap;
	uint32_t squash_uid, squash_gid; /* every owner is this one; ID_UNSET: they aren't squashed */
	unsigned max_write;		 /* bytes; 0: own choice */
	unsigned max_readahead;		 /* bytes; 0: own choice */
	unsigned max_read;		 /* that of the mount options; 0: none */
	unsigned max_background;	 /* 0: own choice */
	uint64_t cache_max;		 /* bytes of directory listings that are kept; 0: own choice */
	unsigned max_fds;		 /* RLIMIT_NOFILE in force, fs_least_fds() at the least */
	const char *mountpoint;		 /* outlives the fs; NULL: what is set by its path is left alone */
	bool print_negotiated;		 /* -d: what was negotiated goes to the log */
	/* Called once, on a request thread, when the kernel has the answer to INIT: the mount is live. */
	void (*on_live)(void *arg);
	void *on_live_arg;
};

/* With fewer descriptors a union of so many layers on so many file systems runs out of them in the middle of its
 * work. */
unsigned fs_least_fds(unsigned layers, unsigned file_systems);
/* Takes a reference to the set. 0 or -errno. */
int fs_new(struct layer_set *set, const struct fs_options *opt, struct fs **ret_fs);
/* The session that serves it, for what the kernel has to be told and for what libfuse doesn't hand on; once it is
 * mounted, before its loop starts, and it outlives fs_quiesce(). 0 or -errno. */
int fs_set_session(struct fs *fs, struct fuse_session *session);
/* Serves the session until it ends: it is unmounted, its connection aborted, or fuse_session_exit() called, after which
 * SIGUSR2 wakes the calling thread; it must have a handler that returns. 0, or -errno of what ended it. */
int fs_serve(struct fs *fs);
/* After that: answers or drops what is waiting, stops the pools, frees. */
void fs_free(struct fs *fs);
/* Before the session's loop is ended though the mount has users. What the kernel is being told of names waits for
 * whoever holds their directory, and he may wait for an answer: so it is told while there still are some, and nothing
 * more after that. */
void fs_stop_telling(struct fs *fs);
/* Ends what is waiting, so that nobody waits for a session that is going: copy-ups are cancelled, running syncs
 * finish. */
void fs_quiesce(struct fs *fs);

/* The table for fuse_session_new(); userdata is the fs. */
const struct fuse_lowlevel_ops *fs_operations(void);
/* What is compiled in, one line, e.g. "libfuse 3.14, no tmpfile, no statx". */
void fs_print_features(FILE *out);
/* Counters and cache sizes to the log (SIGUSR1). */
void fs_log_status(struct fs *fs);

#endif
