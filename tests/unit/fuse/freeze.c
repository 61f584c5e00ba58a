/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Freezes: what waits costs nothing meanwhile, and the end of the mount isn't kept waiting.
 */
#include "device.h"

#include "base/pool.h"
#include "os/task.h"

#include "../../../src/fuse/state.h"

#define MANY 100

static _Atomic unsigned submitted;

void __real_pool_submit(struct pool *pool, struct pool_task *task);
void __wrap_pool_submit(struct pool *pool, struct pool_task *task);
void __wrap_pool_submit(struct pool *pool, struct pool_task *task)
{
	atomic_fetch_add(&submitted, 1);
	__real_pool_submit(pool, task);
}

static uint64_t send_mkdir(struct device *d, const char *name)
{
	struct fuse_mkdir_in in = {.mode = 0755};

	return device_send(d, FUSE_MKDIR, FUSE_ROOT_ID, PART(in), PART_NAME(name), PART_NONE);
}

static unsigned count_waiting(struct device *d)
{
	struct fs_figures figures;

	fs_figures(d->fs, &figures);
	return figures.changes_waiting;
}

TEST("nobody looks at changes that wait for the thaw, and then all are made")
{
	unsigned before;
	char name[16];

	DEVICE(d);
	DEVICE_OPEN(d);
	ASSERT_INT(fs_freeze(d->fs, 1000), 0);
	for (unsigned i = 0; i < MANY; i++) {
		snprintf(name, sizeof(name), "d%u", i);
		ASSERT(send_mkdir(d, name));
	}
	for (unsigned i = 0; i < 10000 && count_waiting(d) < MANY; i++)
		os_sleep_us(1000);
	EXPECT_INT(count_waiting(d), MANY);
	before = atomic_load(&submitted);
	/* Longer than the pauses of one who asks again and again. */
	os_sleep_us(300000);
	EXPECT_INT(atomic_load(&submitted) - before, 0);
	EXPECT_INT(count_entries("u"), 0);
	fs_thaw(d->fs);
	for (unsigned i = 0; i < MANY; i++) {
		ASSERT(device_receive(d));
		EXPECT_INT(d->error, 0);
	}
	EXPECT_INT(count_entries("u"), MANY);
}

static void *freeze_shortly(void *arg)
{
	struct device *d = arg;

	return (void *)(intptr_t)fs_freeze(d->fs, 200);
}

TEST("a change that waits through a freeze that comes to nothing is made")
{
	uint64_t mkdir;
	pthread_t thread;
	void *r;

	DEVICE(d);
	DEVICE_OPEN(d);
	rwlock_read(&d->fs->writer->gate);
	ASSERT_INT(pthread_create(&thread, NULL, freeze_shortly, d), 0);
	while (!fs_is_frozen(d->fs))
		os_sleep_us(1000);
	mkdir = send_mkdir(d, "d");
	pthread_join(thread, &r);
	rwlock_drop(&d->fs->writer->gate);
	EXPECT_INT((intptr_t)r, -ETIMEDOUT);
	EXPECT_INT(device_receive(d), mkdir);
	EXPECT_INT(d->error, 0);
	ASSERT_INT(fs_freeze(d->fs, 1000), 0);
	fs_thaw(d->fs);
}

static void *freeze(void *arg)
{
	struct device *d = arg;

	return (void *)(intptr_t)fs_freeze(d->fs, 3000);
}

TEST("a freeze that waits for a change sees the end of the mount")
{
	pthread_t thread;
	void *r;

	DEVICE(d);
	DEVICE_OPEN(d);
	rwlock_read(&d->fs->writer->gate);
	ASSERT_INT(pthread_create(&thread, NULL, freeze, d), 0);
	while (!fs_is_frozen(d->fs))
		os_sleep_us(1000);
	/* By now it most likely waits. Where it doesn't yet the answer is the same. */
	os_sleep_us(20000);
	fs_end_freezes(d->fs);
	pthread_join(thread, &r);
	rwlock_drop(&d->fs->writer->gate);
	EXPECT_INT((intptr_t)r, -ESHUTDOWN);
}

static void *freeze_often(void *arg)
{
	struct device *d = arg;

	for (unsigned frozen = 0; frozen < 5000;) {
		if (fs_freeze(d->fs, 1000) < 0)
			continue;
		frozen++;
		fs_thaw(d->fs);
	}
	return NULL;
}

TEST("one who freezes as another one thaws has frozen")
{
	pthread_t thread;

	DEVICE(d);
	DEVICE_OPEN(d);
	ASSERT_INT(pthread_create(&thread, NULL, freeze_often, d), 0);
	freeze_often(d);
	pthread_join(thread, NULL);
	EXPECT(!fs_is_frozen(d->fs));
}
