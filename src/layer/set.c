/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Opening a layer set. Everything that can be refused is refused here, with one line, before a mount exists: afterwards
 * there is nobody left to tell. Lower layers are opened, placed and cloned one by one and keep one descriptor each, so
 * that 500 of them fit under a small descriptor limit.
 */
#include "base/check.h"
#include "layer/layer.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/xattr.h>
#include <xxhash.h>

#include "base/cleanup.h"
#include "base/fault.h"
#include "base/log.h"
#include "internal.h"
#include "layer/cache.h"
#include "os/fs.h"
#include "os/task.h"

/* --- opening directories ------------------------------------------------------------------------------------------ */

/* Opens a directory that an option names (symlinks are followed, the user wrote them) and finds out where it lies. It
 * must be readable and searchable: a layer that isn't would look empty. */
static int open_location(struct layer_opening *lo, struct layer_location *location, const char *option,
			 const char *path, int *ret_fd)
{
	_cleanup_close_ int fd = -1;
	_cleanup_close_ int self = -1;
	int r;

	(void)CHECK(!location->chain && !location->where);
	location->option = option;
	location->path = path;
	fd = os_open_path(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
	if (fd < 0)
		return layer_refuse_errno(lo, fd, option, path);
	self = os_openat(fd, ".", O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	if (self < 0)
		return layer_refuse_errno(lo, self, option, path);
	r = location_read(location, fd);
	if (r < 0)
		return layer_refuse_errno(lo, r, option, path);
	*ret_fd = TAKE_FD(fd);
	return 0;
}

static int init_layer(struct layer *l, unsigned index, const char *path)
{
	(void)CHECK(!l->path);
	l->index = index;
	l->path = strdup(path);
	return l->path ? 0 : -ENOMEM;
}

static int open_lower(struct layer_opening *lo, unsigned index, const struct stack_layer *layer)
{
	const char *option = layer->data_only ? "datadir" : "lowerdir";
	struct layer *l = &lo->set->layers[index];
	_cleanup_close_ int fd = -1;
	int r = open_location(lo, &lo->locations[index], option, layer->path, &fd);

	(void)CHECK(index < lo->set->n + lo->set->n_data && !l->upper);
	if (r < 0)
		return r;
	if (recognise_hides_sizes(fd))
		return layer_refuse(lo, -EOPNOTSUPP, option, layer->path,
				    "files of this file system tell no sizes, and would look empty");
	r = init_layer(l, index, layer->path);
	if (r < 0)
		return r;
	r = mount_clone_lower(fd, l);
	return r < 0 ? layer_refuse_errno(lo, r, option, layer->path) : 0;
}

static int open_lowers(struct layer_opening *lo)
{
	unsigned first = lo->set->has_upper;

	for (size_t i = 0; i < lo->spec->layer_count; i++) {
		int r = open_lower(lo, first + (unsigned)i, &lo->spec->layers[i]);

		if (r < 0)
			return r;
	}
	return 0;
}

/* Upper and work must lie in one mount, because rename and link between two of them fail with EXDEV. */
static int check_same_mount(struct layer_opening *lo)
{
	const struct layer_location *upper = &lo->locations[0], *work = layer_work_location(lo);

	(void)CHECK(upper->n_chain > 0 && work->n_chain > 0);
	if (upper->chain[0].dev != work->chain[0].dev)
		return layer_refuse(lo, -EXDEV, "workdir", work->path, "not on the same file system as upperdir");
	if (upper->mnt_id != work->mnt_id)
		return layer_refuse(lo, -EXDEV, "workdir", work->path, "not on the same mount as upperdir");
	return 0;
}

static int open_upper(struct layer_opening *lo)
{
	const struct stack_spec *spec = lo->spec;
	struct layer_set *set = lo->set;
	int r = open_location(lo, &lo->locations[0], "upperdir", spec->upperdir, &lo->upper_fd);

	if (r < 0)
		return r;
	r = open_location(lo, layer_work_location(lo), "workdir", spec->workdir, &lo->workdir_fd);
	if (r < 0)
		return r;
	set->layers[0].upper = true;
	set->upper_id = lo->locations[0].chain[0];
	set->work_id = layer_work_location(lo)->chain[0];
	r = init_layer(&set->layers[0], 0, spec->upperdir);
	return r < 0 ? r : check_same_mount(lo);
}

/* Of the mount whose upper is shown: only to be read. */
static int open_shown_work(struct layer_opening *lo)
{
	const char *path = lo->spec->workdir;
	_cleanup_close_ int fd = os_open_path(path, O_RDONLY | O_DIRECTORY | O_NONBLOCK, 0);
	bool cloned;
	int r = fd;

	if (fd >= 0)
		r = lo->set->workdir_fd = mount_clone_read_only(fd, path, &cloned);
	return r < 0 ? layer_refuse_errno(lo, r, "workdir", path) : 0;
}

static int open_mountpoint(struct layer_opening *lo)
{
	_cleanup_close_ int fd = -1;
	int r;

	if (!lo->mountpoint)
		return 0;
	lo->mountpoint_location.option = "mountpoint";
	lo->mountpoint_location.path = lo->mountpoint;
	fd = os_open_path(lo->mountpoint, O_PATH | O_DIRECTORY, 0);
	if (fd < 0)
		return layer_refuse_errno(lo, fd, "mountpoint", lo->mountpoint);
	r = location_read(&lo->mountpoint_location, fd);
	return r < 0 ? layer_refuse_errno(lo, r, "mountpoint", lo->mountpoint) : 0;
}

/* --- the whole ---------------------------------------------------------------------------------------------------- */

static int check_options(struct layer_opening *lo)
{
	const struct stack_spec *spec = lo->spec;

	if (!spec->layer_count)
		return layer_refuse(lo, -EINVAL, "lowerdir", NULL, "missing");
	if (spec->layer_count > LAYERS_MAX)
		return layer_refuse(lo, -E2BIG, "lowerdir", NULL, "more than %u layers", LAYERS_MAX);
	if (spec->layers[0].data_only)
		return layer_refuse(lo, -EINVAL, "datadir", spec->layers[0].path, "no other layer is given");
	if (spec->upperdir && !spec->workdir)
		return layer_refuse(lo, -EINVAL, "workdir", NULL, "missing, upperdir needs one");
	return 0;
}

static int alloc_set(struct layer_opening *lo)
{
	struct layer_set *set = calloc(1, sizeof(*set));
	unsigned all;

	(void)CHECK(lo->spec->layer_count > 0 && lo->spec->layer_count <= LAYERS_MAX);
	if (!set)
		return -ENOMEM;
	lo->set = set;
	atomic_init(&set->refs, 1);
	set->has_upper = lo->spec->upperdir != NULL;
	set->shows_upper = lo->spec->shows_upper;
	/* Data-only layers are the last ones. */
	for (size_t i = 0; i < lo->spec->layer_count; i++)
		set->n_data += lo->spec->layers[i].data_only;
	all = (unsigned)lo->spec->layer_count + set->has_upper;
	set->n = all - set->n_data;
	set->clone_fd = set->work_fd = set->workdir_fd = -1;
	set->layers = calloc(all, sizeof(*set->layers));
	set->fs = calloc(set->n, sizeof(*set->fs));
	lo->n_locations = all + set->has_upper;
	lo->locations = calloc(lo->n_locations, sizeof(*lo->locations));
	if (!set->layers || !set->fs || !lo->locations)
		return -ENOMEM;
	for (unsigned i = 0; i < all; i++)
		set->layers[i].root_fd = set->layers[i].real_fd = -1;
	return 0;
}

static int open_directories(struct layer_opening *lo)
{
	int r = lo->set->has_upper ? open_upper(lo) : 0;

	if (!r && lo->set->shows_upper)
		r = open_shown_work(lo);
	if (!r)
		r = open_lowers(lo);
	if (!r)
		r = open_mountpoint(lo);
	if (!r) {
		r = location_in_file_systems(lo->locations, lo->n_locations);
		if (r < 0 && r != -ENOMEM)
			layer_refuse(lo, r, "layers", NULL, "the table of mounts can't be read: %s", strerror(-r));
	}
	if (!r)
		r = overlap_check(lo);
	if (!r)
		r = overlap_check_mountpoint(lo);
	return r;
}

/* With uuid=on the upper gets the uuid that the kernel would look for there. FUSE can't show it. */
static int write_uuid(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;
	const char *name = xattr_overlay_name(set->ns, XATTR_OVERLAY_UUID);
	uint8_t uuid[16];
	ssize_t r;

	if (lo->spec->uuid != UUID_ON || !set->has_upper_xattr)
		return 0;
	r = os_getxattr(set->layers[0].root_fd, "", name, uuid, sizeof(uuid));
	if (r == -ENODATA) {
		if (os_random(uuid, sizeof(uuid)) < 0)
			return layer_refuse(lo, -EIO, "uuid", NULL, "no random numbers");
		uuid[6] = (uuid[6] & 0x0f) | 0x40; /* version 4, random */
		uuid[8] = (uuid[8] & 0x3f) | 0x80; /* of the usual variant */
		r = os_setxattr(set->layers[0].root_fd, "", name, uuid, sizeof(uuid), XATTR_CREATE);
	}
	return r < 0 ? layer_refuse_errno(lo, (int)r, "upperdir", lo->spec->upperdir) : 0;
}

static int set_prepare_upper(struct layer_opening *lo)
{
	int r = mount_clone_upper(lo);

	if (!r)
		r = inuse_lock(lo);
	if (!r)
		r = workdir_prepare(lo);
	if (!r)
		r = probe_upper(lo);
	if (!r)
		r = write_uuid(lo);
	if (!r)
		r = workdir_write_state(lo);
	return r;
}

/* Who owns a file may set user.* attributes of it, and a redirect leads past all permissions of what lies above its
 * target: in that namespace none is followed that wasn't asked for. */
static void choose_redirects(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;
	bool trusted = set->ns == XATTR_NS_TRUSTED;
	int mode = lo->spec->redirect_dir;

	(void)CHECK(!set->make_redirects && !set->follow_redirects);
	if (mode == REDIRECT_DIR_AUTO)
		mode = trusted ? REDIRECT_DIR_ON : REDIRECT_DIR_OFF;
	set->follow_redirects = mode != REDIRECT_DIR_NOFOLLOW && (trusted || mode != REDIRECT_DIR_OFF);
	set->make_redirects = mode == REDIRECT_DIR_ON && set->has_upper_xattr;
}

/* The same of files whose data lies elsewhere: as in the kernel, they are followed with xattrs in trusted.* alone. */
static int choose_metacopy(struct layer_opening *lo)
{
	struct layer_set *set = lo->set;

	if (lo->spec->metacopy == METACOPY_FOLLOW)
		set->follow_metacopy = set->ns == XATTR_NS_TRUSTED && set->follow_redirects;
	if (lo->spec->metacopy != METACOPY_ON)
		return 0;
	if (set->ns == XATTR_NS_TRUSTED) {
		set->follow_metacopy = true;
		set->make_metacopy = set->has_upper_xattr;
		return 0;
	}
	if (!lo->spec->lenient)
		return layer_refuse(lo, -EPERM, "metacopy", "on",
				    "needs xattrs in trusted.*, and so privilege in the initial user namespace");
	log_warning("metacopy=on has no effect: xattrs are in user.*");
	return 0;
}

static int open_steps(struct layer_opening *lo)
{
	int r = check_options(lo);

	if (!r)
		r = alloc_set(lo);
	if (!r)
		r = open_directories(lo);
	if (r < 0)
		return r;
	lo->set->is_volatile = lo->spec->volatile_upper;
	lo->set->ns = probe_namespace(lo->spec);
	lo->set->aufs = lo->spec->whiteouts == WHITEOUTS_AUFS || lo->spec->whiteouts == WHITEOUTS_BOTH;
	layer_make_identity(lo);
	r = lo->set->has_upper ? set_prepare_upper(lo) : 0;
	if (r)
		return r;
	choose_redirects(lo);
	r = choose_metacopy(lo);
	if (!r)
		r = probe_file_systems(lo);
	if (!r)
		recognise_layers(lo);
	if (!r)
		r = stat_override_prepare(lo);
	if (!r)
		r = idmapped_prepare(lo);
	if (!r)
		r = index_open(lo);
	if (!r)
		r = no_xattrs_open(lo);
	return r < 0 ? r : layer_caches_open(lo);
}

/* S1: the upper is the first layer, and no other is one. S2: each layer knows its place, its path and its root; S3: its
 * file system, but for those that show nothing. S4: what an upper needs is open, and without one nothing is that it
 * needs. */
static bool set_check(const struct layer_set *set)
{
	bool good = CHECK(set->n > 0 && set->n_fs > 0 && set->n_fs <= set->n);

	for (unsigned i = 0; i < set->n + set->n_data; i++) {
		const struct layer *l = &set->layers[i];

		good &= CHECK(l->upper == (set->has_upper && i == 0));	    /* S1 */
		good &= CHECK(l->index == i && l->path && l->root_fd >= 0); /* S2 */
		good &= CHECK(i >= set->n || l->fs < set->n_fs);	    /* S3 */
	}
	if (set->has_upper)
		/* S4 */
		good &= CHECK(set->work_fd >= 0 && set->workdir_fd >= 0 && set->work && layer_upper(set)->real_fd >= 0);
	else
		good &= CHECK(set->work_fd < 0 && !set->work && set->clone_fd < 0); /* S4 */
	return good;
}

static void opening_finish(struct layer_opening *lo)
{
	for (unsigned i = 0; lo->locations && i < lo->n_locations; i++)
		location_finish(&lo->locations[i]);
	location_finish(&lo->mountpoint_location);
	free(lo->locations);
	cleanup_close(&lo->upper_fd);
	cleanup_close(&lo->workdir_fd);
}

int layer_set_open(const struct stack_spec *spec, const char *mountpoint, struct layer_set **ret_set,
		   struct error *ret_error)
{
	FAULT_SCOPE(FAULT_MOUNT);
	bool is_fd = mountpoint && !strncmp(mountpoint, "/dev/fd/", 8);
	struct error error = {0};
	struct layer_opening lo = {
		.spec = spec,
		.mountpoint = is_fd ? NULL : mountpoint,
		.error = &error,
		.upper_fd = -1,
		.workdir_fd = -1,
	};
	int r = open_steps(&lo);

	opening_finish(&lo);
	if (!r) {
		CHECK_DEBUG(set_check(lo.set));
		error_finish(&error);
		*ret_set = lo.set;
		return 0;
	}
	if (lo.wrote_state)
		os_unlinkat(lo.set->workdir_fd, WORK_STATE_NAME, 0);
	if (r != -EALREADY && r != -ENOMEM && !lo.could_show_upper)
		layer_refuse_errno(&lo, r, "layers", NULL);
	layer_set_put(lo.set);
	*ret_error = error;
	return r;
}

struct layer_set *layer_set_get(struct layer_set *set)
{
	unsigned refs = atomic_fetch_add_explicit(&set->refs, 1, memory_order_relaxed);

	(void)CHECK(refs > 0);
	return set;
}

bool layer_upper_is_gone(const struct layer_set *set)
{
	struct statx stx;

	return set->has_upper && ((os_statx(set->layers[0].root_fd, "", &stx) == 0 && stx.stx_nlink == 0) ||
				  (os_statx(set->work_fd, "", &stx) == 0 && stx.stx_nlink == 0));
}

static void set_free(struct layer_set *set)
{
	no_xattrs_free(set);
	layer_caches_stop(set);
	layer_caches_free(set);
	for (unsigned i = 0; set->layers && i < set->n + set->n_data; i++) {
		cleanup_close(&set->layers[i].root_fd);
		cleanup_close(&set->layers[i].real_fd);
		free(set->layers[i].path);
	}
	for (unsigned i = 0; i < set->n_fs; i++)
		cleanup_close(&set->fs[i].handle_fd);
	cleanup_close(&set->work_fd);
	cleanup_close(&set->workdir_fd);
	cleanup_close(&set->clone_fd);
	work_free(set->work);
	index_free(set->index);
	layer_devices_free(set);
	idmap_free(&set->uidmap);
	idmap_free(&set->gidmap);
	free(set->layers);
	free(set->fs);
	free(set);
}

void layer_set_put(struct layer_set *set)
{
	unsigned refs = set ? atomic_fetch_sub_explicit(&set->refs, 1, memory_order_acq_rel) : 0;

	(void)CHECK(!set || refs > 0);
	if (refs == 1)
		set_free(set);
}

/* Whoever wants to mount the upper now sees by the state file's absence that it is worth waiting. Then the sync: what
 * users wrote matters more than a clean work directory. */
void layer_set_shutdown(struct layer_set *set)
{
	FAULT_SCOPE(FAULT_MOUNT);
	int r;

	if (!set->has_upper)
		return;
	r = os_unlinkat(set->workdir_fd, WORK_STATE_NAME, 0);
	if (r < 0 && r != -ENOENT)
		log_warning("%s not removed: %s", WORK_STATE_NAME, strerror(-r));
	r = set->is_volatile ? 0 : os_syncfs(layer_upper(set)->real_fd);
	if (r < 0)
		log_error("upper not synced: %s", strerror(-r));
	work_drop_shared_whiteout(set);
	r = workdir_empty(set);
	if (r < 0)
		log_warning("work directory not emptied: %s", strerror(-r));
}
