/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From inodes to objects while names go.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "unit.h"

/* One who asks for an inode's attributes. */
struct asking {
	struct fixture *f;
	struct inode *inode;
	_Atomic pid_t tid;
	struct statx stx;
	int result;
};

static void *ask(void *arg)
{
	struct asking *a = arg;

	atomic_store(&a->tid, gettid());
	a->result = inode_statx(a->f->tree, a->inode, &a->stx);
	return NULL;
}

/* Whether the thread waits, which here can only be for a lock. */
static bool waits(pid_t tid)
{
	char path[64], text[512], *at;
	FILE *stat;
	size_t n;

	snprintf(path, sizeof(path), "/proc/self/task/%d/stat", (int)tid);
	stat = fopen(path, "re");
	if (!stat)
		return false;
	n = fread(text, 1, sizeof(text) - 1, stat);
	fclose(stat);
	text[n] = '\0';
	at = strrchr(text, ')');
	return at && at[1] && at[2] == 'S';
}

TEST("a file that loses its last name while its attributes are asked for is reached by its pinned descriptor")
{
	FIXTURE(f, .layers = 2);
	struct asking a = {.f = &f};
	struct inode *dead = NULL;
	pthread_t thread;
	int fd;

	ASSERT(fixture_make(&f, "0f/a"));
	a.inode = fixture_get(&f, "a");
	ASSERT(a.inode);
	fd = inode_open(f.tree, a.inode, O_PATH, NULL);
	ASSERT(fd >= 0);
	lock_take(&f.tree->table);
	ASSERT_INT(pthread_create(&thread, NULL, ask, &a), 0);
	while (!atomic_load(&a.tid) || !waits(atomic_load(&a.tid)))
		usleep(100);
	/* As remove_file() does it. */
	inode_pin(f.tree, a.inode, fd);
	EXPECT_INT(unlinkat(f.top_fd, "0/a", 0), 0);
	name_remove_locked(f.tree, name_find_locked(f.tree, f.tree->root, "a"), &dead);
	lock_drop(&f.tree->table);
	pthread_join(thread, NULL);
	inode_bury(f.tree, dead);
	EXPECT_INT(a.result, 0);
	EXPECT_INT(a.stx.stx_nlink, 0);
}
