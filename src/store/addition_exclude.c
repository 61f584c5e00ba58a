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

bool addition_excludes(const char *patterns, const char *path, bool *ret_below)
{
	bool excluded = false;

	(void)CHECK(*path != '/');
	*ret_below = false;
	for (const char *at = patterns ? patterns : "", *end; *at; at = end + (*end == ',')) {
		_cleanup_free_ char *pattern = NULL;
		bool wanted = *at == '!';
		char *text;

		end = strchrnul(at, ',');
		pattern = strndup(at + wanted, (size_t)(end - at) - wanted);
		if (!pattern)
			continue;
		text = pattern + strspn(pattern, "/");
		for (size_t n = strlen(text); n && text[n - 1] == '/';)
			text[--n] = '\0';
		*ret_below |= wanted;
		if (*text && pattern_fits(text, path))
			excluded = !wanted;
	}
	return excluded;
}
