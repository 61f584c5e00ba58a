/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A directory that shows the images of the store to podman, buildah and skopeo, which use the layers in place. It has
 * two forms at once, as containers/storage reads them:
 *
 *	overlay-images, overlay-layers, overlay	an additional image store, with all images that have a name
 *	DIGEST/{diff,info,blob}			an additional layer store: layers by the digest of a blob that is kept;
 *						below each name in base64, too
 *
 * Layers have the ids that the engines give them, and are links into the store. So they stay in the store until the
 * directory is exposed anew without them, or no longer.
 */
#ifndef STORE_EXPOSE_H
#define STORE_EXPOSE_H

#include "store/store.h"

struct store_exposed {
	unsigned images, layers;
};

/* Makes the directory, or brings it up to date. `path` is absolute, and may not be there yet. `passed` gets each image
 * that can't be shown, and why. The lock is held. -EEXIST: something else is there. */
int store_expose(struct store *s, const char *path, void (*passed)(void *arg, const char *name, const char *cause),
		 void *arg, struct store_exposed *ret, struct image_error *error);
/* The store no longer keeps what the directory shows. -ENOENT: it shows nothing there. The lock is held. */
int store_exposed_end(struct store *s, const char *path, struct image_error *error);

#endif
