// SPDX-License-Identifier: Apache-2.0
/*
 * Faults of layers and uppers.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "base/check.h"
#include "check_state.h"
#include "image/error.h"

#define FACTS_MAX (64 << 10)
#define STACK_MAX (1 << 20)
#define UPPER_ID 12
#define REMOVED ".removed"
#define PIECE (256 << 10)

/* A JSON object of a file. NULL, and the cause. */
static json_t *json_of_file(int dir, const char *name, size_t max, const char **ret_cause)
{
	_cleanup_close_ int fd = os_openat(dir, name, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	_cleanup_free_ char *text = malloc(max);
	ssize_t n = fd < 0 ? fd : text ? os_pread_all(fd, text, max, 0) : -ENOMEM;
	json_t *object;

	(void)CHECK(max > 0);
	*ret_cause = n < 0 ? strerror((int)-n) : "no JSON object";
	object = n < 0 || (size_t)n == max ? NULL : json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, NULL);
	if (json_is_object(object))
		return object;
	json_decref(object);
	return NULL;
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

struct checked_layer {
	struct checking *c;
	int dir;
	const char *digits;
};

static int layer_add(const struct checked_layer *l, enum store_fault fault, const char *detail, const char *name)
{
	return fsck_add(l->c, fault, detail, "layers/%s/%s", l->digits, name);
}

/* -ENOENT: it isn't there. */
static int layer_own(const struct checked_layer *l, const char *name, mode_t type)
{
	char path[sizeof("layers//layer.json") + DIGEST_HEX];

	snprintf(path, sizeof(path), "layers/%s/%s", l->digits, name);
	return fsck_own(l->c, l->dir, name, type, path);
}

static int check_facts(const struct checked_layer *l)
{
	const char *cause, *diff_id, *schema;
	int r = layer_own(l, "layer.json", S_IFREG);
	json_auto_t *facts = json_of_file(l->dir, "layer.json", FACTS_MAX, &cause);

	if (r < 0 && r != -ENOENT)
		return r;
	if (!facts)
		return layer_add(l, STORE_FAULT_BAD_FACTS, cause, "layer.json");
	diff_id = json_string_value(json_object_get(facts, "diff_id"));
	schema = json_string_value(json_object_get(facts, "schema"));
	if (diff_id && digest_is_valid(diff_id) && !strcmp(digest_digits(diff_id), l->digits) && schema &&
	    !strncmp(schema, "plyfs.layer/", 12) && json_integer_value(json_object_get(facts, "tar")) > 0)
		return 0;
	return layer_add(l, STORE_FAULT_BAD_FACTS, diff_id ? diff_id : "no diff_id", "layer.json");
}

/* Only the beginning is looked at: it's a zstd frame. */
static int layer_recipe(const struct checked_layer *l)
{
	static const char magic[] = {'\x28', '\xb5', '\x2f', '\xfd'};
	char begin[sizeof(magic)];
	int r = layer_own(l, "recipe", S_IFREG);
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (r < 0 && r != -ENOENT)
		return r;
	fd = r < 0 ? r : os_openat(l->dir, "recipe", O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	n = fd < 0 ? fd : os_pread_all(fd, begin, sizeof(begin), 0);
	if (n == (ssize_t)sizeof(magic) && !memcmp(begin, magic, sizeof(magic)))
		return 0;
	return layer_add(l, STORE_FAULT_BAD_RECIPE, n < 0 ? strerror((int)-n) : "no zstd frame", "recipe");
}

static int layer_below(const struct checked_layer *l)
{
	char text[DIGEST_SIZE + 1] = "";
	int r = layer_own(l, "below", S_IFREG);
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	fd = os_openat(l->dir, "below", O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	n = fd < 0 ? fd : os_pread_all(fd, text, sizeof(text) - 1, 0);
	/* Nothing is below the lowest layer. */
	if (n == 0 || (n > 0 && digest_is_valid(text)))
		return 0;
	return layer_add(l, STORE_FAULT_BAD_BELOW, n < 0 ? strerror((int)-n) : NULL, "below");
}

static int layer_sink(void *arg, const void *data, size_t len)
{
	return digest_add(arg, data, len);
}

static int layer_tar(const struct checked_layer *l)
{
	struct image_error why = {.text = "fails"};
	char diff_id[DIGEST_SIZE], got[DIGEST_SIZE];
	struct digest digest;
	int r = digest_start(&digest);

	if (r < 0)
		return r;
	snprintf(diff_id, sizeof(diff_id), DIGEST_PREFIX "%s", l->digits);
	r = store_write_tar(l->c->s, diff_id, layer_sink, &digest, &why);
	if (r < 0) {
		digest_abandon(&digest);
		return fsck_add(l->c, STORE_FAULT_LAYER_DIGEST, why.text, "layers/%s", l->digits);
	}
	r = digest_finish(&digest, got);
	return r < 0 || !strcmp(got, diff_id) ? r
					      : fsck_add(l->c, STORE_FAULT_LAYER_DIGEST, got, "layers/%s", l->digits);
}

static int blob_digest(struct checking *c, int fd, char ret[static DIGEST_SIZE])
{
	struct digest digest;
	ssize_t n = 0;
	int r = digest_start(&digest);

	if (r < 0)
		return r;
	(void)CHECK(c->buffer && fd >= 0);
	for (off_t at = 0; r == 0 && (n = os_pread_all(fd, c->buffer, PIECE, at)) > 0; at += n)
		r = digest_add(&digest, c->buffer, (size_t)n);
	if (n < 0 || r < 0) {
		digest_abandon(&digest);
		return n < 0 ? (int)n : r;
	}
	return digest_finish(&digest, ret);
}

static int layer_blob(void *arg, const struct os_dirent *d)
{
	const struct checked_layer *blobs = arg;
	char path[sizeof("layers//blobs/") + 2 * DIGEST_HEX], got[DIGEST_SIZE];
	_cleanup_close_ int fd = -1;
	int r;

	if (!fsck_is_hex(d->name))
		return fsck_add(blobs->c, STORE_FAULT_BLOB_NAME, NULL, "layers/%s/blobs/%s", blobs->digits, d->name);
	snprintf(path, sizeof(path), "layers/%s/blobs/%s", blobs->digits, d->name);
	r = fsck_own(blobs->c, blobs->dir, d->name, S_IFREG, path);
	if (r < 0 || !blobs->c->digests)
		return r;
	fd = os_openat(blobs->dir, d->name, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	r = fd < 0 ? fd : blob_digest(blobs->c, fd, got);
	if (r == 0 && !strcmp(digest_digits(got), d->name))
		return 0;
	return fsck_add(blobs->c, STORE_FAULT_BLOB_DIGEST, r < 0 ? strerror(-r) : got, "%s", path);
}

static int layer_blobs(const struct checked_layer *l)
{
	int r = layer_own(l, "blobs", S_IFDIR);
	_cleanup_close_ int dir = -1;
	struct checked_layer blobs = *l;

	if (r < 0)
		return r == -ENOENT ? 0 : r;
	dir = os_openat(l->dir, "blobs", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	blobs.dir = dir;
	return dir < 0 ? 0 : os_read_dir(dir, layer_blob, &blobs);
}

static int layer_parts(const struct checked_layer *l)
{
	static const char *const known[] = {"diff", "layer.json", "recipe", "blobs", "below", NULL};
	char path[sizeof("layers/") + DIGEST_HEX];
	struct statx stx;
	size_t before = l->c->ret->n;
	int r;

	snprintf(path, sizeof(path), "layers/%s", l->digits);
	r = fsck_only(l->c, l->dir, known, path);
	if (r == 0)
		r = os_statx(l->dir, "diff", &stx);
	if (r == -ENOENT || (r == 0 && !S_ISDIR(stx.stx_mode)))
		return fsck_add(l->c, STORE_FAULT_NO_DIFF, NULL, "%s", path);
	if (r == 0)
		r = check_facts(l);
	if (r == 0)
		r = layer_recipe(l);
	if (r == 0)
		r = layer_below(l);
	if (r == 0)
		r = layer_blobs(l);
	/* Without a recipe it was told already. */
	for (size_t i = before; i < l->c->ret->n; i++)
		if (l->c->ret->list[i].fault == STORE_FAULT_BAD_RECIPE)
			return r;
	return r == 0 && l->c->digests ? layer_tar(l) : r;
}

static int check_layer(void *arg, const struct os_dirent *d)
{
	struct checking *c = arg;
	struct checked_layer l = {.c = c, .digits = d->name};
	char path[sizeof("layers/") + DIGEST_HEX];
	_cleanup_close_ int dir = -1;
	int r;

	if (!fsck_is_hex(d->name))
		return fsck_add(c, STORE_FAULT_STRAY, NULL, "layers/%s", d->name);
	snprintf(path, sizeof(path), "layers/%s", d->name);
	r = fsck_own(c, c->s->layers_fd, d->name, S_IFDIR, path);
	dir = os_openat(c->s->layers_fd, d->name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	if (r < 0 || dir == -ENOTDIR || dir == -ELOOP)
		return r;
	if (dir < 0)
		return image_fail(c->error, dir, "%s: %s", path, strerror(-dir));
	l.dir = dir;
	return layer_parts(&l);
}

int fsck_layers(struct checking *c)
{
	(void)CHECK(c->s->layers_fd >= 0);
	return os_read_dir(c->s->layers_fd, check_layer, c);
}

/* --- uppers ------------------------------------------------------------------------------------------------------- */

/* What plyctl has written: bytes that aren't UTF-8 are in hex beside it. */
static int upper_layer_path(const json_t *layer, char **ret)
{
	const char *hex = json_string_value(json_object_get(layer, "directory_hex"));
	const char *plain = json_string_value(json_object_get(layer, "directory"));
	size_t n = hex ? strlen(hex) / 2 : 0;

	if (!plain || *plain != '/')
		return -EBADMSG;
	*ret = hex ? calloc(1, n + 1) : strdup(plain);
	if (!*ret)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		unsigned byte = 0;

		if (sscanf(hex + 2 * i, "%2x", &byte) != 1)
			break;
		(*ret)[i] = (char)byte;
	}
	return 0;
}

static int upper_layers(struct checking *c, const char *id, const json_t *layers)
{
	const json_t *item;
	size_t i;
	int r = 0;

	(void)CHECK(json_is_array(layers));
	json_array_foreach(layers, i, item)
	{
		_cleanup_free_ char *path = NULL;
		_cleanup_close_ int fd = -1;

		r = upper_layer_path(item, &path);
		if (r == -ENOMEM)
			return r;
		fd = r < 0 ? r : os_open_path(path, O_PATH | O_DIRECTORY, 0);
		if (fd == -ENOENT || fd == -ENOTDIR || fd == -EBADMSG)
			r = fsck_add(c, STORE_FAULT_UPPER_LAYER, path, "uppers/%s", id);
		if (r < 0)
			return r;
	}
	return r;
}

static int note_entry(void *arg, const struct os_dirent *d)
{
	*(bool *)arg = true;
	return 1;
}

/* Its list is written last. */
static bool upper_is_half(int dir)
{
	_cleanup_close_ int upper = os_openat(dir, "upper", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct statx stx;
	bool has_any = false;
	int r;

	(void)CHECK(dir >= 0);
	if (os_statx(dir, "stack", &stx) != -ENOENT)
		return false;
	/* What can't be read may have anything. */
	r = upper >= 0 ? os_read_dir_once(upper, note_entry, &has_any) : upper == -ENOENT ? 0 : upper;
	return r >= 0 && !has_any;
}

static int check_upper_parts(struct checking *c, int dir, const char *id)
{
	static const char *const parts[] = {"upper", "work"};
	struct statx stx;
	const char *cause;
	json_auto_t *stack = json_of_file(dir, "stack", STACK_MAX, &cause);
	const json_t *layers = json_object_get(stack, "layers");
	int r = 0;

	(void)CHECK(dir >= 0);
	if (!json_is_array(layers))
		r = fsck_add(c, STORE_FAULT_UPPER_STACK, stack ? "no list of layers" : cause, "uppers/%s/stack", id);
	else
		r = upper_layers(c, id, layers);
	for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; i++)
		if (os_statx(dir, parts[i], &stx) < 0 || !S_ISDIR(stx.stx_mode))
			r = fsck_add(c, STORE_FAULT_UPPER_PART, NULL, "uppers/%s/%s", id, parts[i]);
	return r;
}

static bool is_upper_id(const char *name)
{
	return strspn(name, "0123456789abcdef") == UPPER_ID && !name[UPPER_ID];
}

static bool is_removed_upper(const char *name)
{
	return strspn(name, "0123456789abcdef") == UPPER_ID && !strcmp(name + UPPER_ID, REMOVED);
}

struct fsck_uppers {
	struct checking *c;
	int dir;
};

static int fsck_upper(void *arg, const struct os_dirent *d)
{
	const struct fsck_uppers *u = arg;
	_cleanup_close_ int dir = os_openat(u->dir, d->name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	_cleanup_free_ char *path = NULL;
	int r;

	if (dir == -ENOENT)
		return 0;
	if (dir >= 0 && is_removed_upper(d->name))
		/* Whoever removes it holds its lock. */
		return os_flock(dir, LOCK_SH | LOCK_NB) < 0
			       ? 0
			       : fsck_add(u->c, STORE_FAULT_REMOVED_UPPER, NULL, "uppers/%s", d->name);
	if (dir == -ENOTDIR || dir == -ELOOP || !is_upper_id(d->name))
		return fsck_add(u->c, STORE_FAULT_STRAY, NULL, "uppers/%s", d->name);
	if (dir < 0 || asprintf(&path, "uppers/%s", d->name) < 0)
		return dir < 0 ? image_fail(u->c->error, dir, "uppers/%s: %s", d->name, strerror(-dir)) : -ENOMEM;
	r = fsck_own(u->c, u->dir, d->name, S_IFDIR, path);
	if (r == 0 && upper_is_half(dir))
		return fsck_add(u->c, STORE_FAULT_REMOVED_UPPER, NULL, "%s", path);
	return r < 0 ? r : check_upper_parts(u->c, dir, d->name);
}

int fsck_uppers(struct checking *c)
{
	_cleanup_close_ int dir = os_openat(c->s->fd, "uppers", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	struct fsck_uppers u = {.c = c, .dir = dir};

	(void)CHECK(c->s->fd >= 0);
	return dir == -ENOENT || dir == -ENOTDIR || dir == -ELOOP ? 0
	       : dir < 0					  ? dir
								  : os_read_dir(dir, fsck_upper, &u);
}
