/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Override values. What is read may come from anybody: each field is bounded, and nothing may follow.
 */
#include "format/stat_override.h"

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"

#define MAJOR_MAX 0xfffU
#define MINOR_MAX 0xfffffU

static const struct {
	const char *name;
	mode_t type;
	mode_t carrier;
	bool device;
} types[] = {
	{"file", S_IFREG, S_IFREG, false}, {"dir", S_IFDIR, S_IFDIR, false},	 {"symlink", S_IFLNK, S_IFLNK, false},
	{"pipe", S_IFIFO, S_IFREG, false}, {"socket", S_IFSOCK, S_IFREG, false}, {"block", S_IFBLK, S_IFREG, true},
	{"char", S_IFCHR, S_IFREG, true},
};
#define N_TYPES (sizeof(types) / sizeof(types[0]))

/* A number up to `max`; *p moves behind it. */
static bool take_number(const char **p, unsigned base, uint64_t max, uint32_t *ret)
{
	const char *start = *p;
	uint64_t value = 0;

	for (; **p >= '0' && **p < (char)('0' + base); ++*p) {
		value = value * base + (uint64_t)(**p - '0');
		if (value > max)
			return false;
	}
	*ret = (uint32_t)value;
	return *p > start;
}

/* Ids from 2^31 on were written as negative numbers by some. */
static bool take_id(const char **p, uint32_t *ret)
{
	bool negative = **p == '-';

	*p += negative ? 1 : 0;
	if (!take_number(p, 10, negative ? UINT64_C(1) << 31 : UINT32_MAX - 1, ret))
		return false;
	if (negative)
		*ret = 0 - *ret;
	return *ret != UINT32_MAX;
}

static bool take_char(const char **p, char c)
{
	if (**p != c)
		return false;
	++*p;
	return true;
}

static bool take_device(const char **p, struct stat_override *o)
{
	return take_char(p, '-') && take_number(p, 10, MAJOR_MAX, &o->major) && take_char(p, '-') &&
	       take_number(p, 10, MINOR_MAX, &o->minor);
}

static bool take_type(const char **p, mode_t real_type, struct stat_override *o)
{
	for (size_t i = 0; i < N_TYPES; i++) {
		size_t len = strlen(types[i].name);

		if (strncmp(*p, types[i].name, len) != 0)
			continue;
		*p += len;
		o->mode |= types[i].type;
		if (types[i].carrier != real_type || (types[i].device && !take_device(p, o)))
			return false;
		return types[i].type != S_IFCHR || o->major || o->minor;
	}
	return false;
}

int stat_override_decode(const char *value, size_t size, mode_t real_type, struct stat_override *ret)
{
	struct stat_override o = {.uid = 0};
	char text[STAT_OVERRIDE_SIZE];
	const char *p = text;
	uint32_t mode;

	if (size >= sizeof(text))
		return -EINVAL;
	memcpy(text, value, size);
	text[size] = '\0';
	if (!take_id(&p, &o.uid) || !take_char(&p, ':') || !take_id(&p, &o.gid) || !take_char(&p, ':') ||
	    !take_number(&p, 8, 0177777, &mode))
		return -EINVAL;
	o.mode = mode & 07777;
	if (!*p)
		o.mode |= real_type;
	else if (!take_char(&p, ':') || !take_type(&p, real_type, &o))
		return -EINVAL;
	if (*p || p != text + size)
		return -EINVAL;
	*ret = o;
	return 0;
}

size_t stat_override_encode(const struct stat_override *o, char ret[static STAT_OVERRIDE_SIZE])
{
	size_t i = 0;
	int len;

	while (i < N_TYPES - 1 && types[i].type != (o->mode & S_IFMT))
		i++;
	len = snprintf(ret, STAT_OVERRIDE_SIZE, "%u:%u:%04o:%s", o->uid, o->gid, (unsigned)o->mode & 07777,
		       types[i].name);
	(void)CHECK(types[i].type == (o->mode & S_IFMT) && len > 0 && len < (int)STAT_OVERRIDE_SIZE);
	if (types[i].device)
		len += snprintf(ret + len, STAT_OVERRIDE_SIZE - (size_t)len, "-%u-%u", o->major, o->minor);
	return (size_t)len;
}
