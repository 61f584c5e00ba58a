/* SPDX-License-Identifier: Apache-2.0 */
/*
 * How many threads take requests, and where.
 */
#include "../../../src/fuse/pace.h"

#include "unit.h"

static struct pace ticked(struct pace p, unsigned ticks, unsigned works, bool waits)
{
	while (ticks-- > 0)
		pace_tick(&p, works, waits);
	return p;
}

static const struct pace one = {.wanted = 1, .most = 4};

TEST("one thread is enough while nobody waits, and while who waits is taken at once")
{
	EXPECT_INT(ticked(one, 10000, 1, false).wanted, 1);
	EXPECT_INT(ticked(one, 10000, 0, true).wanted, 1);
	EXPECT_INT(ticked(one, PACE_CROWD - 1, 1, true).wanted, 1);
}

TEST("what waits now and then, like a FORGET beside its caller's next request, wants no second thread")
{
	struct pace p = one;

	for (unsigned i = 0; i < 1000; i++)
		pace_tick(&p, 1, i % 3 == 0);
	EXPECT_INT(p.wanted, 1);
}

TEST("where requests wait more often than not there is one thread more each few ticks, up to the most")
{
	struct pace p = one;

	for (unsigned i = 0; i < 10 * PACE_CROWD && p.wanted == 1; i++)
		pace_tick(&p, 1, i % 4 != 0);
	EXPECT_INT(p.wanted, 2);
	p = ticked(one, PACE_CROWD, 1, true);
	EXPECT_INT(p.wanted, 2);
	p = ticked(p, PACE_CROWD, 2, true);
	EXPECT_INT(p.wanted, 3);
	EXPECT_INT(ticked(p, 100 * PACE_CROWD, 8, true).wanted, 4);
}

TEST("a thread that is never needed goes after a time, one after the other, and the last stays")
{
	struct pace p = {.wanted = 3, .most = 4};

	EXPECT_INT(ticked(p, PACE_CALM - 1, 2, false).wanted, 3);
	p = ticked(p, PACE_CALM, 2, false);
	EXPECT_INT(p.wanted, 2);
	EXPECT_INT(ticked(p, 100 * PACE_CALM, 1, false).wanted, 1);
	EXPECT_INT(ticked(p, 100 * PACE_CALM, 0, false).wanted, 1);
}

TEST("one tick at which all of them work keeps them")
{
	struct pace p = {.wanted = 2, .most = 4};

	for (unsigned i = 0; i < 10; i++) {
		p = ticked(p, PACE_CALM - 1, 1, false);
		p = ticked(p, 1, 2, false);
	}
	EXPECT_INT(p.wanted, 2);
}

/* --- follow_look() ------------------------------------------------------------------------------------------------ */

static const struct follow_state at_large = {.cpu = -1};

TEST("a caller who stays is followed once, and one who moves now and then each time")
{
	struct follow_state f = at_large;

	EXPECT_INT(follow_look(&f, 3), FOLLOW_BIND);
	EXPECT_INT(f.cpu, 3);
	for (unsigned i = 0; i < 100; i++)
		EXPECT_INT(follow_look(&f, 3), FOLLOW_STAY);
	for (int i = 0; i < 100; i++) {
		EXPECT_INT(follow_look(&f, i % 2), FOLLOW_BIND);
		EXPECT_INT(f.cpu, i % 2);
		EXPECT_INT(follow_look(&f, i % 2), FOLLOW_STAY);
	}
}

/* One who is elsewhere at each look; how many of them until he is given up. */
static unsigned give_up(struct follow_state *f)
{
	enum follow_do what;
	unsigned n = 0;

	do {
		what = follow_look(f, (int)(n % 2));
		n++;
	} while (what == FOLLOW_BIND);
	EXPECT_INT(what, FOLLOW_FREE);
	EXPECT_INT(f->cpu, -1);
	return n;
}

static unsigned rest(struct follow_state *f)
{
	unsigned n = 0;

	for (; f->rest > 0; n++)
		EXPECT_INT(follow_look(f, (int)(n % 2)), FOLLOW_STAY);
	return n;
}

TEST("a caller who is moved away each time is given up, for longer each time")
{
	struct follow_state f = at_large;

	for (unsigned expected = FOLLOW_REST; expected < FOLLOW_REST_MAX; expected *= 2) {
		EXPECT_INT(give_up(&f), FOLLOW_MISSES + 1);
		EXPECT_INT(rest(&f), expected);
	}
	for (unsigned i = 0; i < 3; i++) {
		give_up(&f);
		EXPECT_INT(rest(&f), FOLLOW_REST_MAX);
	}
}

TEST("a caller who stays again isn't given up for long the next time")
{
	struct follow_state f = at_large;

	for (unsigned i = 0; i < 5; i++) {
		give_up(&f);
		rest(&f);
	}
	EXPECT_INT(follow_look(&f, 1), FOLLOW_BIND);
	EXPECT_INT(follow_look(&f, 1), FOLLOW_STAY);
	give_up(&f);
	EXPECT_INT(rest(&f), FOLLOW_REST);
}
