/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a mount uses a directory, as a layer or as its work directory.
 */
#ifndef VIEW_CHECK_USE_H
#define VIEW_CHECK_USE_H

#include <stdbool.h>

/* `fd` is the directory. The lock is asked for if `fd` is open for reading, and not kept. 1, 0 or -errno. */
int check_is_used(int fd);
/* The same, and keeps the lock until `fd` is closed. -EBUSY: it is in use. */
int check_lock(int fd);

#endif
