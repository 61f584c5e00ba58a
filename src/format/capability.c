/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Capabilities as bytes: nothing but the id in them is looked at.
 */
#include "format/capability.h"

#include "base/check.h"

#define REVISION_3 3 /* the top byte of the little-endian magic */
#define ROOTID_AT (CAPABILITY_MAX - 4)

bool capability_get_rootid(const void *value, size_t size, uint32_t *ret_id)
{
	const uint8_t *p = value;

	if (size != CAPABILITY_MAX || p[3] != REVISION_3)
		return false;
	p += ROOTID_AT;
	*ret_id = (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
	return true;
}

void capability_set_rootid(void *value, uint32_t id)
{
	uint8_t *p = (uint8_t *)value + ROOTID_AT;

	(void)CHECK(((const uint8_t *)value)[3] == REVISION_3);
	for (unsigned i = 0; i < 4; i++)
		p[i] = (uint8_t)(id >> 8 * i);
}
