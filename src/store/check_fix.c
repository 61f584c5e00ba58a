// SPDX-License-Identifier: Apache-2.0
/*
 * Remedies. What is removed leaves its place by one rename, into `tmp`, and is removed there.
 */
#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "check_state.h"
#include "image/error.h"
#include "store/cache.h"

#define STACK_MAX (1 << 20)

struct fixing {
	struct store *s;
	bool (*is_used)(void *arg, const char *dir);
	void *arg;
	/* digits of layers that images, uppers, cached steps, mounts and exposed directories have; owned */
	char (*needed)[DIGEST_HEX + 1];
	size_t n_needed;
	bool knows_needed;
};

/* The directory of a path from the store's root, and the name in it. */
static int open_above(const struct store *s, const char *path, const char **ret_name)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = slash ? strndup(path, (size_t)(slash - path)) : strdup(".");

	(void)CHECK(*path && *path != '/');
	*ret_name = slash ? slash + 1 : path;
	if (!parent)
		return -ENOMEM;
	return slash ? os_openat(s->fd, parent, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV) : os_dup(s->fd);
}

static int fix_remove(const struct fixing *f, const char *path)
{
	char temp[TEMP_SIZE] = "";
	const char *name;
	_cleanup_close_ int parent = open_above(f->s, path, &name), fd = -1;
	int r = parent < 0 ? parent : store_temp_new(f->s, temp, &fd);

	(void)CHECK(f->s->exclusive);
	if (r == 0)
		r = os_renameat2(parent, name, fd, "removed", 0);
	if (r == 0)
		r = os_fsync(parent);
	store_temp_remove(f->s, temp);
	return r;
}

/* --- parts -------------------------------------------------------------------------------------------------------- */

static int fix_part(const struct fixing *f, const char *path)
{
	struct store *s = f->s;
	struct {
		const char *name;
		int *fd;
	} parts[] = {{"refs", &s->refs_fd}, {"images", &s->images_fd}, {"layers", &s->layers_fd}, {"tmp", &s->tmp_fd}};
	int r;

	(void)CHECK(*path);
	if (!strcmp(path, "lock")) {
		if (s->lock_fd < 0)
			s->lock_fd = os_openat(s->fd, path, O_RDWR | O_CREAT, 0600, OS_CROSS_MOUNTS);
		return MIN(s->lock_fd, 0);
	}
	r = os_mkdirat(s->fd, path, 0700);
	for (size_t i = 0; i < ARRAY_SIZE(parts) && r == 0; i++)
		if (!strcmp(parts[i].name, path) && *parts[i].fd < 0) {
			*parts[i].fd = os_openat(s->fd, path, O_RDONLY | O_DIRECTORY, 0, OS_CROSS_MOUNTS);
			r = MIN(*parts[i].fd, 0);
		}
	return r < 0 ? r : os_fsync(s->fd);
}

/* What others may do goes, and its owner may do all. */
static int fix_mode(const struct fixing *f, const char *path, mode_t without)
{
	const char *name;
	_cleanup_close_ int parent = open_above(f->s, path, &name);
	struct statx stx;
	int r = parent < 0 ? parent : os_statx(parent, name, &stx);

	(void)CHECK(without);
	if (r < 0)
		return r;
	return os_fchmodat(parent, name,
			   ((stx.stx_mode & 07777U) | (S_ISDIR(stx.stx_mode) ? 0700U : 0600U)) & ~(unsigned)without);
}

static int fix_owner(const struct fixing *f, const char *path)
{
	const char *name;
	_cleanup_close_ int parent = open_above(f->s, path, &name);
	struct statx root;
	int r = parent < 0 ? parent : os_statx(f->s->fd, "", &root);

	(void)CHECK(f->s->exclusive);
	return r < 0 ? r : os_fchownat(parent, name, root.stx_uid, root.stx_gid);
}

/* --- layers ------------------------------------------------------------------------------------------------------- */

static int need_digits(struct fixing *f, const char *digits)
{
	char(*next)[DIGEST_HEX + 1] = ARRAY_NEXT(f->needed, f->n_needed);

	(void)CHECK(strlen(digits) == DIGEST_HEX);
	if (!next)
		return -ENOMEM;
	strcpy(*next, digits);
	f->n_needed++;
	return 0;
}

static int need_of_image(void *arg, const struct os_dirent *d)
{
	struct fixing *f = arg;
	_cleanup_free_ char *path = NULL;
	json_auto_t *config = NULL;
	const json_t *item;
	int r = 0;
	size_t i;

	if (!fsck_is_hex(d->name))
		return 0;
	if (asprintf(&path, "%s/images/%s/config", f->s->path, d->name) < 0)
		return -ENOMEM;
	config = json_load_file(path, 0, NULL);
	json_array_foreach(json_object_get(json_object_get(config, "rootfs"), "diff_ids"), i, item)
	{
		const char *diff_id = json_string_value(item);

		if (r == 0 && diff_id && digest_is_valid(diff_id))
			r = need_digits(f, digest_digits(diff_id));
	}
	return r;
}

/* Each path that leads into a layer of a store. */
static int need_of_text(void *arg, char *text, struct image_error *error)
{
	static const char part[] = "/layers/";
	int r = 0;

	for (char *at = text; r == 0 && (at = strstr(at, part));) {
		char digits[DIGEST_HEX + 1] = "";

		at += strlen(part);
		strncat(digits, at, DIGEST_HEX);
		if (fsck_is_hex(digits))
			r = need_digits(arg, digits);
	}
	return r;
}

static int need_of_upper(void *arg, const struct os_dirent *d)
{
	struct fixing *f = arg;
	_cleanup_free_ char *path = NULL, *text = malloc(STACK_MAX + 1);
	_cleanup_close_ int fd = -1;
	ssize_t n;

	if (!text || asprintf(&path, "uppers/%s/stack", d->name) < 0)
		return -ENOMEM;
	fd = os_openat(f->s->fd, path, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	if (fd == -ENOENT || fd == -ENOTDIR)
		return 0;
	n = fd < 0 ? fd : os_pread_all(fd, text, STACK_MAX, 0);
	/* What an upper needs that can't be read isn't known: no layer is removed then. */
	if (n < 0 || n == STACK_MAX)
		return n < 0 ? (int)n : -EFBIG;
	text[n] = '\0';
	return need_of_text(f, text, NULL);
}

static int need_of_step(void *arg, const char *key, struct cache_entry *e, int err, const char *cause)
{
	if (!e)
		return err == -EBADMSG ? 0 : err;
	return need_digits(arg, digest_digits(e->diff_id));
}

static int find_needed(struct fixing *f)
{
	_cleanup_close_ int uppers = os_openat(f->s->fd, "uppers", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	int r = f->knows_needed || f->s->images_fd < 0 ? 0 : os_read_dir(f->s->images_fd, need_of_image, f);

	(void)CHECK(f->s->exclusive);
	if (r == 0 && !f->knows_needed && uppers >= 0)
		r = os_read_dir(uppers, need_of_upper, f);
	if (r == 0 && !f->knows_needed)
		r = store_cache_each(f->s, need_of_step, f, NULL);
	if (r == 0 && !f->knows_needed)
		r = store_each_lease(f->s, false, need_of_text, f, NULL);
	if (r == 0 && !f->knows_needed)
		r = store_each_exposed(f->s, need_of_text, f, NULL);
	f->knows_needed |= r == 0;
	return r;
}

/* The digits in "layers/HEX" and what is below. */
static int layer_of_path(const char *path, char ret[static DIGEST_HEX + 1])
{
	size_t prefix = strlen("layers/");

	ret[0] = '\0';
	if (strncmp(path, "layers/", prefix) != 0)
		return -EINVAL;
	strncat(ret, path + prefix, DIGEST_HEX);
	return CHECK(fsck_is_hex(ret)) ? 0 : -EINVAL;
}

/* `anyway`: there is nothing in it that anybody could need. */
static int fix_layer(struct fixing *f, const char *path, bool anyway)
{
	char digits[DIGEST_HEX + 1], layer[sizeof("layers/") + DIGEST_HEX];
	_cleanup_free_ char *diff = NULL;
	struct statx stx;
	int r = layer_of_path(path, digits);

	if (r == 0 && !anyway)
		r = find_needed(f);
	for (size_t i = 0; i < f->n_needed && r == 0 && !anyway; i++)
		if (!strcmp(f->needed[i], digits))
			r = -EBUSY;
	if (r == 0 && asprintf(&diff, "%s/layers/%s/diff", f->s->path, digits) < 0)
		r = -ENOMEM;
	if (r == 0 && !anyway && f->is_used && f->is_used(f->arg, diff))
		r = -EBUSY;
	/* Another fault of the layer has removed it. */
	if (r == 0 && os_statx(f->s->layers_fd, digits, &stx) == -ENOENT)
		return 0;
	snprintf(layer, sizeof(layer), "layers/%s", digits);
	return r < 0 ? r : fix_remove(f, layer);
}

struct counted {
	struct digest digest;
	int64_t size;
};

static int count_sink(void *arg, const void *data, size_t len)
{
	struct counted *c = arg;

	c->size += (int64_t)len;
	return digest_add(&c->digest, data, len);
}

/* Whether names of the directory's xattrs have the text. */
static bool has_xattr(int layer, const char *text)
{
	_cleanup_close_ int diff = os_openat(layer, "diff", O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	char names[4096];
	ssize_t n = diff < 0 ? diff : os_listxattr(diff, "", names, sizeof(names) - 1);

	(void)CHECK(*text);
	for (ssize_t i = 0; i < n; i += (ssize_t)strlen(names + i) + 1)
		if (strstr(names + i, text))
			return true;
	return false;
}

/* The layer has to have its digest: then its tar tells the rest, but for the number of entries, which nobody reads. */
static int fix_facts(const struct fixing *f, const char *path)
{
	char digits[DIGEST_HEX + 1], diff_id[DIGEST_SIZE], got[DIGEST_SIZE];
	struct counted counted = {.size = 0};
	_cleanup_free_ char *text = NULL;
	_cleanup_close_ int dir = -1, tmp = -1;
	char temp[TEMP_SIZE] = "";
	json_auto_t *facts = NULL;
	int r = layer_of_path(path, digits);

	if (r == 0)
		r = digest_start(&counted.digest);
	if (r < 0)
		return r;
	snprintf(diff_id, sizeof(diff_id), DIGEST_PREFIX "%s", digits);
	r = store_write_tar(f->s, diff_id, count_sink, &counted, NULL);
	if (r < 0)
		digest_abandon(&counted.digest);
	else
		r = digest_finish(&counted.digest, got);
	if (r < 0 || strcmp(got, diff_id) != 0)
		return r < 0 ? r : -EBADMSG;
	dir = os_openat(f->s->layers_fd, digits, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	if (dir < 0)
		return dir;
	facts = json_pack("{s:s, s:s, s:I, s:s, s:b}", "schema", "plyfs.layer/1", "diff_id", diff_id, "tar",
			  (json_int_t)counted.size, "xattrs", has_xattr(dir, "user.overlay.") ? "user" : "trusted",
			  "overrides", has_xattr(dir, "override_stat"));
	text = facts ? json_dumps(facts, JSON_INDENT(1)) : NULL;
	r = text ? store_temp_new(f->s, temp, &tmp) : -ENOMEM;
	if (r == 0)
		r = store_write_file(tmp, "layer.json", text, strlen(text));
	if (r == 0)
		r = os_renameat2(tmp, "layer.json", dir, "layer.json", 0);
	if (r == 0)
		r = os_fsync(dir);
	store_temp_remove(f->s, temp);
	return r;
}

/* --- one finding -------------------------------------------------------------------------------------------------- */

static int fix_image(const struct fixing *f, const char *path)
{
	char id[DIGEST_SIZE];

	snprintf(id, sizeof(id), DIGEST_PREFIX "%s", path + strlen("images/"));
	return CHECK(digest_is_valid(id)) ? store_remove_image(f->s, id, NULL) : -EINVAL;
}

static int fix_upper_part(const struct fixing *f, const char *path)
{
	const char *name;
	_cleanup_close_ int parent = open_above(f->s, path, &name);
	int r = parent < 0 ? parent : os_mkdirat(parent, name, !strcmp(name, "work") ? 0700 : 0755);

	(void)CHECK(f->s->exclusive);
	return r < 0 ? r : os_fsync(parent);
}

/* Whoever makes an upper doesn't hold the store's lock: it may have its list by now. */
static int fix_removed_upper(const struct fixing *f, const char *path)
{
	_cleanup_free_ char *list = NULL;
	_cleanup_close_ int fd = -1;

	(void)CHECK(!strncmp(path, "uppers/", 7));
	if (asprintf(&list, "%s/stack", path) < 0)
		return -ENOMEM;
	fd = strchr(path, '.') ? -ENOENT : os_openat(f->s->fd, list, O_PATH, 0, OS_NO_XDEV);
	return fd == -ENOENT ? fix_remove(f, path) : fd < 0 ? fd : -EBUSY;
}

/* An entry of the cache goes if it is damaged or has no layer, and not because it couldn't be read. */
static int fix_step(struct fixing *f, const char *path)
{
	struct cache_entry e = {.step = NULL};
	struct image_error why;
	char key[DIGEST_SIZE];
	int r;

	snprintf(key, sizeof(key), DIGEST_PREFIX "%s", path + strlen("cache/"));
	r = store_cache_find(f->s, key, false, &e, &why);
	cache_entry_finish(&e);
	return r == -EBADMSG || r == -ENOENT ? fix_remove(f, path) : r;
}

static int fix_one(struct fixing *f, const struct store_finding *finding)
{
	const char *path = finding->path;

	switch (finding->fault) {
	case STORE_FAULT_MISSING_PART:
		return fix_part(f, path);
	case STORE_FAULT_OPEN_PART:
		return fix_mode(f, path, 077);
	case STORE_FAULT_MODE:
		return fix_mode(f, path, 022);
	case STORE_FAULT_OWNER:
		return fix_owner(f, path);
	case STORE_FAULT_BAD_CONFIG:
		return fix_image(f, path);
	case STORE_FAULT_BAD_FACTS:
		return fix_facts(f, path);
	case STORE_FAULT_NO_DIFF:
		return fix_layer(f, path, true);
	case STORE_FAULT_BAD_RECIPE:
	case STORE_FAULT_LAYER_DIGEST:
		return fix_layer(f, path, false);
	case STORE_FAULT_UPPER_PART:
		return fix_upper_part(f, path);
	case STORE_FAULT_REMOVED_UPPER:
		return fix_removed_upper(f, path);
	case STORE_FAULT_BAD_STEP:
	case STORE_FAULT_DANGLING_STEP:
		return fix_step(f, path);
	default:
		return CHECK(store_fault_destroys(finding->fault)) ? fix_remove(f, path) : -EINVAL;
	}
}

/* Whether one of two paths is the other one, or above it. */
static bool paths_meet(const char *a, const char *b)
{
	size_t n = MIN(strlen(a), strlen(b));

	return !strncmp(a, b, n) && (!a[n] || a[n] == '/') && (!b[n] || b[n] == '/');
}

/* What couldn't be read for its owner or its mode may be whole. */
static bool was_closed(const struct store_check *check, const struct store_finding *finding)
{
	for (size_t i = 0; i < check->n; i++) {
		enum store_fault fault = check->list[i].fault;

		if ((fault == STORE_FAULT_MODE || fault == STORE_FAULT_OWNER) &&
		    paths_meet(check->list[i].path, finding->path))
			return true;
	}
	return false;
}

/* Removing what nobody reads needs no second look. */
static bool needs_second_look(enum store_fault fault)
{
	return fault != STORE_FAULT_STRAY && fault != STORE_FAULT_TEMP && fault != STORE_FAULT_REMOVED_UPPER;
}

int store_check_fix(struct store *s, struct store_check *check, bool destroy,
		    bool (*is_used)(void *arg, const char *dir), void *arg, struct image_error *error)
{
	struct fixing f = {.s = s, .is_used = is_used, .arg = arg};
	int r = s->exclusive ? 0 : image_fail(error, -EBUSY, "%s: it is in use", s->path);

	if (!CHECK(s->locked))
		return -EIO;
	for (size_t i = 0; i < check->n && r == 0; i++) {
		struct store_finding *finding = &check->list[i];

		if (!store_fault_remedy(finding->fault) || (!destroy && store_fault_destroys(finding->fault)))
			continue;
		if (store_fault_destroys(finding->fault) && needs_second_look(finding->fault) &&
		    was_closed(check, finding))
			finding->err = -EAGAIN;
		else
			finding->err = fix_one(&f, finding);
		/* What a remedy before this one has removed. */
		finding->mended =
			finding->err == 0 || (finding->err == -ENOENT && store_fault_destroys(finding->fault));
	}
	free(f.needed);
	return r;
}
