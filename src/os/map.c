/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mappings that outlive their files. The handler of SIGBUS belongs to the process, so it finds the mappings in a table
 * of the process; it takes no lock, because the fault may come while any is held. Faults elsewhere go to whoever
 * handled them before.
 */
#include "os/map.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "internal.h"
#include "base/check.h"

#define MAPS_MAX 2048

static struct os_map *_Atomic maps[MAPS_MAX];
static struct sigaction handled_before;
static size_t page_size;

static struct os_map *map_of(uintptr_t at)
{
	for (size_t i = 0; i < MAPS_MAX; i++) {
		struct os_map *map = atomic_load(&maps[i]);

		if (map && at - (uintptr_t)map->data < map->size)
			return map;
	}
	return NULL;
}

/* The access is made again when the handler returns, and meets zeros. */
static bool patch_page(uintptr_t at)
{
	void *page = (void *)(at & ~(uintptr_t)(page_size - 1));

	return mmap(page, page_size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == page;
}

static void on_bus_error(int sig, siginfo_t *info, void *context)
{
	struct os_map *map = map_of((uintptr_t)info->si_addr);
	int saved = errno;

	if (map) {
		atomic_store(&map->broken, true);
		if (patch_page((uintptr_t)info->si_addr)) {
			errno = saved;
			return;
		}
	}
	/* Not ours: the access is made, or the signal sent, once more under the rule of before, which mostly ends the
	 * process. */
	sigaction(SIGBUS, &handled_before, NULL);
	if (info->si_code <= 0)
		raise(sig);
	errno = saved;
}

static void install_handler(void)
{
	struct sigaction action = {.sa_flags = SA_SIGINFO | SA_NODEFER};

	action.sa_sigaction = on_bus_error;
	sigemptyset(&action.sa_mask);
	page_size = (size_t)sysconf(_SC_PAGESIZE);
	sigaction(SIGBUS, &action, &handled_before);
}

static bool map_enter(struct os_map *map)
{
	for (size_t i = 0; i < MAPS_MAX; i++) {
		struct os_map *none = NULL;

		if (atomic_compare_exchange_strong(&maps[i], &none, map))
			return true;
	}
	return false;
}

int os_map_file(int fd, size_t size, struct os_map *ret)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	void *data;

	if (!CHECK(fd >= 0 && size > 0))
		return -EIO;
	pthread_once(&once, install_handler);
	data = mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
	if (data == MAP_FAILED)
		return -errno;
	ret->data = data;
	ret->size = size;
	atomic_store(&ret->broken, false);
	if (!map_enter(ret)) {
		munmap(data, size);
		return -ENOSPC;
	}
	return 0;
}

void os_unmap(struct os_map *map)
{
	size_t at = 0;

	for (; at < MAPS_MAX; at++) {
		struct os_map *mine = map;

		if (atomic_compare_exchange_strong(&maps[at], &mine, NULL))
			break;
	}
	(void)CHECK(at < MAPS_MAX);
	munmap((void *)(uintptr_t)map->data, map->size);
}
