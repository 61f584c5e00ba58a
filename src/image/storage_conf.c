// SPDX-License-Identifier: Apache-2.0
/*
 * One file counts: the one that the environment names, or the system's. Users have their own file besides, which
 * replaces the system's as a whole. Without one they have no additional stores.
 */
#include "storage_conf.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/array.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "os/fs.h"

#define CONF_MAX (64 << 10)
#define CONF_KEY_MAX 128
#define ROOT_STORE "/var/lib/containers/storage"

void storage_conf_finish(struct storage_conf *conf)
{
	free(conf->graphroot);
	free(conf->rootless);
	for (size_t i = 0; i < conf->n_stores; i++)
		free(conf->stores[i]);
	free(conf->stores);
	*conf = (struct storage_conf){.n_stores = 0};
}

/* --- TOML --------------------------------------------------------------------------------------------------------- */

struct toml {
	const char *at;
	char table[CONF_KEY_MAX], key[CONF_KEY_MAX];
	struct storage_conf *conf;
};

static void toml_skip_blanks(struct toml *t)
{
	t->at += strspn(t->at, " \t\r");
}

static void toml_skip_line(struct toml *t)
{
	t->at += strcspn(t->at, "\n");
	t->at += *t->at == '\n';
}

/* Blanks, line ends and comments: in a list and between lines. */
static void toml_skip_space(struct toml *t)
{
	for (;;) {
		t->at += strspn(t->at, " \t\r\n");
		if (*t->at != '#')
			return;
		toml_skip_line(t);
	}
}

/* A name up to one of the bytes of `end`, without blanks and quotes. It is cut at the size of the key. */
static void toml_key(struct toml *t, const char *end, char ret[static CONF_KEY_MAX])
{
	size_t n = 0;

	for (; *t->at && *t->at != '\n' && !strchr(end, *t->at); t->at++)
		if (!strchr(" \t\r\"'", *t->at) && n < CONF_KEY_MAX - 1)
			ret[n++] = *t->at;
	ret[n] = '\0';
}

/* A string in quotes; NULL without memory, or if it doesn't end in its line. */
static char *toml_string(struct toml *t)
{
	const char quote = *t->at++;
	char *text = malloc(strcspn(t->at, "\n") + 1);
	size_t n = 0;

	(void)CHECK(quote == '"' || quote == '\'');
	for (; text && *t->at && *t->at != '\n' && *t->at != quote; t->at++) {
		if (quote == '"' && *t->at == '\\' && (t->at[1] == '\\' || t->at[1] == '"'))
			t->at++;
		text[n++] = *t->at;
	}
	if (!text || *t->at != quote) {
		free(text);
		return NULL;
	}
	t->at++;
	text[n] = '\0';
	return text;
}

static bool is_quote(char c)
{
	return c == '"' || c == '\'';
}

static int add_store(struct storage_conf *conf, char *path)
{
	char **next = path ? ARRAY_NEXT(conf->stores, conf->n_stores) : NULL;

	if (!next) {
		free(path);
		return -ENOMEM;
	}
	*next = path;
	conf->n_stores++;
	return 0;
}

static int toml_list(struct toml *t, bool wanted)
{
	int r = 0;

	(void)CHECK(*t->at == '[');
	for (t->at++; r == 0;) {
		char *item;

		toml_skip_space(t);
		if (*t->at == ',') {
			t->at++;
			continue;
		}
		if (!is_quote(*t->at))
			break;
		item = toml_string(t);
		if (item && wanted && *item)
			r = add_store(t->conf, item);
		else if (item)
			free(item);
		else
			break;
	}
	t->at += *t->at == ']';
	return r;
}

static int toml_value(struct toml *t)
{
	static const char name[] = "storage.options.additionalimagestores";
	char full[2 * CONF_KEY_MAX + 1];
	char **to, *text;

	snprintf(full, sizeof(full), "%s%s%s", t->table, *t->table ? "." : "", t->key);
	if (*t->at == '[')
		return toml_list(t, !strcmp(full, name));
	to = !strcmp(full, "storage.graphroot")		      ? &t->conf->graphroot
	     : !strcmp(full, "storage.rootless_storage_path") ? &t->conf->rootless
							      : NULL;
	if (!to || !is_quote(*t->at))
		return 0;
	text = toml_string(t);
	if (!text || !*text) {
		free(text);
		return 0;
	}
	free(*to);
	*to = text;
	return 0;
}

static int conf_parse(const char *text, struct storage_conf *ret)
{
	struct toml t = {.at = text, .conf = ret};
	int r = 0;

	for (toml_skip_space(&t); *t.at && r == 0; toml_skip_space(&t)) {
		if (*t.at == '[') {
			t.at += 1 + (t.at[1] == '[');
			toml_key(&t, "]", t.table);
		} else {
			toml_key(&t, "=#", t.key);
			if (*t.at == '=') {
				t.at++;
				toml_skip_blanks(&t);
				r = toml_value(&t);
			}
		}
		toml_skip_line(&t);
	}
	return r;
}

int storage_conf_add_options(struct storage_conf *conf, const char *options)
{
	static const char *const names[] = {"overlay.imagestore=", "overlay2.imagestore=", ".imagestore="};
	int r = 0;

	while (*options && r == 0) {
		size_t len = strcspn(options, ",");

		for (size_t i = 0; i < ARRAY_SIZE(names) && r == 0; i++) {
			size_t n = strlen(names[i]);

			if (len > n && !strncmp(options, names[i], n))
				r = add_store(conf, strndup(options + n, len - n));
		}
		options += len + (options[len] == ',');
	}
	return r;
}

const char *storage_spec_dir(const char *spec)
{
	const char *end = *spec == '[' ? strchr(spec, ']') : NULL;

	return end ? end + 1 : spec;
}

/* --- files -------------------------------------------------------------------------------------------------------- */

/* 1: the file was read; 0: there is none that can be. */
static int conf_file(const char *path, struct storage_conf *ret)
{
	_cleanup_close_ int fd = os_open_path(path, O_RDONLY | O_NONBLOCK, 0);
	_cleanup_free_ char *text = malloc(CONF_MAX + 1);
	ssize_t n;
	int r;

	if (!text)
		return -ENOMEM;
	n = fd < 0 ? fd : os_pread_all(fd, text, CONF_MAX, 0);
	if (n < 0)
		return 0;
	if (!CHECK(n <= CONF_MAX))
		return -EIO;
	text[n] = '\0';
	storage_conf_finish(ret);
	r = conf_parse(text, ret);
	return r < 0 ? r : 1;
}

/* Variables of the environment in a path, $UID among them. */
static char *conf_expand(const char *path)
{
	_cleanup_free_ char *out = NULL;
	size_t size = 0;
	FILE *f = open_memstream(&out, &size);

	if (!f)
		return NULL;
	while (*path) {
		char name[CONF_KEY_MAX];
		const char *from = path + 1 + (path[0] == '$' && path[1] == '{'), *value;
		size_t n = 0;

		for (; *path == '$' && n < sizeof(name) - 1 && (isalnum((unsigned char)from[n]) || from[n] == '_'); n++)
			name[n] = from[n];
		name[n] = '\0';
		if (!n) {
			fputc(*path++, f);
			continue;
		}
		value = getenv(name);
		if (!strcmp(name, "UID"))
			fprintf(f, "%u", (unsigned)geteuid());
		else
			fputs(value ? value : "", f);
		path = from + n + (path[1] == '{' && from[n] == '}');
	}
	return fclose(f) ? NULL : TAKE_PTR(out);
}

/* The user's own file. */
static int user_file(struct storage_conf *ret)
{
	const char *config = getenv("XDG_CONFIG_HOME"), *home = getenv("HOME");
	_cleanup_free_ char *path = NULL;
	int r;

	if (config && *config)
		r = asprintf(&path, "%s/containers/storage.conf", config);
	else if (home)
		r = asprintf(&path, "%s/.config/containers/storage.conf", home);
	else
		return 0;
	if (r < 0) {
		path = NULL;
		return -ENOMEM;
	}
	return conf_file(path, ret);
}

static int user_default(char **ret)
{
	const char *data = getenv("XDG_DATA_HOME"), *home = getenv("HOME");
	int r;

	if (data && *data == '/')
		r = asprintf(ret, "%s/containers/storage", data);
	else if (home)
		r = asprintf(ret, "%s/.local/share/containers/storage", home);
	else
		return -ENOENT;
	return r < 0 ? -ENOMEM : 0;
}

static int system_file(const char *named, struct storage_conf *ret)
{
	int r = conf_file(named ? named : "/etc/containers/storage.conf", ret);

	return r == 0 && !named ? conf_file("/usr/share/containers/storage.conf", ret) : r;
}

/* A user's store: of what the system's file says only one key counts, unless the environment names the file. */
static int conf_of_user(const char *named, struct storage_conf *conf)
{
	_cleanup_free_ char *common = conf->rootless ? strdup(conf->rootless) : NULL;
	int r = 1;

	if (conf->rootless && !common)
		return -ENOMEM;
	if (!named) {
		storage_conf_finish(conf);
		r = user_file(conf);
	}
	if (r < 0)
		return r;
	if (!conf->graphroot && (conf->rootless || common))
		conf->graphroot = strdup(conf->rootless ? conf->rootless : common);
	return 0;
}

int storage_conf_read(struct storage_conf *ret)
{
	const char *named = getenv("CONTAINERS_STORAGE_CONF"), *options = getenv("STORAGE_OPTS");
	bool root = geteuid() == 0;
	_cleanup_(storage_conf_finish) struct storage_conf conf = {.n_stores = 0};
	_cleanup_free_ char *plain = NULL;
	int r = system_file(named, &conf);

	if (r >= 0 && !root)
		r = conf_of_user(named, &conf);
	if (r < 0)
		return r;
	if (options && *options) {
		struct storage_conf fresh = {.graphroot = TAKE_PTR(conf.graphroot)};

		storage_conf_finish(&conf);
		conf = fresh;
		r = storage_conf_add_options(&conf, options);
	}
	plain = TAKE_PTR(conf.graphroot);
	if (plain)
		conf.graphroot = conf_expand(plain);
	else if (root)
		conf.graphroot = strdup(ROOT_STORE);
	else
		r = r < 0 ? r : user_default(&conf.graphroot);
	if (r >= 0 && !conf.graphroot)
		r = -ENOMEM;
	if (r < 0)
		return r;
	*ret = conf;
	conf = (struct storage_conf){.n_stores = 0};
	return 0;
}
