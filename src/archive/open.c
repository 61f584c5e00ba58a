// SPDX-License-Identifier: Apache-2.0
#include "archive/open.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/check.h"
#include "base/cleanup.h"
#include "base/error.h"
#include "image/error.h"
#include "layer/stack.h"

int archive_open_layers(const char *const *dirs, size_t n, bool userxattr, struct layer_set **ret,
			struct image_error *error)
{
	_cleanup_free_ struct stack_layer *layers = calloc(n, sizeof(*layers));
	_cleanup_error_ struct error why = {.err = 0};
	const struct stack_spec spec = {.layers = layers,
					.layer_count = n,
					.read_only = true,
					.userxattr = userxattr,
					.lenient = true,
					.whiteouts = WHITEOUTS_BOTH,
					.redirect_dir = REDIRECT_DIR_FOLLOW,
					.metacopy = METACOPY_FOLLOW};
	int r;

	if (!CHECK(n > 0 && dirs))
		return -EIO;
	if (!layers)
		return image_fail_memory(error);
	for (size_t i = 0; i < n; i++)
		layers[i].path = (char *)dirs[i];
	r = layer_set_open(&spec, NULL, ret, &why);
	return r < 0 ? image_fail(error, r, "%s", why.text ? why.text : strerror(-r)) : 0;
}
