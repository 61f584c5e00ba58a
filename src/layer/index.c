/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The index at run time. What an entry has to be, and when it doesn't count, is as in kernel overlayfs
 * (ovl_lookup_index() and ovl_get_nlink() in fs/overlayfs).
 *
 * The directories are made when the first entry comes, unless the user asked for an index: a union without hard-linked
 * files leaves no trace of it.
 */
#include "layer/index.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "base/lock.h"
#include "base/macros.h"
#include "format/nlink.h"
#include "format/source.h"
#include "index_internal.h"
#include "internal.h"
#include "os/fs.h"
#include "os/mount.h"

/* --- sets of names ------------------------------------------------------------------------------------------------ */

static size_t nameset_slot(const struct nameset *s, uint64_t hash)
{
	size_t at = hash & (s->room - 1);

	(void)CHECK(s->n < s->room && !(s->room & (s->room - 1)));
	while (s->hashes[at] && s->hashes[at] != hash)
		at = (at + 1) & (s->room - 1);
	return at;
}

static int nameset_grow(struct nameset *s)
{
	struct nameset fresh = {.room = s->room ? 2 * s->room : 64, .n = s->n};

	fresh.hashes = calloc(fresh.room, sizeof(*fresh.hashes));
	if (!fresh.hashes)
		return -ENOMEM;
	for (size_t i = 0; i < s->room; i++)
		if (s->hashes[i])
			fresh.hashes[nameset_slot(&fresh, s->hashes[i])] = s->hashes[i];
	free(s->hashes);
	*s = fresh;
	return 0;
}

static uint64_t index_name_hash(const char *name)
{
	uint64_t hash = hash_bytes(name, strlen(name));

	return hash ? hash : 1;
}

int nameset_add(struct layer_index *index, struct nameset *s, const char *name)
{
	uint64_t hash = index_name_hash(name);
	size_t at;

	LOCK_SCOPE(&index->lock);
	if (2 * (s->n + 1) > s->room && nameset_grow(s) < 0)
		return -ENOMEM;
	at = nameset_slot(s, hash);
	if (!s->hashes[at])
		atomic_fetch_add_explicit(&index->known, 1, memory_order_release);
	s->n += !s->hashes[at];
	s->hashes[at] = hash;
	return 0;
}

static bool nameset_has(struct layer_index *index, const struct nameset *s, const char *name)
{
	LOCK_SCOPE(&index->lock);
	return s->n && s->hashes[nameset_slot(s, index_name_hash(name))];
}

/* Whether the directory that the set is of has to be asked. */
static bool may_hold(struct layer_index *index, const struct nameset *s, const char *name)
{
	return index->foreign || nameset_has(index, s, name);
}

uint64_t index_generation(const struct layer_set *set)
{
	return atomic_load_explicit(&set->index->inserted, memory_order_acquire);
}

bool index_takes(const struct layer_set *set, uint32_t type)
{
	return set->ns == XATTR_NS_TRUSTED ? !S_ISDIR(type) : S_ISREG(type);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

int index_fh_of(const struct layer_set *set, const struct layer *l, int dirfd, const char *name, struct ovl_fh *ret)
{
	const struct layer_fs *fs = &set->fs[l->fs];
	struct os_handle handle;
	int r;

	if (!fs->gives_handles)
		return -EOPNOTSUPP;
	r = os_name_to_handle(dirfd, name, &handle);
	if (r < 0)
		return r;
	return ovl_fh_make(handle.type, handle.bytes, handle.len, fs->uuid, layer_is_indexed(set, l), ret) < 0
		       ? -EOPNOTSUPP
		       : 0;
}

int index_name_of(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
		  char ret_name[static OVL_FH_INDEX_NAME_SIZE])
{
	struct ovl_fh origin;
	int r = index_fh_of(set, l, dirfd, name, &origin);

	if (r == 0)
		r = ovl_fh_index_name(&origin, ret_name);
	return MIN(r, 0);
}

/* As many links as a lower object may have of which nothing can be told. */
#define LINKS_UNKNOWN 0xffffU

/* --- looking ------------------------------------------------------------------------------------------------------ */

/* A directory of WORKDIR, whose descriptor is or will be at `at`. -ENOENT: it isn't made yet. */
static int find_dir(const struct layer_set *set, _Atomic int *at, const char *name)
{
	struct layer_index *index = set->index;
	int fd = atomic_load_explicit(at, memory_order_acquire);

	(void)CHECK(set->workdir_fd >= 0);
	if (fd >= 0 || !index->foreign)
		return fd < 0 ? -ENOENT : fd;
	LOCK_SCOPE(&index->making);
	fd = atomic_load(at);
	if (fd >= 0)
		return fd;
	fd = os_openat(set->workdir_fd, name, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	if (fd >= 0)
		atomic_store_explicit(at, fd, memory_order_release);
	return fd;
}

int index_fd(const struct layer_set *set)
{
	return find_dir(set, &set->index->fd, INDEX_DIR_NAME);
}

static int gone_fd(const struct layer_set *set)
{
	return find_dir(set, &set->index->gone_fd, INDEX_GONE_NAME);
}

bool index_is_idle(const struct layer_set *set)
{
	if (set->index->foreign)
		return index_fd(set) == -ENOENT && gone_fd(set) == -ENOENT;
	return atomic_load_explicit(&set->index->known, memory_order_acquire) == 0;
}

/* Links of the lower object that an origin names; 0 when that can't be told. */
static uint32_t links_of_origin(const struct layer_set *set, const struct ovl_fh *origin)
{
	for (unsigned i = 0; i < set->n_fs; i++) {
		const struct layer_fs *fs = &set->fs[i];
		struct os_handle handle = {.type = origin->type, .len = origin->fid_size};
		_cleanup_close_ int fd = -1;
		struct statx stx;

		if (!fs->last || !fs->has_handles || memcmp(fs->uuid, origin->uuid, sizeof(fs->uuid)))
			continue;
		memcpy(handle.bytes, origin->fid, origin->fid_size);
		fd = os_open_by_handle(fs->handle_fd, &handle, O_PATH);
		if (fd >= 0 && os_statx(fd, "", &stx) == 0)
			return stx.stx_nlink;
	}
	return 0;
}

int64_t index_read_nlink(const struct layer_set *set, const char *name, uint32_t links, uint32_t lower)
{
	const char *xattr = xattr_overlay_name(set->ns, XATTR_OVERLAY_NLINK);
	char text[NLINK_SIZE];
	struct nlink_xattr count;
	ssize_t size = os_getxattr(index_fd(set), name, xattr, text, sizeof(text));
	struct ovl_fh origin;

	if (size <= 0 || nlink_decode(text, (size_t)size, &count) < 0)
		return -ENODATA;
	if (!count.upper && !lower && ovl_fh_from_index_name(name, &origin) == 0)
		lower = links_of_origin(set, &origin);
	return count.upper || lower ? nlink_apply(count, links, lower) : -ENODATA;
}

/* The union's count of names of an entry that some name leads to. Where it isn't known, no fewer than there can be:
 * each is one of the lower object's, or a link in the upper. A count that is too high leaves a copy behind that nobody
 * needs, one that is too low takes a needed one away. */
static uint32_t count_names(const struct layer_set *set, const char *name, uint32_t links, uint32_t lower)
{
	int64_t nlink = index_read_nlink(set, name, links, lower);
	struct ovl_fh origin;

	if (nlink > 0)
		return (uint32_t)nlink;
	if (!lower && ovl_fh_from_index_name(name, &origin) == 0)
		lower = links_of_origin(set, &origin);
	return (lower ? lower : LINKS_UNKNOWN) + links - 1;
}

/* The entry of this name. 1, or 0 when there is none. */
static int look_at_entry(const struct layer_set *set, const char *name, uint32_t type, struct statx *ret_stx)
{
	int fd = index_fd(set), r;

	if (fd < 0)
		return fd == -ENOENT ? 0 : fd;
	if (!may_hold(set->index, &set->index->entries, name))
		return 0;
	r = layer_statx_unchecked(&set->layers[0], fd, name, ret_stx);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	/* A whiteout says that all names were removed, so there is none that could have led here. */
	return (ret_stx->stx_mode & S_IFMT) == type && !layer_is_whiteout(ret_stx) ? 1 : -EIO;
}

static uint32_t index_read_gone(const struct layer_set *set, const char *name)
{
	struct layer_index *index = set->index;
	int fd = gone_fd(set);
	struct nlink_xattr count;
	char text[NLINK_SIZE];
	ssize_t size;

	if (fd < 0 || !may_hold(index, &index->gone, name))
		return 0;
	size = os_readlinkat(fd, name, text, sizeof(text));
	if (size <= 0 || nlink_decode(text, (size_t)size, &count) < 0 || count.upper || count.diff > 0)
		return 0;
	return (uint32_t)-count.diff;
}

int index_look(const struct layer_set *set, const struct layer *l, int dirfd, const char *name, const struct statx *stx,
	       struct index_entry *ret)
{
	int r = index_name_of(set, l, dirfd, name, ret->name);
	uint32_t gone;

	(void)CHECK(!S_ISDIR(stx->stx_mode));
	ret->indexed = false;
	ret->nlink = stx->stx_nlink;
	if (r == 0)
		r = look_at_entry(set, ret->name, stx->stx_mode & S_IFMT, &ret->stx);
	if (r < 0)
		return r;
	ret->indexed = r;
	if (ret->indexed) {
		ret->nlink = count_names(set, ret->name, ret->stx.stx_nlink, stx->stx_nlink);
		return 0;
	}
	/* It has this name at least. */
	gone = index_read_gone(set, ret->name);
	ret->nlink = gone < stx->stx_nlink ? stx->stx_nlink - gone : 1;
	return 0;
}

static int index_read_origin(const struct layer_set *set, int dirfd, const char *name, struct ovl_fh *ret)
{
	uint8_t value[OVL_FH_MAX];
	ssize_t size =
		os_getxattr(dirfd, name, xattr_overlay_name(set->ns, XATTR_OVERLAY_ORIGIN), value, sizeof(value));

	return size < 0 ? (int)size : ovl_fh_decode(value, (size_t)size, ret);
}

int index_look_upper(const struct layer_set *set, int dirfd, const char *name, const struct statx *stx,
		     struct index_entry *ret)
{
	struct ovl_fh origin;
	int r;

	/* The entry is one of its links. */
	if (stx->stx_nlink < 2 || S_ISDIR(stx->stx_mode) || index_is_idle(set))
		return 0;
	r = index_read_origin(set, dirfd, name, &origin);
	if (r < 0)
		return r == -ENODATA || r == -EOPNOTSUPP || r == -EINVAL || r == -ERANGE ? 0 : r;
	if (ovl_fh_index_name(&origin, ret->name) < 0)
		return 0;
	r = look_at_entry(set, ret->name, stx->stx_mode & S_IFMT, &ret->stx);
	/* Copied up without an index, or before the index was emptied. */
	if (r <= 0 || !layer_same_object(&ret->stx, stx))
		return r == -EIO ? 0 : MIN(r, 0);
	ret->nlink = count_names(set, ret->name, stx->stx_nlink, 0);
	ret->indexed = true;
	return 1;
}

/* --- changing ----------------------------------------------------------------------------------------------------- */

/* A directory of WORKDIR, made where it is missing. */
static int index_open_dir(struct layer_set *set, const char *name)
{
	int made = os_mkdirat(set->workdir_fd, name, 0700), r = 0;
	_cleanup_close_ int fd = -1;

	if (made < 0 && made != -EEXIST)
		return made;
	fd = os_openat(set->workdir_fd, name, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	if (fd >= 0 && made == 0)
		r = workdir_reset_permissions(set, fd);
	return r < 0 ? r : TAKE_FD(fd);
}

/* -ENODATA without an xattr that means something, -ESTALE when it names another object. */
int index_check_fh(const struct layer_set *set, int fd, enum xattr_overlay which, const struct ovl_fh *origin)
{
	uint8_t value[OVL_FH_MAX];
	struct ovl_fh stored;
	ssize_t size = os_getxattr(fd, "", xattr_overlay_name(set->ns, which), value, sizeof(value));
	int r;

	if (size < 0)
		return size == -ERANGE ? -ESTALE : (int)size;
	r = ovl_fh_decode(value, (size_t)size, &stored);
	if (r < 0)
		return r == -ENODATA ? r : -ESTALE;
	return ovl_fh_equal(&stored, origin) ? 0 : -ESTALE;
}

int index_renew_xattr(const struct layer_set *set, int fd, enum xattr_overlay which, const struct ovl_fh *origin)
{
	static const uint8_t none[OVL_FH_UUID_SIZE];
	uint8_t value[OVL_FH_MAX];
	const char *xattr = xattr_overlay_name(set->ns, which);
	ssize_t size = os_getxattr(fd, "", xattr, value, sizeof(value));
	struct ovl_fh stored;

	if (size <= 0 || ovl_fh_decode(value, (size_t)size, &stored) < 0 || memcmp(stored.uuid, none, sizeof(none)))
		return 0;
	memcpy(stored.uuid, origin->uuid, sizeof(stored.uuid));
	return ovl_fh_equal(&stored, origin) ? os_setxattr(fd, "", xattr, value, ovl_fh_encode(origin, value), 0) : 0;
}

/* Writes an xattr that says which object the directory at fd belongs to, where it isn't there yet; -ESTALE when it says
 * something else. */
static int index_set_fh(const struct layer_set *set, int fd, enum xattr_overlay which, const struct ovl_fh *origin)
{
	uint8_t value[OVL_FH_MAX];
	int r = index_check_fh(set, fd, which, origin);

	if (r != -ENODATA)
		return r;
	return os_setxattr(fd, "", xattr_overlay_name(set->ns, which), value, ovl_fh_encode(origin, value), 0);
}

int index_make(struct layer_set *set)
{
	struct layer_index *index = set->index;
	int fd, r;

	(void)CHECK(!index->foreign);
	LOCK_SCOPE(&index->making);
	if (atomic_load(&index->fd) >= 0)
		return 0;
	/* The kernel looks at these xattrs before it looks into the directory. */
	r = index_set_fh(set, layer_upper(set)->root_fd, XATTR_OVERLAY_ORIGIN, &index->top_lower);
	if (r < 0)
		return r;
	fd = index_open_dir(set, INDEX_DIR_NAME);
	if (fd < 0)
		return fd;
	r = index_set_fh(set, fd, XATTR_OVERLAY_UPPER, &index->upper);
	if (r < 0) {
		os_close(fd);
		return r;
	}
	atomic_store_explicit(&index->fd, fd, memory_order_release);
	return 0;
}

int index_insert(struct layer_set *set, int fd, const char *temp, const char *name)
{
	int r = index_make(set);

	(void)CHECK(!set->index->foreign && set->has_upper);
	/* Before it is there: a lookup must not miss it. */
	if (r == 0)
		r = nameset_add(set->index, &set->index->entries, name);
	if (r < 0)
		return r;
	if (temp)
		r = os_renameat2(set->work_fd, temp, index_fd(set), name, RENAME_NOREPLACE);
	else
		r = os_link_fd(fd, index_fd(set), name);
	if (r == 0)
		atomic_fetch_add_explicit(&set->index->inserted, 1, memory_order_release);
	return r;
}

int index_link(struct layer_set *set, const char *name, int dirfd, const char *newname)
{
	int fd = index_fd(set);

	(void)CHECK(!set->index->foreign);
	return fd < 0 ? fd : os_linkat(fd, name, dirfd, newname);
}

int index_remove(struct layer_set *set, const char *name)
{
	int fd = index_fd(set);

	(void)CHECK(!set->index->foreign);
	return fd < 0 ? fd : os_unlinkat(fd, name, 0);
}

int index_setxattr(const struct layer_set *set, int fd, const char *xattr, const void *value, size_t size, int flags)
{
	const char *source = xattr_overlay_name(set->ns, XATTR_OVERLAY_PLYFS_SOURCE);
	int r = os_setxattr(fd, "", xattr, value, size, flags);
	uint8_t saved[SOURCE_MAX];
	ssize_t n;

	if (r != -ENOSPC)
		return r;
	n = os_getxattr(fd, "", source, saved, sizeof(saved));
	if (n <= 0 || os_removexattr(fd, "", source) < 0)
		return r;
	r = os_setxattr(fd, "", xattr, value, size, flags);
	if (r < 0)
		(void)os_setxattr(fd, "", source, saved, (size_t)n, 0);
	return r;
}

int index_write_nlink(struct layer_set *set, int fd, uint32_t nlink, uint32_t links)
{
	const char *xattr = xattr_overlay_name(set->ns, XATTR_OVERLAY_NLINK);
	struct nlink_xattr count = {.upper = true, .diff = (int32_t)((int64_t)nlink - links)};
	char text[NLINK_SIZE], old[NLINK_SIZE];
	size_t len = nlink_encode(count, text);
	ssize_t size = os_getxattr(fd, "", xattr, old, sizeof(old));

	if (size == (ssize_t)len && !memcmp(text, old, len))
		return 0;
	return index_setxattr(set, fd, xattr, text, len, 0);
}

int index_make_gone(struct layer_set *set)
{
	struct layer_index *index = set->index;
	int fd = atomic_load_explicit(&index->gone_fd, memory_order_acquire);

	(void)CHECK(!index->foreign);
	if (fd >= 0)
		return fd;
	LOCK_SCOPE(&index->making);
	fd = atomic_load(&index->gone_fd);
	if (fd < 0)
		fd = index_open_dir(set, INDEX_GONE_NAME);
	if (fd >= 0)
		atomic_store_explicit(&index->gone_fd, fd, memory_order_release);
	return fd;
}

static int drop_gone(struct layer_set *set, const char *name)
{
	struct layer_index *index = set->index;
	int fd = atomic_load_explicit(&index->gone_fd, memory_order_acquire), r;

	if (fd < 0 || !nameset_has(index, &index->gone, name))
		return 0;
	r = os_unlinkat(fd, name, 0);
	return r == -ENOENT ? 0 : r;
}

int index_write_gone(struct layer_set *set, const char *name, uint32_t gone)
{
	struct nlink_xattr count = {.diff = -(int32_t)gone};
	char text[NLINK_SIZE], temp[WORK_NAME_MAX];
	int fd, r;

	(void)CHECK(!set->index->foreign);
	if (!gone)
		return drop_gone(set, name);
	fd = index_make_gone(set);
	if (fd < 0)
		return fd;
	r = nameset_add(set->index, &set->index->gone, name);
	if (r < 0)
		return r;
	nlink_encode(count, text);
	work_temp_name(set, temp);
	r = os_symlinkat(text, set->work_fd, temp);
	if (r < 0)
		return r;
	r = os_renameat2(set->work_fd, temp, fd, name, 0);
	if (r < 0)
		os_unlinkat(set->work_fd, temp, 0);
	return r;
}

void index_free(struct layer_index *index)
{
	int fd;

	if (!index)
		return;
	fd = atomic_load(&index->fd);
	cleanup_close(&fd);
	fd = atomic_load(&index->gone_fd);
	cleanup_close(&fd);
	free(index->entries.hashes);
	free(index->gone.hashes);
	lock_finish(&index->lock);
	lock_finish(&index->making);
	free(index);
}
