/* SPDX-License-Identifier: Apache-2.0 */
/*
 * ACLs are worked on as bytes: they are at most 64 KiB, need no allocation and go back to the kernel unchanged but for
 * the permission bits of three entries.
 */
#include "format/acl.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>

#include "bytes.h"
#include "base/check.h"

#define ACL_VERSION 2
#define HEADER_SIZE 4
#define ENTRY_SIZE 8
#define ID_UNDEFINED UINT32_MAX
#define PERM_ALL 7U

enum {
	TAG_USER_OBJ = 0x01,
	TAG_USER = 0x02,
	TAG_GROUP_OBJ = 0x04,
	TAG_GROUP = 0x08,
	TAG_MASK = 0x10,
	TAG_OTHER = 0x20,
};

/* Places of the entries that a mode maps to; `mask` and `named` are absent in the minimal ACL. */
struct acl_shape {
	size_t user, group, mask, other;
	bool named;
};

static unsigned get_perm(const uint8_t *acl, size_t at)
{
	return get16(acl + at + 2);
}

static void set_perm(uint8_t *acl, size_t at, unsigned perm)
{
	acl[at + 2] = (uint8_t)(perm & PERM_ALL);
	acl[at + 3] = 0;
}

/* What may follow what: owner, named users, group, named groups, mask, others; each single one exactly once. */
static int shape_add(struct acl_shape *shape, const uint8_t *acl, size_t at)
{
	bool has_id = get32(acl + at + 4) != ID_UNDEFINED;

	if (get_perm(acl, at) & ~PERM_ALL || shape->other)
		return -EINVAL;
	switch (get16(acl + at)) {
	case TAG_USER_OBJ:
		if (shape->user)
			return -EINVAL;
		shape->user = at;
		return 0;
	case TAG_USER:
		shape->named = true;
		return shape->user && !shape->group && has_id ? 0 : -EINVAL;
	case TAG_GROUP_OBJ:
		if (!shape->user || shape->group)
			return -EINVAL;
		shape->group = at;
		return 0;
	case TAG_GROUP:
		shape->named = true;
		return shape->group && !shape->mask && has_id ? 0 : -EINVAL;
	case TAG_MASK:
		if (!shape->group || shape->mask)
			return -EINVAL;
		shape->mask = at;
		return 0;
	case TAG_OTHER:
		if (!shape->group || (shape->named && !shape->mask))
			return -EINVAL;
		shape->other = at;
		return 0;
	default:
		return -EINVAL;
	}
}

static int acl_shape(const uint8_t *acl, size_t size, struct acl_shape *ret_shape)
{
	struct acl_shape shape = {.user = 0};

	if (size < HEADER_SIZE)
		return -EINVAL;
	if (get32(acl) != ACL_VERSION)
		return -EOPNOTSUPP;
	if ((size - HEADER_SIZE) % ENTRY_SIZE)
		return -EINVAL;
	for (size_t at = HEADER_SIZE; at < size; at += ENTRY_SIZE) {
		int r = shape_add(&shape, acl, at);

		if (r < 0)
			return r;
	}
	if (!shape.other)
		return -EINVAL;
	*ret_shape = shape;
	return 0;
}

/* Permission bits of the mode's three classes, as the ACL's entries give them. */
static mode_t shape_mode(const struct acl_shape *shape, const uint8_t *acl)
{
	(void)CHECK(shape->user && shape->group && shape->other);
	return get_perm(acl, shape->user) << 6 | get_perm(acl, shape->mask ? shape->mask : shape->group) << 3 |
	       get_perm(acl, shape->other);
}

/* The mask has the mode's bits of the group where there is one: the group's own entry then keeps what it had. */
static void shape_set_mode(const struct acl_shape *shape, uint8_t *acl, mode_t mode)
{
	(void)CHECK(shape->user && shape->group && shape->other);
	set_perm(acl, shape->user, mode >> 6);
	set_perm(acl, shape->mask ? shape->mask : shape->group, mode >> 3);
	set_perm(acl, shape->other, mode);
}

int acl_map_ids(void *value, size_t size, int (*map)(void *arg, bool group, uint32_t *id), void *arg)
{
	struct acl_shape shape;
	int r = acl_shape(value, size, &shape);

	for (size_t at = HEADER_SIZE; r == 0 && at < size; at += ENTRY_SIZE) {
		uint8_t *entry = (uint8_t *)value + at;
		uint32_t id = get32(entry + 4);

		if (get16(entry) != TAG_USER && get16(entry) != TAG_GROUP)
			continue;
		r = map(arg, get16(entry) == TAG_GROUP, &id);
		for (unsigned i = 0; r == 0 && i < 4; i++)
			entry[4 + i] = (uint8_t)(id >> 8 * i);
	}
	return r;
}

int acl_create(const void *value, size_t size, mode_t mode, void *ret_access, mode_t *ret_mode)
{
	struct acl_shape shape;
	mode_t both;
	int r = acl_shape(value, size, &shape);

	if (r < 0)
		return r;
	/* Neither may grant what the other doesn't. */
	both = mode & shape_mode(&shape, value) & ACCESSPERMS;
	if (ret_access != value)
		memcpy(ret_access, value, size);
	shape_set_mode(&shape, ret_access, both);
	*ret_mode = (mode & ~(mode_t)ACCESSPERMS) | both;
	return shape.named || shape.mask ? 1 : 0;
}
