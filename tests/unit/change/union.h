/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A union without a mount: layer/fixture.h's directories, a tree and the change tier above them.
 */
#ifndef UNIT_CHANGE_UNION_H
#define UNIT_CHANGE_UNION_H

#include <pthread.h>

#include "base/counter.h"
#include "base/fault.h"
#include "base/hash.h"
#include "change/change.h"
#include "change/copyup.h"
#include "layer/fixture.h"
#include "tree/listing.h"
#include "tree/resolve.h"
#include "tree/tree.h"

#include "../../../src/change/copyup_internal.h"

struct uni {
	struct fixture f;
	struct tree *tree;
	struct writer *writer;
};

static inline void uni_close(struct uni *u)
{
	writer_free(u->writer);
	if (u->tree)
		tree_free(u->tree);
	u->writer = NULL;
	u->tree = NULL;
	if (u->f.set)
		layer_set_shutdown(u->f.set);
	fixture_close(&u->f);
}

static inline void uni_finish(struct uni *u)
{
	uni_close(u);
	fixture_finish(&u->f);
}

/* Brings up the union of l1 over l2, with the upper u; what the tests need from the layers is made before. */
static inline bool uni_open(struct uni *u, const char *text)
{
	static const struct tree_limits limits = {.max_dirfds = 64, .max_listing_bytes = 1 << 20, .max_pinned = 64};
	static const struct writer_options opt = {.sync = true, .acl = true, .copy_threads = 2};

	hash_seed_init();
	if (fixture_open(&u->f, text) < 0)
		return UNIT_FAIL("layers: %s", u->f.error ? u->f.error : "?");
	if (tree_new(u->f.set, &limits, &u->tree) < 0 || writer_new(u->tree, &opt, &u->writer) < 0)
		return UNIT_FAIL("no tree or no change tier");
	return true;
}

/* Copies up on this thread. */
static inline int copyup_now(struct writer *writer, struct inode *inode, enum copyup_how how)
{
	int r;

	inode_get(writer->tree, inode);
	r = copyup_run(writer, inode, how, NULL);
	inode_put(writer->tree, inode);
	return r;
}

#define UNI_LAYERS "lowerdir=l1:l2,upperdir=u,workdir=w"

/* A test's union over directories that are still empty; UNI_OPEN() when they have been filled. */
#define UNI(u)                                                                                                         \
	struct uni u __attribute__((cleanup(uni_finish))) = {.tree = NULL};                                            \
	NEEDS_ROOT();                                                                                                  \
	ASSERT(fixture_init(&u.f))
#define UNI_OPEN(u) ASSERT(uni_open(&(u), UNI_LAYERS))

/* The inode at a path of the union, or NULL. The lookup counts stay. */
static inline struct inode *uni_find(struct uni *u, const char *path)
{
	struct inode *inode = u->tree->root;
	char copy[4096], *rest = copy, *name;

	snprintf(copy, sizeof(copy), "%s", path);
	while (inode && (name = strsep(&rest, "/"))) {
		struct resolved r;
		struct inode *child = NULL;

		if (!*name)
			continue;
		if (resolve_child(u->tree, inode, name, &r) < 0)
			return NULL;
		if (inode_intern(u->tree, inode, name, &r, &child) < 0)
			child = NULL;
		resolved_finish(&r);
		inode = child;
	}
	return inode;
}

/* A waiter that a test can wait for. */
struct uni_waiter {
	struct copyup_waiter waiter;
	pthread_mutex_t mutex;
	pthread_cond_t cond;
	bool done;
	int err;
};

static inline void uni_waiter_done(struct copyup_waiter *waiter, int err)
{
	struct uni_waiter *w = (struct uni_waiter *)waiter;

	pthread_mutex_lock(&w->mutex);
	w->done = true;
	w->err = err;
	pthread_cond_signal(&w->cond);
	pthread_mutex_unlock(&w->mutex);
}

#define UNI_WAITER_INIT                                                                                                \
	{                                                                                                              \
		.waiter.done = uni_waiter_done, .mutex = PTHREAD_MUTEX_INITIALIZER, .cond = PTHREAD_COND_INITIALIZER   \
	}

static inline int uni_wait(struct uni_waiter *w)
{
	int err;

	pthread_mutex_lock(&w->mutex);
	while (!w->done)
		pthread_cond_wait(&w->cond, &w->mutex);
	err = w->err;
	pthread_mutex_unlock(&w->mutex);
	return err;
}

/* --- files to copy ------------------------------------------------------------------------------------------------ */

/* Byte number `at` of every test file. */
static inline unsigned char uni_byte(size_t at)
{
	return (unsigned char)(at * 131 + at / 4096);
}

/* Writes the pattern from `off` on. */
static inline bool uni_fill(const char *path, size_t off, size_t size)
{
	unsigned char *buf = malloc(size);
	int fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
	bool good = buf && fd >= 0;

	for (size_t i = 0; good && i < size; i++)
		buf[i] = uni_byte(off + i);
	good = good && pwrite(fd, buf, size, (off_t)off) == (ssize_t)size;
	if (fd >= 0)
		close(fd);
	free(buf);
	return good;
}

static inline bool uni_same(const char *a, const char *b)
{
	char cmd[512];

	snprintf(cmd, sizeof(cmd), "cmp -s '%s' '%s'", a, b);
	return system(cmd) == 0;
}

/* Entries of the work directory. */
static inline int uni_work_entries(void)
{
	return count_entries("w/work");
}

#endif
