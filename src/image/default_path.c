// SPDX-License-Identifier: Apache-2.0
/*
 * Where an engine has its store.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/macros.h"
#include "image/image.h"
#include "os/task.h"
#include "storage_conf.h"

static int storage_default(char **ret)
{
	struct storage_conf conf;
	int r = storage_conf_read(&conf);

	if (r < 0)
		return r;
	*ret = TAKE_PTR(conf.graphroot);
	storage_conf_finish(&conf);
	return CHECK(*ret) ? 0 : -EIO;
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
