/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A job is one request that changes something. It names the inodes that it needs in the upper. If all are there it runs
 * at once on the request thread. Otherwise a copy of the job waits until copy-up has brought them, and runs on a pool
 * thread. A request that syncs runs on the sync pool. So request threads never sync, and never wait for a sync or for a
 * copy-up that takes longer than a read.
 *
 * Owns the jobs on the heap (job_object.c): a thread that works on one has a reference, and each answers its request
 * once. A job on the stack of a request thread belongs to this thread.
 */
#ifndef FUSE_JOB_H
#define FUSE_JOB_H

#include "state.h"
#include "base/latency.h"

#define JOB_NEEDS 4

/*
 * Life of a job
 *
 *	               job_start()
 *	                    |
 *	                    v
 *	              +----------+   run()
 *	              | ON STACK | ---------------------------------> answered
 *	              +----------+
 *	                    | job_clone()
 *	                    v
 *	              +----------+   run()
 *	  +---------> |  STEPS   | ---------------------------------> answered, freed
 *	  |           +----------+
 *	  |             |      ^
 *	  |  job_wait() |      | job_copied_up()
 *	  |             v      |
 *	  |           +----------+   cancel_job(), job_copied_up()
 *	  |           | WAITING  | ---------------------------------> answered, freed
 *	  |           +----------+
 *	  |                 | job_copied_up(); from ON STACK and STEPS: job_defer()
 *	  |                 v
 *	  | watch_main() +----------+   cancel_job()
 *	  +------------- | DEFERRED | ------------------------------> answered, freed
 *	                 +----------+
 *
 *	from       to         by                              when
 *	           ON STACK   job_start(),                    a request needs inodes in the upper, or may wait
 *	                      job_start_blocking()
 *	ON STACK   answered   run()                           nothing is missing
 *	ON STACK   answered   job_clone()                     no memory for the copy: ENOMEM
 *	ON STACK   STEPS      job_clone(), job_step()         something is missing (-LOOK_AGAIN)
 *	ON STACK   STEPS      job_start_blocking()            it syncs: on the sync pool
 *	ON STACK   DEFERRED   job_start_later()               a lease is in the way (-MUST_WAIT), or changes are frozen
 *	STEPS      WAITING    job_wait(): waiting_enter()     the next of its needs isn't in the upper
 *	STEPS      STEPS      job_step()                      -LOOK_AGAIN, at most JOB_ATTEMPTS times
 *	STEPS      answered   run()
 *	STEPS      answered   job_step(): job_answer()        -LOOK_AGAIN again after that: EIO
 *	STEPS      DEFERRED   job_defer(): waiting_defer()    -MUST_WAIT, or changes are frozen
 *	WAITING    STEPS      job_copied_up(): waiting_leave()  its copy-up ended well
 *	WAITING    answered   the same                        it failed
 *	WAITING    DEFERRED   the same                        -MUST_WAIT
 *	WAITING,   answered   cancel_job()                    its caller was killed, or the session ends
 *	DEFERRED
 *	DEFERRED   STEPS      watch_main()                    its time has come, or the thaw; on the sync pool
 *	DEFERRED   STEPS      waiting_defer()                 there is no watcher: after a sleep, on the sync pool
 *
 * The thread that takes a job out of the list answers it or goes on with it. waiting_leave() and leave_deferred() tell
 * whether the caller is this thread.
 *
 * Invariants of the jobs in the list, which waiting_check_locked() looks at:
 *  W1  A job in the list says so (is_waiting), and is of one of the host's unions.
 *  W2  It is referenced: by its copy-up, or by the list while it is deferred.
 *  W3  It is deferred exactly if it has a time when it goes on.
 *  W4  Else a copy-up will call it back.
 *  W5  Interrupted and deferred ones are counted.
 */
struct job {
	struct pool_task task;
	struct copyup_waiter waiter;
	struct fs *fs;
	fuse_req_t req;
	/* Does the work and answers; returns 0 then. Nothing answered: -LOOK_AGAIN, something has to be copied up
	 * (again); -MUST_WAIT. */
	int (*run)(struct job *job);

	struct inode *needs[JOB_NEEDS]; /* in this order, NULL entries are passed over */
	enum copyup_how how;		/* of the needs; directories come whole in any case */
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
	bool copied_up;	 /* copy-ups of some of the needs ended */

	/* waiting jobs only */
	struct job *waiting_next, *waiting_prev; /* waiting's lock */
	bool is_waiting;			 /* waiting's lock */
	bool is_deferred;			 /* waiting's lock: is_waiting, for no copy-up */
	unsigned deferrals;			 /* the thread's that has the job */
	uint64_t due;				 /* waiting's lock: until when, while is_deferred; os_now_ms() */
	bool interrupted;			 /* waiting's lock */
	struct job *watch_next;			 /* the watcher's */
	struct latency_span span;		 /* c since when it is worked on */
	_Atomic unsigned refs;			 /* a */
	pid_t pid;
	char *own_name, *own_name2;
	void *own_buf;
};

/* Runs the job (which lies on the caller's stack) now, or lets a copy wait. */
void job_start(struct job *job);
/* Runs a copy of the job on the sync pool. */
void job_start_blocking(struct job *job);
/* job_start() of a job that may leave one more written file open. While the syncs before eviction lag behind, it queues
 * after them: so writers, and nobody else, go at the disk's pace instead of running out of descriptors. */
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
/* How a run function ends with a result alone: -LOOK_AGAIN and -MUST_WAIT are handed back, anything else is the
 * answer. */
int job_result(struct job *job, int r);
/* The same for a change of attributes or data that failed and may have come in part: the kernel asks for the attributes
 * again. */
int job_failed(struct job *job, int r);
static inline void job_init(struct job *job, struct fs *fs, fuse_req_t req, int (*run)(struct job *))
{
	memset(job, 0, sizeof(*job));
	job->fs = fs;
	job->req = req;
	job->run = run;
}

#endif
