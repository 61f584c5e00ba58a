/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the resolver makes of an object that it meets in a layer: whether it is the result, merges with it, hides what
 * is below, or has the data of it; and where its redirect leads.
 *
 * A redirect changes what is looked for in the layers below: another name in the same parent, or a path from their
 * roots; then all layers below are asked, whether they hold the parent or not (resolve_path.c). The rules are kernel
 * overlayfs's (ovl_lookup_layer in fs/overlayfs/namei.c).
 *
 * A regular file that holds metadata alone doesn't end the search: in the layers below its data is looked for, by its
 * name or along its redirect, until a regular file that has some, or anything else, is met. Such files are told by the
 * xattr flags, which are read anyway, so others cost nothing more.
 */
#include "resolve_internal.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/log.h"
#include "base/macros.h"
#include "format/redirect.h"
#include "layer/index.h"

bool resolve_is_forbidden(const struct layer_set *set, const struct layer *l, const struct statx *stx)
{
	dev_t dev = layer_dev_of(stx);

	if (!set->has_upper || l->upper || !S_ISDIR(stx->stx_mode))
		return false;
	return (stx->stx_ino == set->upper_id.ino && dev == set->upper_id.dev) ||
	       (stx->stx_ino == set->work_id.ino && dev == set->work_id.dev);
}

/* The place of a lower directory that was found, if it isn't that of the name in the parent's directory. */
static int merge_path(struct search *s, const struct layer *l, char **ret_path)
{
	*ret_path = NULL;
	if (s->walked) {
		*ret_path = strdup(s->walked + 1);
		return *ret_path ? 0 : -ENOMEM;
	}
	if (!s->path || !strcmp(s->path, s->name))
		return 0;
	return s->stack->calls->compose(s->stack, l->index, s->path, ret_path);
}

static int merge_lower(struct search *s, const struct layer *l, struct dirref ref)
{
	struct resolved *resolved = s->resolved;
	int r;

	if (!ARRAY_ROOM(resolved->lower, resolved->n_lower, s->cap, s->cap ? 1U : MAX(stack_depth(s->stack), 1U)))
		return -ENOMEM;
	r = merge_path(s, l, &ref.path);
	if (r == 0)
		resolved->lower[resolved->n_lower++] = ref;
	return r;
}

int resolve_merge(struct search *s, const struct layer *l, const struct layer_lookup *p)
{
	struct dirref ref = {.layer = l->index,
			     .device = p->id.device,
			     .record = p->record,
			     .ino = p->id.ino,
			     .checked = p->checked};

	if (p->xattr_flags & XATTR_FLAG_IMPURE)
		ref.flags |= DIRREF_IMPURE;
	if (p->overmounted)
		ref.flags |= DIRREF_OVERMOUNTED;
	if ((p->xattr_flags & XATTR_FLAG_XWHITEOUTS) || layer_is_shown(s->stack->layers, l))
		ref.flags |= DIRREF_XWHITEOUTS;
	if (p->xattr_flags & XATTR_FLAG_OPAQUE)
		s->done = true;
	if (!l->upper)
		return merge_lower(s, l, ref);
	s->resolved->upper_ref = ref;
	return 0;
}

/* What is looked for from now on keeps what comes before and after the component with the xattr. */
static int redirect_apply(struct search *s, const struct redirect *redirect, const char *at, size_t len)
{
	const char *now = search_name(s);
	size_t keep = redirect->absolute ? 0 : strlen(now) - strlen(at);
	char *path;

	/* In a path that was looked for before there may be more redirects, each of which makes it longer. */
	if (keep + redirect->len + strlen(at + len) >= PATH_MAX)
		return -ENAMETOOLONG;
	if (asprintf(&path, "%.*s%s%s", (int)keep, now, redirect->path, at + len) < 0)
		return -ENOMEM;
	free(s->path);
	s->path = path;
	s->redirects++;
	s->absolute = redirect->absolute;
	/* An opaque directory on the way to here ended the search below itself; this leads elsewhere. */
	if (redirect->absolute)
		s->done = false;
	return 0;
}

/* Whether a redirect of what was met leads anywhere: the lowest layer's don't, but those of files lead to data-only
 * layers, and an opaque directory's don't either. */
static bool redirect_counts(const struct search *s, const struct layer *l, const struct layer_lookup *p)
{
	const struct layer_set *set = s->stack->layers;
	bool file = S_ISREG(p->stx.stx_mode);

	if (!(p->xattr_flags & XATTR_FLAG_REDIRECT) || (!file && (p->xattr_flags & XATTR_FLAG_OPAQUE)))
		return false;
	return l->index + 1 < set->n || (file && set->n_data);
}

/* For messages: what was asked for, wherever that has led meanwhile. */
static const char *search_path(const struct search *s, char buf[TREE_PATH_SHOWN])
{
	const struct stack_calls *calls = s->stack->calls;

	return calls && calls->shown ? calls->shown(s->stack, s->name, buf) : s->name ? s->name : ".";
}

int resolve_redirect(struct search *s, const struct layer *l, int dirfd, const char *name, const struct layer_lookup *p,
		     const char *at, size_t len)
{
	struct redirect redirect;
	char shown[TREE_PATH_SHOWN];
	int r;

	if (!redirect_counts(s, l, p))
		return 0;
	/* Showing the directory without what lies beneath would be wrong data. A file's is followed with its metacopy
	 * xattr, or not. */
	if (!s->stack->layers->follow_redirects && !S_ISREG(p->stx.stx_mode)) {
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING,
			    "%s: layer %s: a redirected directory is refused: redirects aren't followed",
			    search_path(s, shown), l->path);
		return -EPERM;
	}
	r = layer_read_redirect(s->stack->layers, dirfd, name, &redirect);
	if (r == -EINVAL)
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "%s: layer %s: a redirect isn't valid", search_path(s, shown),
			    l->path);
	if (r < 0)
		return r == -ENODATA ? 0 : r;
	return redirect_apply(s, &redirect, at, len);
}

/* --- files without data of their own ------------------------------------------------------------------------------ */

int resolve_refuse_metacopy(const struct search *s)
{
	char shown[TREE_PATH_SHOWN];

	log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "%s: a metacopy file is refused: metacopy isn't followed",
		    search_path(s, shown));
	return -EPERM;
}

/* Its topmost lower object, perhaps. */
static void note_lower(struct search *s, const struct layer *l, const struct layer_lookup *p)
{
	if (l->upper || s->metacopy_lower)
		return;
	s->metacopy_lower = true;
	s->resolved->lower_linked = p->stx.stx_nlink > 1;
}

/* 1 when the regular file `name` at dirfd has metadata alone; then its redirect was obeyed. */
static int resolve_metacopy(struct search *s, const struct layer *l, int dirfd, const char *name,
			    const struct layer_lookup *p)
{
	int r = p->xattr_flags & XATTR_FLAG_METACOPY ? layer_check_metacopy(s->stack->layers, dirfd, name) : -ENODATA;
	char shown[TREE_PATH_SHOWN];

	if (r == -ENODATA)
		return 0;
	if (r == -EIO)
		log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "%s: layer %s: a metacopy xattr isn't valid",
			    search_path(s, shown), l->path);
	if (r < 0)
		return r;
	s->metacopy = true;
	note_lower(s, l, p);
	r = resolve_redirect(s, l, dirfd, name, p, name, strlen(name));
	return r < 0 ? r : 1;
}

static int data_found(struct search *s, const struct layer *l, const struct layer_lookup *p)
{
	struct resolved *resolved = s->resolved;
	int r = 0;

	if (s->walked)
		resolved->data_path = strdup(s->walked + 1);
	else
		r = s->stack->calls->compose(s->stack, l->index, search_name(s), &resolved->data_path);
	if (r == 0 && !resolved->data_path)
		r = -ENOMEM;
	note_lower(s, l, p);
	resolved->data_layer = l->index;
	resolved->data_blocks = p->stx.stx_blocks;
	s->metacopy = false;
	s->done = true;
	return r;
}

/* Something was met where the data of what was found has to be. */
static int resolve_data(struct search *s, const struct layer *l, int dirfd, const char *name, struct layer_lookup *p)
{
	int r = p->overmounted ? 0 : layer_lookup_xattr_flags(s->stack, l, dirfd, name, p);

	if (r < 0)
		return r;
	if (p->overmounted || !S_ISREG(p->stx.stx_mode) ||
	    (p->stx.stx_size == 0 && (p->xattr_flags & XATTR_FLAG_WHITEOUT))) {
		s->done = true;
		return 0;
	}
	r = resolve_metacopy(s, l, dirfd, name, p);
	return r == 0 ? data_found(s, l, p) : MIN(r, 0);
}

int resolve_data_elsewhere(struct search *s)
{
	const struct layer_set *set = s->stack->layers;
	struct resolved *resolved = s->resolved;
	char shown[TREE_PATH_SHOWN];

	if (set->n_data && s->metacopy_lower && s->absolute) {
		resolved->data_layer = LOWERDATA_LAZY;
		resolved->data_path = strdup(s->path + 1);
		return resolved->data_path ? 0 : -ENOMEM;
	}
	if (!set->follow_metacopy)
		return resolve_refuse_metacopy(s);
	log_limited(LOG_CAUSE_LAYER, LOG_WARNING, "%s: a metacopy file has no data in any layer below",
		    search_path(s, shown));
	return -EIO;
}

/* --- one object --------------------------------------------------------------------------------------------------- */

static int keep_index_name(struct resolved *resolved, const struct index_entry *e)
{
	resolved->nlink = e->nlink;
	resolved->index_name = strdup(e->name);
	return resolved->index_name ? 0 : -ENOMEM;
}

/* The number of a lower file whose copy is shown in its place. */
static int number_below_copy(struct search *s, const struct layer *l, int dirfd, const char *name,
			     const struct layer_lookup *p)
{
	const struct layer_set *set = s->stack->layers;
	unsigned xattr_flags;
	int r = layer_read_xattr_flags(set, l, dirfd, name, &xattr_flags);

	if (r < 0)
		return r;
	s->origin_ino = xattr_flags & XATTR_FLAG_ORIGIN ? layer_origin_ino(set, l, dirfd, name) : 0;
	if (!s->origin_ino)
		s->origin_ino = layer_union_ino(set, p->id);
	return 0;
}

/* A lower file with several links: the union counts them, and its copy may be in the index. Returns 1 when that was
 * found; *copy is then what is known of it. */
static int look_in_index(struct search *s, const struct layer *l, int dirfd, const char *name,
			 const struct layer_lookup *p, struct layer_lookup *copy)
{
	const struct layer_set *set = s->stack->layers;
	struct index_entry e;
	int r;

	if (!set->index || layer_is_indexed(set, l) || p->overmounted || p->stx.stx_nlink < 2 ||
	    S_ISDIR(p->stx.stx_mode) || !index_takes(set, p->stx.stx_mode & S_IFMT))
		return 0;
	s->resolved->index_generation = index_generation(set);
	if (index_is_idle(set)) {
		s->resolved->nlink = p->stx.stx_nlink;
		return 0;
	}
	r = index_look(set, l, dirfd, name, &p->stx, &e);
	if (r < 0)
		return r == -EOPNOTSUPP ? 0 : r;
	r = keep_index_name(s->resolved, &e);
	if (r < 0 || !e.indexed)
		return r;
	*copy = (struct layer_lookup){.stx = e.stx};
	r = layer_object(set, &set->layers[0], index_fd(set), e.name, &e.stx, &copy->id);
	if (r == 0)
		r = number_below_copy(s, l, dirfd, name, p);
	return r < 0 ? r : 1;
}

/* The copy in the index is what the lower name shows; one without data has it in the lower object. */
static int resolve_indexed(struct search *s, const struct layer *l, int dirfd, const char *name, struct layer_lookup *p,
			   struct layer_lookup *copy)
{
	const struct layer_set *set = s->stack->layers;
	const struct layer *upper = &set->layers[0];
	struct resolved *resolved = s->resolved;
	int fd = index_fd(set), r = layer_lookup_xattr_flags(s->stack, upper, fd, resolved->index_name, copy),
	    check = -ENODATA;

	if (r == 0 && S_ISREG(copy->stx.stx_mode) && (copy->xattr_flags & XATTR_FLAG_METACOPY))
		check = layer_check_metacopy(set, fd, resolved->index_name);
	if (r < 0 || (check < 0 && check != -ENODATA))
		return r < 0 ? r : check;
	s->found = true;
	resolved->stx = copy->stx;
	resolved->id = copy->id;
	resolved->layer = upper->index;
	resolved->xattr_flags = copy->xattr_flags;
	resolved->indexed = resolved->through_index = true;
	resolved->metacopy = s->metacopy = check >= 0;
	s->done = !s->metacopy;
	return s->metacopy ? resolve_data(s, l, dirfd, name, p) : 0;
}

/* The number of what was copied up, and whether it is one of the index. What was copied up into a former upper keeps
 * its number too. */
static int look_at_origin(struct search *s, const struct layer *l, int dirfd, const char *name,
			  const struct layer_lookup *p)
{
	const struct layer_set *set = s->stack->layers;
	struct index_entry e;
	uint64_t ino;
	int r;

	/* Below the topmost lower part nothing has a say in the number. */
	if (!(p->xattr_flags & XATTR_FLAG_ORIGIN) || s->resolved->n_lower)
		return 0;
	ino = layer_origin_ino(set, l, dirfd, name);
	if (!s->found)
		s->origin_ino = ino;
	if (!l->upper)
		s->lower_ino = ino;
	r = layer_is_indexed(set, l) ? index_look_upper(set, dirfd, name, &p->stx, &e) : 0;
	if (r <= 0)
		return r;
	s->resolved->indexed = true;
	return keep_index_name(s->resolved, &e);
}

/* The topmost object. 1 when what is below doesn't matter. */
static int resolve_found(struct search *s, const struct layer *l, int dirfd, const char *name,
			 const struct layer_lookup *p)
{
	struct resolved *resolved = s->resolved;
	int r = 0;

	s->found = true;
	resolved->stx = p->stx;
	resolved->id = p->id;
	resolved->layer = l->index;
	resolved->xattr_flags = p->xattr_flags;
	resolved->overmounted = p->overmounted;
	resolved->in_upper = l->upper;
	if (S_ISREG(p->stx.stx_mode))
		r = resolve_metacopy(s, l, dirfd, name, p);
	resolved->metacopy = r > 0;
	return r < 0 ? r : !resolved->metacopy && !S_ISDIR(p->stx.stx_mode);
}

int resolve_object(struct search *s, const struct layer *l, int dirfd, const char *name, struct layer_lookup *p)
{
	bool is_dir = S_ISDIR(p->stx.stx_mode);
	struct layer_lookup copy;
	int r;

	if (s->metacopy)
		return resolve_data(s, l, dirfd, name, p);
	if (s->found && !is_dir) {
		s->done = true;
		return 0;
	}
	if (resolve_is_forbidden(s->stack->layers, l, &p->stx))
		return -ELOOP;
	r = is_dir ? 0 : look_in_index(s, l, dirfd, name, p, &copy);
	if (r != 0)
		return r < 0 ? r : resolve_indexed(s, l, dirfd, name, p, &copy);
	r = layer_lookup_xattr_flags(s->stack, l, dirfd, name, p);
	if (r == 0)
		r = look_at_origin(s, l, dirfd, name, p);
	if (r == 0 && is_dir)
		r = resolve_merge(s, l, p);
	if (r == 0 && !s->found)
		r = resolve_found(s, l, dirfd, name, p);
	if (r < 0)
		return r;
	s->done |= r > 0;
	return is_dir ? resolve_redirect(s, l, dirfd, name, p, name, strlen(name)) : 0;
}

void resolve_end_below(struct search *s, const struct layer_lookup *p, unsigned redirects_before)
{
	if (p->hides_below && s->redirects == redirects_before)
		s->done = true;
}

/* --- what is told ------------------------------------------------------------------------------------------------- */

struct search_state resolve_state(const struct search *s)
{
	return (struct search_state){.redirects = s->redirects,
				     .n_lower = s->resolved->n_lower,
				     .found = s->found,
				     .has_data = s->resolved->data_path != NULL};
}

void resolve_tell(struct search *s, const struct layer *l, struct search_state before, enum layer_lookup_kind kind,
		  const struct layer_lookup *p, const char *elsewhere, int res)
{
	struct search_state now = resolve_state(s);

	if (s->trace)
		s->trace->met(s->trace->arg,
			      &(struct resolve_met){
				      .layer = l->index,
				      .kind = kind,
				      .p = p,
				      .path = elsewhere,
				      .counts = now.found != before.found || now.n_lower != before.n_lower ||
						now.has_data != before.has_data,
				      .redirects = now.redirects != before.redirects,
				      .ends = s->done || res < 0,
			      });
}
