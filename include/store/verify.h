/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Takes all digests of the store again from the bytes: of configs, of the tars that layers and recipes give, and of
 * blobs.
 */
#ifndef STORE_VERIFY_H
#define STORE_VERIFY_H

#include "store/store.h"

struct store_verified {
	unsigned images, layers, blobs;
	uint64_t bytes; /* that were read */
};

/* `found` gets each thing that is wrong: "layer HEX", "image HEX", "step HEX" or a ref, and a cause. The lock is
 * held. */
int store_verify(struct store *s, void (*found)(void *arg, const char *what, const char *cause), void *arg,
		 struct store_verified *ret, struct image_error *error);

#endif
