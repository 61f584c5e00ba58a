/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A file in memory that stays safe to read when the file is cut off, or can't be read, below the mapping: the kernel
 * answers such an access by SIGBUS, which would end the daemon and strand its mount. Here what can't be read shows as
 * zeros, and the mapping says so from then on. Whoever has read something asks os_map_broken() before using it.
 */
#ifndef OS_MAP_H
#define OS_MAP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

struct os_map {
	const void *data;
	size_t size;
	_Atomic bool broken; /* written by a signal handler */
};

/* Maps the first `size` bytes of the file open at fd for reading, shared with all who map it. *ret must stay where it
 * is. -ENOSPC: too many are mapped; -ENOMEM. */
int os_map_file(int fd, size_t size, struct os_map *ret);
/* Nobody reads it any more. */
void os_unmap(struct os_map *map);

/* Whether something that was read so far may have been zeros in the place of the file's bytes. */
static inline bool os_map_broken(const struct os_map *map)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&map->broken, memory_order_relaxed);
}

#endif
