// SPDX-License-Identifier: Apache-2.0
/*
 * Parts of a step, and their key.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/check.h"
#include "store/cache.h"

static const char domain[] = "plyfs.cache/1";

int cache_parts_add(struct cache_parts *parts, const char *name, struct cache_part **ret)
{
	struct cache_part *next = ARRAY_NEXT(parts->list, parts->n);

	(void)CHECK(*name);
	if (!next)
		return -ENOMEM;
	*next = (struct cache_part){.name = strdup(name)};
	if (!next->name)
		return -ENOMEM;
	parts->n++;
	*ret = next;
	return 0;
}

int cache_part_set(struct cache_part *part, enum cache_field field, const char *text)
{
	if (!CHECK(field < CACHE_FIELDS && !part->fields[field]))
		return -EIO;
	part->fields[field] = strdup(text);
	return part->fields[field] ? 0 : -ENOMEM;
}

int cache_part_set_digest(struct cache_part *part, enum cache_field field, const void *data, size_t len)
{
	char digest[DIGEST_SIZE];
	int r = digest_of(data, len, digest);

	return r < 0 ? r : cache_part_set(part, field, digest);
}

int cache_parts_add_value(struct cache_parts *parts, const char *name, const char *value)
{
	struct cache_part *part;
	int r = cache_parts_add(parts, name, &part);

	return r < 0 ? r : cache_part_set(part, CACHE_VALUE, value);
}

int cache_parts_add_digest(struct cache_parts *parts, const char *name, const void *data, size_t len)
{
	struct cache_part *part;
	int r = cache_parts_add(parts, name, &part);

	return r < 0 ? r : cache_part_set_digest(part, CACHE_VALUE, data, len);
}

int cache_parts_move(struct cache_parts *parts, struct cache_parts *from)
{
	(void)CHECK(parts != from);
	for (size_t i = 0; i < from->n; i++) {
		struct cache_part *next = ARRAY_NEXT(parts->list, parts->n);

		if (!next)
			return -ENOMEM;
		*next = from->list[i];
		from->list[i] = (struct cache_part){.name = NULL};
		parts->n++;
	}
	from->n = 0;
	return 0;
}

void cache_parts_finish(struct cache_parts *parts)
{
	for (size_t i = 0; i < parts->n; i++) {
		free(parts->list[i].name);
		for (size_t field = 0; field < CACHE_FIELDS; field++)
			free(parts->list[i].fields[field]);
	}
	free(parts->list);
	*parts = (struct cache_parts){0};
}

/* --- the key ------------------------------------------------------------------------------------------------------ */

static int key_add_number(struct digest *d, uint64_t number)
{
	unsigned char bytes[8];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(number >> (8 * i));
	return digest_add(d, bytes, sizeof(bytes));
}

static int key_add_text(struct digest *d, const char *text)
{
	size_t len = strlen(text);
	int r = key_add_number(d, len);

	return r < 0 ? r : digest_add(d, text, len);
}

static int key_add_part(struct digest *d, const struct cache_part *part)
{
	uint64_t n = 0;
	int r = key_add_text(d, part->name);

	for (size_t field = 0; field < CACHE_FIELDS; field++)
		n += part->fields[field] != NULL;
	(void)CHECK(n);
	if (r == 0)
		r = key_add_number(d, n);
	for (size_t field = 0; field < CACHE_FIELDS && r == 0; field++) {
		if (!part->fields[field])
			continue;
		r = key_add_number(d, field);
		if (r == 0)
			r = key_add_text(d, part->fields[field]);
	}
	return r;
}

int cache_parts_key(const struct cache_parts *parts, char ret[static DIGEST_SIZE])
{
	struct digest d;
	int r = digest_start(&d);

	if (r < 0)
		return r;
	r = digest_add(&d, domain, sizeof(domain));
	if (r == 0)
		r = key_add_number(&d, parts->n);
	for (size_t i = 0; i < parts->n && r == 0; i++)
		r = key_add_part(&d, &parts->list[i]);
	if (r < 0) {
		digest_abandon(&d);
		return r;
	}
	return digest_finish(&d, ret);
}
