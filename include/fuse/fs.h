/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One union behind libfuse's low-level interface, which a host (fuse/host.h) serves. This tier alone knows libfuse, and
 * it alone replies.
 */
#ifndef FUSE_FS_H
#define FUSE_FS_H

#include <stdbool.h>
#include <stdio.h>

#include "base/counter.h"
#include "base/latency.h"
#include "format/idmap.h"
#include "layer/layer.h"

struct fs;
struct host;

/* The options of one union. */
struct fs_options {
	const char *name;    /* of a host with several unions: its name there; outlives the fs; else NULL */
	double timeout;	     /* seconds for which the kernel may keep names and attributes */
	bool names_expire;   /* the timeout isn't for ever: the kernel asks about known names */
	bool revalidate;     /* timeout 0: the layers are looked at again each time */
	bool sync;	     /* false: volatile or fsync=0 */
	bool sync_strictly;  /* a copy-up of metadata only is synced too; needs sync */
	bool dirsync;	     /* a change of names is on disk when it is answered; needs sync */
	bool acl;	     /* POSIX ACLs */
	bool xattrs;	     /* false: noxattrs, users see no xattrs */
	bool open_handles;   /* OPEN is answered with a handle: the daemon can't reopen every file */
	bool copyup_at_open; /* copyup=open */
	bool static_nlink;   /* directories show one link */
	bool ino32;	     /* inode numbers have 32 bits */
	/* new objects get their owners by chown: the daemon can't act as their callers and keep its capabilities */
	bool give_away;
	/* The owners of the layers' objects in the mount. The maps outlive the fs. */
	const struct idmap *uidmap, *gidmap;
	uint32_t squash_uid, squash_gid; /* the owner of all objects; ID_UNSET: owners aren't squashed */
	uint64_t cache_max;		 /* bytes of directory listings in memory; 0: own choice */
};

/* The least number of descriptors for a union of so many layers on so many file systems. With fewer it runs out of them
 * during its work. */
unsigned fs_least_fds(unsigned layers, unsigned file_systems);
/* Makes an fs of the host, which has at least fs_least_fds() descriptors; it takes a reference to the set. Before the
 * host serves. 0 or -errno. -EINVAL: the options ask for what the host's don't give;
 * -EEXIST: a union of the name is there; -EMFILE: of several unions one couldn't have the least of descriptors. */
int fs_new(struct host *host, struct layer_set *set, const struct fs_options *opt, struct fs **ret_fs);
/* Called after host_serve(): answers or drops waiting requests, stops the pools, frees. */
void fs_free(struct fs *fs);
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
/* The events of the fs, and the durations of its requests. */
uint64_t fs_counter(const struct fs *fs, enum counter c);
void fs_latency(const struct fs *fs, unsigned operation, struct latency_histogram *ret);
/* Logs the counters. */
void fs_log_status(struct fs *fs);
/* The name of an operation by its number in linux/fuse.h, as in "lookup"; NULL: there is none. */
const char *fs_operation_name(unsigned operation);

/* The agreement with the kernel. */
struct fs_negotiated {
	unsigned major, minor;		   /* of the protocol */
	unsigned max_write, max_readahead; /* bytes */
	unsigned max_background;	   /* requests */
	bool opens, opendirs;		   /* files and directories are opened by requests */
	bool killpriv;			   /* FUSE_HANDLE_KILLPRIV_V2, which libfuse doesn't know */
	uint64_t features;		   /* bits by the numbers of fs_feature_name() */
};
/* False before INIT. */
bool fs_negotiated(const struct fs *fs, struct fs_negotiated *ret);
/* The name of a feature, as in "readdirplus"; NULL: there is none of this number. */
const char *fs_feature_name(unsigned number);
/* Prints the compiled-in features in one line, e.g. "libfuse 3.14, no tmpfile, no statx". */
void fs_print_features(FILE *out);

#endif
