// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "archive/tar_writer.h"
#include "archive/unpack.h"
#include "base/array.h"
#include "base/check.h"
#include "base/macros.h"
#include "export_internal.h"
#include "image/error.h"
#include "os/task.h"

static int random_name(char ret[static DEST_NAME_SIZE])
{
	uint64_t number;
	int r = os_random(&number, sizeof(number));

	if (r == 0)
		snprintf(ret, DEST_NAME_SIZE, ".plyctl-%016llx", (unsigned long long)number);
	return r;
}

static int make_dir_open(int dirfd, const char *name)
{
	int r = os_mkdirat(dirfd, name, 0755);

	return r < 0 && r != -EEXIST ? r : os_openat(dirfd, name, O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
}

/* The directory of a path, and the name in it. */
static int dest_open_parent(const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = slash ? strndup(path, MAX((size_t)(slash - path), (size_t)1)) : strdup(".");

	*ret_name = slash ? slash + 1 : path;
	if (!parent)
		return -ENOMEM;
	if (!**ret_name || !strcmp(*ret_name, ".") || !strcmp(*ret_name, ".."))
		return -EINVAL;
	return os_open_path(parent, O_RDONLY | O_DIRECTORY, 0);
}

static int open_folder(struct export_dest *p, const char *path)
{
	_cleanup_free_ char *plain = strdup(path);
	_cleanup_close_ int parent = -1;
	const char *name;

	if (!plain)
		return -ENOMEM;
	p->dir_fd = os_open_path(path, O_RDONLY | O_DIRECTORY, 0);
	if (p->dir_fd != -ENOENT)
		return MIN(p->dir_fd, 0);
	for (size_t n = strlen(plain); n > 1 && plain[n - 1] == '/'; n--)
		plain[n - 1] = '\0';
	parent = dest_open_parent(plain, &name);
	if (parent < 0)
		return parent;
	p->dir_fd = make_dir_open(parent, name);
	return MIN(p->dir_fd, 0);
}

/* A file takes the place of a file only, and not of a device or a link. */
static int may_replace(int dirfd, const char *name)
{
	struct statx stx;
	int r = os_statx(dirfd, name, &stx);

	(void)CHECK(dirfd >= 0);
	return r < 0 ? (r == -ENOENT ? 0 : r) : S_ISREG(stx.stx_mode) ? 0 : -EEXIST;
}

static int open_archive(struct export_dest *p, const char *path)
{
	int r;

	p->parent_fd = dest_open_parent(path, &p->file);
	if (p->parent_fd < 0)
		return p->parent_fd;
	r = may_replace(p->parent_fd, p->file);
	if (r == 0)
		r = random_name(p->temp);
	if (r == 0)
		r = os_mkdirat(p->parent_fd, p->temp, 0700);
	if (r < 0) {
		*p->temp = '\0';
		return r;
	}
	p->dir_fd = os_openat(p->parent_fd, p->temp, O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	return MIN(p->dir_fd, 0);
}

int dest_open(struct export_dest *p, const struct store_export *e, struct image_error *error)
{
	_cleanup_close_ int blobs = -1;
	int r;

	(void)CHECK(e->path && *e->path);
	*p = (struct export_dest){.e = e, .dir_fd = -1, .files_fd = -1, .parent_fd = -1};
	r = e->kind == EXPORT_OCI ? open_folder(p, e->path) : open_archive(p, e->path);
	if (r == 0 && e->kind == EXPORT_DOCKER_ARCHIVE) {
		p->files_fd = os_dup(p->dir_fd);
	} else if (r == 0) {
		blobs = make_dir_open(p->dir_fd, "blobs");
		p->files_fd = blobs < 0 ? blobs : make_dir_open(blobs, "sha256");
	}
	if (r == 0)
		r = MIN(p->files_fd, 0);
	if (r < 0) {
		dest_close(p);
		return image_fail(error, r, "%s: %s", e->path,
				  r == -EEXIST ? "it is there, and no regular file" : strerror(-r));
	}
	return 0;
}

void dest_close(struct export_dest *p)
{
	if (*p->temp && p->dir_fd >= 0) {
		(void)unpack_remove(p->dir_fd);
		(void)os_unlinkat(p->parent_fd, p->temp, AT_REMOVEDIR);
	}
	cleanup_close(&p->dir_fd);
	cleanup_close(&p->files_fd);
	cleanup_close(&p->parent_fd);
	for (size_t i = 0; i < p->n_names; i++)
		free(p->names[i]);
	free(p->names);
}

int dest_new_file(struct export_dest *p, char ret_temp[static DEST_NAME_SIZE])
{
	int r = random_name(ret_temp);

	(void)CHECK(p->files_fd >= 0);
	return r < 0 ? r : os_openat(p->files_fd, ret_temp, O_RDWR | O_CREAT | O_EXCL, 0644, OS_CROSS_MOUNTS);
}

static int dest_keep_name(struct export_dest *p, const char *dir, const char *name)
{
	char **next, *full = NULL;

	(void)CHECK(*name && !strchr(name, '/'));
	if (p->e->kind == EXPORT_OCI)
		return 0;
	if (asprintf(&full, "%s%s", dir, name) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < p->n_names; i++) {
		if (!strcmp(p->names[i], full)) {
			free(full);
			return 0;
		}
	}
	next = ARRAY_NEXT(p->names, p->n_names);
	if (!next) {
		free(full);
		return -ENOMEM;
	}
	*next = full;
	p->n_names++;
	return 0;
}

int dest_name_file(struct export_dest *p, const char *temp, const char *name)
{
	int r = os_renameat2(p->files_fd, temp, p->files_fd, name, 0);

	return r < 0 ? r : dest_keep_name(p, p->e->kind == EXPORT_DOCKER_ARCHIVE ? "" : "blobs/sha256/", name);
}

void dest_drop_file(struct export_dest *p, const char *temp)
{
	(void)os_unlinkat(p->files_fd, temp, 0);
}

static int write_named(struct export_dest *p, int dirfd, const char *name, const void *data, size_t len)
{
	char temp[DEST_NAME_SIZE];
	_cleanup_close_ int fd = -1;
	ssize_t n;
	int r = random_name(temp);

	if (r < 0)
		return r;
	fd = os_openat(dirfd, temp, O_WRONLY | O_CREAT | O_EXCL, 0644, OS_CROSS_MOUNTS);
	n = fd < 0 ? fd : os_pwrite_all(fd, data, len, 0);
	r = n < 0 ? (int)n : (size_t)n < len ? -ENOSPC : 0;
	if (r == 0 && p->e->kind == EXPORT_OCI)
		r = os_fsync(fd);
	if (r == 0)
		r = os_renameat2(dirfd, temp, dirfd, name, 0);
	if (r < 0 && fd >= 0)
		(void)os_unlinkat(dirfd, temp, 0);
	return r;
}

int dest_write(struct export_dest *p, const char *name, const void *data, size_t len)
{
	int r = write_named(p, p->files_fd, name, data, len);

	return r < 0 ? r : dest_keep_name(p, p->e->kind == EXPORT_DOCKER_ARCHIVE ? "" : "blobs/sha256/", name);
}

int dest_write_top(struct export_dest *p, const char *name, const void *data, size_t len)
{
	int r = write_named(p, p->dir_fd, name, data, len);

	return r < 0 ? r : dest_keep_name(p, "", name);
}

/* --- archives ----------------------------------------------------------------------------------------------------- */

struct dest_out {
	int fd;
	off_t at;
};

static int dest_sink(void *arg, const void *data, size_t len)
{
	struct dest_out *out = arg;
	ssize_t n = os_pwrite_all(out->fd, data, len, out->at);

	out->at += MAX(n, 0);
	return n < 0 ? (int)n : (size_t)n < len ? -ENOSPC : 0;
}

static int pack_file(const struct export_dest *p, struct tar_writer *tar, const char *name)
{
	_cleanup_close_ int fd = os_openat(p->dir_fd, name, O_RDONLY, 0, OS_CROSS_MOUNTS);
	struct tar_object o = {.path = name, .mode = S_IFREG | 0644};
	struct statx stx;
	int r = fd < 0 ? fd : os_statx(fd, "", &stx);

	if (r < 0)
		return r;
	o.size = (int64_t)stx.stx_size;
	r = tar_writer_object(tar, &o);
	if (r == 0)
		r = tar_writer_content(tar, fd, o.size);
	return r == -EAGAIN ? -EIO : r;
}

static int pack_all(struct export_dest *p, int fd)
{
	struct dest_out out = {.fd = fd};
	struct tar_writer tar;
	int r = 0;

	(void)CHECK(fd >= 0 && p->n_names);
	tar_writer_init(&tar, dest_sink, &out);
	for (size_t i = 0; i < p->n_names && r == 0; i++)
		r = pack_file(p, &tar, p->names[i]);
	if (r == 0)
		r = tar_writer_end(&tar);
	tar_writer_finish(&tar);
	return r;
}

static int finish_archive(struct export_dest *p)
{
	char temp[DEST_NAME_SIZE];
	_cleanup_close_ int fd = -1;
	int r = random_name(temp);

	if (r < 0)
		return r;
	fd = os_openat(p->parent_fd, temp, O_RDWR | O_CREAT | O_EXCL, 0644, OS_CROSS_MOUNTS);
	r = fd < 0 ? fd : pack_all(p, fd);
	if (r == 0)
		r = os_fsync(fd);
	if (r == 0)
		r = os_renameat2(p->parent_fd, temp, p->parent_fd, p->file, 0);
	if (r == 0)
		return os_fsync(p->parent_fd);
	if (r < 0 && fd >= 0)
		(void)os_unlinkat(p->parent_fd, temp, 0);
	return r;
}

int dest_finish(struct export_dest *p, struct image_error *error)
{
	int r = p->e->kind == EXPORT_OCI ? os_syncfs(p->dir_fd) : finish_archive(p);

	dest_close(p);
	return r < 0 ? image_fail(error, r, "%s: %s", p->e->path, strerror(-r)) : 0;
}
