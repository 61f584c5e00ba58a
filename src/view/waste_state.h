/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The union of the layers that were looked at so far, lowest first, for view/waste.h.
 *
 * A layer is first gathered: its objects, versions and files. Then it is applied: the union changes, and for each file
 * that doesn't show any more there is an event. At the end files are compared, and events become figures.
 *
 * Invariants: (1) a version that shows at a path is the path's own or was moved there by a redirect; (2) file.shown is
 * the number of paths at which the file shows; (3) each file has at most one event.
 */
#ifndef VIEW_WASTE_STATE_H
#define VIEW_WASTE_STATE_H

#include "paths.h"
#include "view/contents.h"
#include "view/waste.h"

/* A path shows a version, or one of these. */
enum {
	SHOWS_NOTHING = UINT32_MAX,
	SHOWS_DIR = UINT32_MAX - 1,
	SHOWS_OTHER = UINT32_MAX - 2, /* a symlink or a special file */
	VERSIONS_MAX = UINT32_MAX - 3,
};

static inline bool shows_file(uint32_t shows)
{
	return shows < VERSIONS_MAX;
}

/* The content of a file of one layer. */
struct waste_file {
	uint64_t size, hash[2];
	uint32_t version; /* its first name */
	uint32_t shown;
	uint16_t layer; /* from the top */
	bool wanted;	/* it is to be hashed */
	bool hashed;
	bool counted; /* its bytes are wasted */
};

/* A name of a file in one layer. */
struct waste_version {
	uint32_t path, file, mode, uid, gid;
};

/* An object of the layer that was gathered last. */
struct waste_object {
	uint64_t size;
	uint32_t path;
	uint32_t shows;	   /* what it makes of its path */
	uint32_t redirect; /* index of its redirect, or PATHS_NONE */
	bool whiteout, opaque, implied, metacopy;
};

/* A directory or metacopy file that shows what another path of the layers below has. */
struct waste_redirect {
	uint32_t object, from; /* from: the path below */
	uint32_t depth;
	char *text; /* owned */
};

/* A file that doesn't show any more. */
struct waste_event {
	uint32_t version;
	uint32_t other; /* the version that replaces it, or SHOWS_NOTHING */
	uint32_t path;	/* what hides it */
	uint32_t by;	/* the layer, from the top */
};

struct view_waste_state {
	const struct view_stack *stack;
	size_t base, n_layers;
	struct paths paths;
	/* Of each path. `object_of` and `event_of` are numbers in the arrays below, which are valid if the element
	 * there has the path. */
	uint32_t *shows, *object_of, *event_of; /* owned */
	uint32_t shows_n, shows_room, object_room, event_room;
	struct waste_file *files;	  /* owned */
	struct waste_version *versions;	  /* owned */
	struct waste_event *events;	  /* owned */
	struct waste_object *objects;	  /* of one layer; owned */
	struct waste_event *pending;	  /* of one layer; owned */
	struct waste_redirect *redirects; /* of one layer; owned */
	uint32_t n_files, files_room, n_versions, versions_room, n_events, events_room;
	uint32_t n_objects, objects_room, n_pending, pending_room, n_redirects, redirects_room;
	struct waste_dive *dive; /* NULL: not wanted */
	view_waste_failed failed;
	void *arg;
};

static inline bool waste_in_base(const struct view_waste_state *s, size_t layer)
{
	return layer + s->base >= s->n_layers;
}

/* Reads the objects of a layer. *ret_error as in view/stack.h. */
int waste_gather(struct view_waste_state *s, size_t layer, char **ret_error);
/* Makes room for all paths. */
int waste_know_paths(struct view_waste_state *s);
/* Changes the union by the layer that was gathered. */
int waste_apply(struct view_waste_state *s, size_t layer);
/* Files to which redirects of a layer lead. They are taken out of the union before the layer hides anything. They are
 * put where the layer has them after what is hidden above that, and before what is hidden below. waste_moved_free()
 * also after a failure. */
struct waste_moved {
	struct waste_redirect **order; /* the deepest `from` first; owned */
	struct waste_taken *taken;     /* of each redirect; owned */
	uint32_t n;
};
int waste_redirects_take(struct view_waste_state *s, struct waste_moved *ret);
/* Hides what the layers below have at the path itself. */
int waste_redirects_put(struct view_waste_state *s, size_t layer, const struct waste_moved *moved, uint32_t redirect);
void waste_moved_free(struct waste_moved *moved);
/* The file at `node` shows no longer, because of `path` of the layer. */
int waste_hide_one(struct view_waste_state *s, uint32_t node, uint32_t path, size_t layer);
/* The same for all at `node` and below. */
int waste_hide(struct view_waste_state *s, uint32_t node, uint32_t path, size_t layer);
/* Hashes all files that are to be compared. */
int waste_compare(struct view_waste_state *s, char **ret_error);
/* Whether two versions have the same content, as far as it was read. */
bool waste_same_content(const struct view_waste_state *s, uint32_t a, uint32_t b);
/* Files of the same content that show, one after the other: sorted by size, hash, layer (lowest first) and path. The
 * caller frees it. */
int waste_shown_files(const struct view_waste_state *s, uint32_t **ret, uint32_t *ret_n);

/* dive's figures. waste_dive_layer() comes before the layer is applied. */
struct waste_dive *waste_dive_new(void);
void waste_dive_free(struct waste_dive *dive);
int waste_dive_layer(struct waste_dive *dive, const struct view_waste_state *s);
int waste_dive_finish(const struct waste_dive *dive, struct view_waste *ret);

#endif
