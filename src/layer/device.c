/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The devices of a union's objects, and the numbers that the union shows.
 *
 * At most one device is plain: its objects show the numbers that they have. Any other device has a value in bits 48 to
 * 62 of its numbers, which is taken from what lasts, so that numbers stay the same when layers are added, change their
 * order or are mounted again. Values that are taken make way for the next one; then they depend on the order.
 *
 * Numbers of more than 48 bits are shortened where there are several devices.
 */
#include "layer/device.h"

#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <xxhash.h>

#include "base/check.h"
#include "base/lock.h"
#include "base/log.h"
#include "base/macros.h"
#include "internal.h"
#include "os/fs.h"
#include "os/mount.h"

#define INO_BITS 48
#define INO_MASK ((UINT64_C(1) << INO_BITS) - 1)
#define VALUES 0x7fffU /* 15 bits: 1 to this */
#define TABLE_SIZE 0x10000U
#define NO_DEVICE UINT_MAX

struct device {
	dev_t dev;
	uint32_t fs;	/* of the layer that has it */
	uint16_t value; /* 1 to VALUES */
	bool vague;
};

/* Both arrays have room for all; the pages of what isn't used are never touched. */
struct layer_devices {
	struct lock lock; /* leaf: n, table, taken */
	unsigned n;
	struct device *all;	       /* each is constant from when its number is given out */
	uint16_t *table;	       /* numbers + 1 by device; open addressing */
	unsigned plain;		       /* c NO_DEVICE: none */
	bool shortens;		       /* c the plain device's numbers of more than 48 bits too */
	uint8_t taken[VALUES / 8 + 1]; /* a bit for each value */
};

int layer_devices_new(struct layer_set *set)
{
	struct layer_devices *d = calloc(1, sizeof(*d));

	(void)CHECK(!set->devices);
	if (!d)
		return -ENOMEM;
	lock_init(&d->lock, LOCK_LEAF);
	set->devices = d;
	d->all = calloc(VALUES, sizeof(*d->all));
	d->table = calloc(TABLE_SIZE, sizeof(*d->table));
	return d->all && d->table ? 0 : -ENOMEM;
}

void layer_devices_free(struct layer_set *set)
{
	struct layer_devices *d = set->devices;

	if (!d)
		return;
	lock_finish(&d->lock);
	free(d->all);
	free(d->table);
	free(d);
	set->devices = NULL;
}

/* --- the table ---------------------------------------------------------------------------------------------------- */

/* The slot of the device, or the free one where it would be. The kernel numbers devices one after the other. */
static uint16_t *device_slot_of(const struct layer_devices *d, dev_t dev)
{
	unsigned at = (major(dev) * 257 + minor(dev)) % TABLE_SIZE;

	(void)CHECK(lock_held(&d->lock) && d->n <= VALUES);
	while (d->table[at] && d->all[d->table[at] - 1].dev != dev)
		at = (at + 1) % TABLE_SIZE;
	return &d->table[at];
}

static int device_find(struct layer_devices *d, dev_t dev)
{
	int device;

	LOCK_SCOPE(&d->lock);
	device = *device_slot_of(d, dev) - 1;
	return device >= 0 && d->all[device].vague ? device | (int)DEVICE_VAGUE : device;
}

/* Only called while one is free. */
static uint16_t take_value(struct layer_devices *d, uint64_t key)
{
	unsigned at = (unsigned)(key % VALUES);

	(void)CHECK(lock_held(&d->lock) && d->n < VALUES);
	while (d->taken[at / 8] & 1U << at % 8)
		at = (at + 1) % VALUES;
	d->taken[at / 8] |= (uint8_t)(1U << at % 8);
	return (uint16_t)(at + 1);
}

static int device_add(struct layer_devices *d, dev_t dev, unsigned fs, uint64_t key)
{
	uint16_t *slot;

	LOCK_SCOPE(&d->lock);
	slot = device_slot_of(d, dev);
	if (*slot)
		return *slot - 1;
	if (d->n == VALUES)
		return -EOVERFLOW;
	d->all[d->n] = (struct device){.dev = dev, .fs = fs, .value = take_value(d, key)};
	*slot = (uint16_t)++d->n;
	return *slot - 1;
}

/* --- what lasts of a device --------------------------------------------------------------------------------------- */

static uint64_t hash_dev(uint64_t seed, dev_t dev)
{
	return XXH3_64bits_withSeed(&dev, sizeof(dev), seed);
}

/* Subvolumes are told by the number that btrfs gave them, and in one file system no two of them get the same value. Of
 * other devices within a file system nothing lasts, and of what is mounted on a name nothing is asked: it may be our
 * own mount. */
static uint64_t device_key_of(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
			      const struct statx *stx)
{
	const struct layer_fs *fs = &set->fs[l->fs];
	bool is_mount_root = *name && (stx->stx_attributes & STATX_ATTR_MOUNT_ROOT);
	uint64_t subvolume;

	if (fs->subvolumes && !is_mount_root && os_subvolume(dirfd, name, &subvolume) == 0)
		return fs->id + subvolume;
	return hash_dev(is_mount_root ? 0 : fs->id, layer_dev_of(stx));
}

bool device_join(struct layer_set *set, struct layer *l, const struct statx *stx)
{
	int device = device_find(set->devices, layer_dev_of(stx));

	if (device < 0)
		return false;
	l->dev = layer_dev_of(stx);
	l->device = (uint16_t)device;
	l->fs = set->devices->all[device].fs; /* none is vague yet */
	return true;
}

int layer_devices_add(struct layer_set *set, struct layer *l, const struct statx *root)
{
	const struct layer_fs *fs = &set->fs[l->fs];
	uint64_t key = fs->subvolumes ? device_key_of(set, l, l->root_fd, "", root) : fs->id;
	int device = device_add(set->devices, layer_dev_of(root), l->fs, key);

	(void)CHECK(l->fs < set->n_fs);
	if (device < 0)
		return device;
	l->dev = layer_dev_of(root);
	l->device = (uint16_t)device;
	return 0;
}

/* A file system that wasn't known to span devices does. */
static void note_spans(const struct layer_set *set, const struct layer *l, const struct statx *stx)
{
	struct layer_fs *fs = &set->fs[l->fs];
	unsigned char none = SPANS_NOTHING;

	(void)CHECK(l->fs < set->n_fs);
	if (!(stx->stx_attributes & STATX_ATTR_MOUNT_ROOT))
		atomic_compare_exchange_strong(&fs->spans, &none, SPANS_ALL);
}

static int device_of(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
		     const struct statx *stx)
{
	dev_t dev = layer_dev_of(stx);
	int device = device_find(set->devices, dev);

	note_spans(set, l, stx);
	if (device < 0)
		device = device_add(set->devices, dev, l->fs, device_key_of(set, l, dirfd, name, stx));
	if (device == -EOVERFLOW)
		log_limited(LOG_CAUSE_LAYER, LOG_ERR, "layer %s: more than %u subvolumes or devices", l->path, VALUES);
	return device;
}

int layer_object(const struct layer_set *set, const struct layer *l, int dirfd, const char *name,
		 const struct statx *stx, struct object_id *ret)
{
	int device = layer_dev_of(stx) == l->dev ? l->device : device_of(set, l, dirfd, name, stx);

	if (device < 0)
		return device;
	*ret = (struct object_id){.ino = stx->stx_ino, .device = (uint16_t)device};
	return 0;
}

int layer_root_object(const struct layer_set *set, const struct layer *l, const struct statx *stx,
		      struct object_id *ret)
{
	int r = layer_object(set, l, l->root_fd, "", stx, ret);

	if (r == 0 && l->numbers_by_name)
		ret->ino = l->root_number;
	return r;
}

uint64_t layer_number_of_root(const char *path)
{
	return (XXH3_64bits(path, strlen(path)) & INO_MASK) | 1;
}

void layer_number_by_name(const struct layer *l, uint64_t dir, const char *name, struct object_id *id)
{
	(void)CHECK(*name);
	/* What is mounted there has numbers of its own. */
	if (l->numbers_by_name && id->device == l->device)
		id->ino = (XXH3_64bits_withSeed(name, strlen(name), dir) & INO_MASK) | 1;
}

static const struct device *device_at(const struct layer_set *set, uint16_t device)
{
	(void)CHECK((device & ~DEVICE_VAGUE) < VALUES);
	return &set->devices->all[device & ~DEVICE_VAGUE];
}

bool layer_is_object(const struct layer_set *set, struct object_id id, const struct statx *stx)
{
	return (id.ino == stx->stx_ino || object_id_is_vague(id)) &&
	       device_at(set, id.device)->dev == layer_dev_of(stx);
}

void layer_device_is_vague(struct layer_set *set, const struct layer *l)
{
	uint16_t device = l->device & (uint16_t)~DEVICE_VAGUE;

	set->devices->all[device].vague = true;
	for (unsigned i = 0; i < set->n; i++)
		if (set->layers[i].device == device)
			set->layers[i].device |= DEVICE_VAGUE;
	if (set->devices->plain == device)
		set->devices->plain |= DEVICE_VAGUE;
}

enum layer_spans layer_spans(const struct layer_set *set, const struct layer *l)
{
	enum layer_spans spans = atomic_load_explicit(&set->fs[l->fs].spans, memory_order_relaxed);

	/* Other mounts may lie in it. */
	return l->cloned ? spans : MAX(spans, SPANS_DIRECTORIES);
}

/* --- numbers ------------------------------------------------------------------------------------------------------ */

/* The upper's is plain, as in the kernel: with what they make, 32-bit programs get along. Without an upper none is
 * where there are several, or one more layer could change the numbers of others. */
void layer_devices_settle(struct layer_set *set)
{
	struct layer_devices *d = set->devices;

	(void)CHECK(d->n > 0);
	d->plain = set->has_upper || set->shows_upper || d->n == 1 ? set->layers[0].device : NO_DEVICE;
	d->shortens = d->n > 1;
	for (unsigned i = 0; i < set->n; i++)
		d->shortens |= layer_spans(set, &set->layers[i]) != SPANS_NOTHING;
}

/* The finalizer of splitmix64: the same in every process, so that the number stays the same over a remount. */
static uint64_t fold_ino(uint64_t ino)
{
	ino = (ino ^ (ino >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	ino = (ino ^ (ino >> 27)) * UINT64_C(0x94d049bb133111eb);
	ino = (ino ^ (ino >> 31)) & INO_MASK;
	return ino ? ino : 1;
}

uint64_t layer_other_ino(uint64_t ino)
{
	return fold_ino(ino + UINT64_C(0x9e3779b97f4a7c15));
}

/* What the plain device's numbers have in an xattr; 0 where that wouldn't last. */
static uint64_t plain_bits(const struct layer_set *set)
{
	const struct layer_devices *d = set->devices;
	const struct device *plain = d->plain == NO_DEVICE ? NULL : device_at(set, (uint16_t)d->plain);

	return plain && set->fs[plain->fs].has_uuid ? (uint64_t)plain->value << INO_BITS : 0;
}

uint64_t layer_lasting_ino(const struct layer_set *set, uint64_t shown)
{
	return shown & ~INO_MASK ? shown : shown | plain_bits(set);
}

uint64_t layer_shown_ino(const struct layer_set *set, uint64_t lasting)
{
	uint64_t bits = lasting & ~INO_MASK;

	return bits && bits == plain_bits(set) ? lasting & INO_MASK : lasting;
}

uint64_t layer_union_ino(const struct layer_set *set, struct object_id id)
{
	const struct layer_devices *d = set->devices;
	bool plain = id.device == d->plain;
	uint64_t ino = id.ino;

	if ((ino & ~INO_MASK) && (d->shortens || !plain)) {
		log_limited(LOG_CAUSE_LAYER, LOG_NOTICE, "inode numbers of more than %d bits are shortened", INO_BITS);
		ino = fold_ino(ino);
	}
	return plain ? ino : ino | (uint64_t)device_at(set, id.device)->value << INO_BITS;
}
