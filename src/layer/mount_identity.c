/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What makes two calls the same mount: these layers in this order, so many of them data-only, this work directory, this
 * mountpoint. A directory is known by its number. But what lies below the mountpoint is known by its path from there:
 * once the union is mounted paths lead into it. What they led to before is looked up in a clone of the mount below, and
 * without the privilege for that the words of the options tell what is meant. Over the root directory nothing is
 * overmounted.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <xxhash.h>

#include "internal.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "os/fs.h"
#include "os/mount.h"

static void state_freep(XXH3_state_t **state)
{
	XXH3_freeState(*state);
}
#define _cleanup_state_ _cleanup_(state_freep)

static XXH3_state_t *hash_begin(unsigned n_data)
{
	XXH3_state_t *state = XXH3_createState();

	if (!state)
		return NULL;
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, &n_data, sizeof(n_data));
	return state;
}

/* `beneath`: its path below the mountpoint, or NULL. */
static void hash_directory(XXH3_state_t *state, struct layer_id id, const char *beneath)
{
	uint64_t numbers[] = {beneath ? 0 : id.dev, beneath ? 0 : id.ino};

	XXH3_128bits_update(state, numbers, sizeof(numbers));
	if (beneath)
		XXH3_128bits_update(state, beneath, strlen(beneath) + 1);
}

static void hash_end(XXH3_state_t *state, const char *mountpoint, uint8_t ret[static 16])
{
	XXH128_canonical_t canonical;

	if (mountpoint)
		XXH3_128bits_update(state, mountpoint, strlen(mountpoint));
	XXH128_canonicalFromHash(&canonical, XXH3_128bits_digest(state));
	memcpy(ret, canonical.digest, sizeof(canonical.digest));
}

/* --- of layers that are open -------------------------------------------------------------------------------------- */

void layer_make_identity(struct layer_opening *lo)
{
	_cleanup_state_ XXH3_state_t *state = hash_begin(lo->set->n_data);
	const char *mountpoint = lo->mountpoint_location.where;
	bool covers = mountpoint && strcmp(mountpoint, "/") != 0;

	for (unsigned i = 0; state && i < lo->n_locations; i++) {
		const struct layer_location *location = &lo->locations[i];

		(void)CHECK(location->n_chain > 0);
		hash_directory(state, location->chain[0],
			       covers && location->where ? layer_path_beneath(mountpoint, location->where) : NULL);
	}
	if (state)
		hash_end(state, mountpoint, lo->set->identity);
}

/* --- of layers that may be overmounted -------------------------------------------------------------------------- */

/* Takes away what doesn't count; false where only a look at the directories could tell what is meant. */
static bool simplify(char *path)
{
	char *to = path;

	for (const char *from = path; *from;) {
		size_t length;

		from += strspn(from, "/");
		length = strcspn(from, "/");
		if (length == 2 && !strncmp(from, "..", 2))
			return false;
		if (length && !(length == 1 && *from == '.')) {
			*to++ = '/';
			memmove(to, from, length);
			to += length;
		}
		from += length;
	}
	*to = '\0';
	return true;
}

/* The directory that the mount hides, or -errno. */
static int open_hidden(const char *mountpoint)
{
	const char *name = strrchr(mountpoint, '/') + 1;
	_cleanup_free_ char *parent = strndup(mountpoint, MAX((size_t)(name - mountpoint - 1), 1U));
	_cleanup_close_ int fd = parent ? os_open_path(parent, O_PATH | O_DIRECTORY, 0) : -ENOMEM;
	_cleanup_close_ int clone = fd < 0 ? fd : os_open_tree_clone(fd, false);

	return clone < 0 ? clone : os_openat(clone, name, O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
}

/* Ends in a NUL. 0, or -errno. */
static int where_is(int fd, char ret[static PATH_MAX])
{
	ssize_t len = os_fd_target(fd, ret, PATH_MAX - 1);

	ret[MAX(len, 0)] = '\0';
	return *ret == '/' ? 0 : -ENOENT;
}

/* Where a path behind the mountpoint led in the hidden directory, or NULL. */
static char *path_in_hidden(int hidden, const char *rest)
{
	char top[PATH_MAX], where[PATH_MAX];
	const char *path = rest + strspn(rest, "/"), *beneath;
	_cleanup_close_ int fd = os_open_beneath(hidden, *path ? path : ".");

	if (fd < 0 || where_is(hidden, top) < 0 || where_is(fd, where) < 0)
		return NULL;
	beneath = layer_path_beneath(top, where);
	return beneath ? strdup(beneath) : NULL;
}

/* What of the path is below the mountpoint, without symlinks if that can be told, or NULL. */
static char *path_below(const char *path, const char *mountpoint, int hidden)
{
	_cleanup_free_ char *rest = os_path_behind(path, mountpoint);
	char *beneath = rest && hidden >= 0 ? path_in_hidden(hidden, rest) : NULL;

	if (beneath)
		return beneath;
	return rest && simplify(rest) ? TAKE_PTR(rest) : NULL;
}

/* 1 if it is overmounted. */
static int add_path(XXH3_state_t *state, const char *path, const char *mountpoint, int hidden)
{
	_cleanup_free_ char *beneath = path_below(path, mountpoint, hidden);
	_cleanup_close_ int fd = beneath ? -1 : os_open_path(path, O_PATH | O_DIRECTORY, 0);
	struct statx stx = {.stx_ino = 0};
	int r = beneath ? 0 : fd;

	if (!beneath && fd >= 0)
		r = os_statx_cached(fd, "", &stx);
	if (r < 0)
		return r;
	hash_directory(state, layer_id_of(&stx), beneath);
	return beneath != NULL;
}

/* The directories in the order of layer_opening.locations. */
static const char *path_at(const struct stack_spec *spec, size_t i)
{
	if (spec->upperdir && i == 0)
		return spec->upperdir;
	i -= spec->upperdir != NULL;
	return i < spec->layer_count ? spec->layers[i].path : spec->workdir;
}

int layer_overmounted_identity(const struct stack_spec *spec, const char *mountpoint, uint8_t ret_identity[static 16])
{
	size_t n = spec->layer_count + (spec->upperdir ? 2 : 0);
	_cleanup_state_ XXH3_state_t *state = NULL;
	_cleanup_close_ int hidden = -1;
	unsigned n_data = 0, n_overmounted = 0;

	if (!strcmp(mountpoint, "/") || (spec->upperdir && !spec->workdir))
		return -ENOENT;
	for (size_t i = 0; i < spec->layer_count; i++)
		n_data += spec->layers[i].data_only;
	state = hash_begin(n_data);
	if (!state)
		return -ENOMEM;
	hidden = open_hidden(mountpoint);
	for (size_t i = 0; i < n; i++) {
		int r = add_path(state, path_at(spec, i), mountpoint, hidden);

		if (r < 0)
			return r;
		n_overmounted += (unsigned)r;
	}
	if (!n_overmounted)
		return -ENOENT;
	hash_end(state, mountpoint, ret_identity);
	return 0;
}
