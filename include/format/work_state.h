/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state file of a work directory. It is plyfs's own, so it has a magic, a version and a checksum, all
 * little-endian. An unknown version is refused.
 *
 *	 0  8  magic "plyfswrk"
 *	 8  4  version
 *	12  4  size of the whole, 48
 *	16  8  flags
 *	24 16  identity of the mount
 *	40  8  XXH3-64 of the 40 bytes before
 */
#ifndef FORMAT_WORK_STATE_H
#define FORMAT_WORK_STATE_H

#include <stddef.h>
#include <stdint.h>

#define WORK_STATE_VERSION 1
#define WORK_STATE_SIZE 48
#define WORK_STATE_UUID_SIZE 16

/* No flag is defined yet. An unknown flag refuses the mount, like an unknown version. */
#define WORK_STATE_FLAGS_KNOWN UINT64_C(0)

struct work_state {
	uint32_t version;
	uint64_t flags;
	uint8_t uuid[WORK_STATE_UUID_SIZE]; /* identity of the mount: its layers and its mountpoint */
};

void work_state_encode(const struct work_state *state, uint8_t ret_bytes[static WORK_STATE_SIZE]);

/*
 * -EINVAL: no such file (magic or size). -EPROTONOSUPPORT: a version or flag of a later plyfs. -EBADMSG: damaged, the
 * checksum disagrees. *ret is untouched on failure.
 */
int work_state_decode(const void *bytes, size_t size, struct work_state *ret);

#endif
