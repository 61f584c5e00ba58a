/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Changes of names that are told as errors.
 *
 * What the kernel knew of a name before, it knows after an error too. Where the change has come all the same, because
 * what failed is its sync, it has to ask again. It takes the directory's lock for that, which the caller of the request
 * holds until it is answered, and then perhaps somebody else whose request waits for a thread of ours. So one thread
 * apart tells the kernel, for whom no request waits.
 *
 * A name that was made is taken back, as an error of mkdir(2) or open(2) promises that nothing is there. What was
 * removed or renamed can't be brought back.
 */
#include "names.h"
#include "ops.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "os/fs.h"

/* --- the kernel asks again ---------------------------------------------------------------------------------------- */

void attributes_doubt(struct fs *fs, const struct inode *inode)
{
	if (fs->host->session)
		(void)fuse_lowlevel_notify_inval_inode(fs->host->session, inode->id, -1, 0);
}

struct doubt {
	struct pool_task task;
	struct fs *fs;
	struct inode *dir; /* referenced */
	pthread_t told_by;
	char name[];
};

/* To drop the name at once would unmount what is mounted on it. */
static int expire(struct fuse_session *session, fuse_ino_t dir, const char *name)
{
#if FUSE_VERSION >= FUSE_MAKE_VERSION(3, 16)
	int r = fuse_lowlevel_notify_expire_entry(session, dir, name, strlen(name));
#else
	int r = fuse_lowlevel_notify_expire_entry(session, dir, name, strlen(name), FUSE_LL_EXPIRE_ONLY);
#endif
	return r == -ENOSYS ? fuse_lowlevel_notify_inval_entry(session, dir, name, strlen(name)) : r;
}

static void doubt_run(struct pool_task *task)
{
	struct doubt *d = container_of(task, struct doubt, task);

	/* Without a thread to be had the pool runs it on ours, which mustn't wait. */
	if (!pthread_equal(d->told_by, pthread_self()) && !atomic_load(&d->fs->host->telling_ends))
		(void)expire(d->fs->host->session, d->dir->id, d->name);
	inode_put(d->fs->tree, d->dir);
	free(d);
}

void name_doubt(struct fs *fs, struct inode *dir, const char *name)
{
	size_t size = strlen(name) + 1;
	struct doubt *d;

	(void)CHECK(inode_is_dir(dir) && !strchr(name, '/'));
	if (!fs->host->session || atomic_load(&fs->host->telling_ends))
		return;
	attributes_doubt(fs, dir);
	d = malloc(sizeof(*d) + size);
	if (!d)
		return;
	*d = (struct doubt){
		.task.run = doubt_run, .fs = fs, .dir = inode_get(fs->tree, dir), .told_by = pthread_self()};
	memcpy(d->name, name, size);
	pool_submit(fs->host->tell, &d->task);
}

void host_stop_telling(struct host *host)
{
	atomic_store(&host->telling_ends, true);
	pool_drain(host->tell);
}

/* --- what is synced ----------------------------------------------------------------------------------------------- */

int dir_open_to_sync(struct fs *fs, struct inode *inode)
{
	struct dirfd dir;
	int fd = dirfd_get_upper(fs->tree, inode, &dir);

	if (fd < 0)
		return fd;
	fd = os_openat(dir.fd, ".", O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	dirfd_put(fs->tree, &dir);
	return fd;
}

/* *ret_fd: -1 of a directory in lower layers alone, or one that is opened already. */
static int names_open_dir(struct names_change *c, struct inode *dir, int *ret_fd)
{
	int fd;

	(void)CHECK(c->fs->opt.dirsync);
	*ret_fd = -1;
	if (c->n > 0 && c->at[0].dir == dir)
		return 0;
	fd = dir_open_to_sync(c->fs, dir);
	if (fd < 0)
		return fd == -EROFS ? 0 : fd;
	*ret_fd = fd;
	return 0;
}

int names_add(struct names_change *c, struct inode *dir, const char *name)
{
	int fd, r;

	if (!CHECK(c->n < ARRAY_SIZE(c->at) && inode_is_dir(dir) && !strchr(name, '/')))
		return -EIO;
	if (!c->fs->opt.dirsync)
		return 0;
	r = names_open_dir(c, dir, &fd);
	if (r < 0)
		return r;
	c->at[c->n].dir = dir;
	c->at[c->n].name = name;
	c->at[c->n].fd = fd;
	c->at[c->n].object = inode_peek(c->fs->tree, dir, name);
	c->n++;
	return 0;
}

int names_sync(struct names_change *c)
{
	int r = 0;

	(void)CHECK(!c->n || c->fs->opt.dirsync);
	for (unsigned i = 0; r == 0 && i < c->n; i++)
		r = c->at[i].fd < 0 ? 0 : os_fsync(c->at[i].fd);
	return r;
}

void names_doubt(struct names_change *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		name_doubt(c->fs, c->at[i].dir, c->at[i].name);
		if (c->at[i].object)
			attributes_doubt(c->fs, c->at[i].object);
	}
}

void names_finish(struct names_change *c)
{
	for (unsigned i = 0; i < c->n; i++) {
		if (c->at[i].fd >= 0)
			os_close(c->at[i].fd);
		inode_put(c->fs->tree, c->at[i].object);
	}
	c->n = 0;
}

/* --- what was made ------------------------------------------------------------------------------------------------ */

void name_take_back(struct fs *fs, struct inode *dir, const char *name, bool is_dir)
{
	int r = is_dir ? remove_dir(fs->writer, dir, name) : remove_file(fs->writer, dir, name);

	(void)CHECK(fs->layers->has_upper);
	if (r < 0)
		name_doubt(fs, dir, name);
	else
		attributes_doubt(fs, dir);
}
