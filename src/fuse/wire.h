/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a request that libfuse doesn't hand on, read from the raw message (linux/fuse.h), and the flags of INIT
 * that libfuse doesn't know. If the kernel offers it file handles are refused, as overlayfs refuses them without
 * nfs_export.
 */
#ifndef FUSE_WIRE_H
#define FUSE_WIRE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

struct host;
struct fuse_session;

/* Of INIT, in host->init: the request that isn't answered yet; one at the most runs, before all other requests. */
struct wire_init {
	_Atomic uint64_t unique; /* a 0: none */
	bool offers_killpriv;	 /* FUSE_HANDLE_KILLPRIV_V2 */
	/* FUSE_PARALLEL_DIROPS, which libfuse 3.14 takes and then doesn't send: lookups in one directory would go one
	 * after the other. */
	bool offers_parallel_dirops;
	/* FUSE_NO_EXPORT_SUPPORT: a file handle of a FUSE inode is its node id, which is stale as soon as the kernel
	 * has forgotten it. */
	bool offers_no_export;
};

/* From now on the session's messages pass through here; after the mount, before the first request is read. 1 or -errno;
 * 0 with a libfuse that was built without custom io: then nothing is seen or taken here, and the kernel clears the bits
 * by a SETATTR as it does for any file system. */
int wire_attach(struct fuse_session *se);

/* Reads the next request of the host's session, into room for the largest: its length, or -errno of read(2); -EIO for
 * what is none. */
ssize_t wire_receive(struct host *host, void *buf, size_t size);

/* In INIT: whether the kernel offers FUSE_HANDLE_KILLPRIV_V2; then it is taken. */
bool wire_takes_killpriv(const struct host *host);

/* Whether the WRITE or SETATTR that this thread is serving comes from somebody who may not keep setuid and setgid (no
 * CAP_FSETID): FUSE_WRITE_KILL_SUIDGID, FATTR_KILL_SUIDGID. Valid in the operation's call-back only. */
bool wire_kills_priv(void);

/* Until wire_has_read() this thread answers a READ of these bytes by fuse_reply_data(). Of an error libfuse tells only
 * what came before it, which the kernel takes for the end of the file: here the error takes its place. The bytes of an
 * answer without error are counted (COUNTER_READ_BYTES). */
void wire_reads(int fd, size_t size, off_t off);
void wire_has_read(void);

#endif
