/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The first byte chooses a decoder, the rest is its input. Beyond "no crash", each checks what its header promises:
 * what was taken is within bounds and encodes to the same bytes.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "fuzz.h"
#include "format/acl.h"
#include "format/idmap.h"
#include "format/work_state.h"
#include "format/metacopy.h"
#include "format/name.h"
#include "format/ovl_fh.h"
#include "format/stat_override.h"
#include "format/redirect.h"
#include "format/source.h"

/* The input as a string of its own, so that reading behind it is noticed. */
static char *to_string(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	MUST(text);
	memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

static void fuzz_origin(const uint8_t *data, size_t size)
{
	uint8_t again[OVL_FH_MAX];
	struct ovl_fh origin;
	size_t len;

	if (ovl_fh_decode(data, size, &origin) < 0)
		return;
	len = ovl_fh_encode(&origin, again);
	MUST(len <= size && !memcmp(again, data, len));
}

static void fuzz_index_name(const uint8_t *data, size_t size)
{
	char *text = to_string(data, size), name[OVL_FH_INDEX_NAME_SIZE];
	struct ovl_fh origin;
	int len;

	if (ovl_fh_from_index_name(text, &origin) == 0) {
		len = ovl_fh_index_name(&origin, name);
		MUST(len < 0 || !memcmp(name, text, (size_t)len));
	}
	free(text);
}

static void fuzz_source(const uint8_t *data, size_t size)
{
	uint8_t again[SOURCE_MAX];
	struct source source;

	if (source_decode(data, size, &source) == 0)
		MUST(source.path[0] && source_encode(&source, again) == size);
}

static void fuzz_redirect(const uint8_t *data, size_t size)
{
	struct redirect redirect;
	const char *name;
	size_t pos = 0, len;

	if (redirect_decode(data, size, &redirect) < 0)
		return;
	while (redirect_next(&redirect, &pos, &name, &len)) {
		MUST(len > 0 && len <= NAME_LIMIT && !memchr(name, '/', len));
		MUST(!(len == 2 && !memcmp(name, "..", 2)) && !(len == 1 && *name == '.'));
	}
	MUST(pos == redirect.len);
}

static void fuzz_acl(const uint8_t *data, size_t size)
{
	void *out = malloc(size + 1), *same = malloc(size + 1);
	mode_t mode = 0, again = 0;
	int r = acl_create(data, size, 0640, out, &mode);

	if (r >= 0) {
		MUST(!(mode & ~0640U));
		/* What was made of it is an ACL that grants just this. */
		MUST(acl_create(out, size, 0777, same, &again) == r && again == mode && !memcmp(out, same, size));
	}
	free(out);
	free(same);
}

static void fuzz_override(const uint8_t *data, size_t size)
{
	static const mode_t carriers[] = {S_IFREG, S_IFDIR, S_IFLNK};
	char *list = to_string(data, size), text[STAT_OVERRIDE_SIZE];
	size_t used = strlen(list) + 1;

	for (size_t i = 0; i < sizeof(carriers) / sizeof(carriers[0]); i++) {
		struct stat_override o, again;

		if (stat_override_decode((const char *)data, size, carriers[i], &o) < 0)
			continue;
		MUST(o.uid != UINT32_MAX && o.gid != UINT32_MAX && (o.major || o.minor || !S_ISCHR(o.mode)));
		MUST(carriers[i] == S_IFREG || (o.mode & S_IFMT) == carriers[i]);
		MUST(stat_override_decode(text, stat_override_encode(&o, text), carriers[i], &again) == 0);
		MUST(again.uid == o.uid && again.gid == o.gid && again.mode == o.mode && again.minor == o.minor);
	}
	MUST(xattr_override_decode_list(OVERRIDE_CONTAINERS, list, used) <= used);
	free(list);
}

static void fuzz_xattr_list(const uint8_t *data, size_t size)
{
	char *list = to_string(data, size), *copy = to_string(data, size), stored[XATTR_NAME_SIZE];
	ssize_t kept = xattr_list_filter(XATTR_NS_USER, list, size);
	size_t at = 0;

	MUST(kept <= (ssize_t)size);
	/* Who asks for a shown name reaches the one that is stored. No name is that of the bare prefix, and none is
	 * longer than the limit. */
	for (size_t name = 0; kept >= 0 && name < size; name += strlen(copy + name) + 1) {
		if (xattr_is_private(XATTR_NS_USER, copy + name))
			continue;
		MUST(at < (size_t)kept);
		if (xattr_escape(XATTR_NS_USER, list + at, stored) >= 0)
			MUST(!strcmp(stored, copy + name));
		at += strlen(list + at) + 1;
	}
	MUST(kept < 0 || at == (size_t)kept);
	free(list);
	free(copy);
}

static void fuzz_escape(const uint8_t *data, size_t size)
{
	char *name = to_string(data, size), stored[XATTR_NAME_SIZE];

	if (xattr_escape(XATTR_NS_TRUSTED, name, stored) >= 0) {
		MUST(!xattr_is_private(XATTR_NS_TRUSTED, stored));
		MUST(xattr_list_filter(XATTR_NS_TRUSTED, stored, strlen(stored) + 1) == (ssize_t)strlen(name) + 1);
		MUST(!strcmp(stored, name));
	}
	if (aufs_whiteout_target(name))
		MUST(aufs_is_reserved(name));
	free(name);
}

static void fuzz_idmap(const uint8_t *data, size_t size)
{
	char *text = to_string(data, size);
	struct idmap_error error;
	struct idmap map;
	uint32_t shown, id;

	if (idmap_parse(text, &map, &error) == 0) {
		for (size_t i = 0; i < map.count; i++) {
			uint32_t last = map.ranges[i].layer + (map.ranges[i].len - 1);

			MUST(idmap_to_mount(&map, last, &shown) == 0);
			MUST(idmap_to_layer(&map, shown, &id) == 0 && id == last);
		}
		idmap_free(&map);
	}
	free(text);
}

static void fuzz_small(const uint8_t *data, size_t size)
{
	struct metacopy metacopy;
	struct work_state state;
	uint8_t again[WORK_STATE_SIZE];

	if (metacopy_decode(data, size, &metacopy) == 0)
		MUST(metacopy.digest_size <= METACOPY_DIGEST_MAX);
	if (work_state_decode(data, size, &state) == 0) {
		work_state_encode(&state, again);
		MUST(size == sizeof(again) && !memcmp(again, data, size));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static void (*const decoders[])(const uint8_t *, size_t) = {
		fuzz_origin, fuzz_index_name, fuzz_redirect, fuzz_acl,	    fuzz_xattr_list,
		fuzz_escape, fuzz_idmap,      fuzz_small,    fuzz_override, fuzz_source,
	};
	uint8_t *copy;

	if (!size)
		return 0;
	copy = malloc(size); /* exactly as long as the input: ASan then sees one byte too far */
	MUST(copy);
	memcpy(copy, data + 1, size - 1);
	decoders[data[0] % (sizeof(decoders) / sizeof(decoders[0]))](copy, size - 1);
	free(copy);
	return 0;
}
