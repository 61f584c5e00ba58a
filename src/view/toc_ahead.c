/* SPDX-License-Identifier: Apache-2.0 */
#include "toc_ahead.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/thread.h"

struct toc_ahead {
	const struct image *image;
	size_t layer;
	pthread_t thread;
	/* the thread's, until it has ended */
	struct image_toc *toc;
	struct image_error error;
	int r;
};

static void *toc_ahead_run(void *arg)
{
	struct toc_ahead *a = arg;

	a->r = image_toc_read(a->image, a->layer, &a->toc, &a->error);
	return NULL;
}

struct toc_ahead *toc_ahead_start(const struct image *image, size_t layer)
{
	struct toc_ahead *a = calloc(1, sizeof(*a));

	(void)CHECK(layer < image->n_layers);
	if (!a)
		return NULL;
	a->image = image;
	a->layer = layer;
	if (thread_start(&a->thread, toc_ahead_run, a) == 0)
		return a;
	free(a);
	return NULL;
}

int toc_ahead_finish(struct toc_ahead *a, struct image_toc **ret, struct image_error *error)
{
	int r;

	pthread_join(a->thread, NULL);
	r = a->r;
	(void)CHECK(r < 0 || a->toc);
	*ret = a->toc;
	*error = a->error;
	free(a);
	return r;
}
