/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One layer: the names and private xattrs of each object, without a look at the other layers.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/meter.h"
#include "check_state.h"
#include "format/ino_xattr.h"
#include "format/metacopy.h"
#include "format/name.h"
#include "format/nlink.h"
#include "format/redirect.h"
#include "format/source.h"
#include "format/stat_override.h"
#include "layer/walk.h"
#include "os/fs.h"

/* An object with one of its xattrs. */
struct examined {
	struct checking *c;
	const struct layer_walk_entry *e;
	const char *xattr;
	const uint8_t *value;
	size_t size;
};

static int found(const struct examined *x, enum view_fault fault)
{
	char text[64];
	size_t n = 0;

	for (size_t i = 0; i < x->size && n + 5 < sizeof(text); i++) {
		if (x->value[i] >= ' ' && x->value[i] < 0x7f)
			text[n++] = (char)x->value[i];
		else
			n += (size_t)snprintf(text + n, sizeof(text) - n, "\\x%02x", x->value[i]);
	}
	text[n] = '\0';
	return check_add(x->c, fault, x->c->layer, x->e->path, x->xattr, "%s=%s", x->xattr, text);
}

static bool is_dir(const struct examined *x)
{
	return S_ISDIR(x->e->stx.stx_mode);
}

static bool is_letter(const struct examined *x, char letter)
{
	return x->size == 1 && *x->value == (uint8_t)letter;
}

/* --- values ------------------------------------------------------------------------------------------------------- */

static int examine_opaque(const struct examined *x)
{
	return is_dir(x) && (is_letter(x, 'y') || is_letter(x, 'x')) ? 0 : found(x, VIEW_FAULT_BAD_OPAQUE);
}

static int examine_impure(const struct examined *x)
{
	return is_dir(x) && is_letter(x, 'y') ? 0 : found(x, VIEW_FAULT_BAD_IMPURE);
}

static int examine_redirect(const struct examined *x)
{
	struct redirect redirect;

	return redirect_decode(x->value, x->size, &redirect) < 0 ? found(x, VIEW_FAULT_BAD_REDIRECT) : 0;
}

static int examine_metacopy(const struct examined *x)
{
	struct metacopy metacopy;

	return !S_ISREG(x->e->stx.stx_mode) || metacopy_decode(x->value, x->size, &metacopy) < 0
		       ? found(x, VIEW_FAULT_BAD_METACOPY)
		       : 0;
}

static int examine_origin(const struct examined *x)
{
	_cleanup_close_ int fd = -1;
	struct ovl_fh fh;
	struct statx stx;
	int r = ovl_fh_decode(x->value, x->size, &fh);

	if (r == -EINVAL)
		return found(x, VIEW_FAULT_BAD_ORIGIN);
	/* That of a root says which layer is below. */
	if (r < 0 || !*x->e->path)
		return 0;
	fd = check_open_handle(x->c, &fh);
	if (fd == -ESTALE)
		return found(x, VIEW_FAULT_DANGLING_ORIGIN);
	if (fd < 0 || os_statx(fd, "", &stx) < 0)
		return 0;
	return (stx.stx_mode & S_IFMT) != (x->e->stx.stx_mode & S_IFMT) ? found(x, VIEW_FAULT_OTHER_ORIGIN) : 0;
}

static int examine_nlink(const struct examined *x)
{
	struct nlink_xattr nlink;

	return nlink_decode(x->value, x->size, &nlink) < 0 ? found(x, VIEW_FAULT_BAD_NLINK) : 0;
}

static int examine_uuid(const struct examined *x)
{
	return x->size == 16 && !*x->e->path ? 0 : found(x, VIEW_FAULT_BAD_UUID);
}

static int examine_protattr(const struct examined *x)
{
	for (size_t i = 0; i < x->size; i++)
		if (x->value[i] != 'i' && x->value[i] != 'a')
			return found(x, VIEW_FAULT_BAD_PROTATTR);
	return x->size ? 0 : found(x, VIEW_FAULT_BAD_PROTATTR);
}

static int examine_whiteout(const struct examined *x)
{
	return x->e->whiteout ? 0 : found(x, VIEW_FAULT_BAD_WHITEOUT);
}

static int examine_ino(const struct examined *x)
{
	struct checking *c = x->c;
	uint64_t number = ino_xattr_decode(x->value, x->size);

	if (!number)
		return found(x, VIEW_FAULT_BAD_INO);
	if (!ARRAY_ROOM(c->inos, c->n_inos, c->inos_room, 1))
		return -ENOMEM;
	c->inos[c->n_inos] = (struct check_ino){.number = number,
						.ino = x->e->stx.stx_ino,
						.dev = makedev(x->e->stx.stx_dev_major, x->e->stx.stx_dev_minor),
						.path = strdup(x->e->path)};
	return c->inos[c->n_inos++].path ? 0 : -ENOMEM;
}

static int examine_source(const struct examined *x)
{
	struct source source;

	return source_decode(x->value, x->size, &source) < 0 ? found(x, VIEW_FAULT_BAD_SOURCE) : 0;
}

static int examine_override(const struct examined *x, mode_t real_type)
{
	struct stat_override override;

	return stat_override_decode((const char *)x->value, x->size, real_type, &override) < 0
		       ? found(x, VIEW_FAULT_BAD_OVERRIDE)
		       : 0;
}

static int (*const examine[XATTR_OVERLAY_COUNT])(const struct examined *x) = {
	[XATTR_OVERLAY_OPAQUE] = examine_opaque,       [XATTR_OVERLAY_REDIRECT] = examine_redirect,
	[XATTR_OVERLAY_ORIGIN] = examine_origin,       [XATTR_OVERLAY_IMPURE] = examine_impure,
	[XATTR_OVERLAY_NLINK] = examine_nlink,	       [XATTR_OVERLAY_UUID] = examine_uuid,
	[XATTR_OVERLAY_METACOPY] = examine_metacopy,   [XATTR_OVERLAY_PROTATTR] = examine_protattr,
	[XATTR_OVERLAY_WHITEOUT] = examine_whiteout,   [XATTR_OVERLAY_PLYFS_INO] = examine_ino,
	[XATTR_OVERLAY_PLYFS_SOURCE] = examine_source,
};

/* --- objects ------------------------------------------------------------------------------------------------------ */

/* The object's own type, where an override shows another. */
static mode_t real_type_of(const struct layer_walk_entry *e)
{
	struct statx stx;

	return os_statx(e->dirfd, e->name, &stx) == 0 ? stx.stx_mode & S_IFMT : e->stx.stx_mode & S_IFMT;
}

static int examine_xattr(struct examined *x)
{
	uint8_t value[CHECK_VALUE_SIZE];
	const struct layer *l = x->e->layer;
	const char *override = l->override == OVERRIDE_NONE ? NULL : xattr_override_stat(l->override);
	unsigned which = 0;
	ssize_t n;

	while (which < XATTR_OVERLAY_COUNT && strcmp(x->xattr, xattr_overlay_name(x->c->set->ns, which)) != 0)
		which++;
	if (which == XATTR_OVERLAY_COUNT && !(override && !strcmp(x->xattr, override)))
		return 0;
	n = os_getxattr(x->e->dirfd, x->e->name, x->xattr, value, sizeof(value));
	if (n < 0)
		return n == -ENODATA ? 0 : check_failed_at(x->c, x->c->layer, x->e->path, (int)n);
	x->value = value;
	x->size = (size_t)n;
	/* The name outlives the list. */
	x->xattr = which == XATTR_OVERLAY_COUNT ? override : xattr_overlay_name(x->c->set->ns, which);
	if (which == XATTR_OVERLAY_COUNT)
		return examine_override(x, real_type_of(x->e));
	return examine[which] ? examine[which](x) : 0;
}

static int check_xattrs(struct checking *c, const struct layer_walk_entry *e)
{
	ssize_t n = os_listxattr(e->dirfd, e->name, c->names, CHECK_NAMES_SIZE);
	int r = 0;

	if (n == -EOPNOTSUPP || n == -ENOENT)
		return 0;
	if (n < 0)
		return check_failed_at(c, c->layer, e->path, (int)n);
	for (ssize_t i = 0; i < n && r == 0; i += (ssize_t)strlen(c->names + i) + 1) {
		struct examined x = {.c = c, .e = e, .xattr = c->names + i};

		r = examine_xattr(&x);
	}
	return r;
}

/* aufs's own files, which exporters leave out. */
static bool is_of_aufs(const char *name)
{
	return !strcmp(name, ".wh..wh.plnk") || !strcmp(name, ".wh..wh.orph") || !strcmp(name, ".wh..wh.aufs") ||
	       !strcmp(name, AUFS_OPAQUE);
}

/* A name that begins with `.wh.`. */
static int check_reserved(struct checking *c, const struct layer_walk_entry *e)
{
	const char *target = aufs_whiteout_target(e->name);

	if (!c->set->aufs)
		return check_add(c, VIEW_FAULT_RESERVED_NAME, c->layer, e->path, NULL, NULL);
	if (is_of_aufs(e->name))
		return 0;
	if (!target || !S_ISREG(e->stx.stx_mode) || e->stx.stx_size)
		return check_add(c, VIEW_FAULT_RESERVED_NAME, c->layer, e->path, NULL, NULL);
	if (!c->n_aufs_whiteouts++)
		c->aufs_whiteout = strdup(e->path);
	return 0;
}

static int examine_object(void *arg, struct layer_walk_entry *e)
{
	struct checking *c = arg;
	int r = 0;

	meter_objects(1);
	if (e->overmounted)
		return 0;
	c->n_device_whiteouts += e->whiteout;
	if (aufs_is_reserved(e->name))
		r = check_reserved(c, e);
	return r == 0 ? check_xattrs(c, e) : r;
}

/* An object with a malformed override has no attributes. */
static int check_entry_failed(void *arg, const struct layer_walk_entry *e, int err)
{
	struct checking *c = arg;
	size_t before = c->check->n;
	int r;

	if (err == -EIO && e->layer->override != OVERRIDE_NONE) {
		struct examined x = {.c = c, .e = e, .xattr = xattr_override_stat(e->layer->override)};

		r = examine_xattr(&x);
		if (r != 0 || c->check->n > before)
			return r;
	}
	return check_failed_at(c, c->layer, e->path, err);
}

static int by_number(const void *a, const void *b)
{
	const struct check_ino *x = a, *y = b;

	if (x->number != y->number)
		return x->number < y->number ? -1 : 1;
	return strcmp(x->path, y->path);
}

static int check_inos(struct checking *c)
{
	const char *xattr = xattr_overlay_name(c->set->ns, XATTR_OVERLAY_PLYFS_INO);
	int r = 0;

	if (c->n_inos)
		qsort(c->inos, c->n_inos, sizeof(*c->inos), by_number);
	for (size_t i = 1; i < c->n_inos && r == 0; i++) {
		const struct check_ino *a = &c->inos[i - 1], *b = &c->inos[i];

		if (a->number == b->number && (a->ino != b->ino || a->dev != b->dev))
			r = check_add(c, VIEW_FAULT_SAME_INO, c->layer, b->path, xattr, "as /%s", a->path);
	}
	for (size_t i = 0; i < c->n_inos; i++)
		free(c->inos[i].path);
	c->n_inos = 0;
	return r;
}

int check_layer(struct checking *c, size_t layer)
{
	static const struct layer_walk_calls calls = {.entry = examine_object, .failed = check_entry_failed};
	int r, inos;

	c->layer = layer;
	c->n_device_whiteouts = c->n_aufs_whiteouts = 0;
	(void)CHECK(c->names && !c->aufs_whiteout && !c->n_inos);
	r = layer_walk(c->set, &c->set->layers[layer], LAYER_WALK_STAT | LAYER_WALK_RAW | LAYER_WALK_SORTED, &calls, c);
	inos = check_inos(c);
	if (r == 0 && c->n_device_whiteouts && c->n_aufs_whiteouts && c->aufs_whiteout)
		r = check_add(c, VIEW_FAULT_MIXED_DIALECTS, layer, c->aufs_whiteout, NULL, "%zu devices and %zu names",
			      c->n_device_whiteouts, c->n_aufs_whiteouts);
	free(c->aufs_whiteout);
	c->aufs_whiteout = NULL;
	return r ? r : inos;
}
