// SPDX-License-Identifier: Apache-2.0
#include "archive/links.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/hash.h"
#include <uthash.h>

/* The first name of a file. */
struct archive_linked {
	struct {
		uint64_t ino;
		uint32_t major, minor;
		uint64_t layer;
	} key;
	UT_hash_handle hh;
	char path[];
};

int archive_links_find(struct archive_links *links, unsigned layer, const struct statx *stx, const char *path,
		       const char **ret_path)
{
	struct archive_linked *known, *new;
	size_t len = strlen(path);

	(void)CHECK(*path);
	*ret_path = NULL;
	if (!S_ISREG(stx->stx_mode) || stx->stx_nlink < 2)
		return 0;
	new = calloc(1, sizeof(*new) + len + 1);
	if (!new)
		return -ENOMEM;
	new->key.ino = stx->stx_ino;
	new->key.major = stx->stx_dev_major;
	new->key.minor = stx->stx_dev_minor;
	new->key.layer = layer;
	memcpy(new->path, path, len);
	HASH_FIND(hh, links->files, &new->key, sizeof(new->key), known);
	if (known) {
		*ret_path = known->path;
		free(new);
	} else {
		HASH_ADD(hh, links->files, key, sizeof(new->key), new);
	}
	return 0;
}

void archive_links_finish(struct archive_links *links)
{
	struct archive_linked *one, *next;

	HASH_ITER(hh, links->files, one, next) {
		HASH_DEL(links->files, one);
		free(one);
	}
}
