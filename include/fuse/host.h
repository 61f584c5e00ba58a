/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host of unions: what a process has once, however many unions it shows. That is the session, with what was agreed
 * about it with the kernel. Then come the threads that take requests and those of the pools, the requests that wait,
 * and the descriptors that the process may have. A union (fuse/fs.h) has what its options and its layers say.
 *
 * Life of a host
 *
 *	host_new()      fs_new()      host_set_session()      host_serve()
 *	    |               |                 |                    |
 *	    v               v                 v                    v
 *	+-------+      +---------+        +-------+           +---------+        +-------+
 *	| EMPTY | ---> | FILLED  | -----> | READY | --------> | SERVING | -----> | ENDED | ---> freed
 *	+-------+      +---------+        +-------+           +---------+        +-------+
 *
 *	from      to        by                    when
 *	          EMPTY     host_new()
 *	EMPTY     FILLED    fs_new()              a union enters
 *	FILLED    READY     host_set_session()    the mount is there, and no request was read
 *	READY     SERVING   host_serve()
 *	SERVING   ENDED     host_serve() returns  it was unmounted, aborted, or asked to end
 *	any       freed     host_free()           its unions were freed before
 *
 * Invariants
 *  H1  A union belongs to one host as long as it lives, and the host outlives it.
 *  H2  The list of unions doesn't change while the host serves: a request finds its union without a lock.
 *  H3  A waiting request belongs to a union of the host.
 *  H4  A node id is one union's, or the root's of a host with several. No request reaches two unions: rename, link and
 *      copies from one to the other are answered with EXDEV.
 *  H5  Two unions of a host show no object by the same number.
 */
#ifndef FUSE_HOST_H
#define FUSE_HOST_H

#include <stdbool.h>

struct host;
struct fuse_lowlevel_ops;
struct fuse_session;

/* When idle processors poll while many requests come. IN_GUESTS: if they halt otherwise, in a virtual machine. */
enum cpu_latency_when { CPU_LATENCY_NEVER, CPU_LATENCY_IN_GUESTS, CPU_LATENCY_ALWAYS };

/* The options that hold for all unions of the host. */
struct host_options {
	/* Each union is a directory of a root of the host's own. Otherwise there is one, and its root is the root. */
	bool several;
	bool acl;	      /* the kernel checks POSIX ACLs */
	bool revalidate;      /* of a union the layers are looked at again each time */
	bool answers_open;    /* each OPEN is answered */
	bool answers_opendir; /* each OPENDIR is answered: of a dead mount opening its root must fail */
	bool writeback;	      /* the kernel's write-back cache */
	bool passthrough;     /* the kernel reads and writes regular files by itself if it can */
	bool io_uring;	      /* requests come over io_uring if the kernel consents */
	bool opens_device;    /* /dev/fuse may be opened while requests come, which io_uring needs */
	enum cpu_latency_when cpu_latency;
	unsigned max_write;	 /* bytes; 0: own choice */
	unsigned max_readahead;	 /* bytes; 0: own choice */
	unsigned max_read;	 /* max_read of the mount options; 0: none */
	unsigned max_background; /* 0: own choice */
	unsigned max_fds;	 /* RLIMIT_NOFILE in force */
	const char *mountpoint;	 /* outlives the host; NULL: settings that need this path are left alone */
	bool print_negotiated;	 /* -d: the negotiation is logged */
	/* Called once, on a request thread, when INIT has been answered: the mount is live. */
	void (*on_live)(void *arg);
	void *on_live_arg;
};

/* Before the mount exists. 0 or -errno. */
int host_new(const struct host_options *opt, struct host **ret_host);
/* After its unions. NULL is fine. */
void host_free(struct host *host);
/* The table for fuse_session_new(); userdata is the host. */
const struct fuse_lowlevel_ops *host_operations(void);
/* Sets the session that serves the host. The host uses it to notify the kernel, and for messages that libfuse doesn't
 * hand on. Called after the mount and before the loop of the session, which outlives fs_quiesce(). 0 or -errno. */
int host_set_session(struct host *host, struct fuse_session *session);
/* Serves the session until it ends. It ends when it is unmounted, when its connection is aborted, or after
 * fuse_session_exit(). After that call SIGUSR2 wakes the calling thread; it must have a handler that returns. 0, or the
 * -errno that ended it. */
int host_serve(struct host *host);
/* Called before the loop of the session is ended while the mount has users. A notification of the kernel about a name
 * waits for the lock of its directory. The holder of the lock may be waiting for an answer. So pending notifications
 * are sent while the loop still serves, and none after that. */
void host_stop_telling(struct host *host);
/* fs_end_freezes() of all unions. */
void host_end_freezes(struct host *host);
/* Logs counters and cache sizes of all unions (SIGUSR1). */
void host_log_status(struct host *host);

#endif
