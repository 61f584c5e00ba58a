/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The work directory's state file. The version is looked at before size and checksum, because a later version may
 * change both, and "made by a later plyfs" is the better message than "damaged".
 */
#include "format/work_state.h"

#include <errno.h>
#include <string.h>
#include <xxhash.h>

#include "bytes.h"

static const char magic[8] = {'p', 'l', 'y', 'f', 's', 'w', 'r', 'k'};

enum {
	AT_VERSION = sizeof(magic),
	AT_SIZE = AT_VERSION + 4,
	AT_FLAGS = AT_SIZE + 4,
	AT_UUID = AT_FLAGS + 8,
	AT_CHECKSUM = AT_UUID + WORK_STATE_UUID_SIZE,
};
_Static_assert(AT_CHECKSUM + 8 == WORK_STATE_SIZE, "the header says 48 bytes");

void work_state_encode(const struct work_state *state, uint8_t ret_bytes[static WORK_STATE_SIZE])
{
	memcpy(ret_bytes, magic, sizeof(magic));
	put32(ret_bytes + AT_VERSION, state->version);
	put32(ret_bytes + AT_SIZE, WORK_STATE_SIZE);
	put64(ret_bytes + AT_FLAGS, state->flags);
	memcpy(ret_bytes + AT_UUID, state->uuid, WORK_STATE_UUID_SIZE);
	put64(ret_bytes + AT_CHECKSUM, XXH3_64bits(ret_bytes, AT_CHECKSUM));
}

int work_state_decode(const void *bytes, size_t size, struct work_state *ret)
{
	const uint8_t *at = bytes;

	if (size < AT_SIZE || memcmp(at, magic, sizeof(magic)) != 0)
		return -EINVAL;
	if (get32(at + AT_VERSION) != WORK_STATE_VERSION)
		return -EPROTONOSUPPORT;
	if (size != WORK_STATE_SIZE || get32(at + AT_SIZE) != WORK_STATE_SIZE)
		return -EINVAL;
	if (get64(at + AT_CHECKSUM) != XXH3_64bits(at, AT_CHECKSUM))
		return -EBADMSG;
	if (get64(at + AT_FLAGS) & ~WORK_STATE_FLAGS_KNOWN)
		return -EPROTONOSUPPORT;
	ret->version = WORK_STATE_VERSION;
	ret->flags = get64(at + AT_FLAGS);
	memcpy(ret->uuid, at + AT_UUID, WORK_STATE_UUID_SIZE);
	return 0;
}
