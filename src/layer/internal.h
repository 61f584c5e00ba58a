/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of this tier while a layer set is being opened. The steps, in order (set.c):
 *
 *	open and place each directory, clone each lower's mount -> overlap -> clone of upper and work -> lock -> work
 *	directory -> probes -> state file
 *
 * All state is in struct layer_opening; a step that fails has set the error line, and layer_set_put() releases the
 * half-made set.
 */
#ifndef LAYER_INTERNAL_H
#define LAYER_INTERNAL_H

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/macros.h"
#include "format/work_state.h"
#include "layer/device.h"
#include "layer/layer.h"
#include "layer/work.h"

/* A directory that an option names, and where it lies. Says all that the checks need, so that no descriptor is kept for
 * them. */
struct layer_location {
	const char *option; /* "lowerdir"; not owned */
	const char *path;   /* as given; not owned */
	/* owned; [0] itself, then its parents as a path walk meets them, up to the root directory */
	struct layer_id *chain;
	unsigned n_chain;
	unsigned n_mount; /* how many of them, from the start, lie in the same mount */
	uint64_t mnt_id;
	char *where;   /* owned; absolute path, or NULL where it can't be told */
	dev_t sb_dev;  /* of mountinfo, with sb_path */
	char *sb_path; /* owned; path from the root of the file system, or NULL where mountinfo doesn't show it */
	char *fs_type; /* owned; likewise, as the mount table has it: "ext4", "fuse.sshfs" */
};

struct layer_opening {
	const struct stack_spec *spec;
	const char *mountpoint; /* NULL: not checked */
	struct error *error;
	struct layer_set *set;
	struct layer_location *locations; /* one a layer, as set->layers; then the work directory's */
	unsigned n_locations;
	struct layer_location mountpoint_location; /* the mountpoint's */
	bool could_show_upper;			   /* what is in use can be mounted as a layer */
	bool wrote_state;			   /* which goes with the mount that is refused */
	int upper_fd, workdir_fd;		   /* O_RDONLY, as the paths of the options lead there; owned */
};

static inline struct layer_location *layer_work_location(const struct layer_opening *lo)
{
	return &lo->locations[lo->set->n + lo->set->n_data];
}

/* refuse.c. Sets the error line "OPTION: PATH: cause", unless there is one, and returns `err`. */
int layer_refuse(struct layer_opening *lo, int err, const char *option, const char *path, const char *fmt, ...)
	PRINTF_FORMAT(5, 6);
/* The same with the errno's own text. */
int layer_refuse_errno(struct layer_opening *lo, int err, const char *option, const char *path);

/* identity.c */
/* The meaning of a probe's result. 1: the file system can do it. 0: it can't. A negative errno is handed on if it would
 * not come at another time: no space, no descriptor, no memory, a disk that fails. Taken for "can't" it would cost
 * users a feature that they have. */
int layer_supports(int ret);
/* Such an errno, else 0. */
int layer_passing(int ret);

bool layer_id_equal(struct layer_id a, struct layer_id b);
/* An order of all objects, as for qsort(3). */
int layer_id_compare(struct layer_id a, struct layer_id b);
struct layer_id layer_id_of(const struct statx *stx);

/* mount_identity.c: fills in layer_set.identity. */
void layer_make_identity(struct layer_opening *lo);

/* overlap.c: finds out where the directory at `fd` lies (chain, mount, path); sb_path comes from
 * location_in_file_systems(). */
int location_read(struct layer_location *location, int fd);
void location_finish(struct layer_location *location);
/* The rest of `path` beneath directory `dir`: "" for the same, "/..." below it, NULL elsewhere. */
const char *layer_path_beneath(const char *dir, const char *path);
int location_in_file_systems(struct layer_location *locations, unsigned n);
/* -ELOOP when layers overlap, or the mountpoint lies where the work directory's own things are; only decides. */
int overlap_check(struct layer_opening *lo);
int overlap_check_mountpoint(struct layer_opening *lo);

/* mount_clone.c: a descriptor (O_PATH) of the directory at fd in a read-only clone of its mount, or in the mount
 * itself. */
int mount_clone_read_only(int fd, const char *path, bool *ret_cloned);
int mount_clone_lower(int fd, struct layer *l);
int mount_clone_upper(struct layer_opening *lo);

/* inuse.c: takes the locks that make upper and work ours alone. */
int inuse_lock(struct layer_opening *lo);

/* workdir.c */
int workdir_read_state(int workdir_fd, struct work_state *ret);
int workdir_prepare(struct layer_opening *lo);
/* Resets mode and ACLs of a directory in WORKDIR: files made in it would inherit setgid and default ACLs. */
int workdir_reset_permissions(const struct layer_set *set, int fd);
int workdir_write_state(struct layer_opening *lo);
/* Removes everything in work/ but incompat/. */
int workdir_empty(struct layer_set *set);

/* index_mount.c: after the probes. Leaves layer_set.index NULL where the union is to have none. */
int index_open(struct layer_opening *lo);
void index_free(struct layer_index *index);

/* cache.c: opens what layer_cache has of the lower layers; at last, as it depends on how they are read. */
int layer_caches_open(struct layer_opening *lo);
/* After layer_caches_stop(). */
void layer_caches_free(struct layer_set *set);

/* no_xattrs.c: whether it is to be asked. */
int no_xattrs_open(struct layer_opening *lo);
void no_xattrs_free(struct layer_set *set);

/* probe.c */
enum xattr_ns probe_namespace(const struct stack_spec *spec);
/* Whether attributes in trusted.* are shown to us. */
bool probe_sees_trusted(void);
/* Whether the layer's file system can have such an attribute. */
bool probe_attribute(const struct layer *l, const char *xattr);
/* Tells the layers' file systems and devices apart, and what they can do. */
int probe_file_systems(struct layer_opening *lo);
int probe_upper(struct layer_opening *lo);

/* open.c: 1 when another mount covers `name`, 0, or -errno. *ret_stx is as layer_statx() gives it for such a name. */
int layer_statx_overmounted(int dirfd, const char *name, struct statx *ret_stx);
/* device.c: whether the layer's root is of a device that is known, and so its file system. */
bool device_join(struct layer_set *set, struct layer *l, const struct statx *stx);

/* recognise.c: whether files of the file system at fd say that they are empty, whatever is read from them. The kernel
 * reads a FUSE file no further than its size. */
bool recognise_hides_sizes(int fd);
/* Whether an attribute of `name` in the work directory, which has an xattr, is listed: 1, 0 or -errno. */
int recognise_lists_xattr(const struct layer_set *set, const char *name);
/* Finds out the fate of open objects that are removed from the upper (enum removed_form). 0 or -errno. */
int recognise_removed(struct layer_set *set);
/* Finds out what isn't to be expected of the layers' file systems, when their devices are known. */
void recognise_layers(struct layer_opening *lo);

/* stat_override.c: finds out which layers keep owners in an attribute, and makes the upper one of them where that was
 * asked for. */
int stat_override_prepare(struct layer_opening *lo);
/* Attributes of an object in such a layer. */
int stat_override_statx(const struct layer *l, int dirfd, const char *name, struct statx *ret_stx);

/* idmapped.c: finds out which lower layers have ids that are mapped already. */
int idmapped_prepare(struct layer_opening *lo);
void idmapped_statx(const struct layer *l, struct statx *stx);

/* work.c */
int work_new(struct layer_work **ret_work);
void work_free(struct layer_work *work);
/* Forgets the shared whiteout and removes its name. */
void work_drop_shared_whiteout(struct layer_set *set);

#endif
