/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Layers in archives and layouts, from the lowest up. Each tar is read entry by entry, because the table of contents of
 * a layer with faults is refused. The names of the union so far are kept with the layer that had each last; what a
 * layer means for those below is known at its end.
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "check_state.h"
#include "format/name.h"
#include "image/error.h"
#include "image/read.h"
#include "image/toc.h"
#include "internal.h"
#include "paths.h"

#define FINDINGS_MAX 100000
#define AUFS_OWN ".wh..wh."

/* A name, by the number of its path. Layers are counted from the lowest, which is 1. */
struct packed_name {
	uint16_t here;	 /* the last layer that has it, or something below it */
	uint16_t listed; /* the last layer with an entry of it */
	uint16_t opaque; /* the last layer in which it is opaque */
	uint16_t type;	 /* S_IFMT of that entry */
	bool shown;	 /* by the layers below the one that is being read */
};

struct packed_link {
	uint32_t name, target; /* the target may be PATHS_NONE */
};

struct packed_check {
	struct checking *c;
	struct paths paths;
	struct packed_name *names; /* by path; owned */
	uint32_t names_room, n_names;
	char **ret_error;
	bool unknown; /* a layer couldn't be read, so it isn't known what it has */

	/* the layer that is being read */
	size_t layer;	/* from the top */
	uint16_t stamp; /* from the lowest */
	uint32_t *here; /* names that it has; owned */
	size_t n_here, here_room;
	uint32_t *whiteouts, *opaque; /* owned */
	size_t n_whiteouts, whiteouts_room, n_opaque, opaque_room;
	struct packed_link *links; /* owned */
	size_t n_links, links_room;
};

static int packed_fault(struct packed_check *p, enum view_fault fault, const char *path, const char *detail)
{
	if (p->c->check->n >= FINDINGS_MAX)
		return view_refuse(p->ret_error, -E2BIG, "%s: more than %d faults", p->c->stack->name, FINDINGS_MAX);
	return detail ? check_add(p->c, fault, p->layer, path, NULL, "%s", detail)
		      : check_add(p->c, fault, p->layer, path, NULL, NULL);
}

static int packed_fault_at(struct packed_check *p, enum view_fault fault, uint32_t name)
{
	_cleanup_free_ char *path = paths_text(&p->paths, name);

	return path ? packed_fault(p, fault, path, NULL) : -ENOMEM;
}

/* --- names -------------------------------------------------------------------------------------------------------- */

/* Room for the state of all paths. */
static int packed_room(struct packed_check *p)
{
	uint32_t n = p->paths.n;

	if (n > IMAGE_TOC_ENTRIES)
		return view_refuse(p->ret_error, -E2BIG, "%s: more than %d names", p->c->stack->name,
				   IMAGE_TOC_ENTRIES);
	if (n > p->n_names && !ARRAY_ROOM(p->names, p->n_names, p->names_room, n - p->n_names))
		return -ENOMEM;
	for (; p->n_names < n; p->n_names++)
		p->names[p->n_names] = (struct packed_name){.type = S_IFDIR};
	return 0;
}

/* The layer has the name, and so it has those on the way to it. */
static int packed_here(struct packed_check *p, uint32_t name)
{
	for (; p->names[name].here != p->stamp; name = p->paths.nodes[name].parent) {
		if (!ARRAY_ROOM(p->here, p->n_here, p->here_room, 1))
			return -ENOMEM;
		p->here[p->n_here++] = name;
		p->names[name].here = p->stamp;
		if (name == PATHS_ROOT)
			break;
	}
	return 0;
}

static int packed_name(struct packed_check *p, const char *path, uint32_t *ret)
{
	*ret = paths_add(&p->paths, path);
	return *ret == PATHS_NONE ? -ENOMEM : packed_room(p);
}

/* What follows in the order of paths, without what doesn't show. */
static uint32_t packed_next(const struct packed_check *p, uint32_t top, uint32_t at)
{
	const struct path_node *nodes = p->paths.nodes;

	if ((at == top || p->names[at].shown) && nodes[at].first_child != PATHS_NONE)
		return nodes[at].first_child;
	while (at != top && nodes[at].next_sibling == PATHS_NONE)
		at = nodes[at].parent;
	return at == top ? PATHS_NONE : nodes[at].next_sibling;
}

/* Nothing in a directory shows any longer. */
static void packed_empty(struct packed_check *p, uint32_t top)
{
	uint32_t next;

	for (uint32_t at = packed_next(p, top, top); at != PATHS_NONE; at = next) {
		next = packed_next(p, top, at);
		p->names[at].shown = false;
	}
}

/* --- entries ------------------------------------------------------------------------------------------------------ */

/* The cause why a path can't be that of a file, or NULL. */
static const char *packed_refusal(const char *path)
{
	if (strlen(path) >= PATH_MAX)
		return "a path of 4096 bytes or more";
	for (size_t len; *path; path += len + (path[len] == '/')) {
		len = strcspn(path, "/");
		if (len > NAME_LIMIT)
			return "a name of more than 255 bytes";
	}
	return NULL;
}

/* The first component that begins with `.wh.`, or NULL. */
static char *packed_aufs_component(char *path)
{
	while (strncmp(path, AUFS_PREFIX, strlen(AUFS_PREFIX)) != 0) {
		path = strchr(path, '/');
		if (!path)
			return NULL;
		path++;
	}
	return path;
}

static int packed_hides(struct packed_check *p, const char *path, bool opaque)
{
	uint32_t at;
	int r = packed_name(p, path, &at);

	if (r == 0)
		r = packed_here(p, opaque ? at : p->paths.nodes[at].parent);
	if (r < 0 || (opaque && p->names[at].opaque == p->stamp))
		return r;
	if (opaque && !ARRAY_ROOM(p->opaque, p->n_opaque, p->opaque_room, 1))
		return -ENOMEM;
	if (!opaque && !ARRAY_ROOM(p->whiteouts, p->n_whiteouts, p->whiteouts_room, 1))
		return -ENOMEM;
	if (opaque) {
		p->names[at].opaque = p->stamp;
		p->opaque[p->n_opaque++] = at;
	} else {
		p->whiteouts[p->n_whiteouts++] = at;
	}
	return 0;
}

/* A name of the aufs dialect, which is at `name` in `path`. */
static int packed_aufs(struct packed_check *p, char *path, char *name)
{
	const char *target = name + strlen(AUFS_PREFIX);
	bool opaque = !strcmp(name, AUFS_OPAQUE);

	(void)CHECK(name >= path);
	if (!opaque && !strncmp(name, AUFS_OWN, strlen(AUFS_OWN)))
		return 0;
	if (strchr(name, '/'))
		return packed_fault(p, VIEW_FAULT_RESERVED_NAME, path, NULL);
	if (!*target || !strcmp(target, ".") || !strcmp(target, ".."))
		return packed_fault(p, VIEW_FAULT_EMPTY_WHITEOUT, path, NULL);
	if (opaque && name == path)
		return packed_fault(p, VIEW_FAULT_OPAQUE_ROOT, "", NULL);
	if (opaque)
		name[-1] = '\0';
	else
		memmove(name, target, strlen(target) + 1);
	return packed_hides(p, path, opaque);
}

static int packed_hardlink(struct packed_check *p, uint32_t at, const struct tar_entry *e, const char *path)
{
	_cleanup_free_ char *target = strdup(e->link);
	struct image_error error;
	uint32_t to = PATHS_NONE;
	int r = 0;

	if (!target)
		return -ENOMEM;
	if (layer_tar_path(target, &error) < 0)
		return packed_fault(p, VIEW_FAULT_DANGLING_LINK, path, e->link);
	if (!packed_refusal(target))
		r = packed_name(p, target, &to);
	if (r < 0 || !ARRAY_ROOM(p->links, p->n_links, p->links_room, 1))
		return r < 0 ? r : -ENOMEM;
	p->links[p->n_links++] = (struct packed_link){.name = at, .target = to};
	return 0;
}

static int packed_object(struct packed_check *p, const char *path, const struct tar_entry *e)
{
	struct packed_name *name;
	uint32_t at;
	bool twice;
	int r = packed_name(p, path, &at);

	if (r == 0)
		r = packed_here(p, at);
	if (r < 0)
		return r;
	name = &p->names[at];
	twice = name->listed == p->stamp && !(S_ISDIR(name->type) && S_ISDIR(e->mode));
	name->listed = p->stamp;
	name->type = (uint16_t)(e->mode & S_IFMT);
	if (twice)
		r = packed_fault(p, VIEW_FAULT_SAME_PATH, path, NULL);
	if (r == 0 && !*path && !S_ISDIR(e->mode))
		r = packed_fault(p, VIEW_FAULT_NO_DIRECTORY, path, NULL);
	if (r == 0 && S_ISCHR(e->mode) && !e->major && !e->minor)
		r = packed_fault(p, VIEW_FAULT_DEVICE_ZERO, path, NULL);
	if (r == 0 && S_ISLNK(e->mode) && (!e->link || !*e->link))
		r = packed_fault(p, VIEW_FAULT_DANGLING_LINK, path, NULL);
	return r == 0 && e->hardlink ? packed_hardlink(p, at, e, path) : r;
}

static int packed_entry(struct packed_check *p, const struct tar_entry *e)
{
	_cleanup_free_ char *path = strdup(e->path);
	struct image_error error;
	const char *refusal;
	char *name;

	if (!path)
		return -ENOMEM;
	if (layer_tar_path(path, &error) < 0)
		return packed_fault(p, VIEW_FAULT_UNSTORABLE_NAME, e->path,
				    *e->path == '/' ? "an absolute name" : "a name that leads out");
	if (layer_tar_is_landmark(path))
		return 0;
	refusal = packed_refusal(path);
	if (refusal)
		return packed_fault(p, VIEW_FAULT_UNSTORABLE_NAME, path, refusal);
	name = packed_aufs_component(path);
	return name ? packed_aufs(p, path, name) : packed_object(p, path, e);
}

/* --- the end of a layer ------------------------------------------------------------------------------------------- */

static int packed_end_whiteouts(struct packed_check *p)
{
	enum view_fault fault = p->stamp == 1 ? VIEW_FAULT_LOWEST_WHITEOUT : VIEW_FAULT_ORPHAN_WHITEOUT;
	int r = 0;

	for (size_t i = 0; i < p->n_whiteouts && r == 0 && !p->unknown; i++)
		if (!p->names[p->whiteouts[i]].shown)
			r = packed_fault_at(p, fault, p->whiteouts[i]);
	return r;
}

/* Targets may come behind their links, and lie in a layer below. */
static int packed_end_links(struct packed_check *p)
{
	int r = 0;

	for (size_t i = 0; i < p->n_links && r == 0 && !p->unknown; i++) {
		uint32_t to = p->links[i].target;
		const struct packed_name *name = to == PATHS_NONE ? NULL : &p->names[to];
		bool is_file = name && (name->listed == p->stamp || name->shown) && !S_ISDIR(name->type) &&
			       to != p->links[i].name;

		if (!is_file)
			r = packed_fault_at(p, VIEW_FAULT_DANGLING_LINK, p->links[i].name);
	}
	return r;
}

/* What the layer makes of a name: a directory on the way to others has no entry. */
static bool is_directory_now(const struct packed_check *p, uint32_t at)
{
	const struct packed_name *name = &p->names[at];

	(void)CHECK(at < p->n_names);
	return name->listed == p->stamp || name->shown ? S_ISDIR(name->type) : true;
}

static int packed_end_parents(struct packed_check *p)
{
	int r = 0;

	for (size_t i = 0; i < p->n_here && r == 0; i++) {
		uint32_t at = p->here[i];

		if (at != PATHS_ROOT && !is_directory_now(p, p->paths.nodes[at].parent))
			r = packed_fault_at(p, VIEW_FAULT_NO_DIRECTORY, at);
	}
	return r;
}

/* What shows with this layer on top. An archive may have a whiteout many times. Nothing shows below what doesn't. */
static void packed_apply(struct packed_check *p)
{
	for (size_t i = 0; i < p->n_whiteouts; i++) {
		if (!p->names[p->whiteouts[i]].shown)
			continue;
		packed_empty(p, p->whiteouts[i]);
		p->names[p->whiteouts[i]].shown = false;
	}
	for (size_t i = 0; i < p->n_opaque; i++)
		packed_empty(p, p->opaque[i]);
	for (size_t i = 0; i < p->n_here; i++) {
		struct packed_name *name = &p->names[p->here[i]];

		if (name->listed == p->stamp && !S_ISDIR(name->type))
			packed_empty(p, p->here[i]);
		else if (name->listed != p->stamp && !name->shown)
			name->type = S_IFDIR;
	}
	for (size_t i = 0; i < p->n_here; i++)
		p->names[p->here[i]].shown = true;
	/* A file has nothing in it, whatever the archive says. */
	for (size_t i = 0; i < p->n_here; i++)
		if (!S_ISDIR(p->names[p->here[i]].type))
			packed_empty(p, p->here[i]);
}

static int packed_end(struct packed_check *p)
{
	int r = packed_end_whiteouts(p);

	(void)CHECK(p->n_names == p->paths.n);
	if (r == 0)
		r = packed_end_links(p);
	if (r == 0)
		r = packed_end_parents(p);
	if (r == 0)
		packed_apply(p);
	return r;
}

/* --- a layer ------------------------------------------------------------------------------------------------------ */

static int packed_fault_digest(struct packed_check *p, const char *what, const char *wanted, const char *found)
{
	_cleanup_free_ char *detail = NULL;

	p->unknown = true;
	if (asprintf(&detail, "the %s is %s, and not %s", what, found, wanted) < 0)
		return -ENOMEM;
	return packed_fault(p, VIEW_FAULT_WRONG_DIGEST, "", detail);
}

static int packed_fault_size(struct packed_check *p, int64_t wanted, int64_t found)
{
	_cleanup_free_ char *detail = NULL;

	if (asprintf(&detail, "%lld bytes, and not %lld", (long long)found, (long long)wanted) < 0)
		return -ENOMEM;
	return packed_fault(p, VIEW_FAULT_WRONG_SIZE, "", detail);
}

static int packed_fault_archive(struct packed_check *p, int err, const char *why)
{
	p->unknown = true;
	return packed_fault(p, VIEW_FAULT_BAD_ARCHIVE, "", *why ? why : strerror(-err));
}

/* Of a tar that was read to its end. */
static int packed_verify(struct packed_check *p, struct layer_tar *t)
{
	const struct image_layer *l = t->layer;
	struct image_error error = {.text = ""};
	int r = layer_tar_verify(t, &error), own = 0;

	if (!*t->diff_id)
		return packed_fault_archive(p, r, error.text);
	if (l->digest && strcmp(l->digest, t->digest) != 0)
		own = packed_fault_digest(p, "blob", l->digest, t->digest);
	else if (l->diff_id && strcmp(l->diff_id, t->diff_id) != 0)
		own = packed_fault_digest(p, "tar", l->diff_id, t->diff_id);
	if (own == 0 && l->stated >= 0 && l->stated != t->compressed)
		own = packed_fault_size(p, l->stated, t->compressed);
	return own;
}

static int packed_read(struct packed_check *p, struct layer_tar *t)
{
	struct image_error error = {.text = ""};
	struct tar_entry e;
	int r, own;

	for (size_t n = 0; (r = tar_next(&t->tar, &e, &error)) > 0; n++) {
		if (n == IMAGE_TOC_ENTRIES)
			return view_refuse(p->ret_error, -E2BIG, "%s: more than %d entries", p->c->stack->name,
					   IMAGE_TOC_ENTRIES);
		own = packed_entry(p, &e);
		if (own < 0)
			return own;
	}
	return r < 0 ? packed_fault_archive(p, r, error.text) : packed_verify(p, t);
}

static int packed_layer(struct packed_check *p, size_t number)
{
	const struct image *image = p->c->stack->image;
	struct image_error error = {.text = ""};
	struct layer_tar t;
	int r;

	p->layer = image->n_layers - 1 - number;
	p->stamp = (uint16_t)(number + 1);
	p->n_here = p->n_whiteouts = p->n_opaque = p->n_links = 0;
	if (!image->layers[number].blob && !image->layers[number].directory) {
		p->unknown = true;
		return packed_fault(p, VIEW_FAULT_NO_BLOB, "", image->layers[number].digest);
	}
	r = layer_tar_start(image, number, &t, &error);
	if (r == -EBADMSG)
		return packed_fault_archive(p, r, error.text);
	if (r < 0)
		return view_refuse(p->ret_error, r, "%s: @%zu: %s", p->c->stack->name, p->layer, error.text);
	r = packed_read(p, &t);
	layer_tar_finish(&t);
	return r < 0 ? r : packed_end(p);
}

/* Of the documents, which have their digests. */
static int packed_document(struct packed_check *p, const char *name, int64_t stated, size_t len)
{
	if (stated < 0 || (size_t)stated == len)
		return 0;
	return check_add(p->c, VIEW_FAULT_WRONG_SIZE, VIEW_CHECK_WORK, name, NULL, "%zu bytes, and not %lld", len,
			 (long long)stated);
}

int check_packed(struct checking *c, char **ret_error)
{
	struct packed_check p = {.c = c, .ret_error = ret_error};
	const struct image *image = c->stack->image;
	int r = paths_init(&p.paths);

	_Static_assert(IMAGE_LAYERS_MAX < UINT16_MAX, "a layer's number is one of 16 bits");
	(void)CHECK(image && !c->set);
	if (r == 0)
		r = packed_document(&p, "manifest", image->manifest_stated, image->manifest_len);
	if (r == 0)
		r = packed_document(&p, "config", image->config_stated, image->config_len);
	if (r == 0)
		r = packed_room(&p);
	for (size_t i = 0; i < image->n_layers && r == 0; i++)
		r = packed_layer(&p, i);
	paths_free(&p.paths);
	free(p.names);
	free(p.here);
	free(p.whiteouts);
	free(p.opaque);
	free(p.links);
	return r;
}
