/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Caches and lists that package managers leave behind, by their usual paths.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "advise_state.h"
#include "base/check.h"
#include "base/cleanup.h"
#include "view/contents.h"

/* A path is matched with all below it; `*` is one component. A pattern without a slash is any directory of that name.
 */
static const struct {
	const char *pattern, *what, *remedy;
} caches[] = {
	{"var/lib/apt/lists", "lists of apt", "rm -rf /var/lib/apt/lists/* in the same step"},
	{"var/cache/apt", "packages of apt", "apt-get clean in the same step"},
	{"var/cache/debconf", "debconf's old databases", "rm -f /var/cache/debconf/*-old in the same step"},
	{"var/cache/dnf", "the cache of dnf", "dnf clean all in the same step"},
	{"var/cache/libdnf5", "the cache of dnf", "dnf clean all in the same step"},
	{"var/cache/yum", "the cache of yum", "yum clean all in the same step"},
	{"var/cache/zypp", "the cache of zypper", "zypper clean --all in the same step"},
	{"var/cache/apk", "the cache of apk", "apk add --no-cache"},
	{"etc/apk/cache", "the cache of apk", "apk add --no-cache"},
	{"lib/apk/db/scripts.tar.old", "apk's old scripts", "apk add --no-cache"},
	{"var/cache/pacman/pkg", "packages of pacman", "pacman -Scc in the same step"},
	{"root/.cache/pip", "the cache of pip", "pip install --no-cache-dir"},
	{"home/*/.cache/pip", "the cache of pip", "pip install --no-cache-dir"},
	{"root/.cache/uv", "the cache of uv", "uv --no-cache"},
	{"root/.npm", "the cache of npm", "npm cache clean --force in the same step"},
	{"home/*/.npm", "the cache of npm", "npm cache clean --force in the same step"},
	{"usr/local/share/.cache/yarn", "the cache of yarn", "yarn cache clean in the same step"},
	{"root/.cache/yarn", "the cache of yarn", "yarn cache clean in the same step"},
	{"root/.local/share/pnpm/store", "the store of pnpm", "pnpm store prune in the same step"},
	{"root/.cache/go-build", "the cache of go", "go clean -cache in the same step, or build in another stage"},
	{"go/pkg/mod/cache", "modules of go", "go clean -modcache in the same step, or build in another stage"},
	{"root/.cargo/registry", "the registry of cargo", "build in another stage"},
	{"usr/local/cargo/registry", "the registry of cargo", "build in another stage"},
	{"root/.cache/composer", "the cache of composer", "composer clear-cache in the same step"},
	{"root/.composer/cache", "the cache of composer", "composer clear-cache in the same step"},
	{"opt/conda/pkgs", "packages of conda", "conda clean -afy in the same step"},
	{"usr/local/bundle/cache", "the cache of bundler", "rm -rf /usr/local/bundle/cache in the same step"},
	{"__pycache__", "compiled files of Python", "PYTHONDONTWRITEBYTECODE=1, or pip install --no-compile"},
	{"var/log", "logs", "remove them in the same step"},
	{"tmp", "temporary files", "remove them in the same step"},
	{"var/tmp", "temporary files", "remove them in the same step"},
};
_Static_assert(ARRAY_SIZE(caches) <= ADVISE_CACHES, "each cache has a sum");

/* Whether a directory on the way has the name. */
static bool has_component(const char *path, const char *name)
{
	size_t len = strlen(name);

	for (const char *c = path; (c = strstr(c, name)); c++)
		if ((c == path || c[-1] == '/') && c[len] == '/')
			return true;
	return false;
}

/* Whether the path is that of the pattern, or below it. */
static bool lies_in(const char *path, const char *pattern)
{
	while (*pattern) {
		size_t p = strcspn(pattern, "/"), n = strcspn(path, "/");

		if (!n || (!(p == 1 && *pattern == '*') && (p != n || strncmp(path, pattern, n) != 0)))
			return false;
		pattern += p + (pattern[p] == '/');
		path += n + (path[n] == '/');
	}
	return true;
}

static int cache_of(const char *path)
{
	for (size_t i = 0; i < ARRAY_SIZE(caches); i++)
		if (strchr(caches[i].pattern, '/') || !strcmp(caches[i].pattern, "tmp")
			    ? lies_in(path, caches[i].pattern)
			    : has_component(path, caches[i].pattern))
			return (int)i;
	return -1;
}

static int note_object(void *arg, const struct view_object *o)
{
	struct advised_layer *l = arg;
	const char *slash = strrchr(o->path, '/');
	unsigned tools;
	int cache;

	if (o->whiteout || !S_ISREG(o->mode))
		return 0;
	tools = advise_manifest(slash ? slash + 1 : o->path);
	l->manifests |= tools;
	l->others += !tools;
	cache = cache_of(o->path);
	(void)CHECK(cache < (int)ARRAY_SIZE(caches));
	if (cache >= 0)
		l->caches[cache] += o->size;
	return 0;
}

int advise_contents(struct advising *a, size_t layer, char **ret_error)
{
	const struct view_layer_facts *facts = view_layer_facts(a->now, layer);
	struct advised_layer *l = &a->layers[layer];
	_cleanup_free_ char *error = NULL;
	int r;

	(void)CHECK(layer < a->n);
	l->command = advise_command(facts->created_by ? facts->created_by : "", &l->copies);
	if (!l->command)
		return -ENOMEM;
	r = view_contents_each(a->now, layer, note_object, l, &error);
	view_contents_forget(a->now, layer);
	/* What can't be read was told when the waste was found. */
	if (r < 0 && r != -ENOMEM && a->now->set)
		return 0;
	if (r < 0)
		*ret_error = TAKE_PTR(error);
	return r;
}

int advise_caches(struct advising *a)
{
	int r = 0;

	for (size_t i = 0; i < a->n; i++)
		for (size_t k = 0; k < ARRAY_SIZE(caches) && r == 0; k++) {
			char *what;

			if (!a->layers[i].caches[k])
				continue;
			what = strdup(caches[k].pattern);
			r = what ? advise_add(a, VIEW_ADVICE_CACHE, i, i, a->layers[i].caches[k], what,
					      "the layer holds %s: %s", caches[k].what, caches[k].remedy)
				 : -ENOMEM;
		}
	return r;
}
