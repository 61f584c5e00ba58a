// SPDX-License-Identifier: Apache-2.0
/*
 * Faults of the cache of build steps.
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>

#include "base/check.h"
#include "check_state.h"
#include "store/cache.h"

static int step_of_name(void *arg, const struct os_dirent *d)
{
	struct checking *c = arg;

	return fsck_is_hex(d->name) ? 0 : fsck_add(c, STORE_FAULT_STRAY, NULL, "cache/%s", d->name);
}

/* A step is believed only if its parts give its key. */
static int step_look(void *arg, const char *key, struct cache_entry *e, int err, const char *cause)
{
	struct checking *c = arg;

	(void)CHECK(digest_is_valid(key));
	if (!e)
		return fsck_add(c, STORE_FAULT_BAD_STEP, cause, "cache/%s", digest_digits(key));
	if (store_has_layer(c->s, e->diff_id))
		return 0;
	return fsck_add(c, STORE_FAULT_DANGLING_STEP, e->diff_id, "cache/%s", digest_digits(key));
}

int fsck_steps(struct checking *c)
{
	_cleanup_close_ int dir = os_openat(c->s->fd, "cache", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	int r;

	(void)CHECK(c->s->locked);
	if (dir < 0)
		return dir == -ENOENT || dir == -ENOTDIR || dir == -ELOOP ? 0 : dir;
	r = os_read_dir(dir, step_of_name, c);
	return r < 0 ? r : store_cache_each(c->s, step_look, c, c->error);
}
