/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between the files of copy-up: the queue (who waits for which copy), the copying of one object, of its data, of its
 * metadata.
 */
#ifndef CHANGE_COPYUP_INTERNAL_H
#define CHANGE_COPYUP_INTERNAL_H

#include <stdbool.h>
#include <time.h>
#include <linux/stat.h>

#include "change/copyup.h"
#include "format/ovl_fh.h"
#include "layer/work.h"

/* Files from this size on are copied by the pool for big files. */
#define COPYUP_LARGE (1 << 20)
/* Smaller ones are copied in one piece, and at once where nothing has to be synced. */
#define COPYUP_QUICK (64 << 10)

/* --- copyup_task.c ------------------------------------------------------------------------------------------------ */

struct copyup_queue {
	struct lock lock; /* leaf */
	struct writer *writer;
	struct copyup_task *tasks; /* leaf: all that wait or run */
	bool stopping;		   /* leaf */

	/* Requests for which there was no memory; they are answered by this task. */
	struct pool_task failing;
	struct copyup_waiter *failed; /* leaf */
};

/*
 * A copy-up that waits or runs, and who wants its result.
 *
 *	       copyup_request()
 *	              |
 *	              v        copyup_cancel(), copyup_queue_stop()
 *	          +--------+  -------------------------------------->  +-----------+
 *	          | QUEUED |                                           | CANCELLED |
 *	          +--------+                                           +-----------+
 *	              | task_start()                                      ^      |
 *	              v        copyup_cancel(), copyup_queue_stop()       |      |
 *	          +---------+  -------------------------------------------+      |
 *	          | RUNNING |                                                    |
 *	          +---------+                                                    |
 *	              | copyup_task_commit()                                     |
 *	              v                                                          |
 *	          +-----------+                                                  |
 *	          | COMMITTED |                                                  |
 *	          +-----------+                                                  |
 *	              | task_finish()                              task_finish() |
 *	              v                                                          v
 *	          waiters_answer(): done() of each, and the task is freed    (nobody waits, or -EINTR after a stop)
 *
 *	from        to           by                       when
 *	            QUEUED       copyup_request():        no task of the inode can be joined; joining changes no state
 *	                         queue_join()
 *	QUEUED      QUEUED       task_start()             the file is big: once, to the other pool
 *	QUEUED      RUNNING      task_start(): task_run() a thread is free
 *	QUEUED      RUNNING      copyup_request():        at once, on this thread: is_quick()
 *	                         task_run()
 *	QUEUED,     CANCELLED    copyup_cancel()          the last one who waits has left
 *	RUNNING
 *	any         CANCELLED    copyup_queue_stop()      the mount ends; what is committed answers as it would have
 *	RUNNING     COMMITTED    copyup_task_commit()     right before the copy gets its name or its data
 *	RUNNING     freed        task_finish()            an error came before that
 *	COMMITTED   freed        task_finish()
 *	CANCELLED   freed        task_finish()            the copying thread sees it (copyup_task_cancelled());
 *	                                                  nobody joins the task meanwhile
 *
 * Invariants, which queue_check_locked() looks at:
 *  C1  A task in the list has its queue and a reference to its inode.
 *  C2  A task that nobody waits for is cancelled.
 *  C3  A committed task has someone who waits: nobody leaves it.
 *  C4  After the stop all tasks are cancelled.
 *  C5  All that wait for a task want its inode.
 */
struct copyup_task {
	struct pool_task pool_task;
	struct copyup_queue *queue;	 /* c */
	struct copyup_task *prev, *next; /* leaf */
	struct inode *inode;		 /* c referenced */
	enum copyup_how how;		 /* c */
	_Atomic bool cancelled;		 /* a set under leaf */
	bool committed;			 /* leaf: past the point of no return */
	bool late;			 /* leaf: it writes into an object that is in the upper, if it runs */
	struct copyup_waiter *waiters;	 /* leaf: in the order they came */
};

/* Whether nobody wants the result any more. A NULL task is wanted always. Takes no lock. */
bool copyup_task_cancelled(struct copyup_task *task);
/* The point of no return, right before publishing: false when nobody wants it; after true it can't be cancelled any
 * more. May be asked again. Takes the queue's leaf lock. */
bool copyup_task_commit(struct copyup_task *task);
/* Before it writes into the upper object itself, until its end. False while another task does: a cancelled one that
 * ends takes away all the data of the object. Takes the queue's leaf lock. */
bool copyup_task_begin_late(struct copyup_task *task);

/* --- copyup_queue.c ----------------------------------------------------------------------------------------------- */

int copyup_queue_new(struct writer *writer, struct copyup_queue **ret_queue);
/* Makes every running copy-up end at its next check, and every queued one before it starts; their waiters get
 * -EINTR. */
void copyup_queue_stop(struct copyup_queue *queue);
/* The pools are idle. */
void copyup_queue_free(struct copyup_queue *queue);

/* --- copyup.c ----------------------------------------------------------------------------------------------------- */

/* One object on its way up. */
struct copyup {
	struct writer *writer;
	struct copyup_task *task;
	struct error *error; /* what an errno can't say of the failure */
	struct inode *inode;
	enum copyup_how how;
	const struct layer *layer; /* the source's */
	struct statx stx;	   /* the source as it was when copying began */
	int src;		   /* O_PATH, or O_RDONLY where it is src_read too; owned */
	int src_attrs;		   /* src or src_read, whichever gives the source's extended attributes sooner */
	int src_read;		   /* regular files and directories: O_RDONLY, else -1; owned */
	char *xattrs;		   /* names of the source's extended attributes; owned */
	ssize_t xattrs_size;
	int fd;			  /* the copy: regular O_RDWR, directory O_RDONLY, others O_PATH; owned */
	char temp[WORK_NAME_MAX]; /* the copy's name in the work directory; empty: nameless (O_TMPFILE) or moved away */
	struct object_id id;	  /* of the copy */
	char index_name[OVL_FH_INDEX_NAME_SIZE]; /* of a file whose links are kept: the copy's entry; else empty */
	bool meta_only;				 /* metadata alone is copied */
	bool fill_holes;			 /* what the copy has in the source's holes isn't zero */
	bool persistent_ino; /* the copy carries an xattr from which its st_ino comes on later mounts */

	/* Around each piece of the data that is written; NULL: nobody sees the copy meanwhile. After begin_piece() has
	 * returned 0 end_piece() follows with the result of the piece, and returns it or an error of its own. */
	int (*begin_piece)(struct copyup *c);
	int (*end_piece)(struct copyup *c, int r);
	void *piece; /* theirs */
};

/* Copies up the ancestors and the object. 0, -EINTR (cancelled), or -errno. */
int copyup_run(struct writer *writer, struct inode *inode, enum copyup_how how, struct copyup_task *task);
/* Whether no file of `size` bytes or more has to be copied. One look at the layer. */
bool copyup_is_below(struct writer *writer, struct inode *inode, enum copyup_how how, uint64_t size);

/* --- copyup_late.c ------------------------------------------------------------------------------------------------ */

/* Copies the data of a file that is in the upper without it. */
int copyup_late(struct copyup *c);

/* --- copyup_data.c ------------------------------------------------------------------------------------------------ */

/* Copies the data with its holes. -EINTR when cancelled; -EIO when the source changed meanwhile. */
int copyup_data(struct copyup *c);
/* Opens the data of a file whose object has metadata alone. */
int copyup_open_data(const struct copyup *c);

/* --- copyup_meta.c ------------------------------------------------------------------------------------------------ */

/* Owner, attributes, ACLs, capabilities, mode, flags, xattrs, times: in the order in which one doesn't undo the
 * other. */
int copyup_meta(struct copyup *c);
/* The flags that would keep a file from being put into its place; set best effort, overlay.protattr has them too. */
void copyup_meta_published(struct copyup *c);

#endif
