/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl check: faults in layers, uppers and work directories, and in plyctl's store (check_store.c).
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "check_store.h"
#include "plyctl.h"
#include "progress.h"
#include "view/check.h"

static bool look_only, fix, yes, digests;
static const char *workdir;
static const struct opt opts[] = {
	{"no", 'n', NULL, "look only, which is what it does without --fix", &look_only, NULL},
	{"fix", 0, NULL, "mend what has a remedy", &fix, NULL},
	{"yes", 'y', NULL, "with --fix: also where something is removed for good", &yes, NULL},
	{"digests", 0, NULL, "of plyctl's store: take the digests of layers and blobs again", &digests, NULL},
	{"workdir", 0, "DIR", "the work directory of the upper", NULL, &workdir},
};

static const char *where_is(const struct view_stack *stack, const struct view_check *check,
			    const struct view_finding *finding)
{
	return finding->layer == VIEW_CHECK_WORK ? check->workdir : stack->set->layers[finding->layer].path;
}

/* Of a packed layer it is what cat and cp take. */
static char *whole_path(const struct view_stack *stack, const struct view_check *check,
			const struct view_finding *finding)
{
	const char *slash = *finding->path ? "/" : "";
	char *path;
	int n;

	if (check->packed && finding->layer == VIEW_CHECK_WORK)
		n = asprintf(&path, "%s", finding->path);
	else if (check->packed)
		n = asprintf(&path, "@%zu%s%s%s", finding->layer, *slash ? ":" : "", slash, finding->path);
	else
		n = asprintf(&path, "%s%s%s", where_is(stack, check, finding), slash, finding->path);
	if (n < 0)
		abort();
	return path;
}

static const char *remedy_of(const struct view_check *check, const struct view_finding *finding)
{
	return check->packed ? NULL : view_fault_remedy(finding->fault);
}

/* Whether --fix would do something about it now. */
static bool waits_for_yes(const struct view_finding *finding)
{
	return fix && !yes && view_fault_remedy(finding->fault) && view_fault_destroys(finding->fault);
}

/* --- output ------------------------------------------------------------------------------------------------------- */

static void check_line(const struct view_stack *stack, const struct view_check *check,
		       const struct view_finding *finding)
{
	_cleanup_free_ char *path = whole_path(stack, check, finding);
	const char *remedy = remedy_of(check, finding);

	print_name(path);
	printf(": %s%s: %s", finding->note ? "note: " : "", view_fault_name(finding->fault),
	       view_fault_text(finding->fault));
	if (finding->detail) {
		printf(" (");
		print_name(finding->detail);
		printf(")");
	}
	if (finding->mended)
		printf(": mended");
	else if (finding->err)
		printf(": not mended: %s", strerror(-finding->err));
	else if (waits_for_yes(finding))
		printf(": with --yes: %s", remedy);
	else if (!fix && remedy)
		printf("; --fix%s: %s", view_fault_destroys(finding->fault) ? " --yes" : "", remedy);
	printf("\n");
}

static void check_json(const struct view_stack *stack, const struct view_check *check,
		       const struct view_finding *finding)
{
	_cleanup_free_ char *path = whole_path(stack, check, finding);
	const char *remedy = remedy_of(check, finding);
	json_t *item = json_object();

	json_object_set_new(item, "fault", json_string(view_fault_name(finding->fault)));
	json_object_set_new(item, "text", json_string(view_fault_text(finding->fault)));
	json_set_path(item, "path", path);
	json_object_set_new(item, "layer",
			    finding->layer == VIEW_CHECK_WORK ? json_null() : json_integer((json_int_t)finding->layer));
	json_object_set_new(item, "detail", finding->detail ? json_text(finding->detail) : json_null());
	json_object_set_new(item, "note", json_boolean(finding->note));
	json_object_set_new(item, "remedy", remedy ? json_string(remedy) : json_null());
	json_object_set_new(item, "destroys", json_boolean(remedy && view_fault_destroys(finding->fault)));
	json_object_set_new(item, "mended", json_boolean(finding->mended));
	json_list_item(item);
}

static void check_print(const struct view_stack *stack, const struct view_check *check)
{
	if (common.json) {
		json_start("check");
		json_member("workdir", check->workdir ? json_text(check->workdir) : json_null());
		json_member("in_use", json_boolean(check->in_use));
		json_list_start("findings");
	}
	for (size_t i = 0; i < check->n; i++) {
		if (common.json)
			check_json(stack, check, &check->list[i]);
		else
			check_line(stack, check, &check->list[i]);
	}
	if (common.json) {
		json_list_end();
		json_end();
	}
}

/* --- the verb ----------------------------------------------------------------------------------------------------- */

static int check_failed(void *arg, const char *where, int err)
{
	fail("%s: %s", where, strerror(-err));
	return 0;
}

static int check_status(const struct view_check *check)
{
	int status = check->unreadable ? CHECK_FAILED : 0;

	for (size_t i = 0; i < check->n; i++) {
		if (check->list[i].mended)
			status |= CHECK_MENDED;
		else if (!check->list[i].note)
			status |= CHECK_LEFT;
	}
	return status;
}

static int check_stack(const struct view_stack *stack)
{
	_cleanup_free_ char *error = NULL;
	struct view_check check;
	int r, status = 0;

	/* Each object is looked at in its layer, and in the union. */
	progress_expect_layers(stack, 0, SIZE_MAX, PROGRESS_OBJECTS, 2);
	progress_start("check");
	r = view_check_find(stack, workdir, check_failed, NULL, &check, &error);
	progress_end();
	if (r == 0 && fix)
		r = view_check_fix(stack, &check, yes, &error);
	if (r < 0) {
		fail("%s", error ? error : strerror(-r));
		status = CHECK_FAILED;
	}
	if (r == 0 || check.n)
		check_print(stack, &check);
	status |= check_status(&check);
	view_check_free(&check);
	return status;
}

/* "store:DIR" without brackets. */
static bool is_path_of_store(const char *name, char **ret_path)
{
	static const char store[] = "store:";
	const char *path = name + sizeof(store) - 1;

	if (strncmp(name, store, sizeof(store) - 1) != 0 ||
	    (*path != '/' && strncmp(path, "./", 2) != 0 && strncmp(path, "../", 3) != 0))
		return false;
	*ret_path = strdup(path);
	return true;
}

static int run_check(int argc, char **argv)
{
	_cleanup_stack_ struct view_stack *stack = NULL;
	_cleanup_free_ char *path = NULL;
	enum image_source source;
	const char *wrong = argc != 1	       ? "check: one STACK, UPPER or store: is wanted"
			    : look_only && fix ? "check: -n and --fix exclude each other"
			    : yes && !fix      ? "check: --yes is for --fix"
					       : NULL;

	if (wrong) {
		usage_error("%s", wrong);
		return CHECK_USAGE;
	}
	if ((stack_is_store(argv[0], &source, &path) && source == IMAGE_STORE) || is_path_of_store(argv[0], &path))
		return check_of_store(path, digests, fix, yes);
	if (digests) {
		usage_error("check: --digests is for plyctl's store");
		return CHECK_USAGE;
	}
	stack = stack_open_any(argv[0]);
	return stack ? check_stack(stack) : CHECK_FAILED;
}

const struct verb verb_check = {
	.name = "check",
	.operands = "STACK | UPPER | store:",
	.help = "Find faults in layers, an upper and its work directory, or in the store",
	.more = "Exit status: 0 no fault, or the sum of 1 (mended), 4 (left), 8 (failure) and 16 (wrong use). Of a\n"
		"single directory the layers below aren't known. `store:` is plyctl's store. --fix refuses what a "
		"mount\n"
		"uses.",
	.opts = opts,
	.n_opts = ARRAY_SIZE(opts),
	.usage_status = CHECK_USAGE,
	.run = run_check};
