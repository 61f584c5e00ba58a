/* SPDX-License-Identifier: Apache-2.0 */
#include "copy_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/hash.h"
#include "os/fs.h"
#include <uthash.h>

/* As cp -a: the file system and the user may not have all of them. */
static int give_xattrs(int fd, const struct archive_xattrs *xattrs)
{
	for (size_t i = 0; xattrs && i < xattrs->n; i++) {
		const struct tar_xattr *x = &xattrs->list[i];
		int r = os_setxattr(fd, "", x->name, x->value, x->len, 0);

		if (r < 0 && r != -EPERM && r != -EACCES && r != -EOPNOTSUPP && r != -EINVAL)
			return r;
	}
	return 0;
}

/* Without its owner a program that changes the user would let everybody run it as who has copied it. */
static mode_t copied_mode(const struct copied *c)
{
	return c->mode & (geteuid() && S_ISREG(c->mode) ? 01777u : 07777u);
}

int copied_finish(int fd, int dirfd, const char *name, const struct copied *c)
{
	struct timespec times[2] = {c->mtime, c->mtime};
	int r = geteuid() == 0 ? os_fchown(fd, c->uid, c->gid) : 0;

	if (r == 0)
		r = give_xattrs(fd, c->xattrs);
	/* After the owner, because a change of owner takes set-user-ID away. */
	if (r == 0 && !S_ISLNK(c->mode))
		r = S_ISREG(c->mode) || S_ISDIR(c->mode) ? os_fchmod(fd, copied_mode(c))
							 : os_fchmodat(dirfd, name, c->mode & 07777u);
	return r < 0 ? r : os_futimens(fd, times);
}

static int finish_by_name(int dirfd, const char *name, const struct copied *c)
{
	_cleanup_close_ int fd = os_openat(dirfd, name, O_PATH | O_NOFOLLOW, 0, OS_NO_XDEV);

	return fd < 0 ? fd : copied_finish(fd, dirfd, name, c);
}

int copied_symlink(int dirfd, const char *name, const char *target, const struct copied *c)
{
	int r = os_symlinkat(target, dirfd, name);

	return r < 0 ? r : finish_by_name(dirfd, name, c);
}

int copied_node(int dirfd, const char *name, const struct copied *c)
{
	int r = os_mknodat(dirfd, name, (c->mode & S_IFMT) | 0600, makedev(c->major, c->minor));

	return r < 0 ? r : finish_by_name(dirfd, name, c);
}

int copied_file(int dirfd, const char *name)
{
	return os_openat(dirfd, name, O_WRONLY | O_CREAT | O_EXCL, 0600, OS_NO_XDEV);
}

struct copied_links {
	struct {
		uint64_t key, more;
	} of;
	char *path; /* owned */
	UT_hash_handle hh;
};

void copied_links_free(struct copied_links *links)
{
	struct copied_links *l, *next;

	HASH_ITER(hh, links, l, next) {
		HASH_DEL(links, l);
		free(l->path);
		free(l);
	}
}

int copied_link(struct copied_links **links, uint64_t key, uint64_t more, int base, const char *path, int dirfd,
		const char *name)
{
	struct copied_links *new = calloc(1, sizeof(*new)), *known;
	int r;

	if (!new)
		return -ENOMEM;
	new->of.key = key;
	new->of.more = more;
	HASH_FIND(hh, *links, &new->of, sizeof(new->of), known);
	if (!known) {
		new->path = strdup(path);
		if (!new->path) {
			free(new);
			return -ENOMEM;
		}
		HASH_ADD(hh, *links, of, sizeof(new->of), new);
		return 0;
	}
	free(new);
	_cleanup_close_ int fd = os_openat(base, known->path, O_PATH | O_NOFOLLOW, 0, OS_NO_XDEV);
	r = fd < 0 ? fd : os_link_fd(fd, dirfd, name);
	return r < 0 ? r : 1;
}
