/* SPDX-License-Identifier: Apache-2.0 */
#include "gunzip.h"

#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/check.h"
#include "base/macros.h"

#ifdef PLYFS_ISAL
#include <isa-l/igzip_lib.h>

struct gunzip {
	struct inflate_state state;
};

bool gunzip_is_there(void)
{
	return true;
}

static void member_begin(struct gunzip *g)
{
	isal_inflate_reset(&g->state);
	g->state.crc_flag = ISAL_GZIP;
}

struct gunzip *gunzip_new(void)
{
	struct gunzip *g = malloc(sizeof(*g));

	if (!g)
		return NULL;
	isal_inflate_init(&g->state);
	member_begin(g);
	return g;
}

void gunzip_free(struct gunzip *g)
{
	free(g);
}

int gunzip_step(struct gunzip *g, const unsigned char **in, size_t *in_len, void *out, size_t size, size_t *ret_n)
{
	struct inflate_state *s = &g->state;
	int r;

	(void)CHECK(size > 0);
	s->next_in = (uint8_t *)*in;
	s->avail_in = (uint32_t)MIN(*in_len, (size_t)INT_MAX);
	s->next_out = out;
	s->avail_out = (uint32_t)MIN(size, (size_t)INT_MAX);
	r = isal_inflate(s);
	*in_len -= (size_t)(s->next_in - *in);
	*in = s->next_in;
	*ret_n = (size_t)(s->next_out - (uint8_t *)out);
	if (r < 0)
		return -EBADMSG;
	if (s->block_state != ISAL_BLOCK_FINISH)
		return 0;
	member_begin(g);
	return 1;
}
#else
bool gunzip_is_there(void)
{
	return false;
}

struct gunzip *gunzip_new(void)
{
	return NULL;
}

void gunzip_free(struct gunzip *g)
{
	(void)CHECK(!g);
}

int gunzip_step(struct gunzip *g, const unsigned char **in, size_t *in_len, void *out, size_t size, size_t *ret_n)
{
	(void)CHECK(!"without ISA-L");
	return -EOPNOTSUPP;
}
#endif
