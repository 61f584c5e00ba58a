/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Reserved names. The tables are spelled out in full rather than glued together at run time, so that a search for
 * "trusted.overlay.opaque" finds the one place that knows it.
 */
#include "format/name.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/check.h"

#define ESCAPE "overlay."
#define ESCAPE_LEN (sizeof(ESCAPE) - 1)
#define AUFS_PREFIX_LEN (sizeof(AUFS_PREFIX) - 1)

static const char *const prefixes[XATTR_NS_COUNT] = {
	[XATTR_NS_TRUSTED] = "trusted.overlay.",
	[XATTR_NS_USER] = "user.overlay.",
};

static const char *const names[XATTR_OVERLAY_COUNT][XATTR_NS_COUNT] = {
	[XATTR_OVERLAY_OPAQUE] = {"trusted.overlay.opaque", "user.overlay.opaque"},
	[XATTR_OVERLAY_REDIRECT] = {"trusted.overlay.redirect", "user.overlay.redirect"},
	[XATTR_OVERLAY_ORIGIN] = {"trusted.overlay.origin", "user.overlay.origin"},
	[XATTR_OVERLAY_IMPURE] = {"trusted.overlay.impure", "user.overlay.impure"},
	[XATTR_OVERLAY_NLINK] = {"trusted.overlay.nlink", "user.overlay.nlink"},
	[XATTR_OVERLAY_UPPER] = {"trusted.overlay.upper", "user.overlay.upper"},
	[XATTR_OVERLAY_UUID] = {"trusted.overlay.uuid", "user.overlay.uuid"},
	[XATTR_OVERLAY_METACOPY] = {"trusted.overlay.metacopy", "user.overlay.metacopy"},
	[XATTR_OVERLAY_PROTATTR] = {"trusted.overlay.protattr", "user.overlay.protattr"},
	[XATTR_OVERLAY_WHITEOUT] = {"trusted.overlay.whiteout", "user.overlay.whiteout"},
	[XATTR_OVERLAY_PLYFS_INO] = {"trusted.overlay.plyfs_ino", "user.overlay.plyfs_ino"},
	[XATTR_OVERLAY_PLYFS_SOURCE] = {"trusted.overlay.plyfs_source", "user.overlay.plyfs_source"},
};

const char *xattr_overlay_name(enum xattr_ns ns, enum xattr_overlay which)
{
	if (!CHECK((unsigned)which < XATTR_OVERLAY_COUNT && (unsigned)ns < XATTR_NS_COUNT))
		return "";
	return names[which][ns];
}

static bool name_has_prefix(const char *name, const char *prefix)
{
	return !strncmp(name, prefix, strlen(prefix));
}

static bool is_escaped(enum xattr_ns ns, const char *stored)
{
	return name_has_prefix(stored, prefixes[ns]) && name_has_prefix(stored + strlen(prefixes[ns]), ESCAPE);
}

bool xattr_is_private(enum xattr_ns ns, const char *stored)
{
	return name_has_prefix(stored, prefixes[ns]) && !is_escaped(ns, stored);
}

int xattr_escape(enum xattr_ns ns, const char *name, char ret_stored[static XATTR_NAME_SIZE])
{
	size_t len = strlen(name), prefix = strlen(prefixes[ns]);

	if (len > XATTR_NAME_LIMIT)
		return -ERANGE;
	if (!name_has_prefix(name, prefixes[ns])) {
		memcpy(ret_stored, name, len + 1);
		return (int)len;
	}
	if (len == prefix)
		return -EINVAL;
	if (len + ESCAPE_LEN > XATTR_NAME_LIMIT)
		return -EOPNOTSUPP;
	memcpy(ret_stored, name, prefix);
	memcpy(ret_stored + prefix, ESCAPE, ESCAPE_LEN);
	memcpy(ret_stored + prefix + ESCAPE_LEN, name + prefix, len - prefix + 1);
	return (int)(len + ESCAPE_LEN);
}

ssize_t xattr_list_filter(enum xattr_ns ns, char *list, size_t size)
{
	char *out = list, *end = list + size;
	size_t prefix = strlen(prefixes[ns]);

	for (char *name = list; name < end;) {
		size_t len = strnlen(name, (size_t)(end - name)) + 1;
		size_t keep = 0, from = 0;

		(void)CHECK(out <= name);
		if (len > (size_t)(end - name))
			return -EIO;
		if (is_escaped(ns, name)) {
			keep = prefix;
			from = prefix + ESCAPE_LEN;
		} else if (xattr_is_private(ns, name)) {
			from = len;
		}
		memmove(out, name, keep);
		memmove(out + keep, name + from, len - from);
		out += keep + (len - from);
		name += len;
	}
	return out - list;
}

bool xattr_is_fuseoverlayfs(const char *stored)
{
	return name_has_prefix(stored, "user.fuseoverlayfs.");
}

/* --- owner and mode in an attribute --- */

#define OVERRIDE_PREFIX "user.containers.override_"

static const char *const override_names[OVERRIDE_COUNT] = {
	[OVERRIDE_PRIVILEGED] = "security.fuseoverlayfs.override_stat",
	[OVERRIDE_CONTAINERS] = OVERRIDE_PREFIX "stat",
	[OVERRIDE_USER] = "user.fuseoverlayfs.override_stat",
};

const char *xattr_override_stat(enum override_form form)
{
	if (!CHECK(form > OVERRIDE_NONE && form < OVERRIDE_COUNT))
		return "";
	return override_names[form];
}

bool xattr_is_override(unsigned forms, const char *name)
{
	(void)CHECK(!(forms >> OVERRIDE_COUNT));
	if ((forms & 1U << OVERRIDE_CONTAINERS) && name_has_prefix(name, OVERRIDE_PREFIX))
		return true;
	for (unsigned form = OVERRIDE_PRIVILEGED; form < OVERRIDE_COUNT; form++)
		if ((forms & 1U << form) && !strcmp(name, override_names[form]))
			return true;
	return false;
}

/* Names that the owner of an object may not set without privilege. */
static bool needs_privilege(const char *name)
{
	return name_has_prefix(name, "security.") || name_has_prefix(name, "trusted.");
}

int xattr_override_encode(enum override_form form, const char *name, char ret_stored[static XATTR_NAME_SIZE])
{
	size_t prefix = form == OVERRIDE_CONTAINERS && needs_privilege(name) ? strlen(OVERRIDE_PREFIX) : 0;
	size_t len = strlen(name);

	(void)CHECK((unsigned)form < OVERRIDE_COUNT);
	if (prefix + len > XATTR_NAME_LIMIT)
		return -EOPNOTSUPP;
	memmove(ret_stored + prefix, name, len + 1);
	memcpy(ret_stored, OVERRIDE_PREFIX, prefix);
	return (int)(prefix + len);
}

const char *xattr_override_decode(enum override_form form, const char *stored)
{
	const char *name = stored + strlen(OVERRIDE_PREFIX);

	if (form == OVERRIDE_NONE)
		return stored;
	if (form != OVERRIDE_CONTAINERS)
		return strcmp(stored, override_names[form]) != 0 ? stored : NULL;
	if (name_has_prefix(stored, OVERRIDE_PREFIX))
		return needs_privilege(name) ? name : NULL;
	return needs_privilege(stored) ? NULL : stored;
}

size_t xattr_override_decode_list(enum override_form form, char *list, size_t size)
{
	char *out = list;

	for (char *stored = list, *next; stored < list + size; stored = next) {
		const char *name = xattr_override_decode(form, stored);
		size_t len = name ? strlen(name) + 1 : 0;

		next = stored + strlen(stored) + 1;
		if (name)
			memmove(out, name, len);
		out += len;
	}
	return (size_t)(out - list);
}

bool aufs_is_reserved(const char *name)
{
	return name_has_prefix(name, AUFS_PREFIX);
}

const char *aufs_whiteout_target(const char *name)
{
	const char *target = name + AUFS_PREFIX_LEN;

	if (!name_has_prefix(name, AUFS_PREFIX) || !*target || name_has_prefix(target, AUFS_PREFIX))
		return NULL;
	/* `.wh..` and `.wh...` would hide the directory itself or its parent. */
	if (!strcmp(target, ".") || !strcmp(target, ".."))
		return NULL;
	return target;
}

int aufs_whiteout_name(const char *name, char ret_name[static NAME_SIZE])
{
	size_t len = strlen(name);

	(void)CHECK(len > 0 && !memchr(name, '/', len));
	if (len + AUFS_PREFIX_LEN > NAME_LIMIT)
		return -ENAMETOOLONG;
	memcpy(ret_name, AUFS_PREFIX, AUFS_PREFIX_LEN);
	memcpy(ret_name + AUFS_PREFIX_LEN, name, len + 1);
	return (int)(len + AUFS_PREFIX_LEN);
}

void temp_name_make(uint64_t number, char ret_name[static TEMP_NAME_SIZE])
{
	snprintf(ret_name, TEMP_NAME_SIZE, "#%llx", (unsigned long long)number);
}
