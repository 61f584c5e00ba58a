/* SPDX-License-Identifier: Apache-2.0 */
/*
 * plyctl verify: the digests of the store again, from the bytes.
 */
#include <stdio.h>
#include <stdlib.h>

#include "plyctl.h"
#include "progress.h"
#include "store/verify.h"

struct verify_report {
	unsigned n;
	json_t *list;
};

static void verify_found(void *arg, const char *what, const char *cause)
{
	struct verify_report *report = arg;
	json_t *item;

	report->n++;
	progress_clear();
	if (!common.json) {
		print_name(what);
		printf(": %s\n", cause);
		return;
	}
	item = json_object();
	json_object_set_new(item, "what", json_text(what));
	json_object_set_new(item, "cause", json_text(cause));
	json_array_append_new(report->list, item);
}

static void verify_print(const struct verify_report *report, const struct store_verified *v)
{
	char text[SIZE_TEXT];

	if (common.json) {
		json_start("verify");
		json_member("images", json_integer(v->images));
		json_member("layers", json_integer(v->layers));
		json_member("blobs", json_integer(v->blobs));
		json_member("bytes", json_size(v->bytes));
		json_member("damaged", json_incref(report->list));
		json_end();
	} else {
		printf("%u images, %u layers, %u blobs, %s: %u damaged\n", v->images, v->layers, v->blobs,
		       size_text(v->bytes, text), report->n);
	}
}

/* All that is in layers is read. */
static void expect_layers(const struct store *store)
{
	_cleanup_free_ char *layers = NULL;

	if (asprintf(&layers, "%s/layers", store_path(store)) < 0)
		abort();
	progress_expect_dir(layers, PROGRESS_BYTES, 1);
}

static int run_verify(int argc, char **argv)
{
	_cleanup_(store_cleanup) struct store *store = NULL;
	struct image_error error = {.text = "fails"};
	struct store_verified verified;
	struct verify_report report = {.n = 0};
	int r;

	if (argc != 0)
		return usage_error("verify: no operand is wanted");
	report.list = json_array();
	r = store_open(NULL, false, &store, &error);
	if (r == 0)
		r = store_lock(store, false, &error);
	if (r == 0) {
		expect_layers(store);
		progress_start("verify");
		r = store_verify(store, verify_found, &report, &verified, &error);
		progress_end();
	}
	if (r == 0)
		verify_print(&report, &verified);
	json_decref(report.list);
	return r < 0 ? fail("verify: %s", error.text) : report.n ? EXIT_FOUND : EXIT_FINE;
}

const struct verb verb_verify = {.name = "verify",
				 .operands = "",
				 .help = "Take the digests of all layers in the store again",
				 .makes = false,
				 .run = run_verify};
