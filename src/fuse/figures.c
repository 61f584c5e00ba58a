/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an fs tells of itself while it works: sizes, counters, and the names of operations.
 */
#include "state.h"
#include "waiting.h"

#include <linux/fuse.h>

#include "base/check.h"
#include "base/log.h"

void fs_figures(struct fs *fs, struct fs_figures *ret)
{
	(void)CHECK(fs->tree && fs->data && fs->host->waiting);
	*ret = (struct fs_figures){
		.inodes = tree_inode_count(fs->tree),
		.directories_open = dirfd_count(fs->tree),
		.files_open = data_count(fs->data),
		.descriptors_max = fs->host->opt.max_fds,
		.listing_bytes_max = fs->listing_bytes_max,
		.changes_waiting = waiting_count(fs),
	};
}

uint64_t fs_counter(const struct fs *fs, enum counter c)
{
	return fs->scope ? counter_read_scope(fs->scope, c) : counter_read(c);
}

void fs_latency(const struct fs *fs, unsigned operation, struct latency_histogram *ret)
{
	if (fs->scope)
		latency_read_scope(fs->scope, operation, ret);
	else
		latency_read(operation, ret);
}

void fs_log_status(struct fs *fs)
{
	struct scope *before = scope_current();
	char line[1024];
	size_t used = 0;

	line[0] = '\0';
	for (unsigned i = 0; i < COUNTER_MAX; i++)
		if (used < sizeof(line))
			used += (size_t)snprintf(line + used, sizeof(line) - used, " %s %llu", counter_name(i),
						 (unsigned long long)fs_counter(fs, i));
	scope_enter(fs->scope);
	log_info("status: %u layers%s;%s", fs->layers->n, fs->layers->has_upper ? " with an upper" : "", line);
	scope_enter(before);
}

const char *fs_operation_name(unsigned operation)
{
	static const char *const names[] = {
		[FUSE_LOOKUP] = "lookup",
		[FUSE_GETATTR] = "getattr",
		[FUSE_SETATTR] = "setattr",
		[FUSE_READLINK] = "readlink",
		[FUSE_SYMLINK] = "symlink",
		[FUSE_MKNOD] = "mknod",
		[FUSE_MKDIR] = "mkdir",
		[FUSE_UNLINK] = "unlink",
		[FUSE_RMDIR] = "rmdir",
		[FUSE_RENAME] = "rename",
		[FUSE_LINK] = "link",
		[FUSE_OPEN] = "open",
		[FUSE_READ] = "read",
		[FUSE_WRITE] = "write",
		[FUSE_STATFS] = "statfs",
		[FUSE_RELEASE] = "release",
		[FUSE_FSYNC] = "fsync",
		[FUSE_SETXATTR] = "setxattr",
		[FUSE_GETXATTR] = "getxattr",
		[FUSE_LISTXATTR] = "listxattr",
		[FUSE_REMOVEXATTR] = "removexattr",
		[FUSE_FLUSH] = "flush",
		[FUSE_INIT] = "init",
		[FUSE_OPENDIR] = "opendir",
		[FUSE_READDIR] = "readdir",
		[FUSE_RELEASEDIR] = "releasedir",
		[FUSE_FSYNCDIR] = "fsyncdir",
		[FUSE_ACCESS] = "access",
		[FUSE_CREATE] = "create",
		[FUSE_DESTROY] = "destroy",
		[FUSE_IOCTL] = "ioctl",
		[FUSE_FALLOCATE] = "fallocate",
		[FUSE_READDIRPLUS] = "readdirplus",
		[FUSE_RENAME2] = "rename2",
		[FUSE_LSEEK] = "lseek",
		[FUSE_COPY_FILE_RANGE] = "copy_file_range",
		[FUSE_SYNCFS] = "syncfs",
		[51] = "tmpfile", /* newer than the headers of some distributions */
		[52] = "statx",
	};

	return operation < ARRAY_SIZE(names) ? names[operation] : NULL;
}
