/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layer caches in use: which layer may have one, finding and mapping its file, and asking it.
 *
 * The directory of the files is one that only we can write to, and a file there must be ours: who could write one could
 * show what he likes. A file may still be changed or cut off below the mapping. The kernel's answer to a read behind
 * its end is caught (os/map.h), and that the file is as it was is looked at again once in a while, like the directories
 * themselves.
 */
#include "cache_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/log.h"
#include "format/acl.h"
#include "os/mount.h"
#include "os/task.h"

#ifndef XFS_SUPER_MAGIC
#define XFS_SUPER_MAGIC 0x58465342
#endif
#ifndef F2FS_SUPER_MAGIC
#define F2FS_SUPER_MAGIC 0xF2F52010
#endif

#define SIZE_LIMIT (UINT64_C(1) << 32)

/* What decides how xattrs are read, beside the layer itself. */
enum view {
	VIEW_NS_USER = 1 << 0,
	VIEW_AUFS = 1 << 1,
	VIEW_TRUSTED = 1 << 2, /* trusted.* attributes are shown to us */
	VIEW_ACL = 1 << 3,     /* what the file system, as it is mounted, has */
	VIEW_USER = 1 << 4,
	VIEW_SECURITY = 1 << 5,
	VIEW_XATTR = 1 << 6, /* layer.has_xattr */
	VIEW_NO_UUID = 1 << 7,
};

/* --- which layers ------------------------------------------------------------------------------------------------- */

/* File systems whose change times are set by this kernel at each change and by nobody else. In an image (squashfs,
 * erofs) they are what its maker wrote, a network file system's server has its own clock, and those of an overlay are
 * one layer's. */
static bool keeps_times(const struct layer *l)
{
	static const long good[] = {EXT4_SUPER_MAGIC, XFS_SUPER_MAGIC, BTRFS_SUPER_MAGIC, TMPFS_MAGIC,
				    F2FS_SUPER_MAGIC};
	long type;

	if (os_fs_type(l->root_fd, &type) < 0)
		return false;
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		if (type == good[i])
			return true;
	return false;
}

static uint32_t view_of(const struct layer_set *set, const struct layer *l)
{
	return (set->ns == XATTR_NS_USER ? VIEW_NS_USER : 0) | (set->aufs ? VIEW_AUFS : 0) |
	       (probe_sees_trusted() ? VIEW_TRUSTED : 0) | (probe_attribute(l, ACL_XATTR_ACCESS) ? VIEW_ACL : 0) |
	       (probe_attribute(l, "user.x") ? VIEW_USER : 0) |
	       (probe_attribute(l, "security.capability") ? VIEW_SECURITY : 0) | (l->has_xattr ? VIEW_XATTR : 0);
}

static const char *why_not(const struct layer_set *set, const struct layer *l)
{
	if (!l->cloned)
		return "other mounts may lie in it";
	if (l->override != OVERRIDE_NONE)
		return "its owners are kept in attributes";
	return keeps_times(l) ? NULL : "the times of its file system aren't kept by this kernel";
}

/* One without uuid by its device. It doesn't matter much: what belongs to another file system of that number is of
 * other times. */
static int identify(const struct layer_set *set, const struct layer *l, struct cachefile_key *key)
{
	const struct layer_fs *fs = &set->fs[l->fs];
	struct statvfs st;
	int r;

	if (fs->has_uuid) {
		memcpy(key->uuid, fs->uuid, sizeof(key->uuid));
		return 0;
	}
	r = os_fstatvfs(l->root_fd, &st);
	if (r < 0)
		return r;
	memcpy(key->uuid, &(uint64_t[]){l->dev, st.f_fsid}, sizeof(key->uuid));
	key->view |= VIEW_NO_UUID;
	return 0;
}

bool layer_cache_key_of(const struct layer_set *set, const struct layer *l, struct cachefile_key *ret,
			const char **ret_why)
{
	struct os_handle handle;

	*ret_why = why_not(set, l);
	if (*ret_why)
		return false;
	if (os_name_to_handle(l->root_fd, "", &handle) < 0 || handle.len > CACHEFILE_HANDLE_MAX) {
		*ret_why = "its root has no file handle";
		return false;
	}
	*ret = (struct cachefile_key){.handle_type = handle.type, .handle_len = handle.len, .view = view_of(set, l)};
	memcpy(ret->handle, handle.bytes, handle.len);
	*ret_why = "its file system can't be told from others";
	return identify(set, l, ret) == 0;
}

static struct cachefile_time time_of(const struct statx_timestamp *t)
{
	return (struct cachefile_time){.sec = t->tv_sec, .nsec = t->tv_nsec};
}

struct cachefile_stamp layer_cache_stamp_of(const struct statx *stx)
{
	struct cachefile_stamp stamp = {
		.ino = stx->stx_ino,
		.size = stx->stx_size,
		.ctime = time_of(&stx->stx_ctime),
		.mtime = time_of(&stx->stx_mtime),
		.nlink = stx->stx_nlink,
		.mode = stx->stx_mode,
	};

	if (stx->stx_mask & STATX_BTIME)
		stamp.btime = time_of(&stx->stx_btime);
	return stamp;
}

bool layer_cache_stamp_equal(const struct cachefile_stamp *a, const struct cachefile_stamp *b)
{
	return a->ino == b->ino && a->size == b->size && cachefile_time_equal(a->ctime, b->ctime) &&
	       cachefile_time_equal(a->mtime, b->mtime) && cachefile_time_equal(a->btime, b->btime) &&
	       a->nlink == b->nlink && a->mode == b->mode;
}

/* --- opening ------------------------------------------------------------------------------------------------------ */

static bool is_ours(const struct statx *stx)
{
	return (stx->stx_uid == geteuid() || stx->stx_uid == 0) && !(stx->stx_mode & (S_IWGRP | S_IWOTH));
}

static int cache_open_directory(struct layer_opening *lo, struct layer_caches *caches)
{
	const char *path = lo->spec->layer_cache;
	struct statx stx;
	int r;

	caches->dir_fd = os_open_path(path, O_RDONLY | O_DIRECTORY, 0);
	r = caches->dir_fd < 0 ? caches->dir_fd : os_statx(caches->dir_fd, "", &stx);
	if (r < 0)
		return layer_refuse_errno(lo, r, "layer_cache", path);
	if (!is_ours(&stx))
		return layer_refuse(lo, -EPERM, "layer_cache", path,
				    "others may write to it: what is read there must be our own");
	r = os_may_write_dir(caches->dir_fd);
	if (r < 0)
		return layer_refuse_errno(lo, r, "layer_cache", path);
	caches->id = layer_id_of(&stx);
	caches->path = strdup(path);
	return caches->path ? 0 : -ENOMEM;
}

/* Maps the file open at fd and checks it. */
static int map_file(struct layer_cache *c, int fd, const struct cachefile_key *key)
{
	struct statx stx;
	int r = os_statx(fd, "", &stx);

	if (r < 0)
		return r;
	if (!S_ISREG(stx.stx_mode) || !is_ours(&stx) || stx.stx_size < CACHEFILE_HEADER_SIZE ||
	    stx.stx_size > SIZE_LIMIT)
		return -EINVAL;
	c->file = layer_cache_stamp_of(&stx);
	r = os_map_file(fd, stx.stx_size, &c->map);
	if (r < 0)
		return r;
	r = cachefile_open(c->map.data, c->map.size, key, &c->cachefile);
	if (r == 0 && os_map_broken(&c->map))
		r = -EIO;
	if (r < 0)
		os_unmap(&c->map);
	return r;
}

static int cache_open_file(struct layer_caches *caches, struct layer_cache *c, const struct cachefile_key *key)
{
	_cleanup_close_ int fd = os_openat(caches->dir_fd, c->name, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);

	return fd < 0 ? fd : map_file(c, fd, key);
}

/* NULL: nothing that is known of the file. */
static const char *what_is_wrong(int err)
{
	switch (-err) {
	case EINVAL:
	case EBADMSG:
		return "damaged, or no layer cache";
	case EPROTONOSUPPORT:
		return "of another version";
	case ESTALE:
		return "of another layer";
	case ELOOP:
		return "not a file";
	default:
		return NULL;
	}
}

/* Does without, and says so. What is certainly of no use is removed, and made again; what can't be read may be good,
 * and is shared. */
static void refuse_file(const struct layer_caches *caches, const struct layer_cache *c, int err)
{
	const char *why = what_is_wrong(err);

	(void)CHECK(err < 0 && *c->name);
	log_info("layer_cache: %s/%s: %s%s", caches->path, c->name, why ? why : strerror(-err), why ? ": removed" : "");
	if (why)
		os_unlinkat(caches->dir_fd, c->name, 0);
}

/* A cache that is refused is no reason to refuse the mount. */
static int open_layer(struct layer_caches *caches, struct layer_set *set, struct layer *l)
{
	struct cachefile_key key;
	struct layer_cache *c;
	const char *why;
	int r;

	(void)CHECK(!l->cache && !l->upper);
	if (!layer_cache_key_of(set, l, &key, &why))
		return 0;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->dir_fd = caches->dir_fd;
	cachefile_file_name(&key, c->name);
	r = cache_open_file(caches, c, &key);
	if (r == 0) {
		l->cache = c;
		return 0;
	}
	if (r != -ENOENT)
		refuse_file(caches, c, r);
	free(c);
	return 0;
}

int layer_caches_open(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;
	struct layer_caches *caches;
	int r;

	(void)CHECK(!set->caches);
	if (!lo->spec->layer_cache)
		return 0;
	caches = calloc(1, sizeof(*caches));
	if (!caches)
		return -ENOMEM;
	caches->dir_fd = -1;
	caches->set = set;
	set->caches = caches;
	r = cache_open_directory(lo, caches);
	/* With timeout=0 the layers may change at any time, and are asked each time. */
	for (unsigned i = set->has_upper; i < set->n && r == 0 && !lo->spec->revalidate; i++)
		r = open_layer(caches, set, &set->layers[i]);
	caches->wanted = r == 0 && !lo->spec->revalidate;
	return r;
}

void layer_caches_free(struct layer_set *set)
{
	if (!set->caches)
		return;
	for (unsigned i = 0; set->layers && i < set->n; i++)
		if (set->layers[i].cache) {
			os_unmap(&set->layers[i].cache->map);
			free(set->layers[i].cache);
		}
	cleanup_close(&set->caches->dir_fd);
	free(set->caches->path);
	free(set->caches);
}

/* --- asking ------------------------------------------------------------------------------------------------------- */

/* Whether what is there now is the file that was checked. Another one may be good. */
static bool is_that_file(const struct layer_cache *c, const struct statx *stx)
{
	struct cachefile_stamp now = layer_cache_stamp_of(stx);

	return layer_cache_stamp_equal(&now, &c->file);
}

static void drop(const struct layer *l, const char *why, bool remove)
{
	struct layer_cache *c = l->cache;
	struct statx stx;

	if (atomic_exchange(&c->dropped, true))
		return;
	log_info("layer %s: its cache isn't used any more: %s", l->path, why);
	if (remove && os_statx(c->dir_fd, c->name, &stx) == 0 && is_that_file(c, &stx))
		os_unlinkat(c->dir_fd, c->name, 0);
}

static bool file_is_whole(const struct layer *l)
{
	struct layer_cache *c = l->cache;
	uint64_t now = os_now_ms();
	struct statx stx;

	(void)CHECK(c->dir_fd >= 0);
	if (now - atomic_load_explicit(&c->looked, memory_order_relaxed) <= LAYER_CACHE_TRUST_MS)
		return true;
	if (os_statx(c->dir_fd, c->name, &stx) < 0) {
		drop(l, "its file is gone", false);
		return false;
	}
	if (!is_that_file(c, &stx)) {
		drop(l, "its file was changed", false);
		return false;
	}
	atomic_store_explicit(&c->looked, now, memory_order_relaxed);
	return true;
}

bool layer_cache_is_used(const struct layer *l)
{
	return l->cache && !atomic_load_explicit(&l->cache->dropped, memory_order_relaxed);
}

/* The answer of a cache, if what it was read from is sound; -ENODATA else. */
static int answer(const struct layer *l, int err)
{
	(void)CHECK(l->cache);
	/* The disk may have failed to give it, this time. */
	bool unread = os_map_broken(&l->cache->map);

	if (err != -EBADMSG && !unread)
		return err;
	drop(l, unread ? "it can't be read" : "it is damaged", !unread);
	return -ENODATA;
}

static int get_dir(const struct layer *l, uint32_t number, struct cachefile_dir *ret)
{
	return number && layer_cache_is_used(l) ? answer(l, cachefile_dir(&l->cache->cachefile, number, ret))
						: -ENODATA;
}

uint32_t layer_cache_root(const struct layer *l)
{
	return layer_cache_is_used(l) ? CACHEFILE_ROOT : 0;
}

bool layer_cache_confirm(const struct layer *l, uint32_t number, const struct statx *stx)
{
	struct cachefile_stamp now = layer_cache_stamp_of(stx);
	struct cachefile_dir d;

	if (!number || !layer_cache_is_used(l) || !file_is_whole(l) || get_dir(l, number, &d) < 0)
		return false;
	if (layer_cache_stamp_equal(&now, &d.stamp) && layer_dev_of(stx) == l->dev)
		return true;
	drop(l, "the layer was changed", true);
	return false;
}

int layer_cache_xattr_flags(const struct layer *l, uint32_t number, unsigned *ret_flags)
{
	struct cachefile_dir d;
	int r = get_dir(l, number, &d);

	if (r == 0)
		*ret_flags = d.xattr_flags;
	return r;
}

int layer_cache_find(const struct layer *l, uint32_t number, const char *name, struct cachefile_entry *ret)
{
	struct cachefile_dir d;
	int r = get_dir(l, number, &d);

	return r < 0 ? r : answer(l, cachefile_find(&l->cache->cachefile, &d, name, ret));
}

int layer_cache_read(const struct layer *l, uint32_t number, int (*each)(void *arg, const struct os_dirent *entry),
		     void *arg)
{
	char name[CACHEFILE_NAME_MAX + 1];
	struct cachefile_entry e;
	struct cachefile_dir d;
	int r = get_dir(l, number, &d);

	for (uint32_t i = 0; r == 0 && i < d.n; i++) {
		r = answer(l, cachefile_entry(&l->cache->cachefile, &d, i, &e, name));
		if (r == 0)
			r = each(arg, &(struct os_dirent){
					      .ino = e.ino, .type = e.type, .name_len = e.name_len, .name = name});
	}
	return r;
}
