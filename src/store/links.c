// SPDX-License-Identifier: Apache-2.0
/*
 * Hard links whose file is in a layer below: the file is copied, as a tar of one entry that is unpacked over the layer.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/open.h"
#include "archive/tar_writer.h"
#include "archive/unpack.h"
#include "archive/xattrs.h"
#include "base/check.h"
#include "base/macros.h"
#include "image/error.h"
#include "image/stream.h"
#include "internal.h"
#include "store/store.h"
#include "tree/walk.h"

/* Of a layer with more of them a link to a later one is looked for in the layers below only. */
#define LINKS_LOOKED_AT 4096

struct link_file {
	struct layer_set *set;
	const struct unpack_link *link;
	int fd; /* the tar of one entry */
	off_t size;
	bool found;
	struct image_error *error;
};

static int file_sink(void *arg, const void *data, size_t len)
{
	struct link_file *f = arg;
	ssize_t n = os_pwrite_all(f->fd, data, len, f->size);

	f->size += MAX(n, 0);
	return n < 0 ? (int)n : (size_t)n < len ? -ENOSPC : 0;
}

static int write_file(struct link_file *f, const struct layer *l, const char *path, const struct statx *stx)
{
	_cleanup_(archive_xattrs_finish) struct archive_xattrs xattrs = {0};
	_cleanup_close_ int fd = layer_open_path(l, path, O_RDONLY | O_NONBLOCK);
	struct tar_writer tar;
	(void)CHECK(S_ISREG(stx->stx_mode));
	int r = fd < 0 ? fd : archive_xattrs_read(l, fd, "", &xattrs);
	struct tar_object o = tar_object_of(f->link->path, stx);

	o.xattrs = xattrs.list;
	o.n_xattrs = xattrs.n;
	tar_writer_init(&tar, file_sink, f);
	if (r == 0)
		r = tar_writer_object(&tar, &o);
	if (r == 0)
		r = tar_writer_content(&tar, fd, o.size);
	if (r == 0)
		r = tar_writer_end(&tar);
	tar_writer_finish(&tar);
	return r;
}

static int link_step(void *arg, const struct tree_walk_entry *e)
{
	struct link_file *f = arg;
	_cleanup_free_ char *path = NULL;
	int r;

	if (!e->shown || strcmp(e->path, f->link->target) != 0 || !S_ISREG(e->stx.stx_mode))
		return 0;
	r = tree_walk_layer_path(e, &path);
	if (r == 0)
		r = write_file(f, &f->set->layers[e->layer], path, &e->stx);
	f->found = r == 0;
	return r < 0 ? image_fail(f->error, r, "/%s: %s", e->path, strerror(-r)) : 0;
}

/* Unpacks the tar over the layer. Nothing of the directory but the new name is changed. */
static int unpack_over(struct store *s, int diff_fd, struct link_file *f)
{
	const struct unpack_options options = {.root_fd = diff_fd,
					       .overrides = s->overrides,
					       .ns = s->userxattr ? XATTR_NS_USER : XATTR_NS_TRUSTED,
					       .over = true};
	struct unpacked unpacked;
	struct stream *in;
	struct tar tar;
	int fd = os_dup(f->fd), r;

	(void)CHECK(f->size > 0 && diff_fd >= 0);
	if (fd < 0)
		return image_fail(f->error, fd, "%s", strerror(-fd));
	r = stream_of_file(fd, 0, (int64_t)f->size, &in);
	if (r < 0)
		return image_fail_memory(f->error);
	tar_init(&tar, in);
	r = unpack_tar(&tar, &options, &unpacked, f->error);
	unpacked_finish(&unpacked);
	tar_finish(&tar);
	stream_free(in);
	return r;
}

/* The link as it is, to a name that the layer has by now. */
static int write_link(struct link_file *f)
{
	const struct tar_object o = {
		.path = f->link->path, .mode = S_IFREG, .link = f->link->target, .hardlink = f->link->target};
	struct tar_writer tar;
	int r;

	(void)CHECK(f->size == 0);
	tar_writer_init(&tar, file_sink, f);
	r = tar_writer_object(&tar, &o);
	if (r == 0)
		r = tar_writer_end(&tar);
	tar_writer_finish(&tar);
	return r < 0 ? image_fail(f->error, r, "/%s: %s", f->link->path, strerror(-r)) : 0;
}

/* Whether the link leads to one that was made before it. */
static bool leads_to_link(const struct unpacked *u, size_t i)
{
	for (size_t j = 0; j < i && j < LINKS_LOOKED_AT; j++)
		if (!strcmp(u->links[j].path, u->links[i].target))
			return true;
	return false;
}

static int resolve_link(struct store *s, int diff_fd, struct link_file *f, bool here)
{
	int r = here ? write_link(f) : tree_explain(f->set, f->link->target, link_step, f);

	if (r == -ENOENT || (r == 0 && !f->found && !here))
		return image_fail(f->error, -EBADMSG, "/%s: a hard link to /%s, which isn't there", f->link->path,
				  f->link->target);
	return r < 0 ? r : unpack_over(s, diff_fd, f);
}

int store_resolve_links(struct store *s, int diff_fd, const char *const *below, size_t n, const struct unpacked *u,
			struct image_error *error)
{
	struct layer_set *set = NULL;
	char temp[TEMP_SIZE] = "";
	_cleanup_close_ int dir = -1;
	int r = 0;

	if (!n)
		return image_fail(error, -EBADMSG, "/%s: a hard link to /%s, which isn't there", u->links[0].path,
				  u->links[0].target);
	r = archive_open_layers(below, n, s->userxattr, &set, error);
	if (r == 0) {
		r = store_temp_new(s, temp, &dir);
		if (r < 0)
			image_fail(error, r, "%s: %s", s->path, strerror(-r));
	}
	for (size_t i = 0; i < u->n_links && r == 0; i++) {
		struct link_file f = {.set = set, .link = &u->links[i], .error = error};

		f.fd = os_open_tmpfile(dir, O_RDWR, 0600);
		r = f.fd < 0 ? image_fail(error, f.fd, "%s: %s", s->path, strerror(-f.fd))
			     : resolve_link(s, diff_fd, &f, leads_to_link(u, i));
		cleanup_close(&f.fd);
	}
	store_temp_remove(s, temp);
	if (set)
		layer_set_put(set);
	return r;
}
