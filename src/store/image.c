// SPDX-License-Identifier: Apache-2.0
/*
 * Images and their names.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/macros.h"
#include "format/name.h"
#include "image/error.h"
#include "internal.h"
#include "store/store.h"

static bool has_manifest(const struct store *s, const char *id)
{
	_cleanup_close_ int dir = os_openat(s->images_fd, digest_digits(id), O_PATH | O_DIRECTORY, 0, OS_NO_XDEV);
	struct statx stx;

	return dir >= 0 && os_statx(dir, "manifest", &stx) == 0;
}

static int image_steps(struct store *s, const char *temp, int fd, const char *id, const char *config, size_t config_len,
		       const char *manifest, size_t manifest_len)
{
	(void)CHECK(*temp && fd >= 0);
	int r = store_write_file(fd, "config", config, config_len);

	if (r == 0 && manifest)
		r = store_write_file(fd, "manifest", manifest, manifest_len);
	if (r == 0)
		r = os_fsync(fd);
	if (r < 0)
		return r;
	r = os_renameat2(s->tmp_fd, temp, s->images_fd, digest_digits(id), 0);
	/* The image is there. Only a manifest may be new: then it takes the place of none. */
	if ((r == -EEXIST || r == -ENOTEMPTY) && manifest && !has_manifest(s, id))
		r = os_renameat2(s->tmp_fd, temp, s->images_fd, digest_digits(id), 2 /* RENAME_EXCHANGE */);
	if (r == -EEXIST || r == -ENOTEMPTY)
		r = 0;
	return r < 0 ? r : os_fsync(s->images_fd);
}

int store_add_image(struct store *s, const char *config, size_t config_len, const char *manifest, size_t manifest_len,
		    char ret_id[static DIGEST_SIZE], struct image_error *error)
{
	char temp[TEMP_SIZE] = "";
	_cleanup_close_ int fd = -1;
	int r = digest_of(config, config_len, ret_id);

	if (!CHECK(s->locked))
		return -EIO;
	if (r == 0)
		r = store_temp_new(s, temp, &fd);
	if (r == 0)
		r = os_fchmod(fd, 0755);
	if (r == 0)
		r = image_steps(s, temp, fd, ret_id, config, config_len, manifest, manifest_len);
	store_temp_remove(s, temp);
	return r < 0 ? image_fail(error, r, "%s: %s", s->path, strerror(-r)) : 0;
}

int store_check_name(const char *name, struct image_error *error)
{
	char ref[STORE_REF_SIZE];
	int r = store_ref_encode(name, ref);

	if (r < 0)
		return image_fail(error, r, "%s: %s", name, strerror(-r));
	if (digest_is_valid(name) || (strlen(name) == DIGEST_HEX && digest_is_hex(name, DIGEST_HEX)))
		return image_fail(error, -EINVAL, "%s: a name can't be an id", name);
	return 0;
}

int store_find_name(const struct store *s, const char *name, char ret_id[static DIGEST_SIZE])
{
	char ref[STORE_REF_SIZE], target[sizeof("../images/") + DIGEST_HEX];
	size_t prefix = strlen("../images/");
	int r = store_ref_encode(name, ref);
	ssize_t n = r < 0 ? r : os_readlinkat(s->refs_fd, ref, target, sizeof(target) - 1);

	if (n < 0)
		return (int)n;
	target[n] = '\0';
	if ((size_t)n != prefix + DIGEST_HEX)
		return -EBADMSG;
	snprintf(ret_id, DIGEST_SIZE, DIGEST_PREFIX "%s", target + prefix);
	return CHECK(digest_is_valid(ret_id)) ? 0 : -EBADMSG;
}

int store_set_name(struct store *s, const char *name, const char *id, struct image_error *error)
{
	char ref[STORE_REF_SIZE], temp[TEMP_SIZE] = "", target[sizeof("../images/") + DIGEST_HEX];
	_cleanup_close_ int fd = -1;
	int r = store_check_name(name, error);

	if (!CHECK(s->locked && digest_is_valid(id)))
		return -EIO;
	if (r < 0)
		return r;
	r = store_ref_encode(name, ref);
	snprintf(target, sizeof(target), "../images/%s", digest_digits(id));
	if (r == 0)
		r = store_temp_new(s, temp, &fd);
	if (r == 0)
		r = os_symlinkat(target, fd, "ref");
	if (r == 0)
		r = os_renameat2(fd, "ref", s->refs_fd, ref, 0);
	if (r == 0)
		r = os_fsync(s->refs_fd);
	store_temp_remove(s, temp);
	return r < 0 ? image_fail(error, r, "%s: %s", name, strerror(-r)) : 0;
}

int store_remove_name(struct store *s, const char *name, struct image_error *error)
{
	char ref[STORE_REF_SIZE];
	int r = store_ref_encode(name, ref);

	(void)CHECK(s->locked);
	if (r == 0)
		r = os_unlinkat(s->refs_fd, ref, 0);
	if (r == 0)
		r = os_fsync(s->refs_fd);
	return r < 0 ? image_fail(error, r, "%s: %s", name, r == -ENOENT ? "no image has this name" : strerror(-r)) : 0;
}

struct unnaming {
	struct store *s;
	const char *digits;
};

static int unname(void *arg, const struct os_dirent *d)
{
	struct unnaming *u = arg;
	(void)CHECK(strlen(u->digits) == DIGEST_HEX);
	char target[sizeof("../images/") + DIGEST_HEX];
	ssize_t n = os_readlinkat(u->s->refs_fd, d->name, target, sizeof(target) - 1);

	if (n < 0)
		return n == -EINVAL ? 0 : (int)n;
	target[n] = '\0';
	return strcmp(target + MIN((size_t)n, strlen("../images/")), u->digits)
		       ? 0
		       : os_unlinkat(u->s->refs_fd, d->name, 0);
}

int store_remove_image(struct store *s, const char *id, struct image_error *error)
{
	struct unnaming u = {.s = s, .digits = digest_digits(id)};
	char temp[TEMP_SIZE] = "";
	_cleanup_close_ int fd = -1;
	int r;

	if (!CHECK(s->locked && digest_is_valid(id)))
		return -EIO;
	r = os_read_dir(s->refs_fd, unname, &u);
	if (r == 0)
		r = os_fsync(s->refs_fd);
	if (r == 0)
		r = store_temp_new(s, temp, &fd);
	if (r == 0)
		r = os_renameat2(s->images_fd, u.digits, fd, "image", 0);
	if (r == 0)
		r = os_fsync(s->images_fd);
	store_temp_remove(s, temp);
	return r < 0 ? image_fail(error, r, "%s: %s", id, strerror(-r)) : 0;
}
