/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Mapped files. A fault that isn't answered ends the test program, so that no more is needed to notice it.
 */
#include "os/map.h"

#include <signal.h>
#include <sys/wait.h>

#include "base/cleanup.h"
#include "base/thread.h"
#include "scratch.h"
#include "unit.h"

#define PAGES 4

static int make_pages(struct scratch *s)
{
	int fd = os_openat(s->fd, "pages", O_RDWR | O_CREAT, 0600, OS_CROSS_MOUNTS);
	char page[4096];

	memset(page, 'x', sizeof(page));
	for (int i = 0; i < PAGES; i++)
		if (os_pwrite_all(fd, page, sizeof(page), i * (off_t)sizeof(page)) != sizeof(page))
			return -1;
	return fd;
}

TEST("a mapped file shows its bytes")
{
	SCRATCH(s);
	_cleanup_close_ int fd = make_pages(&s);
	struct os_map map;

	ASSERT_INT(os_map_file(fd, PAGES * 4096, &map), 0);
	for (size_t i = 0; i < map.size; i += 1024)
		EXPECT_INT(((const char *)map.data)[i], 'x');
	EXPECT(!os_map_broken(&map));
	os_unmap(&map);
}

TEST("a file that is cut off below its mapping shows zeros, and the mapping says so")
{
	SCRATCH(s);
	_cleanup_close_ int fd = make_pages(&s);
	struct os_map map, whole;

	ASSERT_INT(os_map_file(fd, PAGES * 4096, &map), 0);
	ASSERT_INT(os_map_file(fd, PAGES * 4096, &whole), 0);
	ASSERT_INT(os_ftruncate(fd, 4096), 0);
	EXPECT_INT(((const volatile char *)map.data)[0], 'x');
	EXPECT(!os_map_broken(&map));
	EXPECT_INT(((const volatile char *)map.data)[3 * 4096 + 7], 0);
	EXPECT(os_map_broken(&map));
	EXPECT_INT(((const volatile char *)map.data)[4096], 0);
	EXPECT(!os_map_broken(&whole));
	os_unmap(&map);
	os_unmap(&whole);
}

static void *read_last_page(void *arg)
{
	const struct os_map *map = arg;

	return ((const volatile char *)map->data)[3 * 4096] == 0 ? arg : NULL;
}

TEST("threads that block all signals of others read the same zeros")
{
	SCRATCH(s);
	_cleanup_close_ int fd = make_pages(&s);
	struct os_map map;
	pthread_t thread;
	void *result = NULL;

	ASSERT_INT(os_map_file(fd, PAGES * 4096, &map), 0);
	ASSERT_INT(os_ftruncate(fd, 4096), 0);
	ASSERT_INT(thread_start(&thread, read_last_page, &map), 0);
	ASSERT_INT(pthread_join(thread, &result), 0);
	EXPECT(result == &map);
	EXPECT(os_map_broken(&map));
	os_unmap(&map);
}

TEST("a fault that is in no such mapping ends the process as before")
{
	SCRATCH(s);
	_cleanup_close_ int fd = make_pages(&s);
	struct os_map map;
	int status = 0;
	pid_t pid;

	ASSERT_INT(os_map_file(fd, PAGES * 4096, &map), 0);
	fflush(stdout);
	pid = fork();
	if (!pid) {
		raise(SIGBUS);
		_exit(0);
	}
	ASSERT_INT(waitpid(pid, &status, 0), pid);
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
	EXPECT(WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS);
#endif
	EXPECT(status != 0);
	os_unmap(&map);
}
