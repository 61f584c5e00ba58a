/* SPDX-License-Identifier: Apache-2.0 */
#include "ids.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "archive/layer.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "layer/walk.h"
#include "os/fs.h"
#include "view/stack.h"

/* "FINGERPRINT DIGEST\n"; "FINGERPRINT DIGEST?\n" of a layer that changed a moment ago. FINGERPRINT is in digits. */
#define LINE_SIZE (DIGEST_HEX + 1 + DIGEST_SIZE)
/* The coarsest clock of a file system's times, in seconds. */
#define TIMES_APART 2

/* --- whether a layer is as it was --------------------------------------------------------------------------------- */

struct fingerprint {
	struct digest digest;
	int64_t latest; /* the latest change of an object, in seconds */
};

static int fingerprint_entry(void *arg, struct layer_walk_entry *e)
{
	struct fingerprint *f = arg;
	struct {
		uint64_t ino, size, ctime;
		uint32_t ctime_nsec, mode;
	} of = {.ino = e->stx.stx_ino,
		.size = e->stx.stx_size,
		.ctime = (uint64_t)e->stx.stx_ctime.tv_sec,
		.ctime_nsec = e->stx.stx_ctime.tv_nsec,
		.mode = e->stx.stx_mode};
	int r = digest_add(&f->digest, e->path, strlen(e->path) + 1);

	f->latest = MAX(f->latest, e->stx.stx_ctime.tv_sec);
	return r < 0 ? r : digest_add(&f->digest, &of, sizeof(of));
}

/* *ret_settled: a later change of an object gives it another time. One that was changed a moment ago may keep it. */
static int fingerprint(const struct layer_set *set, const struct layer *l, const struct archive_options *options,
		       char ret[static DIGEST_SIZE], bool *ret_settled)
{
	static const struct layer_walk_calls calls = {.entry = fingerprint_entry};
	int64_t latest[2] = {options->has_latest, options->has_latest ? options->latest : 0};
	struct fingerprint f = {.latest = INT64_MIN};
	time_t now = time(NULL);
	int r = digest_start(&f.digest);

	if (r < 0)
		return r;
	r = digest_add(&f.digest, latest, sizeof(latest));
	if (r == 0)
		r = layer_walk(set, l, LAYER_WALK_STAT | LAYER_WALK_SORTED, &calls, &f);
	if (r < 0) {
		digest_abandon(&f.digest);
		return r;
	}
	*ret_settled = f.latest < now - TIMES_APART;
	return digest_finish(&f.digest, ret);
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

/* `settled`: not that of a layer which may have changed since, and have the same times. */
static bool ids_remembered(int dir, const char *name, const char *print, bool settled, char ret[static DIGEST_SIZE])
{
	_cleanup_close_ int fd = dir < 0 ? -1 : os_openat(dir, name, O_RDONLY, 0, OS_NO_XDEV);
	char line[LINE_SIZE + 2] = "";
	ssize_t n = fd < 0 ? -1 : os_pread(fd, line, LINE_SIZE + 1, 0);
	const char *end = line + LINE_SIZE - 1;

	if (n < (ssize_t)LINE_SIZE || strncmp(line, print + strlen(DIGEST_PREFIX), DIGEST_HEX) != 0)
		return false;
	if (strcmp(end, "\n") != 0 && (settled || strcmp(end, "?\n") != 0))
		return false;
	snprintf(ret, DIGEST_SIZE, "%s", line + DIGEST_HEX + 1);
	return digest_is_valid(ret);
}

static void ids_remember(int dir, const char *name, const char *print, bool settled, const char *digest)
{
	char temp[VIEW_ID_HEX + 16], line[LINE_SIZE + 2];
	int n;

	if (dir < 0)
		return;
	snprintf(temp, sizeof(temp), "%s.%d", name, getpid());
	n = snprintf(line, sizeof(line), "%s %s%s\n", print + strlen(DIGEST_PREFIX), digest, settled ? "" : "?");
	_cleanup_close_ int fd = os_openat(dir, temp, O_WRONLY | O_CREAT | O_EXCL, 0600, OS_NO_XDEV);
	if (fd < 0)
		return;
	if (os_pwrite_all(fd, line, (size_t)n, 0) != n || os_renameat2(dir, temp, dir, name, 0) < 0)
		(void)os_unlinkat(dir, temp, 0);
}

bool ids_recall(const struct layer_set *set, const struct layer *l, char ret[static DIGEST_SIZE])
{
	_cleanup_close_ int dir = ids_directory();
	char print[DIGEST_SIZE], name[VIEW_ID_HEX + 1];
	struct image_error error = {.text = ""};
	struct archive_options options;
	bool settled;

	return dir >= 0 && archive_options_of_environment(&options, &error) == 0 && view_layer_id(l, name) == 0 &&
	       fingerprint(set, l, &options, print, &settled) == 0 && ids_remembered(dir, name, print, false, ret);
}

int ids_diff_id(const struct layer_set *set, const struct layer *l, char ret[static DIGEST_SIZE], char **ret_error)
{
	_cleanup_close_ int dir = ids_directory();
	char print[DIGEST_SIZE], name[VIEW_ID_HEX + 1];
	struct image_error error = {.text = ""};
	struct archive_options options;
	bool settled = false;
	int r = archive_options_of_environment(&options, &error);

	if (r == 0)
		r = view_layer_id(l, name);
	if (r == 0)
		r = fingerprint(set, l, &options, print, &settled);
	if (r == 0 && !ids_remembered(dir, name, print, true, ret)) {
		r = archive_layer_digest(set, l, &options, ret, &error);
		if (r == 0)
			ids_remember(dir, name, print, settled, ret);
	}
	if (r < 0 && asprintf(ret_error, "%s: %s", l->path, *error.text ? error.text : strerror(-r)) < 0)
		*ret_error = NULL;
	return r;
}
