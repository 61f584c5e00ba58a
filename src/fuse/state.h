/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of a host and of one of its unions: struct host and struct fs, with the module of this tier that owns each
 * part. The header of a module says what it does with its part. No other module writes it. host.c and fs.c make and end
 * all parts.
 */
#ifndef FUSE_STATE_H
#define FUSE_STATE_H

#define FUSE_USE_VERSION 314
#include <fuse_lowlevel.h>

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/counter.h"
#include "base/fd_budget.h"
#include "base/lock.h"
#include "base/macros.h"
#include "base/pool.h"
#include "base/scope.h"
#include "change/change.h"
#include "change/copyup.h"
#include "data/data.h"
#include "freeze.h"
#include "fuse/fs.h"
#include "fuse/host.h"
#include "ids.h"
#include "tree/listing.h"
#include "tree/resolve.h"
#include "tree/tree.h"
#include "walk.h"
#include "wire.h"

struct cpu_latency; /* cpu_latency.h */
struct loop;	    /* loop.h */
struct waiting;	    /* waiting.h */
struct handle;	    /* ops_open.c: what OPEN was answered with */
struct passthrough; /* passthrough.h */

struct host {
	struct host_options opt; /* c */
	struct id_space *ids;	 /* c */
	struct fs *unions;	 /* c while it serves */
	struct fs *single;	 /* c while it serves; NULL: there are several, each a directory of the root */
	struct pool *sync;	 /* c fsync, fsyncdir, long copies, syncs before eviction */
	struct pool *tell;	 /* c one thread; names.c */
	struct fd_budget directories, files, orphans; /* descriptors.h */
	struct writer_pools copies;		      /* c copy-ups of all unions */
	_Atomic bool telling_ends;		      /* a names.c: the kernel isn't told of names any more */
	struct waiting *waiting;		      /* c waiting.h */
	struct loop *loop;			      /* c loop.h */
	void (*on_answer)(void);		      /* c called on the thread that is about to answer a request */
	struct cpu_latency *cpu_latency;	      /* c cpu_latency.h; NULL where processors may halt */
	struct fuse_session *session;		      /* c once requests come; NULL without one */
	bool is_wired;				      /* c wire.h; its messages pass through there */
	struct wire_init init;			      /* wire.h */
	bool checks_flags; /* c after INIT: negotiate.h; the kernel doesn't ask who may change inode flags */
	bool no_open;	   /* c after INIT: the kernel can do without OPEN */
	struct passthrough *passthrough; /* c after INIT: passthrough.h; NULL without data=passthrough */
	bool no_opendir;		 /* c after INIT */
	struct fs_negotiated negotiated; /* c once is_negotiated is set */
	_Atomic bool is_negotiated;	 /* a */
	_Atomic size_t forgotten;	 /* a ops_lookup.c: lookups since the last trim */
	_Atomic bool trimming;		 /* a `trim` is the pool's */
	struct pool_task trim;
};

struct fs {
	struct host *host;	    /* c */
	struct fs *next;	    /* c while the host serves; host->unions */
	struct fs_options opt;	    /* c */
	struct id_rules ids;	    /* c ids.h */
	struct layer_set *layers;   /* c */
	struct tree *tree;	    /* c */
	struct writer *writer;	    /* c */
	struct data *data;	    /* c */
	struct lock handles_lock;   /* leaf; ops_open.c */
	struct handle *handles;	    /* handles_lock: all that are open */
	uint64_t listing_bytes_max; /* c */
	struct scope *scope;	    /* c unions.h: NULL of a single union, which has the process's */
	uint64_t ino_mix;	    /* c unions.h: makes its numbers others than those of other unions */
	struct freeze freeze;	    /* freeze.h */
	bool holds_deferred;	    /* lock of waiting.c: deferred jobs wait for waiting_release() */
	struct walk walk;	    /* walk.h: what was seen lately */
};

/* The union of a node id, of several; NULL: nobody's. The calling thread has its scope from then on. */
struct fs *host_find(const struct host *host, fuse_ino_t node);

static inline struct host *host_of(fuse_req_t req)
{
	return fuse_req_userdata(req);
}

/* The union of a node id that the request names; NULL: nobody's. */
static inline struct fs *fs_of(fuse_req_t req, fuse_ino_t node)
{
	struct host *host = host_of(req);

	return likely(host->single) ? host->single : host_find(host, node);
}

#endif
