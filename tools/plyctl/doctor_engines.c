/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Engines of containers that are there, where they keep their images, and whether they call plyfs.
 */
#include "doctor.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "image/image.h"

#define SETTINGS_MAX (1 << 16)

static const char *const programs[] = {"podman",     "buildah", "skopeo", "docker",
				       "containerd", "nerdctl", "crio",	  "fuse-overlayfs"};

/* Of several lines the one about the program itself. */
static char *own_line(char *text, const char *name)
{
	char *line, *rest = text, *found = NULL;

	while (rest && (line = strsep(&rest, "\n")))
		if (!found || (!strstr(found, name) && strstr(line, name)))
			found = line;
	return found;
}

static void look_at_programs(void)
{
	json_t *list = json_array();
	char text[1024] = "";

	for (size_t i = 0; i < ARRAY_SIZE(programs); i++) {
		_cleanup_free_ char *path = doctor_program(programs[i]), *command = NULL, *said = NULL;
		const char *version = NULL;
		json_t *item;
		size_t len = strlen(text);

		if (!path)
			continue;
		if (!strchr(path, '\'') &&
		    asprintf(&command, "timeout 10 '%s' --version 2>/dev/null </dev/null", path) >= 0)
			said = doctor_output(command, 3);
		version = said ? own_line(said, programs[i]) : NULL;
		item = json_object();
		json_object_set_new(item, "name", json_string(programs[i]));
		json_set_path(item, "path", path);
		json_object_set_new(item, "version", version ? json_text(version) : json_null());
		json_array_append_new(list, item);
		snprintf(text + len, sizeof(text) - len, "%s%s: %s", len ? "\n" : "", path, version ? version : "?");
	}
	doctor_add("programs", "programs", list, *text ? text : "-");
}

/* The value of `key = "value"` in a file as storage.conf is. */
static char *setting(const char *text, const char *key)
{
	size_t n = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += strspn(line, "\n \t");
		if (!strncmp(line, key, n) && strspn(line + n, " \t=") &&
		    strchr("\"'", line[n + strspn(line + n, " \t=")])) {
			const char *at = line + n + strspn(line + n, " \t=") + 1;

			return *(at - 1) ? strndup(at, strcspn(at, "\"'\n")) : NULL;
		}
	}
	return NULL;
}

static void add_settings(json_t *list, const char *path, char **text)
{
	_cleanup_free_ char *content = doctor_file(path, SETTINGS_MAX), *driver = NULL, *program = NULL, *root = NULL,
			    *old = *text;
	json_t *item;

	if (!content)
		return;
	driver = setting(content, "driver");
	program = setting(content, "mount_program");
	root = setting(content, "graphroot");
	item = json_object();
	json_set_path(item, "path", path);
	json_object_set_new(item, "driver", driver ? json_text(driver) : json_null());
	json_object_set_new(item, "mount_program", program ? json_text(program) : json_null());
	json_object_set_new(item, "graphroot", root ? json_text(root) : json_null());
	json_array_append_new(list, item);
	if (asprintf(text, "%s%s%s: driver %s, mount_program %s", old ? old : "", old ? "\n" : "", path,
		     driver ? driver : "-", program ? program : "-") < 0)
		abort();
	if (program && access(program, X_OK) < 0)
		doctor_problem("%s names the mount_program %s, which isn't there.", path, program);
}

static void look_at_settings(void)
{
	const char *home = getenv("HOME"), *given = getenv("CONTAINERS_STORAGE_CONF"),
		   *config = getenv("XDG_CONFIG_HOME");
	_cleanup_free_ char *own = NULL, *text = NULL;
	json_t *list = json_array();

	if ((config ? asprintf(&own, "%s/containers/storage.conf", config)
		    : asprintf(&own, "%s/.config/containers/storage.conf", home ? home : "")) < 0)
		abort();
	add_settings(list, "/usr/share/containers/storage.conf", &text);
	add_settings(list, "/etc/containers/storage.conf", &text);
	add_settings(list, own, &text);
	if (given)
		add_settings(list, given, &text);
	doctor_add("storage_conf", "storage.conf", list, text ? text : "-");
}

static int count_images(void *arg, const struct image_listed *item)
{
	((unsigned *)arg)[item->container != NULL]++;
	return 0;
}

static void look_at_store(enum image_source source, const char *name)
{
	_cleanup_free_ char *path = NULL, *text = NULL;
	struct image_error error;
	unsigned counts[2] = {0};
	json_t *item;

	if (image_default_path(source, &path) < 0 || access(path, F_OK) < 0) {
		doctor_add(name, image_source_name(source), json_null(), NULL);
		return;
	}
	item = json_object();
	json_set_path(item, "path", path);
	if (image_list(source, path, count_images, counts, &error) == 0) {
		json_object_set_new(item, "images", json_integer(counts[0]));
		json_object_set_new(item, "containers", json_integer(counts[1]));
		if (asprintf(&text, "%s: %u images, %u containers", path, counts[0], counts[1]) < 0)
			abort();
	} else if (asprintf(&text, "%s: %s", path, error.text) < 0) {
		abort();
	}
	doctor_add(name, image_source_name(source), item, text);
}

static int add_live(void *arg, struct view_stack *stack, const char *cause)
{
	const char *kind = stack ? view_kind_name(stack->kind) : "unknown";
	json_t *counts = arg, *old = json_object_get(counts, kind);

	json_object_set_new(counts, kind, json_integer((old ? json_integer_value(old) : 0) + 1));
	view_stack_free(stack);
	return 0;
}

static void look_at_live(void)
{
	json_t *counts = json_object(), *value;
	char text[256] = "";
	const char *kind;

	(void)view_each_live(add_live, counts);
	json_object_foreach(counts, kind, value)
	{
		size_t len = strlen(text);

		snprintf(text + len, sizeof(text) - len, "%s%lld of %s", len ? ", " : "",
			 (long long)json_integer_value(value), kind);
	}
	doctor_add("live", "mounted unions", counts, *text ? text : "none");
}

void doctor_engines(void)
{
	doctor_section("engines", "Engines");
	look_at_programs();
	look_at_settings();
	look_at_store(IMAGE_CONTAINERS_STORAGE, "containers_storage");
	look_at_store(IMAGE_DOCKER_OVERLAY2, "docker_overlay2");
	look_at_live();
}
