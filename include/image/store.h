/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The layout of plyctl's own store, as it is read here and written by the tier `store`:
 *
 *	refs/NAME			a symbolic link to ../images/HEX
 *	images/HEX/config		the config as it came; HEX is its digest without "sha256:"
 *	images/HEX/manifest		the manifest as it came; missing if there was none. Of an image that is made
 *					here of one with a manifest: layers of unknown blobs stand by their tars
 *	layers/HEX/diff			the unpacked layer, a lowerdir; HEX is its diff_id without "sha256:"
 *	layers/HEX/layer.json		facts of the layer
 *	layers/HEX/recipe		from which the tar is written again (archive/recipe.h)
 *	layers/HEX/blobs/HEX		compressed forms of the tar, by their digests; may be none
 *	layers/HEX/below		the chain_id of the layers below, if it has files of theirs by hard links
 *	cache/HEX			a build step that need not run again (store/cache.h); HEX is its key
 *	uppers, leases, tmp, lock	not read here
 *
 * HEX has no colon, so that the directory can stand in a list of layers as it is. In the name of a file in refs "/" is
 * "%2f" and "%" is "%25"; a dot at the start is "%2e".
 *
 * refs, images, layers and tmp are their owner's alone: layers have setuid programs and devices of images.
 *
 * layer.json: `schema` "plyfs.layer/1", `diff_id`, `tar` (bytes of the tar), `entries` (not in one that
 * `check` wrote anew), `xattrs` ("trusted" or "user": where private xattrs are), `overrides` (owners are in stat
 * overrides).
 */
#ifndef IMAGE_STORE_H
#define IMAGE_STORE_H

#include <stddef.h>

#define STORE_REF_SIZE 256

/* The name of the file of a name. -ENAMETOOLONG, or -EINVAL for an empty name. */
int store_ref_encode(const char *name, char ret[static STORE_REF_SIZE]);
/* The way back, in place. -EINVAL: it is no such name. */
int store_ref_decode(char *name);

#endif
