/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Identity. An object of a layer is the device that it lies on and its inode number there, as stat(2) tells both. A
 * layer may hold several devices, which each count their numbers from the start: subvolumes and snapshots of btrfs, a
 * kernel overlay over several file systems, and what other mounts cover. So no number says which object it is without
 * its device, and the file system of a layer's root says nothing about what lies in it.
 *
 * Where numbers don't last or several objects have one (many file systems on FUSE) a device is vague: no number tells
 * its objects apart, and identity rests on names. Those of lower layers don't change; in the upper nothing is opened by
 * a name while names change (tree/tree.h).
 *
 * Devices are numbered by the set as they are met, those of the layers' roots first. The number is small, for each
 * known inode keeps one, and is valid for this set alone; what has to last is made of the uuid of the file system and,
 * on btrfs, the subvolume's id. Thread-safe.
 */
#ifndef LAYER_DEVICE_H
#define LAYER_DEVICE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/sysmacros.h>

#include "layer/layer.h"

/* An object of whatever layer; the same one where two layers hold it. */
struct object_id {
	uint64_t ino;
	uint16_t device; /* number in the set, and DEVICE_VAGUE */
};

#define DEVICE_VAGUE 0x8000U

static inline bool object_id_is_vague(struct object_id id)
{
	return id.device & DEVICE_VAGUE;
}
/* Certainly the same object. */
static inline bool object_id_equal(struct object_id a, struct object_id b)
{
	return a.ino == b.ino && a.device == b.device && !object_id_is_vague(a);
}
/* Whether what was found by the name of `a` may be that object: false where it is certainly another. */
static inline bool object_id_fits(struct object_id a, struct object_id b)
{
	return a.device == b.device && (a.ino == b.ino || object_id_is_vague(a));
}

/* For who makes a set. The table; then the device of each layer's root, whose file system is known: -EOVERFLOW when
 * there are more than can be told apart; at last the numbers that objects show. -ENOMEM. */
int layer_devices_new(struct layer_set *set);
int layer_devices_add(struct layer_set *set, struct layer *l, const struct statx *root);
void layer_devices_settle(struct layer_set *set);
void layer_devices_free(struct layer_set *set);

/* The object `name` at dirfd ("": dirfd itself) of layer `l`, of which `stx` was told. 0; -EOVERFLOW when there are
 * more devices than can be told apart. No system call but for a device that is met for the first time. */
int layer_object(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
		 const struct statx *stx, struct object_id *ret);
/* The same for the layer's root. */
int layer_root_object(const struct layer_set *set, const struct layer *l, const struct statx *stx,
		      struct object_id *ret);
uint64_t layer_number_of_root(const char *path);
/* Of an object in the directory that is number `dir`: where the layer's file system tells no number that lasts
 * (layer.numbers_by_name) it gets one that is made of its name. */
void layer_number_by_name(const struct layer *l, uint64_t dir, const char *name, struct object_id *id);
/* For who makes a set: the layer's device is vague. */
void layer_device_is_vague(struct layer_set *set, const struct layer *l);
/* Whether the upper is. */
static inline bool layer_upper_is_vague(const struct layer_set *set)
{
	return set->has_upper && (set->layers[0].device & DEVICE_VAGUE);
}
/* Whether `stx` was told of that object, as far as can be told. */
bool layer_is_object(const struct layer_set *set, struct object_id id, const struct statx *stx);

static inline dev_t layer_dev_of(const struct statx *stx)
{
	return makedev(stx->stx_dev_major, stx->stx_dev_minor);
}
/* Whether two were told of one object. */
static inline bool layer_same_object(const struct statx *a, const struct statx *b)
{
	return a->stx_ino == b->stx_ino && layer_dev_of(a) == layer_dev_of(b);
}

/* st_ino that the union shows for an object. */
uint64_t layer_union_ino(const struct layer_set *set, struct object_id id);

/* Another number in the place of one that is taken, on the upper's device. */
uint64_t layer_other_ino(uint64_t ino);

/* The same as an xattr keeps it, which also unions read to whom another device is the plain one; and back. */
uint64_t layer_lasting_ino(const struct layer_set *set, uint64_t shown);
uint64_t layer_shown_ino(const struct layer_set *set, uint64_t lasting);

/* Which names of a directory may be of another device than itself, so that the number that reading the directory tells
 * isn't theirs. */
enum layer_spans {
	SPANS_NOTHING,
	SPANS_DIRECTORIES, /* directories may */
	SPANS_ALL,
};
enum layer_spans layer_spans(const struct layer_set *set, const struct layer *l);

#endif
