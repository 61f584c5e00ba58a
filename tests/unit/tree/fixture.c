/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The union under test, see fixture.h.
 */
#include "fixture.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/xattr.h>
#include <unistd.h>

#include "layer/work.h"
#include "os/fs.h"
#include "unit.h"

static bool layer_fill(struct fixture *f, struct layer_set *set, struct layer *l, unsigned index, bool upper)
{
	struct statx stx;
	char name[16];

	snprintf(name, sizeof(name), "%u", index);
	if (mkdirat(f->top_fd, name, 0755) < 0 && errno != EEXIST)
		return false;
	*l = (struct layer){
		.index = index, .path = strdup(name), .real_fd = -1, .upper = upper, .cloned = true, .has_xattr = true};
	l->root_fd = openat(f->top_fd, name, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (l->root_fd < 0 || os_statx(l->root_fd, "", &stx) < 0)
		return false;
	return layer_devices_add(set, l, &stx) == 0;
}

static struct layer_set *set_new(struct fixture *f, unsigned n, unsigned n_data, bool has_upper)
{
	struct layer_set *set = calloc(1, sizeof(*set));

	if (!set)
		return NULL;
	atomic_init(&set->refs, 1);
	set->n = n;
	set->n_data = n_data;
	set->layers = calloc(n + n_data, sizeof(*set->layers));
	if (layer_devices_new(set) < 0)
		return NULL;
	set->n_fs = 1;
	set->fs = calloc(1, sizeof(*set->fs));
	set->fs[0].handle_fd = -1;
	set->ns = XATTR_NS_USER;
	set->has_upper = has_upper;
	set->has_upper_xattr = has_upper;
	set->workdir_fd = set->clone_fd = -1;
	if (mkdirat(f->top_fd, "work", 0700) < 0 && errno != EEXIST)
		return NULL;
	set->work_fd = openat(f->top_fd, "work", O_PATH | O_DIRECTORY | O_CLOEXEC);
	for (unsigned i = 0; i < n + n_data; i++)
		if (!layer_fill(f, set, &set->layers[i], i, has_upper && i == 0))
			return NULL;
	layer_devices_settle(set);
	return set;
}

bool fixture_remount(struct fixture *f, const struct fixture_options *o)
{
	struct tree_limits limits = {.max_dirfds = o->max_dirfds ? o->max_dirfds : 64,
				     .max_listing_bytes = o->max_listing_bytes ? o->max_listing_bytes : 64 << 20,
				     .max_pinned = o->no_pins ? 0 : 64};

	tree_free(f->tree);
	f->tree = NULL;
	if (!f->set)
		f->set = set_new(f, o->layers, o->data_layers, !o->no_upper);
	if (f->set)
		f->set->aufs = o->aufs;
	if (!f->set || tree_new(f->set, &limits, &f->tree) < 0)
		return false;
	f->tree->revalidate = o->revalidate;
	f->set->follow_redirects = o->follow;
	f->set->follow_metacopy = o->metacopy;
	return true;
}

bool fixture_init(struct fixture *f, const struct fixture_options *o)
{
	static bool seeded;

	if (!seeded)
		hash_seed_init();
	seeded = true;
	f->base = o->in_memory && access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
	snprintf(f->path, sizeof(f->path), "%s/plyfs-tree-XXXXXX", f->base);
	if (os_init() < 0 || !mkdtemp(f->path))
		return false;
	f->top_fd = open(f->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return f->top_fd >= 0 && fixture_remount(f, o);
}

void fixture_finish(struct fixture *f)
{
	int tmp;

	tree_free(f->tree);
	layer_set_put(f->set);
	if (f->top_fd < 0)
		return;
	close(f->top_fd);
	/* Deeper than any path: nftw would fail. */
	tmp = open(f->base, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	work_remove_tree(tmp, strrchr(f->path, '/') + 1);
	close(tmp);
}

static bool set_attribute(struct fixture *f, const char *path, const char *name, const char *value)
{
	char full[4096];

	UNIT_PRINT(full, "%s/%s", f->path, path);
	return setxattr(full, name, value, strlen(value), 0) == 0;
}

bool fixture_set_xattr(struct fixture *f, const char *path, enum xattr_overlay which, const char *value)
{
	return set_attribute(f, path, xattr_overlay_name(XATTR_NS_USER, which), value);
}

static bool make_file(struct fixture *f, const char *path, const char *content)
{
	int fd = openat(f->top_fd, path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0644);
	bool good = fd >= 0 && write(fd, content, strlen(content)) == (ssize_t)strlen(content);

	if (fd >= 0)
		close(fd);
	return good;
}

/* "path>target"; as long as its own path. */
static bool make_metacopy(struct fixture *f, char *p)
{
	char *target = strchr(p, '>');

	if (target)
		*target++ = '\0';
	return make_file(f, p, p) && fixture_set_xattr(f, p, XATTR_OVERLAY_METACOPY, "") &&
	       (!target || fixture_set_xattr(f, p, XATTR_OVERLAY_REDIRECT, target));
}

static bool make_dir(struct fixture *f, const char *path, enum xattr_overlay which, const char *value)
{
	return mkdirat(f->top_fd, path, 0755) == 0 && (!value || fixture_set_xattr(f, path, which, value));
}

bool fixture_make_one(struct fixture *f, unsigned layer, char kind, const char *path)
{
	char p[4096], *target;

	snprintf(p, sizeof(p), "%u/%s", layer, path);
	switch (kind) {
	case 'f':
		return make_file(f, p, p);
	case 'e':
		return make_file(f, p, "");
	case 'l':
		return symlinkat("target", f->top_fd, p) == 0;
	case 'w':
		return mknodat(f->top_fd, p, S_IFCHR, makedev(0, 0)) == 0;
	case 'z':
		return make_file(f, p, "") && fixture_set_xattr(f, p, XATTR_OVERLAY_WHITEOUT, "");
	case 'm':
		return make_metacopy(f, p);
	case 'd':
		return make_dir(f, p, XATTR_OVERLAY_OPAQUE, NULL);
	case 'o':
		return make_dir(f, p, XATTR_OVERLAY_OPAQUE, "y");
	case 'x':
		return make_dir(f, p, XATTR_OVERLAY_OPAQUE, "x");
	case 'u':
		return make_dir(f, p, XATTR_OVERLAY_OPAQUE, NULL) &&
		       set_attribute(f, p, XATTR_FUSEOVERLAYFS_OPAQUE, "y");
	case 'r':
		target = strchr(p, '>');
		if (target)
			*target++ = '\0';
		return make_dir(f, p, XATTR_OVERLAY_REDIRECT, target ? target : "/elsewhere");
	default:
		return false;
	}
}

bool fixture_make(struct fixture *f, const char *items)
{
	char copy[1024], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", items);
	for (char *item = strtok_r(copy, " ", &save); item; item = strtok_r(NULL, " ", &save))
		if (!fixture_make_one(f, (unsigned)(item[0] - '0'), item[1], item + 3))
			return UNIT_FAIL("can't make %s: %s", item, strerror(errno));
	return true;
}

int fixture_lookup(struct fixture *f, const char *path, struct inode **ret)
{
	struct inode *at = f->tree->root;
	char copy[1024], *save = NULL;

	snprintf(copy, sizeof(copy), "%s", path);
	for (char *name = strtok_r(copy, "/", &save); name; name = strtok_r(NULL, "/", &save)) {
		struct inode *known = inode_lookup_known(f->tree, at, name);
		struct resolved r;
		int res = 0;

		if (!known) {
			res = resolve_child(f->tree, at, name, &r);
			if (res == 0)
				res = inode_intern(f->tree, at, name, &r, &known);
			resolved_finish(&r);
		}
		if (res < 0)
			return res;
		at = known;
	}
	*ret = at;
	return 0;
}

struct inode *fixture_get(struct fixture *f, const char *path)
{
	struct inode *inode = NULL;
	int res = fixture_lookup(f, path, &inode);

	if (res < 0)
		UNIT_FAIL("lookup of %s: %s", path, strerror(-res));
	return inode;
}

int fixture_resolve(struct fixture *f, const char *path, struct resolved *ret)
{
	const char *slash = strrchr(path, '/');
	struct inode *dir;
	char parent[1024];
	int res;

	memset(ret, 0, sizeof(*ret));
	snprintf(parent, sizeof(parent), "%.*s", slash ? (int)(slash - path) : 0, path);
	res = fixture_lookup(f, parent, &dir);
	return res < 0 ? res : resolve_child(f->tree, dir, slash ? slash + 1 : path, ret);
}

uint64_t fixture_ino(struct fixture *f, const char *path)
{
	struct stat st;

	return fstatat(f->top_fd, path, &st, AT_SYMLINK_NOFOLLOW) < 0 ? 0 : st.st_ino;
}

const char *fixture_read(int fd)
{
	static char buf[4096];
	ssize_t n = fd < 0 ? -1 : pread(fd, buf, sizeof(buf) - 1, 0);

	buf[n < 0 ? 0 : n] = '\0';
	return buf;
}

int listing_build(struct tree *tree, struct inode *dir)
{
	struct listing *gone = NULL;
	int res;

	if (inode_is_unlinked(dir))
		return -ENOENT;
	res = listing_ensure_and_lock(tree, dir, false, &gone);
	if (res == 0)
		lock_drop(&tree->listings->lock);
	listings_free(gone);
	return res;
}
