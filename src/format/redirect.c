/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Redirects: one pass over the components with the same iterator that readers use, so that what was checked is what is
 * walked.
 */
#include "format/redirect.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "format/name.h"

static bool component_is_good(const char *name, size_t len)
{
	if (!len || len > NAME_LIMIT)
		return false;
	return !(name[0] == '.' && (len == 1 || (len == 2 && name[1] == '.')));
}

int redirect_decode(const void *value, size_t size, struct redirect *ret)
{
	const char *bytes = value, *name;
	size_t pos = 0, len;
	struct redirect redirect;

	if (!size || size > REDIRECT_MAX || memchr(bytes, '\0', size))
		return -EINVAL;
	redirect.absolute = bytes[0] == '/';
	if (!redirect.absolute && memchr(bytes, '/', size))
		return -EINVAL;
	redirect.len = size;
	memcpy(redirect.path, bytes, size);
	redirect.path[size] = '\0';
	while (redirect_next(&redirect, &pos, &name, &len))
		if (!component_is_good(name, len))
			return -EINVAL;
	*ret = redirect;
	return 0;
}

bool redirect_next(const struct redirect *redirect, size_t *pos, const char **ret_name, size_t *ret_len)
{
	size_t start = *pos + (redirect->absolute || *pos ? 1 : 0);

	(void)CHECK(redirect->len <= REDIRECT_MAX);
	if (*pos >= redirect->len)
		return false;
	*ret_name = redirect->path + start;
	*ret_len = strcspn(*ret_name, "/");
	*pos = start + *ret_len;
	return true;
}
