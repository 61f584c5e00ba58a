/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A single union has all node ids, and is found without a look at the id.
 */
#include "unions.h"

#include <utlist.h>

#include "base/check.h"

/* Odd, so no value comes twice. */
#define STEP_OF_MIX UINT64_C(0x9e3779b97f4a7c15)

static struct fs *union_of_name(const struct host *host, const char *name)
{
	struct fs *fs;

	LL_FOREACH(host->unions, fs)
		if (!strcmp(fs->opt.name, name))
			return fs;
	return NULL;
}

static struct fs *union_of_mix(const struct host *host, uint64_t mix)
{
	struct fs *fs;

	LL_FOREACH(host->unions, fs)
		if (fs->ino_mix == mix)
			return fs;
	return NULL;
}

/* An object of a layer that two unions have is two inodes of one superblock. The number stays the same when the same
 * union comes again, unless it is there twice. */
static uint64_t mix_of(const struct fs *fs)
{
	uint64_t mix;

	memcpy(&mix, fs->layers->identity, sizeof(mix));
	while (!mix || union_of_mix(fs->host, mix))
		mix += STEP_OF_MIX;
	return mix;
}

static int scope_of_name(const char *name, struct scope **ret_scope)
{
	char prefix[LOG_PREFIX_MAX];

	log_make_prefix(name, prefix);
	return scope_new(prefix, ret_scope);
}

int unions_enter(struct fs *fs)
{
	struct host *host = fs->host;

	(void)CHECK(!fs->next);
	if (host->opt.several != (fs->opt.name != NULL) || (!host->opt.several && host->unions))
		return -EINVAL;
	if (host->opt.several && union_of_name(host, fs->opt.name))
		return -EEXIST;
	if (host->opt.several && scope_of_name(fs->opt.name, &fs->scope) < 0)
		return -ENOMEM;
	fs->ino_mix = host->opt.several ? mix_of(fs) : 0;
	LL_PREPEND(host->unions, fs);
	host->single = host->opt.several ? NULL : fs;
	return 0;
}

void unions_leave(struct fs *fs)
{
	struct host *host = fs->host;
	const struct fs *there = host->unions;

	while (there && there != fs)
		there = there->next;
	if (!there)
		return;
	LL_DELETE(host->unions, fs);
	host->single = NULL;
	/* What it did last it did on this thread. */
	scope_enter(NULL);
	scope_free(fs->scope);
}

struct fs *host_find(const struct host *host, fuse_ino_t node)
{
	const struct tree *tree = id_space_tree(host->ids, node);
	struct fs *fs = tree ? tree->owner : NULL;

	scope_enter(fs ? fs->scope : NULL);
	return fs;
}
