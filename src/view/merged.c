/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers are put on top of each other from the lowest. The objects of one come sorted, so each directory on the way has
 * a place up to which its children are done, and a layer costs its own objects and the children of the directories
 * that it touches.
 *
 * Hard links get what their file has when the whole layer is there: the file may come behind them.
 */
#include "merged.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/hash.h"
#include "internal.h"
#include "view/contents.h"

/* Hard links to hard links, in a row. */
#define MERGED_HOPS 64
/* With more hard links in a layer names are looked up in a table. */
#define MERGED_FEW_LINKS 16

/* A directory between the root and the present object. */
struct merging_dir {
	uint32_t node, done; /* `done`: the last child that was met; 0: none */
	size_t path_len;
};

struct merging {
	struct merged *m;
	unsigned layer;
	char *path; /* of the innermost directory; owned */
	size_t path_room;
	struct merging_dir *dirs; /* owned */
	size_t n, room;
	uint32_t *links; /* hard links of this layer; owned */
	size_t n_links, links_room;
	uint32_t *table; /* nodes that show, by parent and name; owned; 0: free. NULL: few links */
	size_t mask;	 /* a power of two of them, less 1 */
};

/* --- names and nodes ---------------------------------------------------------------------------------------------- */

/* -ENOMEM, also where the names are too many for an offset. */
static int merged_keep(struct merged *m, const char *text, size_t len, uint32_t *ret)
{
	if (m->names_len + len + 1 > UINT32_MAX || !ARRAY_ROOM(m->names, m->names_len, m->names_room, len + 1))
		return -ENOMEM;
	*ret = (uint32_t)m->names_len;
	memcpy(m->names + m->names_len, text, len);
	m->names[m->names_len + len] = '\0';
	m->names_len += len + 1;
	return 0;
}

/* Compares a child's name with one that isn't terminated. */
static int merged_order(const struct merged *m, uint32_t node, const char *name, size_t len)
{
	const char *own = merged_text(m, m->nodes[node].name);
	int r = strncmp(own, name, len);

	return r ? r : own[len] != '\0';
}

static int merged_add(struct merged *m, uint32_t parent, const char *name, size_t len, uint32_t *ret)
{
	struct merged_node new = {.parent = parent, .mode = S_IFDIR | 0755};
	int r = merged_keep(m, name, len, &new.name);

	if (r < 0 || m->n == MERGED_NONE || !ARRAY_ROOM(m->nodes, m->n, m->room, 1))
		return -ENOMEM;
	*ret = (uint32_t)m->n;
	m->nodes[m->n++] = new;
	return 0;
}

uint32_t merged_find(const struct merged *m, const char *path)
{
	uint32_t at = 0;

	while (*path) {
		size_t len = strcspn(path, "/");
		int order = -1;

		at = m->nodes[at].child;
		while (at && (order = merged_order(m, at, path, len)) < 0)
			at = m->nodes[at].next;
		if (!at || order)
			return MERGED_NONE;
		path += len + (path[len] == '/');
	}
	return at;
}

uint32_t merged_next(const struct merged *m, uint32_t top, uint32_t node)
{
	if (m->nodes[node].child)
		return m->nodes[node].child;
	while (node != top && !m->nodes[node].next)
		node = m->nodes[node].parent;
	return node == top ? MERGED_NONE : m->nodes[node].next;
}

char *merged_path(const struct merged *m, uint32_t node)
{
	size_t len = 0;
	char *path;

	for (uint32_t i = node; i; i = m->nodes[i].parent)
		len += strlen(merged_text(m, m->nodes[i].name)) + 1;
	path = malloc(len + 1);
	if (!path)
		return NULL;
	path[len ? len - 1 : 0] = '\0';
	for (uint32_t i = node; i; i = m->nodes[i].parent) {
		size_t n = strlen(merged_text(m, m->nodes[i].name));

		len -= n + 1;
		memcpy(path + len, merged_text(m, m->nodes[i].name), n);
		if (len)
			path[len - 1] = '/';
	}
	return path;
}

/* --- one object --------------------------------------------------------------------------------------------------- */

/* The child of the innermost directory by that name, or 0; the children before it are done. */
static uint32_t merging_look(struct merging *g, const char *name, size_t len)
{
	struct merged *m = g->m;
	struct merging_dir *d = &g->dirs[g->n - 1];
	uint32_t at;

	(void)CHECK(g->n > 0 && d->node < m->n);
	if (d->done && merged_order(m, d->done, name, len) >= 0)
		d->done = 0;
	at = d->done ? m->nodes[d->done].next : m->nodes[d->node].child;
	while (at && merged_order(m, at, name, len) < 0) {
		d->done = at;
		at = m->nodes[at].next;
	}
	return at && merged_order(m, at, name, len) == 0 ? at : 0;
}

/* Where the number of the child behind those that are done is. */
static uint32_t *merging_slot(struct merging *g)
{
	const struct merging_dir *d = &g->dirs[g->n - 1];

	return d->done ? &g->m->nodes[d->done].next : &g->m->nodes[d->node].child;
}

/* The child that merging_look() has looked for, which is made if it isn't there. */
static int merging_have(struct merging *g, const char *name, size_t len, uint32_t found, uint32_t *ret)
{
	struct merging_dir *d = &g->dirs[g->n - 1];
	int r;

	*ret = found;
	if (!found) {
		r = merged_add(g->m, d->node, name, len, ret);
		if (r < 0)
			return r;
		g->m->nodes[*ret].next = *merging_slot(g);
		g->m->nodes[*ret].layer = g->m->nodes[*ret].data_layer = (uint16_t)g->layer;
		*merging_slot(g) = *ret;
	}
	d->done = *ret;
	return 0;
}

static int merging_push(struct merging *g, uint32_t node, const char *name, size_t len)
{
	size_t at = g->n ? g->dirs[g->n - 1].path_len : 0, slash = at > 0;

	if (!ARRAY_ROOM(g->dirs, g->n, g->room, 1) || !ARRAY_ROOM(g->path, at, g->path_room, len + slash + 1))
		return -ENOMEM;
	if (slash)
		g->path[at] = '/';
	memcpy(g->path + at + slash, name, len);
	g->path[at + slash + len] = '\0';
	g->dirs[g->n++] = (struct merging_dir){.node = node, .path_len = at + slash + len};
	return 0;
}

/* Goes to the directory in which a path lies; *ret_name is the last component. */
static int merging_go(struct merging *g, const char *path, const char **ret_name)
{
	int r = 0;

	while (g->n > 1) {
		size_t len = g->dirs[g->n - 1].path_len;

		if (!strncmp(path, g->path, len) && path[len] == '/')
			break;
		g->n--;
	}
	path += g->n > 1 ? g->dirs[g->n - 1].path_len + 1 : 0;
	for (const char *slash; r == 0 && (slash = strchr(path, '/')); path = slash + 1) {
		size_t len = (size_t)(slash - path);
		uint32_t node;

		r = merging_have(g, path, len, merging_look(g, path, len), &node);
		if (r == 0 && !S_ISDIR(g->m->nodes[node].mode))
			return -EBADMSG;
		if (r == 0)
			r = merging_push(g, node, path, len);
	}
	*ret_name = path;
	return r;
}

static int merging_fill(struct merging *g, uint32_t node, const struct view_object *o)
{
	struct merged *m = g->m;
	const char *kept = o->link ? o->link : o->content;
	uint32_t text = 0;
	int r = kept ? merged_keep(m, kept, strlen(kept), &text) : 0;

	if (r < 0)
		return r;
	m->nodes[node].text = text;
	m->nodes[node].mode = o->mode;
	m->nodes[node].uid = o->uid;
	m->nodes[node].gid = o->gid;
	m->nodes[node].major = o->major;
	m->nodes[node].minor = o->minor;
	m->nodes[node].mtime = o->mtime;
	m->nodes[node].mtime_nsec = o->mtime_nsec;
	m->nodes[node].size = S_ISREG(o->mode) ? o->size : 0;
	m->nodes[node].xattrs = o->xattrs;
	m->nodes[node].layer = (uint16_t)g->layer;
	m->nodes[node].data_layer = o->hardlink ? MERGED_NO_LAYER : (uint16_t)g->layer;
	if (!o->hardlink)
		return 0;
	if (!ARRAY_ROOM(g->links, g->n_links, g->links_room, 1))
		return -ENOMEM;
	g->links[g->n_links++] = node;
	return 0;
}

static int merging_object(void *arg, const struct view_object *o)
{
	struct merging *g = arg;
	const char *name;
	uint32_t found = 0, node = 0;
	bool merges;
	int r = *o->path ? merging_go(g, o->path, &name) : 0;

	if (r == 0 && *o->path)
		found = merging_look(g, name, strlen(name));
	if (r < 0)
		return r;
	if (o->whiteout) {
		if (found)
			*merging_slot(g) = g->m->nodes[found].next;
		return 0;
	}
	merges = S_ISDIR(o->mode) && S_ISDIR(g->m->nodes[found].mode) && (found || !*o->path);
	if (*o->path)
		r = merging_have(g, name, strlen(name), found, &node);
	if (r < 0)
		return r;
	if (!merges || o->opaque)
		g->m->nodes[node].child = 0;
	/* Of a directory that the archive doesn't list there is nothing but its path. */
	g->m->nodes[node].layer = (uint16_t)g->layer;
	if (o->implied && merges)
		return 0;
	return merging_fill(g, node, o);
}

/* --- hard links --------------------------------------------------------------------------------------------------- */

static int merging_table(struct merging *g)
{
	const struct merged *m = g->m;
	size_t room = 2;

	if (g->n_links <= MERGED_FEW_LINKS)
		return 0;
	while (room < 2 * m->n)
		room *= 2;
	g->mask = room - 1;
	g->table = calloc(room, sizeof(*g->table));
	if (!g->table)
		return -ENOMEM;
	for (uint32_t node = merged_next(m, 0, 0); node != MERGED_NONE; node = merged_next(m, 0, node)) {
		const char *name = merged_text(m, m->nodes[node].name);
		size_t i = hash_name(m->nodes[node].parent, name, strlen(name)) & g->mask;

		while (g->table[i])
			i = (i + 1) & g->mask;
		g->table[i] = node;
	}
	return 0;
}

/* As merged_find(), which goes through the names of each directory. */
static uint32_t merging_find(const struct merging *g, const char *path)
{
	const struct merged *m = g->m;
	uint32_t at = 0;

	if (!g->table)
		return merged_find(m, path);
	for (size_t len; *path; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		size_t i = hash_name(at, path, len) & g->mask;

		while (g->table[i] &&
		       (m->nodes[g->table[i]].parent != at || merged_order(m, g->table[i], path, len) != 0))
			i = (i + 1) & g->mask;
		at = g->table[i];
		if (!at)
			return MERGED_NONE;
	}
	return at;
}

static void merging_link(struct merging *g, uint32_t node)
{
	struct merged *m = g->m;
	struct merged_node *to = &m->nodes[node];
	uint32_t text = to->text, at;
	const struct merged_node *from;

	for (unsigned hops = 0; hops < MERGED_HOPS; hops++) {
		at = merging_find(g, merged_text(m, text));
		if (at == MERGED_NONE || S_ISDIR(m->nodes[at].mode))
			return;
		from = &m->nodes[at];
		if (from->data_layer != MERGED_NO_LAYER) {
			to->mode = from->mode;
			to->uid = from->uid;
			to->gid = from->gid;
			to->major = from->major;
			to->minor = from->minor;
			to->mtime = from->mtime;
			to->mtime_nsec = from->mtime_nsec;
			to->size = from->size;
			to->xattrs = from->xattrs;
			to->data_layer = from->data_layer;
			to->text = from->text ? from->text : text;
			return;
		}
		text = from->text;
	}
}

/* --- all of it ---------------------------------------------------------------------------------------------------- */

static int merging_layer(struct merging *g, char **ret_error)
{
	int r;

	g->n = g->n_links = 0;
	r = merging_push(g, 0, "", 0);
	if (r == 0)
		r = view_contents_each(g->m->stack, g->layer, merging_object, g, ret_error);
	if (r == -EBADMSG && !*ret_error)
		view_refuse(ret_error, r, "%s: @%u: an entry lies below one that is no directory", g->m->stack->name,
			    g->layer);
	if (r == 0)
		r = merging_table(g);
	for (size_t i = 0; i < g->n_links && r == 0; i++)
		merging_link(g, g->links[i]);
	free(g->table);
	g->table = NULL;
	return r;
}

/* Puts the layers above `below` on top, down from the topmost one. Frees what was made if that fails. */
static int merging_layers(struct merged *m, size_t below, struct merged **ret, char **ret_error)
{
	struct merging g = {.m = m};
	int r = 0;

	for (size_t layer = below; layer-- > m->first && r == 0;) {
		(void)CHECK(layer < MERGED_NO_LAYER);
		g.layer = (unsigned)layer;
		if (layer > m->first)
			view_contents_expect(m->stack, layer - 1);
		r = merging_layer(&g, ret_error);
		view_contents_forget(m->stack, layer);
	}
	free(g.path);
	free(g.dirs);
	free(g.links);
	if (r < 0) {
		view_refuse(ret_error, r, "%s: %s", m->stack->name, strerror(-r));
		merged_free(m);
		return r;
	}
	*ret = m;
	return 0;
}

static struct merged *merged_new(const struct view_stack *stack, size_t first)
{
	struct merged *m = calloc(1, sizeof(*m));

	_Static_assert(sizeof(struct merged_node) == 72, "a node has the size that the contract says");
	if (m) {
		m->stack = stack;
		m->first = first;
	}
	return m;
}

int merged_read(const struct view_stack *stack, size_t first, struct merged **ret, char **ret_error)
{
	struct merged *m = merged_new(stack, first);
	uint32_t root, none;

	if (!m || merged_keep(m, "", 0, &none) < 0 || merged_add(m, 0, "", 0, &root) < 0) {
		merged_free(m);
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", stack->name);
	}
	return merging_layers(m, view_layer_count(stack), ret, ret_error);
}

int merged_read_above(const struct merged *below, struct merged **ret, char **ret_error)
{
	struct merged *m = merged_new(below->stack, below->first - 1);

	(void)CHECK(below->first > 0);
	if (!m || !ARRAY_ROOM(m->nodes, m->n, m->room, below->n) ||
	    !ARRAY_ROOM(m->names, m->names_len, m->names_room, below->names_len)) {
		merged_free(m);
		return view_refuse(ret_error, -ENOMEM, "%s: out of memory", below->stack->name);
	}
	memcpy(m->nodes, below->nodes, below->n * sizeof(*m->nodes));
	memcpy(m->names, below->names, below->names_len);
	m->n = below->n;
	m->names_len = below->names_len;
	return merging_layers(m, below->first, ret, ret_error);
}

void merged_free(struct merged *m)
{
	if (!m)
		return;
	free(m->nodes);
	free(m->names);
	free(m->hashes);
	free(m->hashed);
	free(m->layers_read);
	free(m);
}
