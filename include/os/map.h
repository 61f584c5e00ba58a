/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A mapped file that can be read safely even if the file is cut off, or can't be read, below the mapping. The kernel
 * answers such an access by SIGBUS, which would end the daemon and strand its mount. Here unreadable bytes show as
 * zeros, and the mapping is marked as broken from then on. A reader calls os_map_broken() before it uses the bytes that
 * it has read.
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

/* Maps the first `size` bytes of the file open at fd for reading, shared with all mappings of the file. *ret must stay
 * at its address. -ENOSPC: too many files are mapped; -ENOMEM. */
int os_map_file(int fd, size_t size, struct os_map *ret);
/* The caller has ended all reads of it. */
void os_unmap(struct os_map *map);

/* Whether bytes that were read so far may have been zeros in place of the file's bytes. */
static inline bool os_map_broken(const struct os_map *map)
{
	atomic_thread_fence(memory_order_acquire);
	return atomic_load_explicit(&map->broken, memory_order_relaxed);
}

#endif
