/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Of the descriptors that the process may have, but for those in reserve and those of the layers: a quarter for
 * directories, a quarter for files, of which there are half as many more while their syncs lag behind, and the rest for
 * what has lost its name. The caches of all unions share these.
 */
#include "descriptors.h"
#include "ops.h"

#include <utlist.h>

#include "base/fault.h"
#include "tree/walk.h"

/* In reserve, because EMFILE on a write-back would lose data: some twenty are open as long as the mount, a copy-up
 * takes up to six, each connection of the control socket one, and each pipe of large READs two. */
#define FDS_RESERVED (74U + 2 * OPS_READ_PIPES)
/* With fewer than these the caches hold less than one change may use at a time. */
#define FDS_CACHED_LEAST 32U
#define FDS_CACHED_MOST 4096U
/* Of several unions each may have so many of directories and of files, whatever the others have, and half as many more
 * of files that are being synced. */
#define FDS_LEAST_OF_KIND 16U
#define FDS_LEAST_OF_UNION (FDS_LEAST_OF_KIND * 5 / 2)

/* What the layers have open: their roots, and a directory of each file system for its handles. */
static unsigned fds_of_layers(unsigned layers, unsigned file_systems)
{
	return layers + file_systems;
}

unsigned fs_least_fds(unsigned layers, unsigned file_systems)
{
	return FDS_RESERVED + fds_of_layers(layers, file_systems) + FDS_CACHED_LEAST;
}

static unsigned fds_of_unions(const struct host *host)
{
	unsigned fds = 0;
	const struct fs *fs;

	LL_FOREACH(host->unions, fs) {
		fds += fds_of_layers(fs->layers->n + fs->layers->n_data, fs->layers->n_fs);
		fds += host->opt.several ? FDS_LEAST_OF_UNION : 0;
	}
	return fds;
}

int descriptors_share(struct host *host)
{
	unsigned max = host->opt.max_fds;
	unsigned taken = FDS_RESERVED + fds_of_unions(host) + (max >= FS_WALK_LEAST_FDS ? TREE_WALK_FDS : 0);
	unsigned room = max > taken + FDS_CACHED_LEAST ? max - taken : FDS_CACHED_LEAST;
	unsigned cached = MIN(room / 4, FDS_CACHED_MOST);

	if (host->opt.several && max < taken + FDS_CACHED_LEAST)
		return -EMFILE;
	host->directories.least = host->files.least = host->opt.several ? FDS_LEAST_OF_KIND : 0;
	atomic_store(&host->directories.max, MAX(cached, 2U));
	atomic_store(&host->files.max, cached);
	atomic_store(&host->orphans.max, fault_setting("PLYFS_FAULT_MAX_PINNED", room - cached - cached * 3 / 2));
	return 0;
}
