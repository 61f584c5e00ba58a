/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The list of findings.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "check_state.h"
#include "os/fs.h"

static struct view_finding *add_finding(struct checking *c, enum view_fault fault, size_t layer, const char *path)
{
	struct view_check *check = c->check;
	struct view_finding *finding;

	(void)CHECK(layer == VIEW_CHECK_WORK || layer < view_layer_count(c->stack));
	if (!ARRAY_ROOM(check->list, check->n, check->room, 1))
		return NULL;
	finding = &check->list[check->n];
	*finding = (struct view_finding){.fault = fault, .layer = layer, .path = strdup(path)};
	if (!finding->path)
		return NULL;
	check->n++;
	return finding;
}

int check_add(struct checking *c, enum view_fault fault, size_t layer, const char *path, const char *xattr,
	      const char *fmt, ...)
{
	struct view_finding *finding = add_finding(c, fault, layer, path);
	va_list ap;
	int r = 0;

	if (!finding)
		return -ENOMEM;
	finding->xattr = xattr;
	if (!fmt)
		return 0;
	va_start(ap, fmt);
	r = vasprintf(&finding->detail, fmt, ap);
	va_end(ap);
	if (r < 0)
		finding->detail = NULL;
	return r < 0 ? -ENOMEM : 0;
}

int check_note(struct checking *c, enum view_fault fault, size_t layer, const char *path)
{
	struct view_finding *finding = add_finding(c, fault, layer, path);

	if (!finding)
		return -ENOMEM;
	finding->note = true;
	return 0;
}

int check_failed_at(struct checking *c, size_t layer, const char *path, int err)
{
	const char *root = layer == VIEW_CHECK_WORK ? c->check->workdir : c->set->layers[layer].path;
	_cleanup_free_ char *where = NULL;

	if (err == -ENOMEM || asprintf(&where, "%s%s%s", root, *path ? "/" : "", path) < 0)
		return -ENOMEM;
	(void)CHECK(err < 0);
	c->check->unreadable++;
	return c->failed(c->arg, where, err);
}

int check_open_handle(const struct checking *c, const struct ovl_fh *fh)
{
	struct os_handle handle = {.type = fh->type, .len = fh->fid_size};
	const struct layer_fs *fs = NULL;

	for (unsigned i = 0; i < c->set->n_fs; i++)
		if (!memcmp(c->set->fs[i].uuid, fh->uuid, sizeof(fh->uuid)))
			fs = &c->set->fs[i];
	/* A handle of another file system, or one that can't be told from it, says nothing here. */
	if (!fs || !fs->has_handles || fs->handle_fd < 0 || layer_uuid_is_ambiguous(c->set, fh->uuid))
		return -ENXIO;
	(void)CHECK(fh->fid_size <= sizeof(handle.bytes));
	memcpy(handle.bytes, fh->fid, fh->fid_size);
	return os_open_by_handle(fs->handle_fd, &handle, O_PATH);
}
