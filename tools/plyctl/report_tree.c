/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The paths of a stack and their versions in memory, and the folding of small ones.
 *
 * A node is made after its parent, and all nodes are in a chain, the newest first. So a walk along the chain sees
 * children before their parents.
 */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/array.h"
#include "base/hash.h"
#include "base/meter.h"
#include "tree/walk.h"
#include "view/contents.h"

/* --- nodes -------------------------------------------------------------------------------------------------------- */

/* It isn't among the children of its parent yet. */
static struct report_node *node_new(struct report *report, struct report_node *parent, const char *name)
{
	struct report_node *n = calloc(1, sizeof(*n));

	if (!n || !(n->name = strdup(name))) {
		free(n);
		return NULL;
	}
	n->parent = parent;
	n->kind = 'w';
	n->cut = UINT32_MAX;
	n->older = report->newest;
	report->newest = n;
	if (parent)
		report->entries++;
	else
		report->root = n;
	return n;
}

/* The last child of its parent. */
static struct report_node *node_add(struct report *report, struct report_node *parent, const char *name)
{
	struct report_node *n = node_new(report, parent, name);

	if (!n || !parent)
		return n;
	if (parent->last)
		parent->last->next = n;
	else
		parent->first = n;
	return parent->last = n;
}

struct report_node *report_next(const struct report_node *n, bool skip)
{
	if (n->first && !skip)
		return n->first;
	while (n && !n->next)
		n = n->parent;
	return n ? n->next : NULL;
}

void report_free(struct report *report)
{
	for (struct report_node *n = report->newest, *older; n; n = older) {
		older = n->older;
		free(n->versions);
		free(n->lost);
		free(n->name);
		free(n);
	}
	free(report->layers);
	*report = (struct report){0};
}

static char kind_of(uint32_t mode)
{
	return S_ISDIR(mode) ? 'd' : S_ISREG(mode) ? 'f' : S_ISLNK(mode) ? 'l' : 'o';
}

static int version_add(struct report_node *n, struct report_version version)
{
	struct report_version *grown = realloc(n->versions, (n->n_versions + 1) * sizeof(*grown));

	if (!grown)
		return -ENOMEM;
	n->versions = grown;
	n->versions[n->n_versions++] = version;
	return 0;
}

/* --- the sums ----------------------------------------------------------------------------------------------------- */

static void count_object(struct report_layer *layer, uint32_t mode, bool opaque)
{
	uint64_t *number = S_ISDIR(mode)   ? &layer->directories
			   : S_ISREG(mode) ? &layer->files
			   : S_ISLNK(mode) ? &layer->links
					   : &layer->others;

	(*number)++;
	layer->opaque += opaque;
}

static void count_version(struct report *report, const struct report_version *v)
{
	struct report_layer *layer = &report->layers[v->layer];

	layer->size += v->bytes;
	report->size += v->bytes;
	if (v->state == REPORT_SHOWN) {
		report->shown += v->bytes;
		return;
	}
	report->hidden += v->bytes;
	layer->hidden += v->bytes;
	if (v->by != REPORT_NO_LAYER)
		report->layers[v->by].hides += v->bytes;
}

/* The sums of all versions, and of the subtrees. */
static void sum_up(struct report *report)
{
	for (struct report_node *n = report->newest; n; n = n->older) {
		for (uint32_t i = 0; i < n->n_versions; i++) {
			count_version(report, &n->versions[i]);
			n->total += n->versions[i].bytes;
		}
		if (n->parent)
			n->parent->total += n->total;
	}
}

/* --- from layers that are directories ----------------------------------------------------------------------------- */

/* Objects, by the version that has their bytes. An object has several versions if it has several links, or if it was
 * renamed in the union, or a directory in which it lies. */
struct object_set {
	struct object {
		struct object_key {
			uint64_t dev, ino, layer;
		} key;
		struct report_node *node;
		uint32_t version;
	} * slots; /* owned; a power of two of them; ino 0: free */
	size_t n, room;
};

/* Where the object is, or is to be. */
static struct object *object_slot(const struct object_set *set, const struct object_key *key)
{
	size_t i = hash_bytes(key, sizeof(*key)) & (set->room - 1);

	while (set->slots[i].key.ino && memcmp(&set->slots[i].key, key, sizeof(*key)) != 0)
		i = (i + 1) & (set->room - 1);
	return &set->slots[i];
}

static int object_room(struct object_set *set)
{
	struct object_set grown = {.n = set->n, .room = set->room ? 2 * set->room : 256};

	if (2 * set->n < set->room)
		return 0;
	grown.slots = calloc(grown.room, sizeof(*grown.slots));
	if (!grown.slots)
		return -ENOMEM;
	for (size_t i = 0; i < set->room; i++)
		if (set->slots[i].key.ino)
			*object_slot(&grown, &set->slots[i].key) = set->slots[i];
	free(set->slots);
	*set = grown;
	return 0;
}

/* Gives the bytes to the newest version of the node, but to one alone of all versions of an object: to one that shows,
 * if any does. */
static int object_count(struct object_set *set, struct report_node *n, const struct statx *stx)
{
	uint32_t number = n->n_versions - 1;
	struct report_version *v = &n->versions[number], *old;
	struct object_key key = {makedev(stx->stx_dev_major, stx->stx_dev_minor), stx->stx_ino, v->layer};
	int r = object_room(set);
	struct object *o;

	if (r < 0)
		return r;
	o = object_slot(set, &key);
	if (o->key.ino) {
		old = &o->node->versions[o->version];
		if (old->state == REPORT_SHOWN || v->state != REPORT_SHOWN)
			return 0;
		old->bytes = 0;
	} else {
		set->n++;
	}
	*o = (struct object){.key = key, .node = n, .version = number};
	v->bytes = stx->stx_blocks * 512;
	return 0;
}

struct reading {
	struct report *report;
	struct report_node *at; /* the newest node; the next one lies in it, beside it or beside a parent */
	unsigned depth;
	struct object_set objects;
};

static enum report_state state_of(const struct tree_say *s)
{
	if (!s->object)
		return s->err ? REPORT_UNREADABLE : REPORT_WHITEOUT;
	if (s->role != TREE_SAY_HIDDEN)
		return REPORT_SHOWN;
	switch (s->why) {
	case TREE_WHY_WHITEOUT:
	case TREE_WHY_OPAQUE:
		return REPORT_DELETED;
	case TREE_WHY_REDIRECT:
	case TREE_WHY_INDEX:
		return REPORT_MOVED;
	case TREE_WHY_ERROR:
		return REPORT_UNREADABLE;
	default:
		return REPORT_REPLACED;
	}
}

static int read_say(struct reading *rd, struct report_node *n, const struct tree_say *s)
{
	int r;

	if (s->whiteout)
		rd->report->layers[s->layer].whiteouts++;
	if (s->object) {
		if (n->kind == 'w')
			n->kind = kind_of(s->stx.stx_mode);
		count_object(&rd->report->layers[s->layer], s->stx.stx_mode, s->xattr_flags & XATTR_FLAG_OPAQUE);
	}
	r = version_add(n, (struct report_version){.layer = s->layer, .state = state_of(s), .by = s->by});
	return r == 0 && s->object ? object_count(&rd->objects, n, &s->stx) : r;
}

static int read_entry(void *arg, const struct tree_walk_entry *e)
{
	struct reading *rd = arg;
	struct report_node *parent = rd->at, *n;
	int r = 0;

	meter_objects(e->n_says);
	/* The walk is depth first. */
	for (; parent && rd->depth + 1 > e->depth; rd->depth--)
		parent = parent->parent;
	n = node_add(rd->report, e->depth ? parent : NULL, e->name);
	if (!n)
		return -ENOMEM;
	rd->at = n;
	rd->depth = e->depth;
	for (unsigned i = 0; i < e->n_says && r == 0; i++)
		r = read_say(rd, n, &e->says[i]);
	return r;
}

static int read_directories(const struct view_stack *stack, struct report *report)
{
	static const struct tree_walk_calls calls = {.entry = read_entry, .failed = stack_failed_in};
	struct reading rd = {.report = report};
	int r = tree_walk(stack->set, "", TREE_WALK_HIDDEN, &calls, &rd);

	free(rd.objects.slots);
	return r;
}

/* --- from layers of any kind -------------------------------------------------------------------------------------- */

/* Names that a layer tells come sorted, so the search in a directory goes on where the last one ended. `last` is that
 * place here, and is valid if `cut` is the number of the layer. */
static struct report_node *node_in(struct report *report, struct report_node *parent, const char *name, uint32_t layer)
{
	struct report_node *before = NULL, *n = parent->first, *made;

	if (parent->cut == layer && parent->last && strcmp(parent->last->name, name) <= 0) {
		before = parent->last;
		n = strcmp(before->name, name) ? before->next : before;
	}
	for (; n && strcmp(n->name, name) < 0; n = n->next)
		before = n;
	parent->cut = layer;
	if (n && !strcmp(n->name, name))
		return parent->last = n;
	made = node_new(report, parent, name);
	if (!made)
		return NULL;
	made->next = n;
	if (before)
		before->next = made;
	else
		parent->first = made;
	return parent->last = made;
}

static struct report_node *node_at(struct report *report, const char *path, uint32_t layer)
{
	_cleanup_free_ char *text = strdup(path);
	struct report_node *n = report->root;
	char *name, *rest = text;

	if (!text)
		return NULL;
	while (n && *path && (name = strsep(&rest, "/")))
		n = node_in(report, n, name, layer);
	return n;
}

struct contents {
	struct report *report;
	uint32_t layer;
};

static int read_object(void *arg, const struct view_object *o)
{
	struct contents *c = arg;
	struct report_node *n = node_at(c->report, o->path, c->layer);
	struct report_layer *layer = &c->report->layers[c->layer];

	if (!n)
		return -ENOMEM;
	if (n->n_versions && n->versions[n->n_versions - 1].layer == c->layer)
		return 0; /* told twice */
	if (o->whiteout)
		layer->whiteouts++;
	else
		count_object(layer, o->mode, o->opaque);
	if (n->kind == 'w' && !o->whiteout)
		n->kind = kind_of(o->mode);
	return version_add(n, (struct report_version){.layer = c->layer,
						      .state = o->whiteout ? REPORT_WHITEOUT : REPORT_SHOWN,
						      .by = REPORT_NO_LAYER,
						      .directory = S_ISDIR(o->mode),
						      .opaque = o->opaque,
						      .bytes = o->allocated});
}

/* From the top down: what a version leaves of those below it. */
static void decide(struct report_node *n)
{
	bool is_shown = false;

	n->cut = n->parent ? n->parent->cut : UINT32_MAX;
	n->cut_state = n->parent ? n->parent->cut_state : REPORT_SHOWN;
	for (uint32_t i = 0; i < n->n_versions; i++) {
		struct report_version *v = &n->versions[i];
		bool is_hidden = v->layer >= n->cut || (is_shown && !v->directory);

		if (v->state == REPORT_WHITEOUT) {
			if (v->layer >= n->cut)
				continue;
			n->cut_state = REPORT_DELETED;
		} else if (is_hidden) {
			v->state = v->layer >= n->cut ? n->cut_state : REPORT_REPLACED;
			v->by = v->layer >= n->cut ? n->cut - 1 : n->versions[i - 1].layer;
			if (v->layer >= n->cut)
				continue;
			/* A file below a directory ends it; what hides the rest is the directory. */
			n->cut_state = REPORT_REPLACED;
			n->cut = v->by + 1;
			continue;
		} else {
			is_shown = true;
			if (v->directory && !v->opaque)
				continue;
			n->cut_state = v->directory ? REPORT_DELETED : REPORT_REPLACED;
		}
		n->cut = v->layer + 1;
	}
}

static int read_contents(const struct view_stack *stack, struct report *report, char **ret_error)
{
	struct contents c = {.report = report};
	int r = 0;

	if (!node_add(report, NULL, ""))
		return -ENOMEM;
	for (; c.layer < report->n_layers && r == 0; c.layer++) {
		report->root->cut = UINT32_MAX;
		r = view_contents_each(stack, c.layer, read_object, &c, ret_error);
		view_contents_forget(stack, c.layer);
	}
	for (struct report_node *n = report->root; n && r == 0; n = report_next(n, false))
		decide(n);
	return r;
}

int report_read(const struct view_stack *stack, struct report *ret, char **ret_error)
{
	int r;

	*ret = (struct report){.n_layers = view_layer_count(stack)};
	ret->layers = calloc(ret->n_layers + 1, sizeof(*ret->layers));
	r = !ret->layers ? -ENOMEM : stack->set ? read_directories(stack, ret) : read_contents(stack, ret, ret_error);
	if (r == 0 && !ret->root && !node_add(ret, NULL, ""))
		r = -ENOMEM;
	if (r == 0)
		sum_up(ret);
	else
		report_free(ret);
	return r;
}

/* --- folding ------------------------------------------------------------------------------------------------------ */

static int fold_version(struct report_node *into, const struct report_version *v)
{
	struct report_version *grown;

	for (uint32_t i = 0; i < into->n_lost; i++)
		if (into->lost[i].layer == v->layer && into->lost[i].state == v->state && into->lost[i].by == v->by) {
			into->lost[i].bytes += v->bytes;
			return 0;
		}
	grown = realloc(into->lost, (into->n_lost + 1) * sizeof(*grown));
	if (!grown)
		return -ENOMEM;
	into->lost = grown;
	into->lost[into->n_lost++] = *v;
	return 0;
}

static int fold_node(struct report_node *n)
{
	int r = 0;

	n->folded = true;
	n->parent->n_folded += n->n_folded + 1;
	for (uint32_t i = 0; i < n->n_versions && r == 0; i++)
		r = fold_version(n->parent, &n->versions[i]);
	for (uint32_t i = 0; i < n->n_lost && r == 0; i++)
		r = fold_version(n->parent, &n->lost[i]);
	return r;
}

static int by_falling_size(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x < y) - (x > y);
}

int report_fold(struct report *report, size_t most)
{
	uint64_t *sizes, *out;
	int r = 0;

	if (report->entries <= most)
		return 0;
	sizes = out = malloc((report->entries + 1) * sizeof(*sizes));
	if (!sizes)
		return -ENOMEM;
	for (struct report_node *n = report->newest; n; n = n->older)
		*out++ = n->total;
	qsort(sizes, report->entries + 1, sizeof(*sizes), by_falling_size);
	report->folded_below = sizes[most] + 1;
	free(sizes);
	/* A folder isn't smaller than what is in it, so everything in a folded one has been folded into it. */
	for (struct report_node *n = report->newest; n && r == 0; n = n->older)
		if (n->parent && n->total < report->folded_below) {
			r = fold_node(n);
			report->folded++;
		}
	return r;
}
