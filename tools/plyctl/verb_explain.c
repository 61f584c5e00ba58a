/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl explain: why the union shows what it shows at a path.
 */
#include "plyctl.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "view/explain.h"

static bool only_path;
static const struct opt opts[] = {
	{"real-path", '0', NULL, "print only the path of the content in its layer, and a NUL", &only_path, NULL},
};
static const struct column columns[] = {{.name = "PATH", .may_be_cut = true},
					{.name = "LAYER"},
					{.name = "ID"},
					{.name = "SAYS"},
					{.name = "SIZE", .right = true},
					{.name = "REAL PATH", .may_be_cut = true},
					{.name = "CREATED BY", .may_be_cut = true}};

struct explanation {
	const struct view_stack *stack;
	const char *path;
	struct table *table; /* with --json NULL */
	char *real;	     /* of the content, if the path is shown; owned */
	unsigned content_layer;
	bool shown, reached;
	int err;
};

/* Of an archive's layer, which has no directory, as the verbs cat and cp take it. */
static char *real_path(const struct explanation *x, unsigned layer, const char *path)
{
	const char *directory = view_layer_facts(x->stack, layer)->directory;
	char *real;
	int r = directory ? asprintf(&real, "%s%s%s", directory, *path ? "/" : "", path)
			  : asprintf(&real, "@%u:/%s", layer, path);

	if (r < 0)
		abort();
	return real;
}

/* The digest of the blob, or of its content where the archive doesn't name the blob. */
static const char *blob_of(const struct view_layer_facts *facts)
{
	return facts->directory ? NULL : facts->digest ? facts->digest : facts->diff_id;
}

static const char *why_text(enum tree_say_why why)
{
	static const char *const texts[] = {"",		  "an object", "a whiteout", "an opaque directory",
					    "a redirect", "the index", "an error"};

	return texts[why];
}

/* "file, shown", "directory, hidden by a whiteout in @0". */
static void say_text(const struct tree_say *s, char *text, size_t size)
{
	static const char *const roles[] = {"hidden", "shown", "merged", "gives the data"};
	char hidden[64] = "";

	if (s->err) {
		snprintf(text, size, "error: %s", strerror(-s->err));
		return;
	}
	if (!s->object) {
		snprintf(text, size, "whiteout");
		return;
	}
	if (s->role == TREE_SAY_HIDDEN && s->by != TREE_WALK_NO_LAYER)
		snprintf(hidden, sizeof(hidden), " by %s in @%u", why_text(s->why), s->by);
	else if (s->role == TREE_SAY_HIDDEN)
		snprintf(hidden, sizeof(hidden), " by %s", why_text(s->why));
	snprintf(text, size, "%s, %s%s%s%s%s%s", type_name(s->stx.stx_mode), roles[s->role], hidden,
		 s->xattr_flags & XATTR_FLAG_OPAQUE ? ", opaque" : "",
		 s->xattr_flags & XATTR_FLAG_REDIRECT ? ", redirect" : "",
		 s->xattr_flags & XATTR_FLAG_METACOPY ? ", metacopy" : "", s->whiteout ? ", with a whiteout" : "");
}

static void explain_json(const char *path, const char *text, const char *real, const struct view_layer_facts *facts,
			 const struct tree_say *s)
{
	bool has_size = s->object && (S_ISREG(s->stx.stx_mode) || S_ISLNK(s->stx.stx_mode));
	json_t *item = json_object();

	json_set_path(item, "path", path);
	json_object_set_new(item, "layer", json_integer(s->layer));
	json_object_set_new(item, "id", json_text(facts->id));
	json_object_set_new(item, "says", json_string(text));
	json_object_set_new(item, "object", json_boolean(s->object));
	json_object_set_new(item, "whiteout", json_boolean(s->whiteout));
	json_object_set_new(item, "shown", json_boolean(s->role != TREE_SAY_HIDDEN));
	json_object_set_new(item, "hidden_by", s->by == TREE_WALK_NO_LAYER ? json_null() : json_integer(s->by));
	json_object_set_new(item, "size", has_size ? json_size(s->stx.stx_size) : json_null());
	json_set_path(item, "real_path", real);
	json_object_set_new(item, "blob", json_text_or_null(blob_of(facts)));
	json_object_set_new(item, "created_by", json_text_or_null(facts->created_by));
	json_list_item(item);
}

static void explain_say(struct explanation *x, const struct tree_walk_entry *e, const struct tree_say *s)
{
	const struct view_layer_facts *facts = view_layer_facts(x->stack, s->layer);
	_cleanup_free_ char *real = real_path(x, s->layer, s->path), *path = NULL, *id = NULL;
	char text[160], layer[16], size[SIZE_TEXT] = "";

	say_text(s, text, sizeof(text));
	snprintf(layer, sizeof(layer), "@%u", s->layer);
	if (s->object && S_ISREG(s->stx.stx_mode))
		size_text(s->stx.stx_size, size);
	id = common.no_trunc ? strdup(facts->id) : strndup(facts->id, SHORT_ID);
	if (asprintf(&path, "/%s", e->path) < 0 || !id)
		abort();
	if (x->table)
		table_add(x->table, (const char *[]){path, layer, id, text, size, real,
						     facts->created_by ? facts->created_by : ""});
	else
		explain_json(path, text, real, facts, s);
}

/* On the way only what decides about the path. */
static bool explain_matters(const struct explanation *x, const struct tree_say *s)
{
	return x->reached || !s->object || s->whiteout || s->err || s->role == TREE_SAY_HIDDEN ||
	       (s->xattr_flags & (XATTR_FLAG_OPAQUE | XATTR_FLAG_REDIRECT));
}

static int explain_step(void *arg, const struct view_explained *explained)
{
	const struct tree_walk_entry *e = explained->entry;
	struct explanation *x = arg;

	x->reached = !strcmp(e->path, x->path);
	x->err = e->err;
	for (unsigned i = 0; i < e->n_says && !only_path; i++)
		if (explain_matters(x, &e->says[i]))
			explain_say(x, e, &e->says[i]);
	x->shown = e->shown && x->reached;
	x->content_layer = e->data_layer;
	if (x->shown && explained->index_path) {
		x->real = strdup(explained->index_path);
		if (!x->real)
			abort();
	}
	if (x->shown && explained->content)
		x->real = real_path(x, e->data_layer, explained->content);
	return 0;
}

static void explain_end_json(const struct explanation *x)
{
	json_t *item = json_object();

	json_list_end();
	json_member("shown", json_boolean(x->shown));
	if (x->real) {
		json_set_path(item, "path", x->real);
		json_object_set_new(item, "layer", json_integer(x->content_layer));
		json_object_set_new(item, "blob",
				    json_text_or_null(blob_of(view_layer_facts(x->stack, x->content_layer))));
		json_member("content", json_incref(item));
	}
	json_decref(item);
	json_end();
}

static void explain_end_text(const struct explanation *x)
{
	const char *blob = x->real ? blob_of(view_layer_facts(x->stack, x->content_layer)) : NULL;

	if (!x->real) {
		printf("%s\n", x->shown ? "shown, without a path in a layer" : "not shown");
		return;
	}
	printf("shown: ");
	print_name(x->real);
	printf("%s%s\n", blob ? " of " : "", blob ? blob : "");
}

static int explain_end(struct explanation *x, int r, const char *error)
{
	if (only_path) {
		if (r < 0 && r != -ENOENT)
			return fail("%s", error);
		if (!x->real)
			return fail("/%s: %s", x->path, x->shown ? "its content has no path in a layer" : "not shown");
		fwrite(x->real, 1, strlen(x->real) + 1, stdout);
		return EXIT_FINE;
	}
	if (!x->table)
		explain_end_json(x);
	else if (table_print(x->table) == EXIT_USAGE)
		return EXIT_USAGE;
	else
		explain_end_text(x);
	return r == -ENOENT || r == 0 ? EXIT_FINE : fail("%s", error);
}

static int run_explain(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *path = NULL, *layer = NULL, *error = NULL;
	struct explanation x = {.path = NULL};
	int r, status;

	if (argc < 1 || argc > 2)
		return usage_error("explain: [STACK] PATH is wanted");
	stack = stack_of_path_any(argc > 1 ? argv[0] : NULL, argv[argc - 1], &path, &layer);
	if (!stack || stack_follow(stack, &path) != EXIT_FINE)
		return EXIT_FAILED;
	x.stack = stack;
	x.path = path;
	if (!common.json && !only_path)
		x.table = table_new(columns, ARRAY_SIZE(columns));
	if (common.json && !only_path) {
		json_start("explain");
		json_member("stack", json_text(stack->name));
		json_member("path", json_text(path));
		json_list_start("says");
	}
	r = view_explain(stack, path, explain_step, &x, &error);
	if (r < 0 && !error && asprintf(&error, "/%s: %s", path, strerror(-r)) < 0)
		abort();
	status = explain_end(&x, r, error);
	free(x.real);
	return status;
}

const struct verb verb_explain = {.name = "explain",
				  .operands = "[STACK] PATH",
				  .help = "Tell why the union shows what it shows at a path",
				  .more = "Each layer with an entry at the path is told, and on the way to it what "
					  "decides. Symlinks of the directories on\n"
					  "the way are followed within the union. Without a STACK the path must lie in "
					  "a union that is mounted. Layers of archives have no real path: "
					  "`@N:/PATH` is for `plyctl cat`.",
				  .opts = opts,
				  .n_opts = ARRAY_SIZE(opts),
				  .is_table = true,
				  .run = run_explain};
