/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity. An object of a layer is the device that it lies on and its inode number there, as stat(2) tells both. A
 * layer may hold several devices, and each counts its numbers from the start: subvolumes and snapshots of btrfs, a
 * kernel overlay over several file systems, and overmounted directories. So a number without its device identifies no
 * object, and the file system of a layer's root says nothing about the objects in the layer.
 *
 * A device is vague if its numbers don't last, or if several objects have one number (many file systems on FUSE). No
 * number tells its objects apart, and identity rests on names. Names of lower layers don't change. In the upper nothing
 * is opened by a name while names change (tree/tree.h).
 *
 * The set numbers devices as it meets them, those of the layers' roots first. This number is small, because each known
 * inode keeps one, and it is valid for this set only. Lasting values are made of the uuid of the file system and, on
 * btrfs, the id of the subvolume. Thread-safe.
 */
#ifndef LAYER_DEVICE_H
#define LAYER_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/sysmacros.h>

#include "layer/layer.h"

/* An object of any layer. Two layers that hold the same object give the same value. */
struct object_id {
	uint64_t ino;
	uint16_t device; /* number in the set, and DEVICE_VAGUE */
};

#define DEVICE_VAGUE 0x8000U

static inline bool object_id_is_vague(struct object_id id)
{
	return id.device & DEVICE_VAGUE;
}
/* Whether both are certainly the same object. */
static inline bool object_id_equal(struct object_id a, struct object_id b)
{
	return a.ino == b.ino && a.device == b.device && !object_id_is_vague(a);
}
/* Whether the object that was found by the name of `a` may be that object. False if it is certainly another. */
static inline bool object_id_fits(struct object_id a, struct object_id b)
{
	return a.device == b.device && (a.ino == b.ino || object_id_is_vague(a));
}

/* For layer_set_open(). layer_devices_new() makes the table. layer_devices_add() adds the device of a layer's root,
 * whose file system is known; -EOVERFLOW if there are more devices than can be told apart. layer_devices_settle() sets
 * the numbers that objects show. -ENOMEM. */
int layer_devices_new(struct layer_set *set);
int layer_devices_add(struct layer_set *set, struct layer *l, const struct statx *root);
void layer_devices_settle(struct layer_set *set);
void layer_devices_free(struct layer_set *set);

/* The object `name` at dirfd ("": dirfd itself) of layer `l`, with the attributes `stx`. 0; -EOVERFLOW if there are
 * more devices than can be told apart. It makes a system call only for a device that is met for the first time. */
int layer_object(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
		 const struct statx *stx, struct object_id *ret);
/* The same for the layer's root. */
int layer_root_object(const struct layer_set *set, const struct layer *l, const struct statx *stx,
		      struct object_id *ret);
uint64_t layer_number_of_root(const char *path);
/* Sets the number of an object in the directory with number `dir`, if the layer's file system has no lasting numbers
 * (layer.numbers_by_name). The number is made of the name. */
void layer_number_by_name(const struct layer *l, uint64_t dir, const char *name, struct object_id *id);
/* For layer_set_open(): marks the layer's device as vague. */
void layer_device_is_vague(struct layer_set *set, const struct layer *l);
/* Whether the device of the upper is vague. */
static inline bool layer_upper_is_vague(const struct layer_set *set)
{
	return set->has_upper && (set->layers[0].device & DEVICE_VAGUE);
}
/* Whether `stx` may be of this object. False if it is certainly of another. */
bool layer_is_object(const struct layer_set *set, struct object_id id, const struct statx *stx);

static inline dev_t layer_dev_of(const struct statx *stx)
{
	return makedev(stx->stx_dev_major, stx->stx_dev_minor);
}
/* Whether both are attributes of one object. */
static inline bool layer_same_object(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && layer_dev_of(a) == layer_dev_of(b);
}

/* The st_ino that the union shows for an object. */
uint64_t layer_union_ino(const struct layer_set *set, struct object_id id);

/* Another number for an object whose number is taken, on the upper's device. */
uint64_t layer_other_ino(uint64_t ino);

/* The form of a number in an xattr, and the way back. Another union, in which another device is the upper's, reads it
 * too. */
uint64_t layer_lasting_ino(const struct layer_set *set, uint64_t shown);
uint64_t layer_shown_ino(const struct layer_set *set, uint64_t lasting);

/* The names of a directory that may be on another device than the directory. For these, the number from reading the
 * directory isn't their own. */
enum layer_spans {
	SPANS_NOTHING,
	SPANS_DIRECTORIES, /* directories may be */
	SPANS_ALL,
};
enum layer_spans layer_spans(const struct layer_set *set, const struct layer *l);

#endif
