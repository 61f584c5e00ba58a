/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts of a request that libfuse doesn't hand on, read from the raw message (linux/fuse.h), and the flags of INIT
 * that libfuse doesn't know. If the kernel offers it file handles are refused, as overlayfs refuses them without
 * nfs_export.
 */
#ifndef FUSE_WIRE_H
#define FUSE_WIRE_H

#include <stdbool.h>
#include <sys/types.h>

struct host;
struct fuse_session;

/* From now on the session's messages pass through here; after the mount, before the first request is read. 1 or -errno;
 * 0 with a libfuse that was built without custom io: then nothing is seen or taken here, and the kernel clears the bits
 * by a SETATTR as it does for any file system. */
int wire_attach(struct fuse_session *se);

/* Reads the next request of the host's session, into room for the largest: its length, or -errno of read(2); -EIO for
 * what is none. */
ssize_t wire_receive(struct host *host, void *buf, size_t size);

/* In INIT: whether the kernel offers FUSE_HANDLE_KILLPRIV_V2; then it is taken. */
bool wire_takes_killpriv(void);

/* Whether the WRITE or SETATTR that this thread is serving comes from somebody who may not keep setuid and setgid (no
 * CAP_FSETID): FUSE_WRITE_KILL_SUIDGID, FATTR_KILL_SUIDGID. Valid in the operation's call-back only. */
bool wire_kills_priv(void);

/* Until wire_has_read() this thread answers a READ of these bytes by fuse_reply_data(). Of an error libfuse tells only
 * what came before it, which the kernel takes for the end of the file: here the error takes its place. The bytes of an
 * answer without error are counted (COUNTER_READ_BYTES). */
void wire_reads(int fd, size_t size, off_t off);
void wire_has_read(void);

#endif
