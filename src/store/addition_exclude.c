// SPDX-License-Identifier: Apache-2.0
/*
 * Patterns of what isn't added. The rules are those of .dockerignore.
 */
#include <fnmatch.h>
#include <string.h>

#include "addition_state.h"
#include "base/check.h"
#include "base/cleanup.h"

/* A part of a pattern, up to the next slash, and a part of a path. */
static bool part_fits(const char *pattern, size_t n, const char *part, size_t len)
{
	_cleanup_free_ char *p = strndup(pattern, n), *text = strndup(part, len);

	return p && text && fnmatch(p, text, 0) == 0;
}

/* Whether the pattern means the path or a directory above it. */
static bool pattern_fits(const char *pattern, const char *path)
{
	size_t n = strcspn(pattern, "/"), len = strcspn(path, "/");

	if (!*pattern)
		return true;
	if (n == 2 && !strncmp(pattern, "**", 2)) {
		const char *rest = pattern + n + strspn(pattern + n, "/");

		/* `**` stands for any number of directories, also none; at the end for anything. */
		for (const char *at = path; *at; at += strcspn(at, "/"), at += strspn(at, "/"))
			if (!*rest || pattern_fits(rest, at))
				return true;
		return false;
	}
	if (!*path || !part_fits(pattern, n, path, len))
		return false;
	return pattern_fits(pattern + n + strspn(pattern + n, "/"), path + len + strspn(path + len, "/"));
}

static bool is_up(const char *part, size_t len)
{
	return len == 2 && part[0] == '.' && part[1] == '.';
}

/* Takes out slashes at the ends, double ones, "." and "NAME/..". What leads out of the source fits nothing. */
static void clean_pattern(char *pattern)
{
	char *out = pattern;

	for (const char *at = pattern; *at;) {
		size_t len = strcspn(at, "/");
		char *last = memrchr(pattern, '/', (size_t)(out - pattern));

		last = last ? last + 1 : pattern;
		if (is_up(at, len) && out > pattern && !is_up(last, (size_t)(out - last))) {
			out = last > pattern ? last - 1 : pattern;
		} else if (len && (len != 1 || *at != '.')) {
			if (out > pattern)
				*out++ = '/';
			memmove(out, at, len);
			out += len;
		}
		at += len + (at[len] == '/');
	}
	*out = '\0';
}

bool addition_excludes(const char *patterns, const char *path, bool *ret_below)
{
	bool excluded = false;

	(void)CHECK(*path != '/');
	*ret_below = false;
	for (const char *at = patterns ? patterns : "", *end; *at; at = end + (*end == ',')) {
		_cleanup_free_ char *pattern = NULL;
		bool wanted = *at == '!';

		end = strchrnul(at, ',');
		pattern = strndup(at + wanted, (size_t)(end - at) - wanted);
		if (!pattern)
			continue;
		clean_pattern(pattern);
		*ret_below |= wanted;
		if (*pattern && pattern_fits(pattern, path))
			excluded = !wanted;
	}
	return excluded;
}
