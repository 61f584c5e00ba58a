/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the layers are to each other: one walk over the union with all that is hidden, by the code that resolves names
 * for a mount.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/meter.h"
#include "check_state.h"
#include "format/name.h"
#include "format/redirect.h"
#include "os/fs.h"
#include "tree/walk.h"

/* Two seconds: the start of a process is told in hundredths, and a mount takes its time. */
#define MOUNT_SECONDS 2

static bool has_object_below(const struct tree_walk_entry *e, unsigned layer)
{
	for (unsigned i = 0; i < e->n_says; i++)
		if (e->says[i].layer > layer && e->says[i].object)
			return true;
	return false;
}

/* Whether a whiteout of the aufs dialect is something else besides, of which its own layer's walk tells. */
static bool is_reserved_object(const struct checking *c, const struct tree_say *say)
{
	const char *slash = strrchr(say->path, '/'), *name = slash ? slash + 1 : say->path;
	_cleanup_free_ char *parent = strndup(say->path, slash ? (size_t)(slash - say->path) : 0);
	char reserved[NAME_SIZE];
	struct statx stx;

	if (!c->set->aufs || !parent || aufs_whiteout_name(name, reserved) < 0)
		return false;
	_cleanup_close_ int fd = layer_open_path(&c->set->layers[say->layer], *parent ? parent : ".", O_PATH);
	return fd >= 0 && os_statx(fd, reserved, &stx) == 0 && (!S_ISREG(stx.stx_mode) || stx.stx_size);
}

static int check_whiteout(struct checking *c, const struct tree_walk_entry *e, const struct tree_say *say)
{
	enum view_fault fault = say->layer + 1 == c->set->n ? VIEW_FAULT_LOWEST_WHITEOUT : VIEW_FAULT_ORPHAN_WHITEOUT;

	if (has_object_below(e, say->layer) || is_reserved_object(c, say))
		return 0;
	/* Of a single directory the layers below aren't known. */
	return c->alone ? 0 : check_add(c, fault, say->layer, say->path, NULL, NULL);
}

static int check_redirect(struct checking *c, const struct tree_walk_entry *e, const struct tree_say *say)
{
	const char *xattr = xattr_overlay_name(c->set->ns, XATTR_OVERLAY_REDIRECT);
	char value[REDIRECT_MAX + 1];
	struct redirect redirect;
	ssize_t n;

	if (c->alone || say->why == TREE_WHY_ERROR || has_object_below(e, say->layer))
		return 0;
	/* It stays when the directory is made anew, and says nothing then. */
	if (say->xattr_flags & XATTR_FLAG_OPAQUE)
		return 0;
	_cleanup_close_ int fd = layer_open_path(&c->set->layers[say->layer], say->path, O_PATH);
	if (fd < 0)
		return 0;
	n = os_getxattr(fd, "", xattr, value, sizeof(value));
	if (n < 0 || redirect_decode(value, (size_t)n, &redirect) < 0)
		return 0;
	return check_add(c, VIEW_FAULT_DANGLING_REDIRECT, say->layer, say->path, xattr, "%s", redirect.path);
}

static int check_lower_time(struct checking *c, const struct tree_say *say)
{
	const struct view_stack *stack = c->stack;

	if (!stack->mountpoint || !stack->since || (say->layer == 0 && stack->has_upper) ||
	    say->stx.stx_ctime.tv_sec <= stack->since + MOUNT_SECONDS)
		return 0;
	return check_add(c, VIEW_FAULT_LOWER_CHANGED, say->layer, say->path, NULL, NULL);
}

static int check_say(struct checking *c, const struct tree_walk_entry *e, const struct tree_say *say)
{
	int r = 0;

	if (say->err || !say->path)
		return 0;
	(void)CHECK(say->layer < (unsigned)c->set->n + c->set->n_data);
	if (say->whiteout)
		r = check_whiteout(c, e, say);
	if (r == 0 && say->object && S_ISDIR(say->stx.stx_mode) && (say->xattr_flags & XATTR_FLAG_REDIRECT))
		r = check_redirect(c, e, say);
	if (r == 0 && say->object)
		r = check_lower_time(c, say);
	return r;
}

/* The data of a metacopy file. */
static int check_metacopy_data(struct checking *c, const struct tree_walk_entry *e)
{
	const char *xattr = xattr_overlay_name(c->set->ns, XATTR_OVERLAY_METACOPY);
	_cleanup_free_ char *path = NULL;
	struct statx own, data;
	int r;

	if (!e->shown || !e->metacopy || c->alone)
		return 0;
	r = tree_walk_layer_path(e, &path);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (e->data_layer == TREE_WALK_NO_LAYER || !e->data_path)
		return check_add(c, VIEW_FAULT_NO_DATA, e->layer, path, xattr, NULL);
	_cleanup_close_ int own_fd = layer_open_path(&c->set->layers[e->layer], path, O_PATH);
	_cleanup_close_ int fd = layer_open_path(&c->set->layers[e->data_layer], e->data_path, O_PATH);
	if (own_fd < 0 || fd < 0 || os_statx(own_fd, "", &own) < 0 || os_statx(fd, "", &data) < 0 ||
	    own.stx_size == data.stx_size)
		return 0;
	return check_add(c, VIEW_FAULT_OTHER_SIZE, e->layer, path, xattr, "%llu bytes, and the data has %llu",
			 (unsigned long long)own.stx_size, (unsigned long long)data.stx_size);
}

static int check_union_entry(void *arg, const struct tree_walk_entry *e)
{
	struct checking *c = arg;
	int r = 0;

	meter_objects(e->n_says);
	for (unsigned i = 0; i < e->n_says && r == 0; i++)
		r = check_say(c, e, &e->says[i]);
	return r == 0 ? check_metacopy_data(c, e) : r;
}

/* A metacopy file that the union can't show. */
static int look_for_metacopy(void *arg, const struct tree_walk_entry *e)
{
	struct checking *c = arg;
	const char *xattr = xattr_overlay_name(c->set->ns, XATTR_OVERLAY_METACOPY);

	for (unsigned i = 0; e->err && i < e->n_says; i++) {
		const struct tree_say *say = &e->says[i];

		if (!say->path || !(say->xattr_flags & XATTR_FLAG_METACOPY))
			continue;
		_cleanup_close_ int fd = layer_open_path(&c->set->layers[say->layer], say->path, O_PATH);
		if (fd < 0 || layer_check_metacopy(c->set, fd, "") < 0)
			return 0;
		return check_add(c, VIEW_FAULT_NO_DATA, say->layer, say->path, xattr, NULL);
	}
	return 0;
}

/* What is wrong with a value is told where its layer is looked at; what can't be read was told there too. */
static int check_union_failed(void *arg, const char *path, unsigned layer, int err)
{
	struct checking *c = arg;
	int r;

	if (err == -EIO && !c->alone) {
		r = tree_explain(c->set, path, look_for_metacopy, c);
		return r == -ENOMEM ? r : 0;
	}
	/* One loop is met at hundreds of paths. */
	if (err == -ELOOP && !c->loop_told) {
		c->loop_told = true;
		return check_add(c, VIEW_FAULT_REDIRECT_LOOP, layer < c->set->n ? layer : 0, path, NULL, NULL);
	}
	return err == -ENOMEM ? err : 0;
}

/* The root of the upper knows the layer below, if it has an index. */
static int check_topmost_lower(struct checking *c)
{
	const char *xattr = xattr_overlay_name(c->set->ns, XATTR_OVERLAY_ORIGIN);
	uint8_t value[OVL_FH_MAX], own[OVL_FH_MAX];
	ssize_t n = os_getxattr(c->set->layers[0].root_fd, "", xattr, value, sizeof(value)), m;
	struct ovl_fh a, b;

	if (n <= 0 || c->set->n < 2 || ovl_fh_decode(value, (size_t)n, &a) < 0)
		return 0;
	m = layer_make_origin(c->set, &c->set->layers[1], c->set->layers[1].root_fd, own, sizeof(own));
	if (m < 0 || ovl_fh_decode(own, (size_t)m, &b) < 0)
		return 0;
	/* A kernel that tells no uuid, or a mount with uuid=null, writes none. */
	memset(a.uuid, 0, sizeof(a.uuid));
	memset(b.uuid, 0, sizeof(b.uuid));
	return ovl_fh_equal(&a, &b) ? 0 : check_add(c, VIEW_FAULT_OTHER_LOWER, 0, "", xattr, NULL);
}

int check_union(struct checking *c)
{
	static const struct tree_walk_calls calls = {.entry = check_union_entry, .failed = check_union_failed};
	int r = check_topmost_lower(c);

	return r == 0 ? tree_walk(c->set, "", TREE_WALK_HIDDEN, &calls, c) : r;
}
