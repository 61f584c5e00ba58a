// SPDX-License-Identifier: Apache-2.0
/*
 * image-dump [--toc | --list] REF : what the tier says of an image, for tests that compare it with what engines say.
 * JSON, or with --toc a line for each entry of each layer; with --list a line for each image and container of the
 * source.
 */
#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "image/image.h"
#include "image/toc.h"
#include "os/fs.h"

static json_t *text(const char *s)
{
	return s ? json_string(s) : json_null();
}

static json_t *texts(char **list, size_t n)
{
	json_t *array = json_array();

	for (size_t i = 0; i < n; i++)
		json_array_append_new(array, text(list[i]));
	return array;
}

static json_t *layer(struct image *image, size_t i)
{
	const struct image_layer *l = &image->layers[i];
	struct image_error error;
	json_t *object = json_object();

	if (image_layer_measure(image, i, &error) < 0)
		fprintf(stderr, "image-dump: %s\n", error.text);
	json_object_set_new(object, "diff_id", text(l->diff_id));
	json_object_set_new(object, "chain_id", text(l->chain_id));
	json_object_set_new(object, "digest", text(l->digest));
	json_object_set_new(object, "media_type", text(l->media_type));
	json_object_set_new(object, "id", text(l->id));
	json_object_set_new(object, "directory", text(l->directory));
	json_object_set_new(object, "created", text(l->created));
	json_object_set_new(object, "created_by", text(l->created_by));
	json_object_set_new(object, "tar", json_integer(l->tar));
	json_object_set_new(object, "compressed", json_integer(l->compressed));
	json_object_set_new(object, "apparent", json_integer(l->apparent));
	json_object_set_new(object, "allocated", json_integer(l->allocated));
	json_object_set_new(object, "writable", json_boolean(l->writable));
	return object;
}

static json_t *history(const struct image_history *h)
{
	json_t *object = json_object();

	json_object_set_new(object, "created", text(h->created));
	json_object_set_new(object, "created_by", text(h->created_by));
	json_object_set_new(object, "author", text(h->author));
	json_object_set_new(object, "comment", text(h->comment));
	json_object_set_new(object, "empty", json_boolean(h->empty));
	json_object_set_new(object, "layer", json_integer(h->layer));
	return object;
}

static void dump(struct image *image)
{
	json_t *object = json_object(), *layers = json_array(), *entries = json_array();

	for (size_t i = 0; i < image->n_layers; i++)
		json_array_append_new(layers, layer(image, i));
	for (size_t i = 0; i < image->n_history; i++)
		json_array_append_new(entries, history(&image->history[i]));
	json_object_set_new(object, "id", text(image->id));
	json_object_set_new(object, "manifest_digest", text(image->manifest_digest));
	json_object_set_new(object, "names", texts(image->names, image->n_names));
	json_object_set_new(object, "created", text(image->created));
	json_object_set_new(object, "author", text(image->author));
	json_object_set_new(object, "os", text(image->os));
	json_object_set_new(object, "architecture", text(image->architecture));
	json_object_set_new(object, "config", json_loads(image->config, 0, NULL));
	json_object_set_new(object, "layers", layers);
	json_object_set_new(object, "history", entries);
	json_object_set_new(object, "container", text(image->container));
	json_object_set_new(object, "container_names", texts(image->container_names, image->n_container_names));
	json_object_set_new(object, "container_created", text(image->container_created));
	json_object_set_new(object, "lacks", texts(image->lacks, image->n_lacks));
	json_dumpf(object, stdout, JSON_INDENT(1));
	putchar('\n');
	json_decref(object);
}

static int dump_toc(const struct image *image, size_t number, struct image_error *error)
{
	struct image_toc *toc;
	int r = image_toc_read(image, number, &toc, error);

	if (r < 0)
		return r;
	for (size_t i = 0; i < toc->n_entries; i++) {
		const struct image_toc_entry *e = &toc->entries[i];

		printf("%zu %s %o %lld %u:%u %lld.%09u %u,%u %s%s%s%s %s\n", number, e->path, e->mode,
		       (long long)e->size, e->uid, e->gid, (long long)e->mtime, e->mtime_nsec, e->major, e->minor,
		       e->hardlink ? "h" : "", e->whiteout ? "w" : "", e->opaque ? "o" : "", e->implied ? "i" : "",
		       e->link ? e->link : "");
	}
	image_toc_free(toc);
	return 0;
}

static int print_item(void *arg, const struct image_listed *item)
{
	printf("%s %s %s\n", item->container ? item->container : "-", item->id, item->name ? item->name : "-");
	return 0;
}

static int list(const char *ref, struct image_error *error)
{
	enum image_source source;
	const char *rest;

	if (!image_ref_split(ref, &source, &rest))
		return -1;
	return image_list(source, *rest ? rest : NULL, print_item, NULL, error);
}

int main(int argc, char **argv)
{
	struct image_error error = {0};
	struct image *image;
	int r;

	if (argc < 2 || os_init() < 0)
		return 2;
	if (!strcmp(argv[1], "--list")) {
		r = list(argv[2], &error);
	} else {
		r = image_open(argv[argc - 1], &image, &error);
		if (r == 0 && argc == 2)
			dump(image);
		for (size_t i = 0; r == 0 && argc == 3 && i < image->n_layers; i++)
			r = dump_toc(image, i, &error);
		if (r == 0)
			image_free(image);
	}
	if (r < 0)
		fprintf(stderr, "image-dump: %s\n", error.text);
	return r < 0;
}
