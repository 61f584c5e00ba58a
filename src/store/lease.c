// SPDX-License-Identifier: Apache-2.0
/*
 * Leases. A file gets its name when it has its lock, and its lock never comes back once it is gone. So a file without a
 * lock is nobody's, whoever looks, and may be removed.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#include "base/check.h"
#include "format/name.h"
#include "image/error.h"
#include "internal.h"
#include "store/store.h"

#define LEASE_MAX (1 << 20)

/* --- reading ------------------------------------------------------------------------------------------------------ */

struct looking {
	int dir_fd;
	bool removes;
	int (*each)(void *arg, char *text, struct image_error *error);
	void *arg;
	struct image_error *error;
};

/* Whether nobody has the lock. An error is one of the file system, which then tells of no lock. */
static int lease_is_stale(int fd)
{
	int r = os_flock(fd, LOCK_EX | LOCK_NB);

	(void)CHECK(fd >= 0);
	return r == -EWOULDBLOCK ? 0 : r < 0 ? r : 1;
}

static int look_at_lease(void *arg, const struct os_dirent *d)
{
	struct looking *l = arg;
	_cleanup_free_ char *text = malloc(LEASE_MAX + 1);
	_cleanup_close_ int fd = os_openat(l->dir_fd, d->name, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	ssize_t n;
	int r;

	if (!text)
		return image_fail_memory(l->error);
	/* Another one has removed it meanwhile. */
	if (fd == -ENOENT)
		return 0;
	r = fd < 0 ? fd : lease_is_stale(fd);
	if (r == 1) {
		if (l->removes)
			(void)os_unlinkat(l->dir_fd, d->name, 0);
		return 0;
	}
	n = r < 0 ? r : os_pread_all(fd, text, LEASE_MAX, 0);
	if (n == LEASE_MAX)
		n = -EFBIG;
	if (n < 0)
		return image_fail(l->error, (int)n, "leases/%s: %s", d->name, strerror((int)-n));
	text[n] = '\0';
	return l->each ? l->each(l->arg, text, l->error) : 0;
}

int store_each_lease(struct store *s, bool removes, int (*each)(void *arg, char *text, struct image_error *error),
		     void *arg, struct image_error *error)
{
	_cleanup_close_ int dir = os_openat(s->fd, "leases", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct looking l = {.dir_fd = dir, .removes = removes, .each = each, .arg = arg, .error = error};

	(void)CHECK(s->locked);
	if (dir == -ENOENT)
		return 0;
	return dir < 0 ? image_fail(error, dir, "leases: %s", strerror(-dir)) : os_read_dir(dir, look_at_lease, &l);
}

/* --- making ------------------------------------------------------------------------------------------------------- */

/* The text: a line for each of the directories that is a layer here. */
static int lease_text(const struct store *s, const char *const *dirs, size_t n, char **ret, struct image_error *error)
{
	static const char part[] = "/layers/", diff[] = "/diff";
	char root[PATH_MAX] = "";
	ssize_t before = os_fd_target(s->fd, root, sizeof(root) - 1);
	size_t len = 0, room = sizeof("/layers/\n") + DIGEST_HEX;
	char *text = calloc(n + 1, room);
	int r = !text ? image_fail_memory(error) : before < 0 ? (int)before : 0;

	for (size_t i = 0; i < n && r == 0; i++) {
		const char *at = strncmp(dirs[i], root, (size_t)before) ? "" : dirs[i] + before;
		char id[DIGEST_SIZE];

		if (strncmp(at, part, strlen(part)) != 0)
			continue;
		snprintf(id, sizeof(id), DIGEST_PREFIX "%.*s", DIGEST_HEX, at + strlen(part));
		if (!digest_is_valid(id) || strcmp(at + strlen(part) + DIGEST_HEX, diff) != 0)
			continue;
		if (!store_has_layer(s, id))
			r = image_fail(error, -ENOENT, "the layer %s was removed from the store meanwhile", id);
		len += (size_t)snprintf(text + len, room, "%s%s\n", part, digest_digits(id));
	}
	if (r < 0)
		free(text);
	else
		*ret = text;
	return r;
}

/* Locked before it has its name. */
static int lease_steps(struct store *s, const char *text, const char *temp, int temp_fd, int *ret_fd)
{
	_cleanup_close_ int dir = -1, fd = -1;
	int r = store_write_file(temp_fd, "lease", text, strlen(text));

	(void)CHECK(s->locked && *temp);
	if (r == 0)
		r = os_mkdirat(s->fd, "leases", 0700);
	if (r < 0 && r != -EEXIST)
		return r;
	dir = os_openat(s->fd, "leases", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	fd = dir < 0 ? dir : os_openat(temp_fd, "lease", O_RDONLY, 0, OS_NO_XDEV);
	r = fd < 0 ? fd : os_flock(fd, LOCK_SH | LOCK_NB);
	if (r == 0)
		r = os_renameat2(temp_fd, "lease", dir, temp, 1 /* RENAME_NOREPLACE */);
	if (r == 0)
		*ret_fd = TAKE_FD(fd);
	return r;
}

int store_lease(struct store *s, const char *const *dirs, size_t n, char **ret_path, int *ret_fd,
		struct image_error *error)
{
	_cleanup_free_ char *text = NULL, *path = NULL;
	_cleanup_close_ int temp_fd = -1;
	char temp[TEMP_SIZE] = "";
	int r = lease_text(s, dirs, n, &text, error);

	*ret_fd = -1;
	if (!CHECK(s->locked))
		return -EIO;
	if (r < 0 || !*text)
		return r;
	r = store_each_lease(s, true, NULL, NULL, error);
	if (r < 0)
		return r;
	r = store_temp_new(s, temp, &temp_fd);
	if (r == 0 && asprintf(&path, "%s/leases/%s", s->path, temp) < 0)
		r = -ENOMEM;
	if (r == 0)
		r = lease_steps(s, text, temp, temp_fd, ret_fd);
	store_temp_remove(s, temp);
	if (r < 0)
		return image_fail(error, r, "%s: leases: %s", s->path, strerror(-r));
	*ret_path = TAKE_PTR(path);
	return 0;
}
