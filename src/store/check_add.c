// SPDX-License-Identifier: Apache-2.0
/*
 * What the parts of a check share.
 */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "check_state.h"

int fsck_add(struct checking *c, enum store_fault fault, const char *detail, const char *format, ...)
{
	struct store_finding *next = ARRAY_NEXT(c->ret->list, c->ret->n);
	va_list ap;
	int n;

	(void)CHECK(fault < STORE_FAULTS);
	if (!next)
		return -ENOMEM;
	*next = (struct store_finding){.fault = fault, .detail = detail ? strdup(detail) : NULL};
	va_start(ap, format);
	n = vasprintf(&next->path, format, ap);
	va_end(ap);
	if (n < 0 || (detail && !next->detail)) {
		free(n < 0 ? NULL : next->path);
		free(next->detail);
		return -ENOMEM;
	}
	c->ret->n++;
	return 0;
}

bool fsck_is_hex(const char *name)
{
	return strlen(name) == DIGEST_HEX && digest_is_hex(name, DIGEST_HEX);
}

int fsck_mode(struct checking *c, const struct statx *stx, const char *path)
{
	mode_t wanted = S_ISDIR(stx->stx_mode) ? 0700 : 0600;
	char text[32];
	int r = 0;

	(void)CHECK(*path);
	if (stx->stx_uid != c->owner) {
		snprintf(text, sizeof(text), "uid %u, not %u", stx->stx_uid, c->owner);
		r = fsck_add(c, STORE_FAULT_OWNER, text, "%s", path);
	}
	if (r == 0 && ((stx->stx_mode & 022) || (stx->stx_mode & wanted) != wanted)) {
		snprintf(text, sizeof(text), "%04o", stx->stx_mode & 07777U);
		r = fsck_add(c, STORE_FAULT_MODE, text, "%s", path);
	}
	return r;
}

int fsck_own(struct checking *c, int dirfd, const char *name, mode_t type, const char *path)
{
	struct statx stx;
	int r = os_statx(dirfd, name, &stx);

	(void)CHECK(dirfd >= 0 && *name);
	if (r < 0)
		return r;
	if ((stx.stx_mode & S_IFMT) != type)
		return fsck_add(c, STORE_FAULT_STRAY, NULL, "%s", path);
	return fsck_mode(c, &stx, path);
}

struct fsck_names {
	struct checking *c;
	const char *const *known; /* ends with NULL */
	const char *parent;
};

static int check_name_in(void *arg, const struct os_dirent *d)
{
	const struct fsck_names *n = arg;

	for (const char *const *name = n->known; *name; name++)
		if (!strcmp(*name, d->name))
			return 0;
	return fsck_add(n->c, STORE_FAULT_STRAY, NULL, "%s/%s", n->parent, d->name);
}

int fsck_only(struct checking *c, int dir, const char *const *known, const char *parent)
{
	struct fsck_names names = {.c = c, .known = known, .parent = parent};

	(void)CHECK(dir >= 0 && *parent);
	return os_read_dir(dir, check_name_in, &names);
}
