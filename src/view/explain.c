/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One path of a stack. Directories are asked by the walker of the tree. Of archives each layer is gone through for the
 * entries on the way to the path; then the rules are applied from the top, for one component after the other.
 */
#include "view/explain.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "internal.h"
#include "merged.h"
#include "os/fs.h"
#include "view/contents.h"

/* --- directories -------------------------------------------------------------------------------------------------- */

struct explaining_tree {
	const struct view_stack *stack;
	int (*step)(void *arg, const struct view_explained *explained);
	void *arg;
};

/* Its target, which ends with a NUL. */
static int explain_link(const struct explaining_tree *t, const struct tree_walk_entry *e, const char *path,
			char target[static PATH_MAX])
{
	_cleanup_close_ int fd = layer_open_path(&t->stack->set->layers[e->layer], path, O_PATH | O_NOFOLLOW);
	ssize_t n = fd < 0 ? fd : os_readlinkat(fd, "", target, PATH_MAX - 1);

	(void)CHECK(S_ISLNK(e->stx.stx_mode));
	target[MAX(n, (ssize_t)0)] = '\0';
	return (int)MIN(n, (ssize_t)0);
}

static int explain_tree_step(void *arg, const struct tree_walk_entry *e)
{
	const struct explaining_tree *t = arg;
	struct view_explained explained = {.entry = e};
	char target[PATH_MAX];
	_cleanup_free_ char *own = NULL, *index = NULL;
	const char *work = t->stack->options.workdir;

	if (e->shown && e->index_name && !e->data_path && work) {
		if (asprintf(&index, "%s/index/%s", work, e->index_name) < 0)
			return -ENOMEM;
		explained.index_path = index;
	} else if (e->shown && e->data_path)
		explained.content = e->data_path;
	else if (e->shown && !(e->metacopy && e->data_layer == TREE_WALK_NO_LAYER) &&
		 tree_walk_layer_path(e, &own) == 0)
		explained.content = own;
	if (e->shown && own && S_ISLNK(e->stx.stx_mode) && explain_link(t, e, own, target) == 0)
		explained.link = target;
	return t->step(t->arg, &explained);
}

/* --- what the layers of an archive have --------------------------------------------------------------------------- */

/* The entry of a layer at one component of the path. */
struct held {
	bool is_there, whiteout, opaque, hardlink;
	char *link; /* owned */
	struct statx stx;
};

/* Why the directory of a layer doesn't show; `is_there` as above. */
struct hidden {
	enum tree_say_why why;
	unsigned by;
};

struct explaining {
	const struct view_stack *stack;
	const char *path;
	size_t n_layers, depth; /* components and the root */
	struct held *held;	/* owned; by layer, then by component */
	unsigned layer;		/* that is being read */
};

static size_t path_depth(const char *path)
{
	size_t n = *path ? 2 : 1;

	for (; *path; path++)
		n += *path == '/';
	return n;
}

/* The length of the path of the first `depth` components. */
static size_t path_upto(const char *path, size_t depth)
{
	size_t len = 0;

	for (; depth && path[len]; depth--) {
		len += len > 0;
		len += strcspn(path + len, "/");
	}
	return len;
}

/* As statx(2) tells it of an unpacked object, but for sizes of directories. */
static struct statx explain_stx(const struct view_object *o)
{
	bool is_link = S_ISLNK(o->mode) && o->link;

	return (struct statx){.stx_mode = (uint16_t)o->mode,
			      .stx_uid = o->uid,
			      .stx_gid = o->gid,
			      .stx_size = is_link ? strlen(o->link) : o->size,
			      .stx_rdev_major = o->major,
			      .stx_rdev_minor = o->minor,
			      .stx_mtime = {.tv_sec = o->mtime, .tv_nsec = o->mtime_nsec}};
}

static int explain_object(void *arg, const struct view_object *o)
{
	struct explaining *x = arg;
	size_t len = strlen(o->path), depth;
	struct held *h;

	if (strncmp(o->path, x->path, len) != 0 || (len && x->path[len] && x->path[len] != '/'))
		return 0;
	depth = path_depth(o->path) - 1;
	(void)CHECK(depth < x->depth);
	h = &x->held[x->layer * x->depth + depth];
	*h = (struct held){.is_there = true,
			   .whiteout = o->whiteout,
			   .opaque = o->opaque,
			   .hardlink = o->hardlink,
			   .stx = explain_stx(o)};
	if (o->link)
		h->link = strdup(o->link);
	return o->link && !h->link ? -ENOMEM : 0;
}

/* --- what they mean ----------------------------------------------------------------------------------------------- */

static struct tree_say explain_say(const struct held *h, unsigned layer, char *path)
{
	struct tree_say say = {.layer = layer,
			       .by = TREE_WALK_NO_LAYER,
			       .object = !h->whiteout,
			       .whiteout = h->whiteout,
			       .stx = h->stx,
			       .path = path};

	if (h->opaque)
		say.xattr_flags = XATTR_FLAG_OPAQUE;
	return say;
}

/* What an entry means for the layers below, whose entries aren't hidden so far. */
static void explain_goes_on(const struct held *h, const struct tree_say *top, unsigned layer, struct hidden *below)
{
	if (h->whiteout)
		*below = (struct hidden){.why = TREE_WHY_WHITEOUT, .by = layer};
	else if (h->opaque)
		*below = (struct hidden){.why = TREE_WHY_OPAQUE, .by = layer};
	else if (!S_ISDIR(h->stx.stx_mode))
		*below = (struct hidden){.why = TREE_WHY_OBJECT, .by = top ? top->layer : layer};
}

/* The entries of one component. `hidden` is that of the directory by layer, and becomes that of the component. */
static unsigned explain_component(const struct explaining *x, size_t depth, char *path, struct hidden *hidden,
				  struct tree_say *says, const struct tree_say **ret_top)
{
	struct hidden below = {.why = TREE_WHY_SHOWN};
	unsigned n = 0;

	*ret_top = NULL;
	for (unsigned layer = 0; layer < x->n_layers; layer++) {
		const struct held *h = &x->held[layer * x->depth + depth];
		struct tree_say *say = &says[n];
		struct hidden why = hidden[layer].why != TREE_WHY_SHOWN ? hidden[layer] : below;

		if (!h->is_there)
			continue;
		*say = explain_say(h, layer, path);
		n++;
		if (why.why == TREE_WHY_SHOWN && !h->whiteout && *ret_top && !S_ISDIR(h->stx.stx_mode))
			why = (struct hidden){.why = TREE_WHY_OBJECT, .by = (*ret_top)->layer};
		if (hidden[layer].why == TREE_WHY_SHOWN && below.why == TREE_WHY_SHOWN)
			explain_goes_on(h, *ret_top, layer, &below);
		hidden[layer] = why;
		if (h->whiteout)
			continue;
		say->why = why.why;
		say->by = why.why == TREE_WHY_SHOWN ? TREE_WALK_NO_LAYER : why.by;
		if (why.why != TREE_WHY_SHOWN)
			continue;
		say->role = *ret_top ? TREE_SAY_PART : TREE_SAY_TOP;
		if (!*ret_top)
			*ret_top = say;
	}
	return n;
}

/* The file of a hard link that another layer has. */
static int explain_far_link(const struct explaining *x, const struct held *h, unsigned layer, struct tree_walk_entry *e,
			    char **ret_content, char **ret_error)
{
	struct merged *m = NULL;
	uint32_t node;
	int r = merged_read(x->stack, layer, &m, ret_error);

	if (r < 0)
		return r;
	node = merged_find(m, h->link);
	if (node != MERGED_NONE && S_ISREG(m->nodes[node].mode) && m->nodes[node].data_layer != MERGED_NO_LAYER) {
		e->stx.stx_size = m->nodes[node].size;
		e->data_layer = m->nodes[node].data_layer;
		*ret_content = strdup(m->nodes[node].text ? merged_text(m, m->nodes[node].text) : h->link);
		r = *ret_content ? 0 : -ENOMEM;
	}
	merged_free(m);
	return r;
}

static int explain_tell(const struct explaining *x, struct tree_walk_entry *e, const struct tree_say *top,
			int (*step)(void *arg, const struct view_explained *explained), void *arg, char **ret_error)
{
	struct view_explained explained = {.entry = e};
	_cleanup_free_ char *content = NULL;
	const struct held *h;

	e->shown = top != NULL;
	if (top) {
		h = &x->held[top->layer * x->depth + e->depth];
		e->stx = top->stx;
		e->xattr_flags = top->xattr_flags;
		e->layer = e->data_layer = top->layer;
		explained.content = e->path;
		explained.link = S_ISLNK(e->stx.stx_mode) ? h->link : NULL;
		for (unsigned i = 0; S_ISDIR(e->stx.stx_mode) && i < e->n_says; i++)
			e->n_parts += e->says[i].object && e->says[i].role != TREE_SAY_HIDDEN;
		if (h->hardlink) {
			int r = explain_far_link(x, h, top->layer, e, &content, ret_error);

			if (r < 0)
				return r;
			explained.content = content;
		}
	}
	return step(arg, &explained);
}

static int explain_all(const struct explaining *x, struct tree_say *says, struct hidden *hidden,
		       int (*step)(void *arg, const struct view_explained *explained), void *arg, char **ret_error)
{
	int r = 0;

	for (size_t depth = 0; depth < x->depth && r == 0; depth++) {
		_cleanup_free_ char *path = strndup(x->path, path_upto(x->path, depth));
		struct tree_walk_entry e = {.path = path, .depth = (unsigned)depth, .says = says};
		const struct tree_say *top;

		if (!path)
			return -ENOMEM;
		e.name = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
		e.n_says = explain_component(x, depth, path, hidden, says, &top);
		r = explain_tell(x, &e, top, step, arg, ret_error);
		if (r == 0 && !e.n_says)
			r = -ENOENT;
	}
	return r;
}

static int explain_archive(struct explaining *x, int (*step)(void *arg, const struct view_explained *explained),
			   void *arg, char **ret_error)
{
	_cleanup_free_ struct tree_say *says = calloc(x->n_layers + 1, sizeof(*says));
	_cleanup_free_ struct hidden *hidden = calloc(x->n_layers + 1, sizeof(*hidden));
	int r = says && hidden ? 0 : -ENOMEM;

	for (x->layer = 0; x->layer < x->n_layers && r == 0; x->layer++) {
		r = view_contents_each(x->stack, x->layer, explain_object, x, ret_error);
		/* The content may be wanted, of a layer that has the path itself. */
		if (!x->held[(x->layer + 1) * x->depth - 1].is_there)
			view_contents_forget(x->stack, x->layer);
	}
	return r == 0 ? explain_all(x, says, hidden, step, arg, ret_error) : r;
}

/* --- both --------------------------------------------------------------------------------------------------------- */

int view_explain(const struct view_stack *stack, const char *path,
		 int (*step)(void *arg, const struct view_explained *explained), void *arg, char **ret_error)
{
	struct explaining_tree tree = {.stack = stack, .step = step, .arg = arg};
	struct explaining x = {
		.stack = stack, .path = path, .n_layers = view_layer_count(stack), .depth = path_depth(path)};
	int r;

	(void)CHECK(*path != '/');
	if (stack->set)
		return tree_explain(stack->set, path, explain_tree_step, &tree);
	x.held = calloc(x.n_layers * x.depth, sizeof(*x.held));
	r = x.held ? explain_archive(&x, step, arg, ret_error) : -ENOMEM;
	for (size_t i = 0; x.held && i < x.n_layers * x.depth; i++)
		free(x.held[i].link);
	free(x.held);
	return r;
}
