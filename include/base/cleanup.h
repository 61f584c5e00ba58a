/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Scope-bound ownership. A variable with one of these attributes is released when it leaves its scope. TAKE_FD and
 * TAKE_PTR pass the ownership on. On-disk effects are never undone in this way, only by explicit labels.
 */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#define _cleanup_(f) __attribute__((cleanup(f)))

static inline void cleanup_free(void *p)
{
	free(*(void **)p);
}

/* Closes a descriptor that is >= 0 and keeps errno. */
static inline void cleanup_close(int *fd)
{
	if (*fd >= 0) {
		int saved = errno;

		close(*fd);
		errno = saved;
	}
}

#define _cleanup_free_ _cleanup_(cleanup_free)
#define _cleanup_close_ _cleanup_(cleanup_close)

#define TAKE_PTR(p)                                                                                                    \
	({                                                                                                             \
		__typeof__(p) *_take = &(p);                                                                           \
		__typeof__(p) _value = *_take;                                                                         \
		*_take = NULL;                                                                                         \
		_value;                                                                                                \
	})

#define TAKE_FD(fd)                                                                                                    \
	({                                                                                                             \
		int *_take = &(fd);                                                                                    \
		int _value = *_take;                                                                                   \
		*_take = -1;                                                                                           \
		_value;                                                                                                \
	})

#endif
