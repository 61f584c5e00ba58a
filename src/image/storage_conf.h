/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where podman, buildah and skopeo keep images, by their own rules: containers-storage.conf(5) and the environment.
 */
#ifndef IMAGE_STORAGE_CONF_H
#define IMAGE_STORAGE_CONF_H

#include <stddef.h>

struct storage_conf {
	char *graphroot, *rootless; /* NULL: not said; owned */
	char **stores;		    /* additional image stores; owned */
	size_t n_stores;
};

void storage_conf_finish(struct storage_conf *conf);
/* The store of this user's engines; `graphroot` isn't NULL then. Of TOML, tables, strings and lists of strings are
 * read, and all else is passed over. -ENOENT: there is no home. */
int storage_conf_read(struct storage_conf *ret);
/* Additional stores of driver options with commas between them; all else is passed over. -ENOMEM. */
int storage_conf_add_options(struct storage_conf *conf, const char *options);

/* A store and the options of its driver are told by one text, "[OPTIONS]DIR", or DIR alone. DIR is a part of it. */
const char *storage_spec_dir(const char *spec);

#endif
