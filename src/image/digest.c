// SPDX-License-Identifier: Apache-2.0
#include "image/digest.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <openssl/evp.h>

#include "base/check.h"
#include "base/hex.h"

int digest_start(struct digest *d)
{
	d->context = EVP_MD_CTX_new();
	if (d->context && EVP_DigestInit_ex(d->context, EVP_sha256(), NULL) == 1)
		return 0;
	digest_abandon(d);
	return -ENOMEM;
}

int digest_add(struct digest *d, const void *data, size_t len)
{
	if (!CHECK(d->context))
		return -EIO;
	return EVP_DigestUpdate(d->context, data, len) == 1 ? 0 : -ENOMEM;
}

int digest_finish(struct digest *d, char ret[static DIGEST_SIZE])
{
	unsigned char bytes[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	int r;

	if (!CHECK(d->context))
		return -EIO;
	r = EVP_DigestFinal_ex(d->context, bytes, &len) == 1 ? 0 : -ENOMEM;
	digest_abandon(d);
	if (r < 0)
		return r;
	if (!CHECK(len * 2 == DIGEST_HEX))
		return -EIO;
	strcpy(ret, DIGEST_PREFIX);
	hex_text(bytes, len, ret + strlen(DIGEST_PREFIX));
	return 0;
}

void digest_abandon(struct digest *d)
{
	EVP_MD_CTX_free(d->context);
	d->context = NULL;
}

int digest_of(const void *data, size_t len, char ret[static DIGEST_SIZE])
{
	struct digest d;
	int r = digest_start(&d);

	if (r < 0)
		return r;
	r = digest_add(&d, data, len);
	if (r < 0)
		digest_abandon(&d);
	return r < 0 ? r : digest_finish(&d, ret);
}

bool digest_is_hex(const char *text, size_t len)
{
	return strlen(text) == len && strspn(text, "0123456789abcdef") == len;
}

bool digest_is_valid(const char *text)
{
	size_t len = strlen(DIGEST_PREFIX);

	return text && !strncmp(text, DIGEST_PREFIX, len) && digest_is_hex(text + len, DIGEST_HEX);
}

int digest_chain(const char *below, const char *diff_id, char ret[static DIGEST_SIZE])
{
	char both[2 * DIGEST_SIZE];

	if (!CHECK(digest_is_valid(diff_id)) || !CHECK(!below || digest_is_valid(below)))
		return -EIO;
	if (!below) {
		strcpy(ret, diff_id);
		return 0;
	}
	snprintf(both, sizeof(both), "%s %s", below, diff_id);
	return digest_of(both, strlen(both), ret);
}
