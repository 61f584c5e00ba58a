// SPDX-License-Identifier: Apache-2.0
/*
 * Faults of the parts of the store, of images and their names, and of what commands have left. Findings come in this
 * order, so that a part is made before something in it is mended.
 */
#include "store/check.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/macros.h"
#include "base/check.h"
#include "check_state.h"
#include "format/name.h"
#include "image/error.h"

#define CHECK_BUFFER (256 << 10)
#define IMAGES_PREFIX "../images/"

/* --- parts -------------------------------------------------------------------------------------------------------- */

/* What only its owner may enter. */
static int check_part(struct checking *c, const char *name, mode_t type, bool is_wanted)
{
	struct statx stx;
	char text[16];
	int r = os_statx(c->s->fd, name, &stx);

	if (r == -ENOENT)
		return is_wanted ? fsck_add(c, STORE_FAULT_MISSING_PART, NULL, "%s", name) : 0;
	if (r < 0)
		return r;
	if ((stx.stx_mode & S_IFMT) != type)
		return fsck_add(c, STORE_FAULT_STRAY, NULL, "%s", name);
	if (stx.stx_mode & 077) {
		snprintf(text, sizeof(text), "%04o", stx.stx_mode & 07777U);
		r = fsck_add(c, STORE_FAULT_OPEN_PART, text, "%s", name);
		stx.stx_mode &= (uint16_t)~077;
	}
	(void)CHECK(!(stx.stx_mode & 077));
	return r < 0 ? r : fsck_mode(c, &stx, name);
}

static int check_parts(struct checking *c)
{
	static const char *const wanted[] = {"refs", "images", "layers", "tmp"};
	int r = 0;

	for (size_t i = 0; i < ARRAY_SIZE(wanted) && r == 0; i++)
		r = check_part(c, wanted[i], S_IFDIR, true);
	if (r == 0)
		r = check_part(c, "lock", S_IFREG, true);
	if (r == 0)
		r = check_part(c, "uppers", S_IFDIR, false);
	return r < 0 ? r : check_part(c, "cache", S_IFDIR, false);
}

static int check_temp(void *arg, const struct os_dirent *d)
{
	return fsck_add(arg, STORE_FAULT_TEMP, NULL, "tmp/%s", d->name);
}

/* --- images ------------------------------------------------------------------------------------------------------- */

/* A document of an image. NULL, and the cause. */
static json_t *check_document(int dir, const char *name, char ret_digest[static DIGEST_SIZE],
			      char ret_cause[static JSON_ERROR_TEXT_LENGTH])
{
	_cleanup_close_ int fd = os_openat(dir, name, O_RDONLY | O_NONBLOCK, 0, OS_NO_XDEV);
	_cleanup_free_ char *text = malloc(IMAGE_JSON_MAX + 1);
	json_error_t why = {.text = "no object"};
	ssize_t n = fd < 0 ? fd : text ? os_pread_all(fd, text, IMAGE_JSON_MAX + 1, 0) : -ENOMEM;
	json_t *document;

	if (n == IMAGE_JSON_MAX + 1)
		n = -EFBIG;
	if (n >= 0 && digest_of(text, (size_t)n, ret_digest) < 0)
		n = -ENOMEM;
	if (n < 0) {
		snprintf(ret_cause, JSON_ERROR_TEXT_LENGTH, "%s", strerror((int)-n));
		return NULL;
	}
	document = json_loadb(text, (size_t)n, JSON_REJECT_DUPLICATES, &why);
	if (json_is_object(document))
		return document;
	json_decref(document);
	snprintf(ret_cause, JSON_ERROR_TEXT_LENGTH, "%s", why.text);
	return NULL;
}

static int check_missing_layers(struct checking *c, const char *digits, const json_t *diff_ids)
{
	const json_t *item;
	size_t i;
	int r = 0;

	json_array_foreach(diff_ids, i, item)
	{
		const char *diff_id = json_string_value(item);

		(void)CHECK(digits[0]);
		if (r == 0 && diff_id && digest_is_valid(diff_id) && !store_has_layer(c->s, diff_id))
			r = fsck_add(c, STORE_FAULT_MISSING_LAYER, diff_id, "images/%s", digits);
	}
	return r;
}

/* It names the config and has as many layers. */
static int check_manifest(struct checking *c, int dir, const char *digits, size_t n_layers)
{
	char digest[DIGEST_SIZE], cause[JSON_ERROR_TEXT_LENGTH] = "";
	_cleanup_free_ char *path = NULL;
	json_auto_t *manifest = NULL;
	const char *config;
	int r;

	if (asprintf(&path, "images/%s/manifest", digits) < 0)
		return -ENOMEM;
	r = fsck_own(c, dir, "manifest", S_IFREG, path);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	manifest = check_document(dir, "manifest", digest, cause);
	config = json_string_value(json_object_get(json_object_get(manifest, "config"), "digest"));
	if (manifest && (!config || !digest_is_valid(config) || strcmp(digest_digits(config), digits) != 0))
		snprintf(cause, sizeof(cause), "it is of the config %.80s", config ? config : "of no digest");
	else if (manifest && json_array_size(json_object_get(manifest, "layers")) != n_layers)
		snprintf(cause, sizeof(cause), "it has %zu layers, not %zu",
			 json_array_size(json_object_get(manifest, "layers")), n_layers);
	return *cause ? fsck_add(c, STORE_FAULT_BAD_MANIFEST, cause, "%s", path) : 0;
}

static int check_config(struct checking *c, int dir, const char *digits)
{
	char digest[DIGEST_SIZE] = "", cause[JSON_ERROR_TEXT_LENGTH] = "";
	json_auto_t *config = check_document(dir, "config", digest, cause);
	const json_t *diff_ids = json_object_get(json_object_get(config, "rootfs"), "diff_ids");
	int r;

	(void)CHECK(dir >= 0);
	if (*digest && strcmp(digest_digits(digest), digits) != 0)
		snprintf(cause, sizeof(cause), "%s", digest);
	else if (config && !json_is_array(diff_ids))
		snprintf(cause, sizeof(cause), "it has no diff_ids");
	if (*cause)
		return fsck_add(c, STORE_FAULT_BAD_CONFIG, cause, "images/%s", digits);
	r = check_missing_layers(c, digits, diff_ids);
	return r < 0 ? r : check_manifest(c, dir, digits, json_array_size(diff_ids));
}

static int check_image(void *arg, const struct os_dirent *d)
{
	static const char *const known[] = {"config", "manifest", NULL};
	struct checking *c = arg;
	char path[sizeof("images//config") + DIGEST_HEX];
	_cleanup_close_ int dir = -1;
	int r;

	if (!fsck_is_hex(d->name))
		return fsck_add(c, STORE_FAULT_STRAY, NULL, "images/%s", d->name);
	snprintf(path, sizeof(path), "images/%s", d->name);
	r = fsck_own(c, c->s->images_fd, d->name, S_IFDIR, path);
	dir = os_openat(c->s->images_fd, d->name, O_RDONLY | O_DIRECTORY, 0, OS_NO_XDEV);
	if (r < 0 || dir == -ENOTDIR || dir == -ELOOP)
		return r;
	if (dir < 0)
		return image_fail(c->error, dir, "%s: %s", path, strerror(-dir));
	r = fsck_only(c, dir, known, path);
	if (r == 0) {
		snprintf(path, sizeof(path), "images/%s/config", d->name);
		r = fsck_own(c, dir, "config", S_IFREG, path);
	}
	return r < 0 && r != -ENOENT ? r : check_config(c, dir, d->name);
}

/* --- names -------------------------------------------------------------------------------------------------------- */

static int check_ref(void *arg, const struct os_dirent *d)
{
	struct checking *c = arg;
	size_t prefix = strlen(IMAGES_PREFIX);
	char name[NAME_SIZE], target[sizeof(IMAGES_PREFIX) + DIGEST_HEX + 1] = "";
	struct statx stx;
	ssize_t n = os_readlinkat(c->s->refs_fd, d->name, target, sizeof(target) - 1);

	(void)CHECK(c->s->refs_fd >= 0);
	snprintf(name, sizeof(name), "%s", d->name);
	target[MAX(n, (ssize_t)0)] = '\0';
	if (n < 0 || store_ref_decode(name) < 0 || strncmp(target, IMAGES_PREFIX, prefix) != 0 ||
	    !fsck_is_hex(target + prefix))
		return fsck_add(c, STORE_FAULT_BAD_NAME, n < 0 ? NULL : target, "refs/%s", d->name);
	if (c->s->images_fd >= 0 && os_statx(c->s->images_fd, target + prefix, &stx) == 0)
		return 0;
	return fsck_add(c, STORE_FAULT_DANGLING_NAME, target + prefix, "refs/%s", d->name);
}

/* --- all ---------------------------------------------------------------------------------------------------------- */

static int check_steps(struct checking *c)
{
	const struct store *s = c->s;
	int r = check_parts(c);

	(void)CHECK(s->fd >= 0);
	if (r == 0 && s->tmp_fd >= 0 && !c->ret->busy)
		r = os_read_dir(s->tmp_fd, check_temp, c);
	if (r == 0)
		r = store_lock_to_look(c->s, c->ret);
	if (r == 0 && s->refs_fd >= 0)
		r = os_read_dir(s->refs_fd, check_ref, c);
	if (r == 0 && s->images_fd >= 0)
		r = os_read_dir(s->images_fd, check_image, c);
	if (r == 0 && s->layers_fd >= 0)
		r = fsck_layers(c);
	if (r == 0)
		r = fsck_uppers(c);
	return r < 0 ? r : fsck_steps(c);
}

int store_check_find(struct store *s, bool digests, struct store_check *check, struct image_error *error)
{
	_cleanup_free_ char *buffer = digests ? malloc(CHECK_BUFFER) : NULL;
	struct image_error why = {.text = ""};
	struct checking c = {.s = s, .ret = check, .error = &why, .digests = digests, .buffer = buffer};
	struct statx stx;
	int r = os_statx(s->fd, "", &stx);

	if (!CHECK(s->locked))
		return -EIO;
	if (digests && !buffer)
		return image_fail_memory(error);
	c.owner = stx.stx_uid;
	if (r == 0)
		r = check_steps(&c);
	return r < 0 ? image_fail(error, r, "%s: %s", s->path, *why.text ? why.text : strerror(-r)) : 0;
}

void store_check_free(struct store_check *check)
{
	for (size_t i = 0; i < check->n; i++) {
		free(check->list[i].path);
		free(check->list[i].detail);
	}
	free(check->list);
	*check = (struct store_check){.n = 0};
}
