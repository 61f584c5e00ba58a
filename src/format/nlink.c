/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The nlink xattr. It decides when an index entry goes, so a text that isn't exactly one counts as none.
 */
#include "format/nlink.h"

#include <errno.h>
#include <stdio.h>

#include "base/check.h"

size_t nlink_encode(struct nlink_xattr nlink, char ret_text[static NLINK_SIZE])
{
	int len = snprintf(ret_text, NLINK_SIZE, "%c%+d", nlink.upper ? 'U' : 'L', (int)nlink.diff);

	(void)CHECK(len > 0 && len < NLINK_SIZE);
	return (size_t)len;
}

int nlink_decode(const void *text, size_t size, struct nlink_xattr *ret)
{
	const char *at = text;
	int64_t value = 0;

	if (size < 3 || size >= NLINK_SIZE || (at[0] != 'U' && at[0] != 'L') || (at[1] != '+' && at[1] != '-'))
		return -EINVAL;
	for (size_t i = 2; i < size; i++) {
		if (at[i] < '0' || at[i] > '9')
			return -EINVAL;
		value = value * 10 + (at[i] - '0');
	}
	if (value > INT32_MAX)
		return -EINVAL;
	*ret = (struct nlink_xattr){.upper = at[0] == 'U', .diff = (int32_t)(at[1] == '-' ? -value : value)};
	return 0;
}

int64_t nlink_apply(struct nlink_xattr nlink, uint32_t upper, uint32_t lower)
{
	int64_t count = (int64_t)(nlink.upper ? upper : lower) + nlink.diff;

	return count >= 0 && count <= UINT32_MAX ? count : -EINVAL;
}
