/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Ids of directories that are layers: the SHA-256 of the canonical tar that `export` would write of it. It is
 * remembered below $XDG_CACHE_HOME/plyfs/ids or ~/.cache/plyfs/ids, with the root's identity and the SHA-256 of the
 * paths, sizes and change times of all objects. Without such a directory it is computed each time. It is computed
 * again if the latest change was only some seconds before: another one may have the same time.
 */
#ifndef PLYCTL_IDS_H
#define PLYCTL_IDS_H

#include "image/digest.h"
#include "layer/layer.h"

/* -errno, with one line that the caller frees: a layer that has its content in others has no tar of its own. */
int ids_diff_id(const struct layer_set *set, const struct layer *l, char ret[static DIGEST_SIZE], char **ret_error);
/* The same if it is remembered; nothing is computed. */
bool ids_recall(const struct layer_set *set, const struct layer *l, char ret[static DIGEST_SIZE]);

#endif
