/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl ls: the live unions.
 */
#include "plyctl.h"

#include <stdio.h>
#include <string.h>

#include "status.h"
#include "view/size.h"

static bool own_only;
static const struct opt opts[] = {
	{"here", 0, NULL, "only those of the own mount namespace", &own_only, NULL},
};

static const struct column columns[] = {{.name = "MOUNTPOINT", .may_be_cut = true},
					{.name = "KIND"},
					{.name = "LAYERS", .right = true},
					{.name = "UPPER", .may_be_cut = true},
					{.name = "SIZE", .right = true},
					{.name = "PID", .right = true},
					{.name = "UPTIME"},
					{.name = "VERSION"},
					{.name = "NAMESPACE", .right = true}};

/* What isn't known is left out, and `lacks` says why. */
struct row {
	struct view_stack *stack; /* open, or not if its layers can't be opened */
	struct status *status;	  /* what the daemon says; NULL: it isn't a plyfs, or can't be asked */
	char *upper;		  /* its directory, or NULL; owned */
	uint64_t upper_bytes;
	bool is_measured;
	size_t layers; /* 0: not known */
	pid_t pid;
	time_t since;
	char *lacks; /* owned; NULL: nothing */
};

/* What lacks makes the exit status 1, but for other mount namespaces: those go, and are often other users'. */
static void ls_lacks(struct row *row, const char *cause)
{
	stack_incomplete |= !row->stack->seen_by;
	fail("%s", cause);
	if (!row->lacks)
		row->lacks = strdup(cause);
}

static int ls_failed(void *arg, const struct layer *l, const char *path, int err)
{
	struct row *row = arg;
	_cleanup_free_ char *cause = NULL;

	if (asprintf(&cause, "%s/%s: %s", l->path, path, strerror(-err)) < 0)
		abort();
	ls_lacks(row, cause);
	return 0;
}

static void ls_measure(struct row *row)
{
	_cleanup_free_ char *error = NULL;
	struct view_layer_size size;

	if (view_stack_open(row->stack, false, &error) < 0) {
		ls_lacks(row, error ? error : row->stack->name);
		return;
	}
	if (!row->stack->has_upper || view_layer_directory(&row->stack->set->layers[0], &row->upper) < 0)
		return;
	if (view_layer_measure(row->stack->set, &row->stack->set->layers[0], ls_failed, row, &size) == 0) {
		row->upper_bytes = size.allocated;
		row->is_measured = true;
	}
}

/* The daemon knows itself best; whoever may not ask it doesn't miss it. */
static void ls_ask(struct row *row)
{
	_cleanup_free_ char *error = NULL;
	struct view_control *control = NULL;
	const char *upper;

	if (row->stack->kind == VIEW_OVERLAY)
		return;
	if (view_control_of(row->stack, &control, &error) == 0)
		row->status = status_ask(control, &error);
	view_control_close(control);
	if (!row->status)
		return;
	row->layers = (size_t)status_number(row->status, NULL, "layers");
	row->since = time(NULL) - (time_t)(status_number(row->status, NULL, "uptime_ms") / 1000);
	upper = json_string_value(json_object_get(json_object_get(row->status->answer, "options"), "upperdir"));
	if (!row->upper && upper)
		row->upper = strdup(upper);
}

static json_t *ls_version(const struct row *row)
{
	const char *version = row->status ? status_text(row->status, "version") : "";

	return json_text_or_null(*version ? version : NULL);
}

static void ls_json(const struct row *row)
{
	const struct view_stack *s = row->stack;
	json_t *item = json_object();

	json_set_path(item, "mountpoint", s->mountpoint);
	json_object_set_new(item, "kind", json_string(view_kind_name(s->kind)));
	json_object_set_new(item, "layers", row->layers ? json_integer((json_int_t)row->layers) : json_null());
	if (row->upper)
		json_set_path(item, "upper", row->upper);
	else
		json_object_set_new(item, "upper", json_null());
	json_object_set_new(item, "upper_size", row->is_measured ? json_size(row->upper_bytes) : json_null());
	json_object_set_new(item, "pid", row->pid ? json_integer(row->pid) : json_null());
	json_object_set_new(item, "started", row->since ? json_time(row->since) : json_null());
	json_object_set_new(item, "version", ls_version(row));
	json_object_set_new(item, "namespace", s->seen_by ? json_integer(s->seen_by) : json_null());
	json_object_set_new(item, "lacks", json_text_or_null(row->lacks));
	json_list_item(item);
}

static void ls_row(struct table *table, const struct row *row)
{
	const struct view_stack *s = row->stack;
	char layers[24] = "-", pid[16] = "-", size[SIZE_TEXT] = "-", age[TIME_TEXT] = "-", seen_by[16] = "-";
	char version[STATUS_WORD] = "-";
	const char *upper = row->upper ? row->upper : "-";

	if (row->layers)
		snprintf(layers, sizeof(layers), "%zu", row->layers);
	if (row->pid)
		snprintf(pid, sizeof(pid), "%d", row->pid);
	if (row->is_measured)
		size_text(row->upper_bytes, size);
	if (row->since)
		age_text(row->since, age);
	if (row->status)
		status_word(status_text(row->status, "version"), version);
	if (s->seen_by)
		snprintf(seen_by, sizeof(seen_by), "%d", s->seen_by);
	table_add(table, (const char *[]){s->mountpoint, view_kind_name(s->kind), layers, upper, size, pid, age,
					  version, seen_by});
}

static int ls_each(void *arg, struct view_stack *stack, const char *cause)
{
	struct row row = {.stack = stack};

	if (!stack) {
		stack_incomplete = true;
		fail("%s", cause);
		return 0;
	}
	row.layers = stack->options.layer_count;
	row.pid = stack->pid;
	row.since = stack->since;
	if (cause)
		ls_lacks(&row, cause);
	else
		ls_measure(&row);
	ls_ask(&row);
	if (common.json)
		ls_json(&row);
	else
		ls_row(arg, &row);
	status_free(row.status);
	free(row.upper);
	free(row.lacks);
	view_stack_free(stack);
	return 0;
}

static int run_ls(int argc, char **argv)
{
	struct table *table = NULL;

	if (argc)
		return usage_error("ls: it has no operands");
	if (common.json) {
		json_start("ls");
		json_list_start("unions");
	} else {
		table = table_new(columns, ARRAY_SIZE(columns));
	}
	(void)(own_only ? view_each_live : view_each_live_anywhere)(ls_each, table);
	if (table)
		return table_print(table);
	json_list_end();
	json_end();
	return EXIT_FINE;
}

const struct verb verb_ls = {
	.name = "ls",
	.operands = "",
	.help = "List the unions that are mounted, of any kind",
	.more = "Unions of other mount namespaces are listed too, as far as /proc shows them: NAMESPACE is a "
		"process that\nhas it. A daemon of plyfs is asked by its control socket.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.is_table = true,
	.run = run_ls};
