/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The objects of one layer, as they come.
 */
#include "waste_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "format/redirect.h"

struct gathering {
	struct view_waste_state *s;
	uint16_t layer;
};

static bool fill(uint32_t **array, uint32_t n, uint32_t *room, uint32_t want)
{
	if (want > n && !ARRAY_ROOM(*array, n, *room, want - n))
		return false;
	for (uint32_t i = n; i < want; i++)
		(*array)[i] = SHOWS_NOTHING;
	return true;
}

int waste_know_paths(struct view_waste_state *s)
{
	uint32_t n = s->paths.n;

	if (!fill(&s->shows, s->shows_n, &s->shows_room, n) || !fill(&s->object_of, s->shows_n, &s->object_room, n) ||
	    !fill(&s->event_of, s->shows_n, &s->event_room, n))
		return -ENOMEM;
	s->shows_n = n;
	return 0;
}

/* The file of another name in this layer. */
static uint32_t linked_file(const struct view_waste_state *s, const char *link)
{
	uint32_t path = link ? paths_find(&s->paths, link) : PATHS_NONE, object;

	if (path == PATHS_NONE || path >= s->shows_n)
		return PATHS_NONE;
	object = s->object_of[path];
	if (object >= s->n_objects || s->objects[object].path != path || !shows_file(s->objects[object].shows))
		return PATHS_NONE;
	return s->versions[s->objects[object].shows].file;
}

/* A version for an object that is a file, in *ret. */
static int gather_version(const struct gathering *g, const struct view_object *o, uint32_t path, uint32_t *ret)
{
	struct view_waste_state *s = g->s;
	uint32_t file = o->hardlink ? linked_file(s, o->link) : PATHS_NONE;

	if (s->n_versions == VERSIONS_MAX || !ARRAY_ROOM(s->versions, s->n_versions, s->versions_room, 1) ||
	    !ARRAY_ROOM(s->files, s->n_files, s->files_room, 1))
		return -ENOMEM;
	if (file == PATHS_NONE) {
		file = s->n_files++;
		s->files[file] = (struct waste_file){
			.size = o->hardlink ? 0 : o->size, .version = s->n_versions, .layer = g->layer};
	}
	(void)CHECK(s->files[file].layer == g->layer);
	s->versions[s->n_versions] =
		(struct waste_version){.path = path, .file = file, .mode = o->mode, .uid = o->uid, .gid = o->gid};
	*ret = s->n_versions++;
	return 0;
}

static int gather_redirect(const struct gathering *g, const struct view_object *o, uint32_t *ret)
{
	struct view_waste_state *s = g->s;
	struct layer_set *set = s->stack->set;
	struct redirect redirect;
	int r;

	if (!set || g->layer >= set->n)
		return 0;
	_cleanup_close_ int fd = layer_open_path(&set->layers[g->layer], o->path, O_PATH);
	if (fd < 0)
		return 0;
	r = layer_read_redirect(set, fd, "", &redirect);
	if (r < 0)
		return r == -ENOMEM ? r : 0;
	if (!ARRAY_ROOM(s->redirects, s->n_redirects, s->redirects_room, 1))
		return -ENOMEM;
	s->redirects[s->n_redirects] = (struct waste_redirect){.object = s->n_objects, .text = strdup(redirect.path)};
	if (!s->redirects[s->n_redirects].text)
		return -ENOMEM;
	*ret = s->n_redirects++;
	return 0;
}

static int gather_object(void *arg, const struct view_object *o)
{
	const struct gathering *g = arg;
	struct view_waste_state *s = g->s;
	struct waste_object object = {.path = paths_add(&s->paths, o->path),
				      .size = o->size,
				      .shows = S_ISDIR(o->mode) ? SHOWS_DIR : SHOWS_OTHER,
				      .redirect = PATHS_NONE,
				      .whiteout = o->whiteout,
				      .opaque = o->opaque,
				      .implied = o->implied,
				      .metacopy = o->metacopy};
	int r = object.path == PATHS_NONE ? -ENOMEM : waste_know_paths(s);

	if (r == 0 && !ARRAY_ROOM(s->objects, s->n_objects, s->objects_room, 1))
		r = -ENOMEM;
	/* That of a file whose data has followed says nothing. */
	if (r == 0 && o->redirect && (S_ISDIR(o->mode) || o->metacopy))
		r = gather_redirect(g, o, &object.redirect);
	if (r == 0 && !o->whiteout && !o->metacopy && S_ISREG(o->mode))
		r = gather_version(g, o, object.path, &object.shows);
	if (r < 0)
		return r;
	s->object_of[object.path] = s->n_objects;
	s->objects[s->n_objects++] = object;
	return 0;
}

int waste_gather(struct view_waste_state *s, size_t layer, char **ret_error)
{
	struct gathering g = {.s = s, .layer = (uint16_t)layer};
	_cleanup_free_ char *error = NULL;
	int r;

	(void)CHECK(layer < s->n_layers);
	for (uint32_t i = 0; i < s->n_redirects; i++)
		free(s->redirects[i].text);
	s->n_objects = s->n_redirects = 0;
	r = view_contents_each(s->stack, layer, gather_object, &g, &error);
	view_contents_forget(s->stack, layer);
	if (r == 0)
		return 0;
	/* Of directories the rest was told. */
	if (r != -ENOMEM && s->stack->set && error)
		return s->failed(s->arg, error);
	*ret_error = TAKE_PTR(error);
	return r;
}
