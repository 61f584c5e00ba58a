/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The use of the descriptors that the process may have.
 *
 * Owns host->directories, host->files and host->orphans: the budgets that the caches of all unions share.
 */
#ifndef FUSE_DESCRIPTORS_H
#define FUSE_DESCRIPTORS_H

#include "state.h"

/* After a union has entered or left: shares what its layers leave. -EMFILE: of several unions one can't have the
 * least. */
int descriptors_share(struct host *host);

#endif
