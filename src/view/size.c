/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Sizes. Each distinct layer is walked once. A file with one link belongs to its layer. Of each file with several there
 * is a record for each of its names; sorted by file and layer they tell which stacks have the file.
 */
#include "view/size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/meter.h"
#include "internal.h"
#include "layer/walk.h"
#include "os/fs.h"

/* A name of a file with several links. */
struct linked {
	uint64_t ino, bytes, apparent;
	dev_t dev;
	unsigned layer;
};

struct linked_files {
	struct linked *list; /* owned */
	size_t n, room;
};

struct measuring {
	struct linked_files *linked;
	unsigned layer; /* the number for `linked` */
	struct view_layer_size *size;
	view_size_failed failed;
	void *arg;
};

static void count(struct view_layer_size *size, const struct layer_walk_entry *e)
{
	size->whiteouts += e->whiteout;
	if (e->whiteout)
		return;
	size->opaque += e->opaque;
	if (S_ISREG(e->stx.stx_mode))
		size->files++;
	else if (S_ISDIR(e->stx.stx_mode))
		size->dirs++;
	else if (S_ISLNK(e->stx.stx_mode))
		size->links++;
	else
		size->others++;
}

static int measure_entry(void *arg, struct layer_walk_entry *e)
{
	struct measuring *m = arg;
	const struct statx *stx = &e->stx;
	uint64_t bytes = stx->stx_blocks * 512, apparent = 0;

	meter_objects(1);
	count(m->size, e);
	/* The file behind a name of the aufs dialect is empty. What is mounted above the layer isn't its own. */
	if (e->overmounted || e->whiteout || !(stx->stx_mask & STATX_BLOCKS))
		return 0;
	if (S_ISREG(stx->stx_mode) || S_ISLNK(stx->stx_mode))
		apparent = stx->stx_size;
	if (S_ISDIR(stx->stx_mode) || stx->stx_nlink < 2) {
		m->size->allocated += bytes;
		m->size->apparent += apparent;
		return 0;
	}
	if (!ARRAY_ROOM(m->linked->list, m->linked->n, m->linked->room, 1))
		return -ENOMEM;
	m->linked->list[m->linked->n++] = (struct linked){.ino = stx->stx_ino,
							  .dev = makedev(stx->stx_dev_major, stx->stx_dev_minor),
							  .bytes = bytes,
							  .apparent = apparent,
							  .layer = m->layer};
	return 0;
}

static int measure_failed(void *arg, const struct layer_walk_entry *e, int err)
{
	struct measuring *m = arg;

	return m->failed(m->arg, e->layer, e->path, err);
}

static int measure_layer(const struct layer_set *set, const struct layer *l, unsigned number, struct measuring *m)
{
	static const struct layer_walk_calls calls = {.entry = measure_entry, .failed = measure_failed};

	(void)CHECK(m->linked && m->size);
	m->layer = number;
	*m->size = (struct view_layer_size){.allocated = 0};
	return layer_walk(set, l, LAYER_WALK_STAT, &calls, m);
}

static int by_file(const void *a, const void *b)
{
	const struct linked *x = a, *y = b;

	if (x->dev != y->dev)
		return x->dev < y->dev ? -1 : 1;
	if (x->ino != y->ino)
		return x->ino < y->ino ? -1 : 1;
	return x->layer < y->layer ? -1 : x->layer > y->layer;
}

static bool is_one_file(const struct linked *a, const struct linked *b)
{
	return a->dev == b->dev && a->ino == b->ino;
}

int view_layer_measure(const struct layer_set *set, const struct layer *l, view_size_failed failed, void *arg,
		       struct view_layer_size *ret)
{
	struct linked_files linked = {.n = 0};
	struct measuring m = {.linked = &linked, .size = ret, .failed = failed, .arg = arg};
	int r = measure_layer(set, l, 0, &m);

	if (linked.n)
		qsort(linked.list, linked.n, sizeof(*linked.list), by_file);
	for (size_t i = 0; i < linked.n; i++) {
		if (i && is_one_file(&linked.list[i - 1], &linked.list[i]))
			continue;
		ret->allocated += linked.list[i].bytes;
		ret->apparent += linked.list[i].apparent;
	}
	free(linked.list);
	return r;
}

/* --- several stacks ----------------------------------------------------------------------------------------------- */

/* A layer, however many stacks have it: a directory, or a blob of an archive or layout. */
struct distinct {
	dev_t dev;
	uint64_t ino;
	const char *source, *blob; /* NULL: a directory */
	uint64_t bytes;
};

struct totals {
	const struct view_stack *const *stacks;
	size_t n;
	struct distinct *layers; /* owned */
	size_t n_layers, room;
	unsigned **numbers; /* owned: of stack and layer, the number of the distinct layer */
	struct linked_files linked;
	bool *has; /* owned: by stack; whether it has what is looked at */
};

static bool is_one_layer(const struct distinct *a, const struct distinct *b)
{
	if (!a->blob || !b->blob)
		return !a->blob && !b->blob && a->ino == b->ino && a->dev == b->dev;
	return !strcmp(a->blob, b->blob) && !strcmp(a->source, b->source);
}

static int identify_layer(const struct view_stack *stack, size_t layer, struct distinct *ret)
{
	const struct view_layer_facts *f;
	struct statx stx;
	int r;

	*ret = (struct distinct){.bytes = 0};
	if (!stack->set) {
		f = view_layer_facts(stack, layer);
		ret->source = stack->image->path;
		ret->blob = f->digest ? f->digest : f->id;
		return 0;
	}
	r = os_statx(stack->set->layers[layer].root_fd, "", &stx);
	ret->ino = stx.stx_ino;
	ret->dev = makedev(stx.stx_dev_major, stx.stx_dev_minor);
	return r;
}

static int number_layer(struct totals *t, const struct view_stack *stack, size_t layer, unsigned *ret_number,
			bool *ret_new)
{
	struct distinct own;
	int r = identify_layer(stack, layer, &own);

	if (r < 0)
		return r;
	*ret_new = false;
	for (*ret_number = 0; *ret_number < t->n_layers; ++*ret_number)
		if (is_one_layer(&t->layers[*ret_number], &own))
			return 0;
	if (!ARRAY_ROOM(t->layers, t->n_layers, t->room, 1))
		return -ENOMEM;
	t->layers[t->n_layers++] = own;
	*ret_new = true;
	return 0;
}

/* The bytes of the blob of a packed layer, or of its tar in an archive. */
static int measure_packed(const struct view_stack *stack, size_t layer, uint64_t *ret_bytes, char **ret_error)
{
	const struct view_layer_facts *f = view_layer_facts(stack, layer);
	struct image *image = stack->image;
	size_t number = image->n_layers - 1 - layer;
	struct image_error error;
	int r;

	(void)CHECK(layer < image->n_layers);
	*ret_bytes = f->compressed >= 0 ? (uint64_t)f->compressed : 0;
	if (f->compressed >= 0 || f->directory)
		return 0;
	r = image_layer_measure(image, number, &error);
	if (r < 0)
		return view_refuse(ret_error, r, "%s: @%zu: %s", stack->name, layer, error.text);
	*ret_bytes = (uint64_t)(image->layers[number].compressed > 0 ? image->layers[number].compressed
								     : image->layers[number].tar);
	return 0;
}

static int measure_stack(struct totals *t, size_t stack, view_size_failed failed, void *arg, char **ret_error)
{
	const struct view_stack *s = t->stacks[stack];
	size_t n = view_layer_count(s);

	t->numbers[stack] = calloc(n + 1, sizeof(**t->numbers));
	if (!t->numbers[stack])
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		struct view_layer_size size = {.allocated = 0};
		struct measuring m = {.linked = &t->linked, .size = &size, .failed = failed, .arg = arg};
		bool is_new;
		int r = number_layer(t, s, i, &t->numbers[stack][i], &is_new);

		if (r == 0 && is_new && s->set)
			r = measure_layer(s->set, &s->set->layers[i], t->numbers[stack][i], &m);
		else if (r == 0 && is_new)
			r = measure_packed(s, i, &size.allocated, ret_error);
		if (r != 0)
			return r;
		if (is_new)
			t->layers[t->numbers[stack][i]].bytes = size.allocated;
	}
	return 0;
}

static void note_stacks(struct totals *t, unsigned layer)
{
	(void)CHECK(layer < t->n_layers);
	for (size_t s = 0; s < t->n; s++)
		for (size_t i = 0; i < view_layer_count(t->stacks[s]); i++)
			t->has[s] |= t->numbers[s][i] == layer;
}

/* Gives the bytes to all stacks that are noted, and forgets them. */
static void share_out(struct totals *t, uint64_t bytes, struct view_stack_size *sizes, struct view_total_size *total)
{
	size_t owners = 0;

	for (size_t s = 0; s < t->n; s++)
		owners += t->has[s];
	(void)CHECK(owners > 0);
	total->on_disk += bytes;
	for (size_t s = 0; s < t->n; s++) {
		if (!t->has[s])
			continue;
		sizes[s].bytes += bytes;
		*(owners > 1 ? &sizes[s].shared : &sizes[s].unique) += bytes;
		total->unshared += bytes;
	}
	memset(t->has, 0, t->n * sizeof(*t->has));
}

static void share_out_linked(struct totals *t, struct view_stack_size *sizes, struct view_total_size *total)
{
	const struct linked *list = t->linked.list;

	if (t->linked.n)
		qsort(t->linked.list, t->linked.n, sizeof(*list), by_file);
	for (size_t i = 0, next; i < t->linked.n; i = next) {
		for (next = i; next < t->linked.n && is_one_file(&list[i], &list[next]); next++)
			if (next == i || list[next].layer != list[next - 1].layer) {
				note_stacks(t, list[next].layer);
				t->layers[list[next].layer].bytes += list[next].bytes;
			}
		share_out(t, list[i].bytes, sizes, total);
	}
}

static int totals_measure(struct totals *t, view_size_failed failed, void *arg, struct view_stack_size *sizes,
			  struct view_total_size *total, char **ret_error)
{
	int r = 0;

	for (size_t s = 0; s < t->n && r == 0; s++)
		r = measure_stack(t, s, failed, arg, ret_error);
	if (r != 0)
		return r;
	for (unsigned i = 0; i < t->n_layers; i++) {
		note_stacks(t, i);
		share_out(t, t->layers[i].bytes, sizes, total);
	}
	share_out_linked(t, sizes, total);
	for (size_t s = 0; s < t->n; s++) {
		if (view_layer_count(t->stacks[s]))
			sizes[s].upper = t->layers[t->numbers[s][0]].bytes;
		(void)CHECK(sizes[s].unique + sizes[s].shared == sizes[s].bytes);
	}
	return 0;
}

int view_stacks_measure(const struct view_stack *const *stacks, size_t n, view_size_failed failed, void *arg,
			struct view_stack_size *ret_sizes, struct view_total_size *ret_total, char **ret_error)
{
	struct totals t = {.stacks = stacks, .n = n};
	int r = -ENOMEM;

	(void)CHECK(n == 0 || stacks[0]->memory);
	memset(ret_sizes, 0, n * sizeof(*ret_sizes));
	*ret_total = (struct view_total_size){.on_disk = 0};
	t.numbers = calloc(n, sizeof(*t.numbers));
	t.has = calloc(n, sizeof(*t.has));
	if (t.numbers && t.has)
		r = totals_measure(&t, failed, arg, ret_sizes, ret_total, ret_error);
	for (size_t s = 0; t.numbers && s < n; s++)
		free(t.numbers[s]);
	free(t.numbers);
	free(t.has);
	free(t.layers);
	free(t.linked.list);
	return r < 0 ? view_refuse(ret_error, r, "%s", strerror(-r)) : r;
}
