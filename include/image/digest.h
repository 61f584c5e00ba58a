/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHA-256 digests as text: "sha256:" and 64 hex digits.
 */
#ifndef IMAGE_DIGEST_H
#define IMAGE_DIGEST_H

#include <stdbool.h>
#include <stddef.h>

#define DIGEST_PREFIX "sha256:"
#define DIGEST_HEX 64
#define DIGEST_SIZE (sizeof(DIGEST_PREFIX) + DIGEST_HEX)

struct digest {
	void *context; /* EVP_MD_CTX; NULL after the end */
};

/* 0 or -ENOMEM. */
int digest_start(struct digest *d);
int digest_add(struct digest *d, const void *data, size_t len);
/* Ends it; the second form wants no result. */
int digest_finish(struct digest *d, char ret[static DIGEST_SIZE]);
void digest_abandon(struct digest *d);
int digest_of(const void *data, size_t len, char ret[static DIGEST_SIZE]);

/* Lower-case hex digits only, as the OCI image specification has it. */
bool digest_is_valid(const char *text);
bool digest_is_hex(const char *text, size_t len);
/* The ChainID of a layer over `below`, which is a ChainID, or NULL for the lowest layer. The lowest has its
 * diff_id; the others have the digest of both with a space between. */
int digest_chain(const char *below, const char *diff_id, char ret[static DIGEST_SIZE]);

#endif
