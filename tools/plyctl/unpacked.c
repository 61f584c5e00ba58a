/* SPDX-License-Identifier: Apache-2.0 */
#include "unpacked.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/meter.h"
#include "os/fs.h"
#include "progress.h"
#include "store/import.h"

struct adding {
	unsigned known, added;
};

static void count_layer(void *arg, const struct store_added *layer)
{
	struct adding *a = arg;

	a->known += layer->known;
	a->added += !layer->known;
}

static int add_image(struct store *store, const struct image *image, struct adding *a, char id[static DIGEST_SIZE],
		     struct image_error *error)
{
	/* Blobs are kept, so that a later import with a name has what export gives back. */
	const struct store_import import = {.adding = {.keep_blobs = true}, .layer = count_layer, .arg = a};
	mode_t mask = umask(0);
	int r;

	meter_expect(0, (uint64_t)store_import_size(store, image));
	progress_start("import");
	r = store_import_image(store, image, &import, id, error);
	progress_end();
	umask(mask);
	return r;
}

/* The image of the store as a stack. */
static struct view_stack *stored_stack(const struct store *store, const char *id)
{
	_cleanup_free_ char *name = NULL, *error = NULL;
	_cleanup_stack_ struct view_stack *stack = NULL;
	int r;

	if (asprintf(&name, "store:[%s]%s", store_path(store), id) < 0)
		abort();
	r = view_stack_find(name, &stack, &error);
	if (r == 0)
		r = view_stack_open(stack, common.userxattr, &error);
	if (r == 0 && stack->set)
		return TAKE_PTR(stack);
	fail("%s", error ? error : r < 0 ? strerror(-r) : "its layers aren't directories");
	return NULL;
}

static struct view_stack *unpack_stack(const struct view_stack *packed, struct store **ret_hold)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	struct image_error error = {.text = "fails"};
	struct view_stack *stack;
	struct adding a = {.known = 0};
	char id[DIGEST_SIZE];
	int r = store_open(NULL, true, &store, &error);

	if (r == 0)
		r = store_lock(store, false, &error);
	if (r == 0)
		r = add_image(store, packed->image, &a, id, &error);
	if (r < 0) {
		fail("%s: %s", packed->name, error.text);
		return NULL;
	}
	stack = stored_stack(store, id);
	if (!stack)
		return NULL;
	fprintf(stderr, "plyctl: %s: %u layers were put into the store, %u were there; the image is %.*s\n",
		packed->name, a.added, a.known, SHORT_ID, id + strlen(DIGEST_PREFIX));
	*ret_hold = TAKE_PTR(store);
	return stack;
}

/* A name such as /proc/PID/root or /proc/PID/cwd leads elsewhere than the text of its link does here. */
bool name_is_here(const char *name)
{
	_cleanup_free_ char *real = os_behind_root(name) ? NULL : realpath(name, NULL);
	struct statx by_name, by_real;
	const unsigned mask = STATX_INO | STATX_MNT_ID;

	if (!real)
		return !os_behind_root(name);
	/* Another mount namespace has other mounts, also of the same directory. */
	return statx(AT_FDCWD, name, 0, mask, &by_name) == 0 && statx(AT_FDCWD, real, 0, mask, &by_real) == 0 &&
	       by_name.stx_dev_major == by_real.stx_dev_major && by_name.stx_dev_minor == by_real.stx_dev_minor &&
	       by_name.stx_ino == by_real.stx_ino && by_name.stx_mnt_id == by_real.stx_mnt_id;
}

/* What mounts or replaces a directory does so by its name, which here may mean another one. */
bool stack_is_here(const struct view_stack *stack)
{
	for (size_t i = 0; i < stack->options.layer_count; i++)
		if (!name_is_here(stack->options.layers[i].path)) {
			fail("%s: a layer behind the root of another process has no name here", stack->name);
			return false;
		}
	return true;
}

struct view_stack *stack_open_unpacked(const char *name, struct store **ret_hold)
{
	_cleanup_stack_ struct view_stack *stack = stack_open_any(name);

	*ret_hold = NULL;
	if (stack && !stack_is_here(stack))
		return NULL;
	if (!stack || stack->set)
		return TAKE_PTR(stack);
	if (stack->image && stack->image->n_layers && stack->image->layers[0].blob)
		return unpack_stack(stack, ret_hold);
	fail("%s: its layers aren't directories", name);
	return NULL;
}
