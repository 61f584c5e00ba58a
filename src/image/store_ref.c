// SPDX-License-Identifier: Apache-2.0
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "image/store.h"

static bool wants_escape(char c, bool first)
{
	return c == '/' || c == '%' || (c == '.' && first);
}

int store_ref_encode(const char *name, char ret[static STORE_REF_SIZE])
{
	static const char digits[] = "0123456789abcdef";
	size_t n = 0;

	if (!*name)
		return -EINVAL;
	for (const char *c = name; *c; c++) {
		bool escape = wants_escape(*c, c == name);

		if (n + 4 > STORE_REF_SIZE)
			return -ENAMETOOLONG;
		ret[n++] = escape ? '%' : *c;
		if (escape) {
			ret[n++] = digits[(unsigned char)*c >> 4];
			ret[n++] = digits[*c & 15];
		}
	}
	ret[n] = '\0';
	return CHECK(n < STORE_REF_SIZE) ? 0 : -EIO;
}

int store_ref_decode(char *name)
{
	char *to = name, hex[3] = "", *end;

	for (const char *c = name; *c; c++) {
		if (*c != '%') {
			*to++ = *c;
			continue;
		}
		if (!c[1] || !c[2])
			return -EINVAL;
		memcpy(hex, c + 1, 2);
		*to = (char)strtol(hex, &end, 16);
		if (*end || !*to)
			return -EINVAL;
		to++;
		c += 2;
	}
	*to = '\0';
	return *name ? 0 : -EINVAL;
}
