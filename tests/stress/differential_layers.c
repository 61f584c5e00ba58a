/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random layers out of few names, so that they collide: merged, hidden, whited out, opaque. The same seed gives the
 * same layers, down to their times, which lie long ago and tell the layer.
 */
#include "differential.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#define LINKS 60
#define LAYERS 3
#define OBJECTS 28

static void paint_xattrs(struct rng *rng, const char *path, bool file_or_dir)
{
	char value[64];

	rng_fill(rng_below(rng, 1000), value, sizeof(value));
	if (rng_one_in(rng, 4))
		lsetxattr(path, "trusted.t", value, rng_below(rng, 60), 0);
	if (file_or_dir && rng_one_in(rng, 3))
		lsetxattr(path, "user.a", value, rng_below(rng, 60), 0);
	if (file_or_dir && rng_one_in(rng, 6))
		lsetxattr(path, "user.overlay.b", value, rng_below(rng, 60), 0);
}

static void paint_acls(struct rng *rng, const char *path, bool dir)
{
	char acl[64];

	if (rng_one_in(rng, 6))
		lsetxattr(path, "system.posix_acl_access", acl, rng_acl(rng, acl), 0);
	if (dir && rng_one_in(rng, 5))
		lsetxattr(path, "system.posix_acl_default", acl, rng_acl(rng, acl), 0);
}

/* Owner, mode and attributes. */
static void paint(struct rng *rng, const char *path, mode_t type)
{
	static const uid_t owners[] = {0, 0, 1000, 1000, 1001};
	static const gid_t groups[] = {0, 1000, 2000};
	static const mode_t dirs[] = {0755, 0777, 0777, 01777, 02775, 02777, 0700, 0555};
	static const mode_t files[] = {0644, 0666, 0600, 04755, 02755, 0777, 0, 0444};

	uid_t uid = owners[rng_below(rng, 5)];

	if (lchown(path, uid, groups[rng_below(rng, 3)]) < 0)
		die("lchown", path);
	if (type == S_IFDIR)
		chmod(path, dirs[rng_below(rng, 8)]);
	else if (type != S_IFLNK)
		chmod(path, files[rng_below(rng, 8)]);
	paint_xattrs(rng, path, type == S_IFREG || type == S_IFDIR);
	if (type == S_IFREG || type == S_IFDIR)
		paint_acls(rng, path, type == S_IFDIR);
}

static void make_file(struct rng *rng, const char *path)
{
	static char data[40000];
	size_t size = rng_below(rng, 3) ? rng_below(rng, 300) : rng_below(rng, sizeof(data));
	int fd = open(path, O_CREAT | O_EXCL | O_WRONLY, 0644);

	if (fd < 0)
		return;
	rng_fill(rng_below(rng, 1000), data, size);
	if (write(fd, data, size) != (ssize_t)size)
		die("write", path);
	if (rng_one_in(rng, 6) && ftruncate(fd, (off_t)size + rng_below(rng, 300000)) < 0)
		die("ftruncate", path);
	close(fd);
	paint(rng, path, S_IFREG);
}

static void make_link(struct rng *rng, const char *dir, const char *path)
{
	char other[PATH_SIZE], full[2 * PATH_SIZE];
	struct stat st;

	rng_path(rng, other);
	snprintf(full, sizeof(full), "%s/%s", dir, other);
	/* Not a whiteout: the kernel shares those. */
	if (lstat(full, &st) == 0 && S_ISREG(st.st_mode))
		(void)!link(full, path);
}

static void make_node(struct rng *rng, const char *path)
{
	static const mode_t types[] = {S_IFIFO, S_IFSOCK, S_IFCHR};
	mode_t type = types[rng_below(rng, 3)];

	if (mknod(path, type | 0644, makedev(1, 3)) == 0)
		paint(rng, path, type);
}

static void make_symlink(struct rng *rng, const char *path)
{
	char target[PATH_SIZE];

	rng_path(rng, target);
	if (symlink(target, path) == 0)
		paint(rng, path, S_IFLNK);
}

static void make_dir(struct rng *rng, const char *path)
{
	if (mkdir(path, 0755) < 0)
		return;
	paint(rng, path, S_IFDIR);
	if (rng_one_in(rng, 5))
		lsetxattr(path, "trusted.overlay.opaque", "y", 1, 0);
}

/* The directories above, where nothing is in the way. */
static void make_parents(struct rng *rng, const char *dir, char *path)
{
	char full[2 * PATH_SIZE];

	for (char *slash = strchr(path, '/'); slash; slash = strchr(slash + 1, '/')) {
		*slash = 0;
		snprintf(full, sizeof(full), "%s/%s", dir, path);
		make_dir(rng, full);
		*slash = '/';
	}
}

static void make_object(struct rng *rng, const char *dir)
{
	char path[PATH_SIZE], full[2 * PATH_SIZE];
	uint32_t kind = rng_below(rng, 20);

	rng_path(rng, path);
	make_parents(rng, dir, path);
	snprintf(full, sizeof(full), "%s/%s", dir, path);
	if (kind < 8)
		make_file(rng, full);
	else if (kind < 12)
		make_dir(rng, full);
	else if (kind < 14)
		make_symlink(rng, full);
	else if (kind < 15)
		make_node(rng, full);
	else if (kind < 17)
		make_link(rng, dir, full);
	else
		mknod(full, S_IFCHR, 0);
}

/* Many names of a few files, some of them in the layer above as well. */
static void make_links(struct rng *rng, const char *dir, const char *above)
{
	for (unsigned i = 0; i < LINKS; i++) {
		char path[PATH_SIZE], full[2 * PATH_SIZE];

		rng_path(rng, path);
		make_parents(rng, dir, path);
		snprintf(full, sizeof(full), "%s/%s", dir, path);
		make_link(rng, above && rng_one_in(rng, 3) ? above : dir, full);
	}
}

/* Times of all in the layer, children first. */
static void seal(struct rng *rng, const char *path, unsigned layer)
{
	struct timespec ts[2];
	struct stat st;
	char **names, child[2 * PATH_SIZE];
	int n;

	if (lstat(path, &st) < 0)
		die("lstat", path);
	if (S_ISDIR(st.st_mode)) {
		n = names_of(path, &names);
		for (int i = 0; i < n; i++) {
			snprintf(child, sizeof(child), "%s/%s", path, names[i]);
			seal(rng, child, layer);
		}
		names_free(names, n);
	}
	ts[0].tv_sec = 1000000000 + (time_t)(layer * 1000 + rng_below(rng, 1000));
	ts[0].tv_nsec = rng_below(rng, 1000000000);
	ts[1] = ts[0];
	utimensat(AT_FDCWD, path, ts, AT_SYMLINK_NOFOLLOW);
}

int layers_build(const char *dir, uint64_t seed)
{
	struct rng rng = {seed};
	char layer[PATH_SIZE], above[PATH_SIZE] = "";
	const char *index = getenv("DIFFERENTIAL_INDEX");
	bool links = index && !strcmp(index, "on");

	umask(0);
	for (unsigned l = 1; l <= LAYERS; l++) {
		snprintf(layer, sizeof(layer), "%s/l%u", dir, l);
		if (mkdir(layer, 0755) < 0)
			die("mkdir", layer);
		if (l == 1)
			chmod(layer, 0777);
		for (unsigned i = 0; i < OBJECTS; i++)
			make_object(&rng, layer);
		if (links)
			make_links(&rng, layer, *above ? above : NULL);
		memcpy(above, layer, sizeof(above));
		seal(&rng, layer, l);
	}
	return 0;
}
