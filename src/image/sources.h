/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One function pair a source: open one image by its name (NULL: the only one), and name all of them. `path` is never
 * NULL. Errors don't name the path; image.c adds it.
 */
#ifndef IMAGE_OCI_H
#define IMAGE_OCI_H

#include "image/image.h"

typedef int (*image_each)(void *arg, const struct image_listed *item);

int oci_open(enum image_source source, const char *path, const char *name, struct image **ret,
	     struct image_error *error);
int oci_list(enum image_source source, const char *path, image_each each, void *arg, struct image_error *error);
int docker_archive_open(enum image_source source, const char *path, const char *name, struct image **ret,
			struct image_error *error);
int docker_archive_list(enum image_source source, const char *path, image_each each, void *arg,
			struct image_error *error);
int containers_storage_open(enum image_source source, const char *path, const char *name, struct image **ret,
			    struct image_error *error);
int containers_storage_list(enum image_source source, const char *path, image_each each, void *arg,
			    struct image_error *error);
/* For image_layers_shared(). */
int containers_storage_shared(const struct image *image, unsigned *counts, struct image_error *error);
int docker_overlay2_open(enum image_source source, const char *path, const char *name, struct image **ret,
			 struct image_error *error);
int docker_overlay2_list(enum image_source source, const char *path, image_each each, void *arg,
			 struct image_error *error);
int plyfs_store_open(enum image_source source, const char *path, const char *name, struct image **ret,
		     struct image_error *error);
int plyfs_store_list(enum image_source source, const char *path, image_each each, void *arg, struct image_error *error);

#endif
