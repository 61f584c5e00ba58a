/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's parts: what it was started with (inherited.c), start and report (daemonize.c), the mountpoint
 * (mountpoint.c), the mount (mount.c), the libfuse session (session.c), messages (messages.c), signals (signals.c), the
 * control group (cgroup.c), the control socket (control.h).
 */
#ifndef DAEMON_INTERNAL_H
#define DAEMON_INTERNAL_H

#include <signal.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "cli/option.h"
#include "fuse/fs.h"
#include "fuse/host.h"
#include "layer/layer.h"

struct fuse_session;

/* --- inherited.c: descriptors that the caller left open ----------------------------------------------------------- */

/* Remembers them, those above 2. To be called before there are any of our own. */
void inherited_note(void);
/* Closes them but for this one. By then whatever a path like /dev/fd/9 names has been opened. */
void inherited_close(int keep);

/* --- daemonize.c: the parent returns when the mount is live ------------------------------------------------------- */

struct daemonize {
	const struct options *opt;
	int report_fd; /* write end of the pipe to the waiting parent; -1 in the foreground */
	int pid_dir;   /* that of the pid file, as it was before the mount; -1 after the report */
	int null_fd;   /* /dev/null, until the report; never one of descriptors 0-2, which are taken */
	bool reported;
};

/* Goes to the background, unless the options have `foreground`: the parent waits and never returns from here. Relative
 * paths of the options were made absolute before. 0, or -errno and *ret_error. */
int daemonize_start(struct daemonize *daemonize, const struct options *opt, struct error *ret_error);
/* The mount is live: writes the pid file, gives up what is inherited but for the session's descriptor, and lets the
 * parent go with status 0. */
void daemonize_report(struct daemonize *daemonize, int fuse_fd);
/* The end of the daemon: nothing of it is in use by then. */
void daemonize_remove_pidfile(const struct daemonize *daemonize);

/* --- cgroup.c ---------------------------------------------------------------------------------------------------- */

struct cgroup;

/* Moves this process as cgroup=VALUE says, before it has threads. "new" makes a group beside ours in each hierarchy
 * where this is permitted. Any other VALUE is a directory of a cgroup file system, or the name of a group, in each
 * hierarchy that has it. 0, or -errno and *ret_error, which without a text means that memory is short. */
int cgroup_enter(const char *value, struct cgroup **ret_cgroup, struct error *ret_error);
/* Leaves and removes what cgroup_enter() made; the last thing that the daemon does. NULL is fine. */
void cgroup_leave(struct cgroup *cgroup);

/* --- mountpoint.c: before the mount ------------------------------------------------------------------------------- */

/* Whether the union that the specification means is mounted there, and covers layers of its own. */
bool mountpoint_has_same(const struct options *opt, const struct stack_spec *spec);
/* Of a union without an upper: locks the mountpoint, so that who asks for the same meanwhile waits until it is live.
 * -EALREADY: the very same union is mounted there. Else 0; *ret_fd is the lock, which mountpoint_unlock() ends, or
 * -1. */
int mountpoint_lock(const struct options *opt, const struct layer_set *set, int *ret_fd);
void mountpoint_unlock(int *fd);

/* --- mount.c: the mount itself ------------------------------------------------------------------------------------ */

struct mounted {
	const struct options *opt;
	int fd;	       /* of /dev/fuse; the session's, once there is one; -1 without */
	int helper_fd; /* fusermount3 waits at its other end for our end; below fd; -1 without auto_unmount */
	dev_t dev;     /* of the file system; 0: not mounted by us */
	bool is_ready; /* /dev/fd/N, which was mounted before us and stays so */
	dev_t ready;   /* the dev of that; 0: the kernel doesn't tell it */
	/* Whether the way there leads through the mountpoint. Then it may be used before the mount only: a thread of
	 * ours would wait for another one's answer, and all of them for each other. */
	bool overmounts_device, overmounts_sys, overmounts_syslog, overmounts_libraries;
};

/* Refuses paths in a session that is mounted already: whoever opens one waits for its daemon, so we would wait for
 * ourselves. 0, or -errno and *ret_error. */
int mounted_check_paths(const struct options *opt, struct error *ret_error);
/* Opens the descriptor, because the mount may hide the device. 0, or -errno and *ret_error, which
 * without a text means that memory is short. `opt` must outlive it. */
int mounted_prepare(const struct options *opt, struct mounted *m, struct error *ret_error);
/* Whether the mount will hide what has the path now, or, if it is there already, does. */
bool mounted_hides(const struct mounted *m, const char *path);
/* Mounts as the options say. Nothing is asked of the file system, which answers later. As before. */
int mounted_open(struct mounted *m, struct error *ret_error);
/* A descriptor of what is mounted at the mountpoint if that is ours, else -ENOENT; as long as the session lives. */
int mounted_find(const struct mounted *m);
/* Unmounts the mount that was found, and closes it. A mount in use is detached. */
void mounted_unmount(const struct mounted *m, int location);
/* Finds and unmounts. If the mount is overmounted a warning says so. */
void mounted_detach(const struct mounted *m);

/* --- session.c ---------------------------------------------------------------------------------------------------- */

/* Mounts, serves until unmounted, and cleans up. Returns the process's exit status. *mountpoint is the lock that
 * mountpoint_lock() gave; it ends when the mount is live. The caller leaves *ret_cgroup when the layers are closed, and
 * calls daemonize_remove_pidfile() last. The log stays open for both. */
int session_run(const struct options *opt, struct layer_set *set, struct daemonize *daemonize, int *mountpoint,
		struct cgroup **ret_cgroup);

/* --- messages.c --------------------------------------------------------------------------------------------------- */

/* From now on messages go to the system's log, unless the mount `hides_syslog`, and to the file that the options name.
 * Those of libfuse do too. */
void messages_open(const struct options *opt, bool hides_syslog);
/* Before the mount is live: tells the caller the failure. */
void messages_refuse(const struct error *error);
/* The first line that libfuse said, or NULL: why there is no session. Its later lines are in the log. */
const char *messages_of_libfuse(void);
/* The mount is live: from now on the first line of libfuse goes to the log too. */
void messages_live(void);

/* --- signals.c ---------------------------------------------------------------------------------------------------- */

struct signals;

/* Blocks the signals that the daemon handles, in this thread and all that it starts. */
void signals_block(void);
/* A thread that takes them: SIGTERM, SIGINT, SIGHUP unmount after answering what is in flight, SIGUSR1 logs
 * counters. */
int signals_start(struct fuse_session *se, struct host *host, const struct mounted *mounted,
		  struct signals **ret_signals);
void signals_stop(struct signals *signals);

/* --- control.c: the control socket -------------------------------------------------------------------------------- */

struct control;

/* Opens the directory of the socket, before the mount `m`. 0, or -errno: the mount does without. m->opt must outlive
 * it. */
int control_prepare(const struct mounted *m, struct control **ret_control);
/* Makes the socket of the mounted device, and serves it from now on. 0, or -errno as before. */
int control_start(struct control *control, struct layer_set *set, struct fs *fs, dev_t dev);
/* Ends all connections, and removes the socket. Before fs_quiesce(): changes that are frozen go on. NULL is fine. */
void control_stop(struct control *control);

#endif
