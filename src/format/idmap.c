/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Id maps. A handful of ranges is the rule, so they are searched in order.
 */
#include "format/idmap.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"

enum { FIELD_LAYER, FIELD_MOUNT, FIELD_LEN, FIELDS };

static int fail(struct idmap_error *ret_error, const char *from, const char *to, const char *cause)
{
	(void)CHECK(from <= to);
	snprintf(ret_error->where, sizeof(ret_error->where), "%.*s", (int)(to - from), from);
	ret_error->cause = cause;
	return -EINVAL;
}

/* One decimal number that fills the field; ids end at 2^32 - 2, since 2^32 - 1 means "no id": so many there can be. */
static const char *field_parse(const char *field, size_t len, int which, uint32_t *ret)
{
	uint64_t max = which == FIELD_LEN ? UINT32_MAX : UINT32_MAX - 1;
	uint64_t value = 0;

	(void)CHECK(len > 0 && which < FIELDS);
	for (size_t i = 0; i < len; i++) {
		if (!isdigit((unsigned char)field[i]))
			return "not a number";
		value = value * 10 + (uint64_t)(field[i] - '0');
		if (value > max)
			return "number too large";
	}
	*ret = (uint32_t)value;
	return NULL;
}

static bool ranges_meet(uint32_t a, uint32_t a_len, uint32_t b, uint32_t b_len)
{
	return a < (uint64_t)b + b_len && b < (uint64_t)a + a_len;
}

static const char *range_check(const struct idmap *map, const struct idmap_range *range)
{
	if (!range->len)
		return "length is zero";
	if ((uint64_t)range->layer + range->len > UINT32_MAX || (uint64_t)range->mount + range->len > UINT32_MAX)
		return "range goes beyond the largest id";
	for (size_t i = 0; i < map->count; i++) {
		const struct idmap_range *other = &map->ranges[i];

		if (ranges_meet(range->layer, range->len, other->layer, other->len) ||
		    ranges_meet(range->mount, range->len, other->mount, other->len))
			return "overlaps an earlier range";
	}
	return NULL;
}

static int range_add(struct idmap *map, const struct idmap_range *range)
{
	struct idmap_range *next = ARRAY_NEXT(map->ranges, map->count);

	(void)CHECK(range->len > 0);
	if (!next)
		return -ENOMEM;
	*next = *range;
	map->count++;
	return 0;
}

/* End of the triple that starts at `start`, for the message: as many fields as it has, at most three. */
static const char *triple_end(const char *start)
{
	const char *p = start;

	for (int field = 0; field < FIELDS && *p; field++) {
		p += *p == ':' ? 1 : 0;
		p += strcspn(p, ":");
	}
	return p;
}

static int map_fill(const char *text, struct idmap *map, struct idmap_error *ret_error)
{
	const char *triple = text;
	uint32_t fields[FIELDS] = {0};
	int have = 0;

	for (const char *p = text; *p; p += *p == ':' ? 1 : 0) {
		size_t len = strcspn(p, ":");
		const char *cause;

		if (!len)
			continue;
		if (!have)
			triple = p;
		cause = field_parse(p, len, have, &fields[have]);
		p += len;
		if (!cause && ++have == FIELDS) {
			struct idmap_range range = {fields[FIELD_LAYER], fields[FIELD_MOUNT], fields[FIELD_LEN]};

			have = 0;
			cause = range_check(map, &range);
			if (!cause && range_add(map, &range) < 0)
				return -ENOMEM;
		}
		if (cause)
			return fail(ret_error, triple, triple_end(triple), cause);
	}
	if (have)
		return fail(ret_error, triple, triple + strlen(triple), "not a triple HOST:MAPPED:LEN");
	return 0;
}

int idmap_parse(const char *text, struct idmap *ret, struct idmap_error *ret_error)
{
	struct idmap map = {.ranges = NULL};
	int r = map_fill(text, &map, ret_error);

	if (r < 0) {
		idmap_free(&map);
		return r;
	}
	*ret = map;
	return 0;
}

void idmap_free(struct idmap *map)
{
	free(map->ranges);
	*map = (struct idmap){.ranges = NULL};
}

int idmap_copy(const struct idmap *map, struct idmap *ret)
{
	struct idmap copy = {.count = map->count};

	(void)CHECK(!map->count == !map->ranges);
	if (map->count) {
		copy.ranges = reallocarray(NULL, map->count, sizeof(*copy.ranges));
		if (!copy.ranges)
			return -ENOMEM;
		memcpy(copy.ranges, map->ranges, map->count * sizeof(*copy.ranges));
	}
	*ret = copy;
	return 0;
}

static int map_id(const struct idmap *map, bool to_layer, uint32_t id, uint32_t *ret_id)
{
	if (idmap_is_empty(map)) {
		*ret_id = id;
		return 0;
	}
	for (size_t i = 0; i < map->count; i++) {
		const struct idmap_range *range = &map->ranges[i];
		uint32_t from = to_layer ? range->mount : range->layer, to = to_layer ? range->layer : range->mount;

		if (id >= from && id - from < range->len) {
			*ret_id = to + (id - from);
			return 0;
		}
	}
	return -EOVERFLOW;
}

int idmap_to_mount(const struct idmap *map, uint32_t id, uint32_t *ret_id)
{
	return map_id(map, false, id, ret_id);
}

int idmap_to_layer(const struct idmap *map, uint32_t id, uint32_t *ret_id)
{
	return map_id(map, true, id, ret_id);
}
