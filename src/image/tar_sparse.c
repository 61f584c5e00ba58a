// SPDX-License-Identifier: Apache-2.0
#include "tar_sparse.h"

#include <errno.h>
#include <string.h>

#include "base/check.h"
#include "image/error.h"
#include "tar_number.h"

/* The map of form 1.0 is a text at the start of the content: a number a line, in whole blocks. */
struct sparse_text {
	struct tar *tar;
	char block[TAR_BLOCK];
	size_t at, len;
	struct image_error *error;
};

static int sparse_malformed(struct image_error *error)
{
	return image_fail(error, -EBADMSG, "malformed archive: the map of a sparse file");
}

static int sparse_block(struct sparse_text *t)
{
	ssize_t n = tar_read(t->tar, t->block, TAR_BLOCK, t->error);

	if (n < 0)
		return (int)n;
	if (n < TAR_BLOCK)
		return sparse_malformed(t->error);
	t->at = 0;
	t->len = (size_t)n;
	return t->tar->tap ? t->tar->tap(t->tar->tap_arg, t->block, t->len, t->error) : 0;
}

static int sparse_number(struct sparse_text *t, int64_t *ret)
{
	char line[24];
	size_t n = 0;

	for (;;) {
		int r = t->at == t->len ? sparse_block(t) : 0;

		if (r < 0)
			return r;
		line[n] = t->block[t->at++];
		if (line[n] == '\n')
			break;
		if (++n == sizeof(line))
			return sparse_malformed(t->error);
	}
	line[n] = 0;
	return tar_decimal(line, ret, NULL) && *ret >= 0 ? 0 : sparse_malformed(t->error);
}

static int sparse_read_map(struct tar *tar, struct image_error *error)
{
	struct sparse_text t = {.tar = tar, .error = error};
	int64_t n, offset, size;
	int r = sparse_number(&t, &n);

	tar->pax.n_extents = 0;
	for (int64_t i = 0; i < n && r == 0; i++) {
		r = sparse_number(&t, &offset);
		if (r == 0)
			r = sparse_number(&t, &size);
		if (r == 0 && !tar_add_extent(&tar->pax, offset, size))
			r = sparse_malformed(error);
	}
	return r;
}

int tar_sparse(struct tar *tar, const struct tar_entry *e, const struct tar_extent **ret, size_t *ret_n,
	       struct image_error *error)
{
	const struct tar_pax *pax = &tar->pax;
	int64_t left, end = 0;
	int r;

	if (!CHECK(e->sparse && tar->left == e->stored))
		return -EIO;
	r = pax->map_in_content ? sparse_read_map(tar, error) : 0;
	left = tar->left;
	for (size_t i = 0; i < pax->n_extents && r == 0; i++) {
		const struct tar_extent *x = &pax->extents[i];

		if (x->offset < end || x->size > left || x->offset > e->size || x->size > e->size - x->offset)
			r = sparse_malformed(error);
		end = x->offset + x->size;
		left -= x->size;
	}
	if (r == 0 && left)
		r = sparse_malformed(error);
	if (!CHECK(r < 0 || tar->left >= 0))
		return -EIO;
	*ret = pax->extents;
	*ret_n = pax->n_extents;
	return r;
}
