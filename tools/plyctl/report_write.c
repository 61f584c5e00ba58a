/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The document of a report, and the page around it.
 *
 * The document stands in a script element. HTML ends that at the first "</script", so `<`, `>` and `&` are written as
 * JSON escapes. The only script that the page's policy lets run has a random nonce, which no name can know.
 */
#include "report.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/hex.h"
#include "base/utf8.h"
#include "report_page.h" /* made of report/page.{html,css,js} */

#define NONCE_BYTES 16

/* --- JSON that may stand in HTML ---------------------------------------------------------------------------------- */

/* Text of JSON: these bytes are in its strings only. */
static void write_plain(FILE *out, const char *json)
{
	for (; *json; json++) {
		if (*json == '<' || *json == '>' || *json == '&')
			fprintf(out, "\\u%04x", (unsigned char)*json);
		else
			putc_unlocked(*json, out);
	}
}

/* A name as a string. A byte that isn't UTF-8 becomes a backslash and three octal digits. */
static void write_name(FILE *out, const char *name)
{
	putc_unlocked('"', out);
	while (*name) {
		size_t n = utf8_length((const unsigned char *)name);
		unsigned char c = (unsigned char)*name;

		if (n == 0)
			fprintf(out, "\\\\%03o", c);
		else if (c < 0x20 || c == 0x7f || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&')
			fprintf(out, "\\u%04x", c);
		else
			fwrite(name, 1, n, out);
		name += n ? n : 1;
	}
	putc_unlocked('"', out);
}

/* Takes `value`. */
static int write_member(FILE *out, const char *name, json_t *value)
{
	char *text = json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY | JSON_ENSURE_ASCII);

	json_decref(value);
	if (!text)
		return -ENOMEM;
	fprintf(out, ",\n\"%s\": ", name);
	write_plain(out, text);
	free(text);
	return 0;
}

/* --- the document ------------------------------------------------------------------------------------------------- */

static json_t *time_or_null(const char *time)
{
	char utc[VIEW_TIME_SIZE];

	if (!time)
		return json_null();
	view_time_utc(time, utc);
	return json_text(utc);
}

static json_t *layer_head(const struct view_layer_facts *facts)
{
	json_t *item = json_object();

	json_object_set_new(item, "id", json_text_or_null(facts->id));
	json_object_set_new(item, "created", time_or_null(facts->created));
	json_object_set_new(item, "created_by", json_text_or_null(facts->created_by));
	json_object_set_new(item, "directory", json_text_or_null(facts->directory));
	json_object_set_new(item, "upper", json_boolean(facts->upper));
	return item;
}

static json_t *all_layers(const struct view_stack *stack, const struct report *report)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->n_layers; i++) {
		const struct report_layer *sums = &report->layers[i];
		json_t *item = layer_head(view_layer_facts(stack, i));

		json_object_set_new(item, "size", json_size(sums->size));
		json_object_set_new(item, "hides", json_size(sums->hides));
		json_object_set_new(item, "hidden", json_size(sums->hidden));
		json_object_set_new(item, "files", json_size(sums->files));
		json_object_set_new(item, "directories", json_size(sums->directories));
		json_object_set_new(item, "links", json_size(sums->links));
		json_object_set_new(item, "others", json_size(sums->others));
		json_object_set_new(item, "whiteouts", json_size(sums->whiteouts));
		json_object_set_new(item, "opaque", json_size(sums->opaque));
		json_array_append_new(list, item);
	}
	return list;
}

static json_t *step(const char *created, const char *created_by, json_t *layer)
{
	json_t *item = json_object();

	json_object_set_new(item, "created", time_or_null(created));
	json_object_set_new(item, "created_by", json_text_or_null(created_by));
	json_object_set_new(item, "empty", json_boolean(json_is_null(layer)));
	json_object_set_new(item, "layer", layer);
	return item;
}

/* Newest first. A stack without a history has an entry for each layer, and so has the layer of a container. */
static json_t *all_history(const struct view_stack *stack, const struct report *report)
{
	const struct image *image = stack->image;
	json_t *list = json_array();
	size_t bare = !image || !image->n_history ? report->n_layers
						  : image->n_layers && image->layers[image->n_layers - 1].writable;

	for (size_t i = 0; i < bare; i++) {
		const struct view_layer_facts *facts = view_layer_facts(stack, i);

		json_array_append_new(list, step(facts->created, facts->created_by, json_integer((json_int_t)i)));
	}
	for (size_t i = bare < report->n_layers && image ? image->n_history : 0; i-- > 0;) {
		const struct image_history *h = &image->history[i];
		json_int_t layer = (json_int_t)report->n_layers - 1 - h->layer;

		json_array_append_new(list,
				      step(h->created, h->created_by, h->empty ? json_null() : json_integer(layer)));
	}
	return list;
}

static json_t *all_totals(const struct report *report)
{
	json_t *item = json_object();

	json_object_set_new(item, "size", json_size(report->size));
	json_object_set_new(item, "shown", json_size(report->shown));
	json_object_set_new(item, "hidden", json_size(report->hidden));
	json_object_set_new(item, "entries", json_size(report->entries));
	return item;
}

static json_t *all_folded(const struct report *report)
{
	json_t *item;

	if (!report->folded)
		return json_null();
	item = json_object();
	json_object_set_new(item, "objects", json_size(report->folded));
	json_object_set_new(item, "below", json_size(report->folded_below));
	return item;
}

static json_t *all_notes(const struct view_stack *stack)
{
	json_t *list = json_array();

	for (size_t i = 0; stack->image && i < stack->image->n_lacks; i++)
		json_array_append_new(list, json_text(stack->image->lacks[i]));
	if (stack_incomplete)
		json_array_append_new(list, json_string("Something of the stack couldn't be looked at, and is left out "
							"here."));
	return list;
}

static void write_versions(FILE *out, const struct report_version *versions, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++)
		fprintf(out, ",%u,%llu,%u,%d", versions[i].layer, (unsigned long long)versions[i].bytes,
			versions[i].state, versions[i].by == REPORT_NO_LAYER ? -1 : (int)versions[i].by);
	putc_unlocked(']', out);
}

/* Nodes come after their parents, which they name by number. */
static void write_nodes(FILE *out, const struct report *report)
{
	int64_t number = 0;

	fprintf(out, ",\n\"nodes\": [");
	for (struct report_node *n = report->root; n; n = report_next(n, n->folded)) {
		if (n->folded)
			continue;
		n->number = number++;
		fprintf(out, "%s[%lld,", n->number ? ",\n" : "", n->parent ? (long long)n->parent->number : -1LL);
		write_name(out, n->name);
		fprintf(out, ",\"%c\"", n->parent ? n->kind : 'd');
		write_versions(out, n->versions, n->n_versions);
		if (!n->n_folded)
			continue;
		fprintf(out, ",\n[%lld,%llu,\"+\"", (long long)n->number, (unsigned long long)n->n_folded);
		write_versions(out, n->lost, n->n_lost);
		number++;
	}
	fprintf(out, "]");
}

int report_write_json(FILE *out, const struct view_stack *stack, const struct report *report)
{
	int r;

	fprintf(out, "{\"schema\": \"plyctl.report/1\"");
	r = write_member(out, "stack", json_text(stack->name));
	r = r < 0 ? r : write_member(out, "kind", json_string(view_kind_name(stack->kind)));
	r = r < 0 ? r : write_member(out, "found", json_text_or_null(stack->found));
	r = r < 0 ? r : write_member(out, "image", json_text_or_null(stack->image ? stack->image->id : NULL));
	r = r < 0 ? r : write_member(out, "os", json_text_or_null(stack->image ? stack->image->os : NULL));
	r = r < 0 ? r
		  : write_member(out, "architecture",
				 json_text_or_null(stack->image ? stack->image->architecture : NULL));
	r = r < 0 ? r : write_member(out, "made", json_time(time(NULL)));
	r = r < 0 ? r : write_member(out, "version", json_string(PLYFS_VERSION));
	r = r < 0 ? r : write_member(out, "on_disk", json_boolean(stack->set != NULL));
	r = r < 0 ? r : write_member(out, "totals", all_totals(report));
	r = r < 0 ? r : write_member(out, "folded", all_folded(report));
	r = r < 0 ? r : write_member(out, "notes", all_notes(stack));
	r = r < 0 ? r : write_member(out, "layers", all_layers(stack, report));
	r = r < 0 ? r : write_member(out, "history", all_history(stack, report));
	if (r < 0)
		return r;
	write_nodes(out, report);
	fprintf(out, "}\n");
	return 0;
}

/* --- the page ----------------------------------------------------------------------------------------------------- */

static int make_nonce(char ret[2 * NONCE_BYTES + 1])
{
	unsigned char random[NONCE_BYTES];

	if (getrandom(random, sizeof(random), 0) != sizeof(random))
		return -EIO;
	hex_text(random, sizeof(random), ret);
	return 0;
}

/* The page has @nonce@, @style@, @data@ and @script@ where these go. */
int report_write_page(FILE *out, const struct view_stack *stack, const struct report *report)
{
	char nonce[2 * NONCE_BYTES + 1];
	const char *page = (const char *)report_page_html, *end = page + sizeof(report_page_html), *at;
	int r = make_nonce(nonce);

	while (r == 0 && (at = memchr(page, '@', (size_t)(end - page)))) {
		fwrite(page, 1, (size_t)(at - page), out);
		page = memchr(at + 1, '@', (size_t)(end - at - 1));
		page = page ? page + 1 : end;
		if (!strncmp(at, "@nonce@", 7))
			fputs(nonce, out);
		else if (!strncmp(at, "@style@", 7))
			fwrite(report_page_css, 1, sizeof(report_page_css), out);
		else if (!strncmp(at, "@script@", 8))
			fwrite(report_page_js, 1, sizeof(report_page_js), out);
		else
			r = report_write_json(out, stack, report);
	}
	if (r == 0)
		fwrite(page, 1, (size_t)(end - page), out);
	return r;
}
