/* SPDX-License-Identifier: Apache-2.0 */
#include "check_store.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "live_layers.h"
#include "plyctl.h"
#include "store/check.h"

struct checked {
	const struct store *store;
	const struct store_check *check;
	bool fix, yes;
};

/* What is done about it, or could be. */
static void print_remedy(const struct checked *c, const struct store_finding *finding)
{
	const char *remedy = store_fault_remedy(finding->fault);
	bool destroys = store_fault_destroys(finding->fault);

	if (finding->mended)
		printf(": mended");
	else if (finding->err)
		printf(": not mended: %s", finding->err == -EBUSY    ? "an image, an upper or a mount has it"
					   : finding->err == -EAGAIN ? "its owner or mode is mended first: check again"
								     : strerror(-finding->err));
	else if (c->fix && remedy && destroys && !c->yes)
		printf(": with --yes: %s", remedy);
	else if (!c->fix && remedy)
		printf("; --fix%s: %s", destroys ? " --yes" : "", remedy);
}

static void print_line(const struct checked *c, const struct store_finding *finding)
{
	_cleanup_free_ char *path = NULL;

	if (asprintf(&path, "%s/%s", store_path(c->store), finding->path) < 0)
		abort();
	print_name(path);
	printf(": %s: %s", store_fault_name(finding->fault), store_fault_text(finding->fault));
	if (finding->detail) {
		printf(" (");
		print_name(finding->detail);
		printf(")");
	}
	print_remedy(c, finding);
	printf("\n");
}

/* As an object of any other stack. */
static void print_json(const struct checked *c, const struct store_finding *finding)
{
	_cleanup_free_ char *path = NULL;
	json_t *item = json_object();

	if (asprintf(&path, "%s/%s", store_path(c->store), finding->path) < 0)
		abort();
	json_object_set_new(item, "fault", json_string(store_fault_name(finding->fault)));
	json_object_set_new(item, "text", json_string(store_fault_text(finding->fault)));
	json_set_path(item, "path", path);
	json_object_set_new(item, "layer", json_null());
	json_object_set_new(item, "detail", finding->detail ? json_text(finding->detail) : json_null());
	json_object_set_new(item, "note", json_false());
	json_object_set_new(item, "remedy", json_text_or_null(store_fault_remedy(finding->fault)));
	json_object_set_new(item, "destroys", json_boolean(store_fault_destroys(finding->fault)));
	json_object_set_new(item, "mended", json_boolean(finding->mended));
	json_list_item(item);
}

static int tell(const struct checked *c)
{
	int status = 0;

	if (common.json) {
		json_start("check");
		json_member("workdir", json_null());
		json_member("in_use", json_boolean(c->check->busy));
		json_list_start("findings");
	}
	for (size_t i = 0; i < c->check->n; i++) {
		const struct store_finding *finding = &c->check->list[i];

		status |= finding->mended ? CHECK_MENDED : CHECK_LEFT;
		if (common.json)
			print_json(c, finding);
		else
			print_line(c, finding);
	}
	if (common.json) {
		json_list_end();
		json_end();
	}
	return status;
}

/* A damaged layer that a live union may have stays. */
static int mend(struct store *store, struct store_check *check, bool yes, struct image_error *error)
{
	struct live_layers live;
	int r = live_layers_gather(&live);

	if (r == 0 && live.unknown)
		fail("%s: a damaged layer stays: the layers of a live union aren't known: %s", store_path(store),
		     live.unknown);
	if (r == 0)
		r = store_check_fix(store, check, yes, live_layers_have, &live, error);
	live_layers_finish(&live);
	return r;
}

int check_of_store(const char *path, bool digests, bool fix, bool yes)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	_cleanup_(store_check_free) struct store_check check = {.n = 0};
	struct checked c = {.check = &check, .fix = fix, .yes = yes};
	struct image_error error = {.text = "fails"};
	int r = store_open_to_check(path, &store, &error), status = 0;

	if (r == 0)
		r = store_lock_to_check(store, fix, &check, &error);
	if (r == 0)
		r = store_check_find(store, digests, &check, &error);
	c.store = store;
	if (r == 0 && fix)
		r = mend(store, &check, yes, &error);
	if (r < 0) {
		fail("%s", error.text);
		status = CHECK_FAILED;
	}
	return r == 0 || check.n ? status | tell(&c) : status;
}
