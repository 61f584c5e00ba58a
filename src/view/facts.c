/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Facts of layers: of images as their source has them, of directories what their file system says.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/array.h"
#include "base/check.h"
#include "image/toc.h"
#include "internal.h"
#include "os/fs.h"
#include "toc_ahead.h"

/* Texts of a layer that the memory owns. */
enum { TEXT_ID, TEXT_CREATED, TEXT_DIRECTORY, TEXT_COUNT };

size_t view_layer_count(const struct view_stack *stack)
{
	return stack->image ? stack->image->n_layers : stack->options.layer_count;
}

const struct view_layer_facts *view_layer_facts(const struct view_stack *stack, size_t layer)
{
	if (!CHECK(stack->memory && layer < stack->memory->n))
		abort();
	return &stack->memory->facts[layer];
}

void view_time_utc(const char *time, char ret[VIEW_TIME_SIZE])
{
	struct tm tm = {0};
	const char *rest = strptime(time, "%Y-%m-%dT%H:%M:%S", &tm), *offset = rest ? strpbrk(rest, "+-") : NULL;
	unsigned hours, minutes;
	time_t t;
	size_t n;

	(void)CHECK(time != ret);
	snprintf(ret, VIEW_TIME_SIZE, "%s", time);
	if (!offset || sscanf(offset + 1, "%2u:%2u", &hours, &minutes) != 2 || hours > 24 || minutes > 59)
		return;
	t = timegm(&tm) - (*offset == '-' ? -1 : 1) * (time_t)(3600 * hours + 60 * minutes);
	if (!gmtime_r(&t, &tm))
		return;
	n = strftime(ret, VIEW_TIME_SIZE, "%Y-%m-%dT%H:%M:%S", &tm);
	/* The fraction stays. */
	snprintf(ret + n, VIEW_TIME_SIZE - n, "%.*sZ", (int)(offset - rest), rest);
}

/* "sha256:" isn't part of an id. */
static const char *hex_of(const char *digest)
{
	const char *colon = strchr(digest, ':');

	return colon ? colon + 1 : digest;
}

static int id_of_directory(const struct view_stack *stack, size_t layer, struct view_layer_facts *f, char **texts)
{
	texts[TEXT_ID] = calloc(1, VIEW_ID_HEX + 1);
	if (!texts[TEXT_ID])
		return -ENOMEM;
	if (!stack->set || view_layer_id(&stack->set->layers[layer], texts[TEXT_ID]) < 0)
		memset(texts[TEXT_ID], '0', VIEW_ID_HEX);
	f->id = texts[TEXT_ID];
	return 0;
}

static int facts_of_image(const struct view_stack *stack, size_t layer, struct view_layer_facts *f, char **texts)
{
	const struct image *image = stack->image;
	const struct image_layer *l = &image->layers[image->n_layers - 1 - layer];

	(void)CHECK(layer < image->n_layers);
	f->diff_id = l->diff_id;
	f->chain_id = l->chain_id;
	f->digest = l->digest;
	f->media_type = l->media_type;
	f->created_by = l->created_by;
	f->directory = l->directory;
	f->tar = l->tar;
	f->compressed = l->compressed;
	f->upper = l->writable;
	texts[TEXT_CREATED] = calloc(1, VIEW_TIME_SIZE);
	if (!texts[TEXT_CREATED])
		return -ENOMEM;
	view_time_utc(l->writable && image->container_created ? image->container_created
		      : l->created			      ? l->created
							      : "",
		      texts[TEXT_CREATED]);
	f->created = *texts[TEXT_CREATED] ? texts[TEXT_CREATED] : NULL;
	if (l->diff_id)
		f->id = hex_of(l->diff_id);
	else
		f->id = l->writable && image->container ? image->container : l->id;
	/* Docker puts a layer of its own below that of a container. */
	return f->id ? 0 : id_of_directory(stack, layer, f, texts);
}

/* The time when the directory was made; that of its last change if the file system doesn't tell. */
static char *made_when(const struct layer *l)
{
	char *text = malloc(VIEW_TIME_SIZE);
	struct statx stx = {.stx_mask = 0};
	struct tm tm;
	time_t t;

	if (!text || os_statx(l->root_fd, "", &stx) < 0) {
		free(text);
		return NULL;
	}
	t = stx.stx_mask & STATX_BTIME ? stx.stx_btime.tv_sec : stx.stx_mtime.tv_sec;
	if (gmtime_r(&t, &tm) && strftime(text, VIEW_TIME_SIZE, "%Y-%m-%dT%H:%M:%SZ", &tm))
		return text;
	free(text);
	return NULL;
}

static int facts_of_directory(const struct view_stack *stack, size_t layer, struct view_layer_facts *f, char **texts)
{
	const struct layer *l = &stack->set->layers[layer];

	if (view_layer_directory(l, &texts[TEXT_DIRECTORY]) < 0)
		return -ENOMEM;
	texts[TEXT_CREATED] = made_when(l);
	f->created = texts[TEXT_CREATED];
	f->directory = texts[TEXT_DIRECTORY];
	f->upper = stack->has_upper && layer == 0;
	f->data_only = layer >= stack->set->n;
	return id_of_directory(stack, layer, f, texts);
}

int view_facts_gather(struct view_stack *stack)
{
	struct view_memory *m = calloc(1, sizeof(*m));
	size_t n = view_layer_count(stack);
	int r = 0;

	(void)CHECK(!stack->memory && (stack->image || stack->set));
	if (!m)
		return -ENOMEM;
	stack->memory = m;
	m->facts = calloc(n + 1, sizeof(*m->facts));
	m->texts = calloc(TEXT_COUNT * n + 1, sizeof(*m->texts));
	m->tocs = calloc(n + 1, sizeof(*m->tocs));
	m->ahead = calloc(n + 1, sizeof(*m->ahead));
	m->sets = calloc(n + 1, sizeof(*m->sets));
	if (!m->facts || !m->texts || !m->tocs || !m->ahead || !m->sets)
		return -ENOMEM;
	m->n = n;
	for (size_t i = 0; i < n && r == 0; i++) {
		m->facts[i].tar = m->facts[i].compressed = VIEW_UNKNOWN;
		r = (stack->image ? facts_of_image : facts_of_directory)(stack, i, &m->facts[i],
									 &m->texts[TEXT_COUNT * i]);
	}
	for (size_t i = 0; i + 1 < n && r == 0; i++)
		m->facts[i].parent = m->facts[i + 1].data_only ? NULL : m->facts[i + 1].id;
	return r;
}

void view_memory_free(struct view_memory *m)
{
	for (size_t i = 0; m && i < m->n; i++) {
		struct image_error none;

		if (m->ahead && m->ahead[i])
			(void)toc_ahead_finish(m->ahead[i], &m->tocs[i], &none);
		image_toc_free(m->tocs[i]);
		if (m->sets && m->sets[i])
			layer_set_put(m->sets[i]);
	}
	for (size_t i = 0; m && i < TEXT_COUNT * m->n; i++)
		free(m->texts[i]);
	if (m) {
		free(m->facts);
		free(m->texts);
		free(m->tocs);
		free(m->ahead);
		free(m->sets);
	}
	free(m);
}
