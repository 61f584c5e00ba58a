/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One union has all node ids, and is found without a look at the id.
 */
#include "unions.h"

#include <utlist.h>

#include "base/check.h"

void unions_enter(struct fs *fs)
{
	struct host *host = fs->host;

	(void)CHECK(!host->single && !fs->next);
	LL_PREPEND(host->unions, fs);
	host->single = fs;
}

void unions_leave(struct fs *fs)
{
	struct host *host = fs->host;

	(void)CHECK(host->unions);
	LL_DELETE(host->unions, fs);
	host->single = NULL;
}

struct fs *host_find(const struct host *host, fuse_ino_t node)
{
	const struct tree *tree = id_space_tree(host->ids, node);

	return tree ? tree->owner : NULL;
}
