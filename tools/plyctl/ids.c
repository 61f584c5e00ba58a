/* SPDX-License-Identifier: Apache-2.0 */
#include "ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xxhash.h>

#include "archive/layer.h"
#include "base/cleanup.h"
#include "base/hex.h"
#include "layer/walk.h"
#include "os/fs.h"
#include "view/stack.h"

#define FINGERPRINT_SIZE 33
/* "FINGERPRINT DIGEST\n" */
#define LINE_SIZE (FINGERPRINT_SIZE + DIGEST_SIZE)

/* --- whether a layer is as it was --------------------------------------------------------------------------------- */

static int fingerprint_entry(void *arg, struct layer_walk_entry *e)
{
	struct {
		uint64_t ino, size, ctime;
		uint32_t ctime_nsec, mode;
	} of = {.ino = e->stx.stx_ino,
		.size = e->stx.stx_size,
		.ctime = (uint64_t)e->stx.stx_ctime.tv_sec,
		.ctime_nsec = e->stx.stx_ctime.tv_nsec,
		.mode = e->stx.stx_mode};

	XXH3_128bits_update(arg, e->path, strlen(e->path) + 1);
	XXH3_128bits_update(arg, &of, sizeof(of));
	return 0;
}

static int fingerprint(const struct layer_set *set, const struct layer *l, const struct archive_options *options,
		       char ret[static FINGERPRINT_SIZE])
{
	static const struct layer_walk_calls calls = {.entry = fingerprint_entry};
	XXH3_state_t *state = XXH3_createState();
	int64_t latest[2] = {options->has_latest, options->has_latest ? options->latest : 0};
	XXH128_canonical_t bytes;
	int r;

	if (!state)
		return -ENOMEM;
	XXH3_128bits_reset(state);
	XXH3_128bits_update(state, latest, sizeof(latest));
	r = layer_walk(set, l, LAYER_WALK_STAT | LAYER_WALK_SORTED, &calls, state);
	XXH128_canonicalFromHash(&bytes, XXH3_128bits_digest(state));
	XXH3_freeState(state);
	hex_text(bytes.digest, sizeof(bytes.digest), ret);
	return r;
}

/* --- the memory --------------------------------------------------------------------------------------------------- */

/* Opens a directory in `at`, which is made if it isn't there. Takes `at`. */
static int ids_enter(int at, const char *name)
{
	int fd;

	if (at < 0)
		return at;
	(void)os_mkdirat(at, name, 0700);
	fd = os_openat(at, name, O_PATH | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
	os_close(at);
	return fd;
}

static int ids_directory(void)
{
	const char *cache = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
	bool has_cache = cache && *cache == '/';
	struct statx stx;
	int fd;

	if (!has_cache && (!home || *home != '/'))
		return -ENOENT;
	fd = os_open_path(has_cache ? cache : home, O_PATH | O_DIRECTORY, 0);
	if (!has_cache)
		fd = ids_enter(fd, ".cache");
	fd = ids_enter(ids_enter(fd, "plyfs"), "ids");
	/* Nobody else says what a layer is. */
	if (fd >= 0 && (os_statx(fd, "", &stx) < 0 || stx.stx_uid != geteuid() || (stx.stx_mode & 022))) {
		os_close(fd);
		return -EPERM;
	}
	return fd;
}

static bool ids_remembered(int dir, const char *name, const char *print, char ret[static DIGEST_SIZE])
{
	_cleanup_close_ int fd = dir < 0 ? -1 : os_openat(dir, name, O_RDONLY, 0, OS_NO_XDEV);
	char line[LINE_SIZE + 1] = "";
	ssize_t n = fd < 0 ? -1 : os_pread(fd, line, LINE_SIZE, 0);

	if (n != LINE_SIZE || strncmp(line, print, FINGERPRINT_SIZE - 1) != 0 || line[n - 1] != '\n')
		return false;
	snprintf(ret, DIGEST_SIZE, "%s", line + FINGERPRINT_SIZE);
	return digest_is_valid(ret);
}

static void ids_remember(int dir, const char *name, const char *print, const char *digest)
{
	char temp[VIEW_ID_HEX + 16], line[LINE_SIZE + 1];

	if (dir < 0)
		return;
	snprintf(temp, sizeof(temp), "%s.%d", name, getpid());
	snprintf(line, sizeof(line), "%s %s\n", print, digest);
	_cleanup_close_ int fd = os_openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL, 0600, OS_NO_XDEV);
	if (fd < 0)
		return;
	if (os_pwrite_all(fd, line, LINE_SIZE, 0) != LINE_SIZE || os_renameat2(dir, temp, dir, name, 0) < 0)
		(void)os_unlinkat(dir, temp, 0);
}

bool ids_recall(const struct layer_set *set, const struct layer *l, char ret[static DIGEST_SIZE])
{
	_cleanup_close_ int dir = ids_directory();
	char print[FINGERPRINT_SIZE], name[VIEW_ID_HEX + 1];
	struct image_error error = {.text = ""};
	struct archive_options options;

	return dir >= 0 && archive_options_of_environment(&options, &error) == 0 && view_layer_id(l, name) == 0 &&
	       fingerprint(set, l, &options, print) == 0 && ids_remembered(dir, name, print, ret);
}

int ids_diff_id(const struct layer_set *set, const struct layer *l, char ret[static DIGEST_SIZE], char **ret_error)
{
	_cleanup_close_ int dir = ids_directory();
	char print[FINGERPRINT_SIZE], name[VIEW_ID_HEX + 1];
	struct image_error error = {.text = ""};
	struct archive_options options;
	int r = archive_options_of_environment(&options, &error);

	if (r == 0)
		r = view_layer_id(l, name);
	if (r == 0)
		r = fingerprint(set, l, &options, print);
	if (r == 0 && !ids_remembered(dir, name, print, ret)) {
		r = archive_layer_digest(set, l, &options, ret, &error);
		if (r == 0)
			ids_remember(dir, name, print, ret);
	}
	if (r < 0 && asprintf(ret_error, "%s: %s", l->path, *error.text ? error.text : strerror(-r)) < 0)
		*ret_error = NULL;
	return r;
}
