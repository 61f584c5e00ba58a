// SPDX-License-Identifier: Apache-2.0
/*
 * Where an engine has its store: containers-storage.conf(5). Of the configuration only the two keys are looked for that
 * name the store: `graphroot`, and `rootless_storage_path` for users.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/image.h"
#include "os/fs.h"
#include "os/task.h"

#define CONF_MAX (64 << 10)

/* The value of `key = "VALUE"` at the start of a line, or NULL. The text is changed. */
static char *conf_value(char *text, const char *key)
{
	size_t len = strlen(key);

	for (char *line = text, *next; line; line = next) {
		char *end, *value;

		next = strchr(line, '\n');
		next = next ? next + 1 : NULL;
		line += strspn(line, " \t");
		if (strncmp(line, key, len) != 0)
			continue;
		value = line + len + strspn(line + len, " \t");
		if (*value++ != '=')
			continue;
		value += strspn(value, " \t");
		end = *value == '"' ? strpbrk(value + 1, "\"\n") : NULL;
		if (!end || *end != '"' || end == value + 1)
			continue;
		*end = 0;
		return value + 1;
	}
	return NULL;
}

/* Replaces $HOME and $UID at their places. */
static char *conf_expand(const char *value)
{
	const char *home = getenv("HOME"), *variable = strstr(value, "$HOME");
	char *out = NULL;

	if (!variable || !home)
		return strdup(value);
	if (asprintf(&out, "%.*s%s%s", (int)(variable - value), value, home, variable + strlen("$HOME")) < 0)
		return NULL;
	return out;
}

static int conf_look(const char *file, const char *key, char **ret)
{
	_cleanup_close_ int fd = os_open_path(file, O_RDONLY | O_NONBLOCK, 0);
	_cleanup_free_ char *text = malloc(CONF_MAX + 1);
	const char *value;
	ssize_t n;

	if (!text)
		return -ENOMEM;
	n = fd < 0 ? fd : os_pread(fd, text, CONF_MAX, 0);
	if (n < 0)
		return 0;
	if (!CHECK(n <= CONF_MAX))
		return -EIO;
	text[n] = 0;
	value = conf_value(text, key);
	if (!value)
		return 0;
	*ret = conf_expand(value);
	return *ret ? 1 : -ENOMEM;
}

static int storage_default(char **ret)
{
	const char *named = getenv("CONTAINERS_STORAGE_CONF"), *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	bool root = geteuid() == 0;
	const char *key = root ? "graphroot" : "rootless_storage_path";
	_cleanup_free_ char *own = NULL;
	int r = 0;

	if (!root && home && asprintf(&own, "%s/.config/containers/storage.conf", home) < 0) {
		own = NULL;
		return -ENOMEM;
	}
	if (named)
		r = conf_look(named, "graphroot", ret);
	else if (own)
		r = conf_look(own, "graphroot", ret);
	if (r == 0 && !named)
		r = conf_look("/etc/containers/storage.conf", key, ret);
	if (r == 0 && !named)
		r = conf_look("/usr/share/containers/storage.conf", key, ret);
	if (r != 0)
		return MIN(r, 0);
	if (root)
		return (*ret = strdup("/var/lib/containers/storage")) ? 0 : -ENOMEM;
	if (data && *data == '/')
		r = asprintf(ret, "%s/containers/storage", data);
	else if (home)
		r = asprintf(ret, "%s/.local/share/containers/storage", home);
	else
		return -ENOENT;
	return r < 0 ? -ENOMEM : 0;
}

static int store_default(char **ret)
{
	const char *named = getenv("PLYCTL_STORE"), *home = getenv("HOME"), *data = getenv("XDG_DATA_HOME");
	int r;

	if (named && *named)
		r = (*ret = strdup(named)) ? 0 : -1;
	else if (geteuid() == 0 && os_in_init_userns())
		r = (*ret = strdup("/var/lib/plyfs")) ? 0 : -1;
	else if (data && *data == '/')
		r = asprintf(ret, "%s/plyfs", data);
	else if (home)
		r = asprintf(ret, "%s/.local/share/plyfs", home);
	else
		return -ENOENT;
	return r < 0 ? -ENOMEM : 0;
}

int image_default_path(enum image_source source, char **ret)
{
	char *path = NULL;
	int r;

	if (!CHECK(source < IMAGE_SOURCE_COUNT))
		return -EIO;
	if (source == IMAGE_CONTAINERS_STORAGE)
		r = storage_default(&path);
	else if (source == IMAGE_DOCKER_OVERLAY2)
		r = (path = strdup("/var/lib/docker")) ? 0 : -ENOMEM;
	else if (source == IMAGE_STORE)
		r = store_default(&path);
	else
		return -EOPNOTSUPP;
	if (r == 0)
		*ret = path;
	return r;
}
