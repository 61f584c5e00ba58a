/* SPDX-License-Identifier: Apache-2.0 */
/*
 * INIT: what is agreed with the kernel, and what is set when it has the answer (started.c).
 *
 * Owns host->no_open, no_opendir and checks_flags, and makes host->passthrough.
 */
#ifndef FUSE_NEGOTIATE_H
#define FUSE_NEGOTIATE_H

#include "state.h"

/* The kernel has taken the answer to INIT, or the error that it didn't; called on a request thread, before its next
 * request. Without an answer that passes through wire.c it is called just before. */
void host_started(struct host *host, int err);
/* The largest piece that the kernel shall write at once, in bytes; libfuse may settle for less. */
unsigned host_max_write(const struct host *host);
void op_init(void *userdata, struct fuse_conn_info *conn);

#endif
