/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whoever enters counts himself first and then looks whether changes are frozen; whoever freezes says so first and then
 * looks at the count. So one of the two sees the other.
 */
#include "freeze.h"
#include "state.h"
#include "waiting.h"

#include "base/check.h"
#include "os/task.h"

#define LOOK_US 1000U

bool freeze_enter(struct fs *fs)
{
	struct freeze *f = &fs->freeze;

	atomic_fetch_add(&f->running, 1);
	if (likely(!atomic_load(&f->frozen)))
		return true;
	freeze_leave(fs);
	return false;
}

void freeze_leave(struct fs *fs)
{
	unsigned before = atomic_fetch_sub(&fs->freeze.running, 1);

	(void)CHECK(before > 0);
}

static int wait_for_running(struct freeze *f, unsigned long long until)
{
	while (atomic_load(&f->running) > 0) {
		if (atomic_load(&f->ends))
			return -ESHUTDOWN;
		if (os_now_ms() >= until)
			return -ETIMEDOUT;
		os_sleep_us(LOOK_US);
	}
	return 0;
}

/* In this order: the next one who freezes may hold them at once. Who is turned away in between isn't held, and asks
 * again. */
static void let_enter(struct fs *fs)
{
	waiting_release(fs);
	atomic_store(&fs->freeze.frozen, false);
}

int fs_freeze(struct fs *fs, unsigned wait_ms)
{
	unsigned long long until = os_now_ms() + wait_ms;
	struct freeze *f = &fs->freeze;
	int r;

	/* The kernel writes to files by itself then. */
	if (fs->host->opt.passthrough)
		return -EOPNOTSUPP;
	if (fs_freeze_ends(fs))
		return -ESHUTDOWN;
	if (atomic_exchange(&f->frozen, true))
		return -EBUSY;
	waiting_hold(fs);
	r = wait_for_running(f, until);
	if (r == 0)
		r = writer_freeze(fs->writer, until, &f->ends);
	if (r < 0)
		let_enter(fs);
	return r;
}

void fs_thaw(struct fs *fs)
{
	(void)CHECK(atomic_load(&fs->freeze.frozen));
	writer_thaw(fs->writer);
	let_enter(fs);
}

bool fs_is_frozen(struct fs *fs)
{
	return atomic_load(&fs->freeze.frozen);
}

void fs_end_freezes(struct fs *fs)
{
	atomic_store(&fs->freeze.ends, true);
}

bool fs_freeze_ends(struct fs *fs)
{
	return atomic_load(&fs->freeze.ends);
}
