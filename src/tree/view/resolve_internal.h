/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Shared by the files of the resolver: the state of one search. resolve.c goes down the directory's stack,
 * resolve_path.c along a path in one layer. resolve_object.c decides what an object that either meets means for the
 * search.
 */
#ifndef TREE_RESOLVE_INTERNAL_H
#define TREE_RESOLVE_INTERNAL_H

#include "view.h"

/* The state of one search. */
struct search {
	struct dir_stack *stack; /* the directory that is searched */
	struct resolved *resolved;
	const struct resolve_trace *trace;
	const char *name;
	unsigned cap;	 /* of r->lower */
	unsigned wasted; /* layers asked in vain */
	unsigned last;	 /* the layer that was asked last */
	/* owned; what to look for from now on, once there was a redirect: a name, or "/a/b" from the roots */
	char *path;
	unsigned redirects;  /* that were met */
	bool absolute;	     /* the last of them was */
	bool metacopy;	     /* what was found has metadata alone: its data is looked for */
	bool metacopy_lower; /* and is or has a part in a lower layer */
	const char *walked;  /* the path in the layer that is being asked, when it isn't reached by the parent */
	uint64_t walked_ino; /* of the directory on that path that is being looked in, layer_number_by_name() */
	const struct layer_lookup *walked_to; /* what is at its end, once that was seen */
	bool found;
	bool done;
	uint64_t origin_ino; /* of the topmost object, when it has a valid origin */
	uint64_t lower_ino;  /* of the topmost lower part, likewise; counts for directories */
};

/* The name that is looked for now. */
static inline const char *search_name(const struct search *s)
{
	return s->path ? s->path : s->name;
}

/* How far a search had got before a layer was asked; resolve_tell() tells what that layer had to say. */
struct search_state {
	unsigned redirects, n_lower;
	bool found, has_data;
};
struct search_state resolve_state(const struct search *s);
void resolve_tell(struct search *s, const struct layer *l, struct search_state before, enum layer_lookup_kind kind,
		  const struct layer_lookup *p, const char *elsewhere, int res);

/* --- resolve_object.c --------------------------------------------------------------------------------------------- */

/* The upper's root and the work directory show as entries of a lower layer that contains them, but can't be entered:
 * they would show everything twice, and temp files. */
bool resolve_is_forbidden(const struct layer_set *set, const struct layer *l, const struct statx *stx);
/* An object was met: `name` at dirfd, the last component of what is looked for. `name` may be part of that, and is gone
 * afterwards. 0 or -errno. */
int resolve_object(struct search *s, const struct layer *l, int dirfd, const char *name, struct layer_lookup *p);
/* Appends a directory to the result's stack. */
int resolve_merge(struct search *s, const struct layer *l, const struct layer_lookup *p);
/* Obeys the xattr of a directory or metacopy file that is `name` at dirfd. `at` is the component with the xattr, of len
 * bytes, and what follows it in what is looked for. 0 or -errno. */
int resolve_redirect(struct search *s, const struct layer *l, int dirfd, const char *name, const struct layer_lookup *p,
		     const char *at, size_t len);
/* A whiteout beside a directory hides what is below by its name; a redirect of that directory leads elsewhere.
 * `redirects_before`: met before this layer was asked. */
void resolve_end_below(struct search *s, const struct layer_lookup *p, unsigned redirects_before);

/* No layer has the data. Where there are data-only layers, the last lower file may name its place there. 0 or
 * -errno. */
int resolve_data_elsewhere(struct search *s);
/* Says that metacopy files aren't followed; -EPERM. */
int resolve_refuse_metacopy(const struct search *s);

/* --- resolve_path.c ----------------------------------------------------------------------------------------------- */

/* Asks one layer for s->path, which begins at its root. 0 or -errno. */
int resolve_walk(struct search *s, const struct layer *l);

#endif
