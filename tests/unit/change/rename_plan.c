/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The plan of a rename, over every combination of facts that can occur. There are two oracles. One states the errors as
 * the kernel's path walk, its vfs_rename() and kernel overlayfs answer. The other is a model of the upper and the lower
 * layers below the two names: it carries a plan out as renameat2(2) would and looks at what the union shows after every
 * step.
 */
#include "change/rename_plan.h"

#include <errno.h>
#include <fcntl.h>

#include "unit.h"

/* --- the errors --------------------------------------------------------------------------------------------------- */

static bool exists(enum name_kind p)
{
	return p != NAME_ABSENT && p != NAME_WHITEOUT;
}

static bool is_dir(enum name_kind p)
{
	return p == NAME_DIR_PURE || p == NAME_DIR_MERGED || p == NAME_DIR_LOWER;
}

static bool has_lower_part(enum name_kind p)
{
	return p == NAME_DIR_MERGED || p == NAME_DIR_LOWER;
}

static bool is_lower(enum name_kind p)
{
	return p == NAME_FILE_LOWER || p == NAME_DIR_LOWER;
}

/* 1: nothing is to be done. */
static int expected(const struct rename_facts *f)
{
	bool exchange = f->flags == RENAME_EXCHANGE, both = exists(f->old.kind) && exists(f->new.kind);

	if (!exists(f->old.kind))
		return -ENOENT;
	if (f->flags == RENAME_NOREPLACE && both)
		return -EEXIST;
	if (exchange && !both)
		return -ENOENT;
	if (f->old_above_new)
		return -EINVAL;
	if (f->new_above_old)
		return exchange ? -EINVAL : -ENOTEMPTY;
	if (f->same_object)
		return 1;
	if (both && !exchange && is_dir(f->old.kind) != is_dir(f->new.kind))
		return is_dir(f->old.kind) ? -ENOTDIR : -EISDIR;
	if (f->old.overmounted || f->new.overmounted)
		return -EBUSY;
	if (!f->redirects && (has_lower_part(f->old.kind) || (exchange && has_lower_part(f->new.kind))))
		return -EXDEV;
	if (!exchange && f->new_shows_entry)
		return -ENOTEMPTY;
	if (!f->old.parent_in_upper || !f->new.parent_in_upper || is_lower(f->old.kind))
		return -LOOK_AGAIN;
	if (exchange && is_lower(f->new.kind))
		return -LOOK_AGAIN;
	if (f->has_xattr || f->hides_beside)
		return 0;
	/* No xattr can be written: what would merge can't move. */
	if (is_dir(f->old.kind) && !f->old.opaque && f->new.lower_positive)
		return -EXDEV;
	if (exchange && is_dir(f->new.kind) && !f->new.opaque && f->old.lower_positive)
		return -EXDEV;
	if (!exchange && f->new.kind == NAME_DIR_MERGED && f->new_holds_whiteouts)
		return -EXDEV;
	return 0;
}

/* --- the model ---------------------------------------------------------------------------------------------------- */

enum upper_kind { UPPER_NOTHING, UPPER_WHITEOUT, UPPER_OBJECT };

enum object { OBJECT_NONE, OBJECT_OLD, OBJECT_NEW, OBJECT_STAND_IN, OBJECT_LOWER };

/* What of the lower layers shows in a directory: what they have of one of the two names, or what a redirect led to from
 * the start. */
enum below { BELOW_NONE, BELOW_OLD_NAME, BELOW_NEW_NAME, BELOW_OLD_OWN, BELOW_NEW_OWN };

struct spot {
	enum upper_kind upper;
	enum object object;  /* UPPER_OBJECT */
	enum below name;     /* what lower layers have here */
	enum below redirect; /* UPPER_OBJECT, a directory with a redirect: where it leads */
	bool dir, opaque, filled;
	bool whiteout_fixed; /* UPPER_WHITEOUT: none in another directory */
	bool no_whiteouts;   /* none can be here */
	bool lower;	     /* a lower layer shows the name */
	bool lower_dir;	     /* as a directory */
	bool hidden;	     /* but `.wh.NAME` beside the name hides it */
};

struct model {
	struct spot old, new;
};

/* What the union shows at a name. */
struct seen {
	enum object object;
	enum below merges; /* a directory: with what */
};

/* redirected: a merged directory has a redirect; the only way to be one where no lower layer has the name. */
static struct spot spot_of(const struct rename_side *s, enum object object, bool redirected)
{
	struct spot spot = {.lower = s->lower_positive,
			    .opaque = s->opaque,
			    .dir = is_dir(s->kind),
			    .no_whiteouts = s->no_whiteouts};

	spot.name = object == OBJECT_OLD ? BELOW_OLD_NAME : BELOW_NEW_NAME;
	if (s->kind == NAME_DIR_MERGED && (redirected || !s->lower_positive))
		spot.redirect = object == OBJECT_OLD ? BELOW_OLD_OWN : BELOW_NEW_OWN;

	if (s->kind == NAME_WHITEOUT)
		spot.upper = UPPER_WHITEOUT;
	else if (s->kind == NAME_FILE_UPPER || s->kind == NAME_DIR_PURE || s->kind == NAME_DIR_MERGED)
		spot.upper = UPPER_OBJECT;
	/* Only a non-directory of a lower layer leaves an unmarked directory pure; else the worst is assumed. */
	spot.lower_dir = spot.lower && (s->kind != NAME_DIR_PURE || s->opaque);
	spot.object = spot.upper == UPPER_OBJECT ? object : OBJECT_NONE;
	return spot;
}

static struct seen look(const struct spot *s)
{
	if (s->upper == UPPER_OBJECT && s->dir && !s->opaque && (s->redirect || (s->lower_dir && !s->hidden)))
		return (struct seen){s->object, s->redirect ? s->redirect : s->name};
	if (s->upper == UPPER_OBJECT)
		return (struct seen){s->object, BELOW_NONE};
	if (s->upper == UPPER_WHITEOUT || s->hidden || !s->lower)
		return (struct seen){OBJECT_NONE, BELOW_NONE};
	return (struct seen){OBJECT_LOWER, BELOW_NONE};
}

static bool same_sight(struct seen a, struct seen b)
{
	return a.object == b.object && a.merges == b.merges;
}

/* The upper's part of a spot moves, what lies below stays. */
static void put(struct spot *to, const struct spot *from)
{
	bool lower = to->lower, lower_dir = to->lower_dir, hidden = to->hidden, no_whiteouts = to->no_whiteouts;
	enum below name = to->name;

	*to = *from;
	to->name = name;
	to->lower = lower;
	to->lower_dir = lower_dir;
	to->hidden = hidden;
	to->no_whiteouts = no_whiteouts;
}

/* renameat2(2) on the upper. */
static bool model_rename(struct model *m, unsigned flags)
{
	struct spot old = m->old, new = m->new;

	if (old.upper != UPPER_OBJECT)
		return false;
	if (flags == RENAME_EXCHANGE) {
		if (new.upper == UPPER_NOTHING || new.whiteout_fixed)
			return false;
		if (new.upper == UPPER_WHITEOUT && old.no_whiteouts)
			return false;
		put(&m->old, &new);
		put(&m->new, &old);
		return true;
	}
	if (new.upper == UPPER_WHITEOUT && old.dir)
		return false;
	if (new.upper == UPPER_OBJECT && (new.dir != old.dir || new.filled))
		return false;
	put(&m->new, &old);
	put(&m->old, &(struct spot){.upper = flags == RENAME_WHITEOUT ? UPPER_WHITEOUT : UPPER_NOTHING});
	return true;
}

static struct model model_of(const struct rename_facts *f, bool redirected)
{
	struct model m = {spot_of(&f->old, OBJECT_OLD, redirected), spot_of(&f->new, OBJECT_NEW, redirected)};

	m.new.filled = f->new_holds_whiteouts;
	m.new.whiteout_fixed = f->new_whiteout_fixed;
	return m;
}

/* P1: what comes before the commit changes nothing that is seen, except that an empty directory may be another one. */
static bool model_prepare(struct model *m, const struct rename_facts *f, const struct rename_steps *s)
{
	struct seen old = look(&m->old), new = look(&m->new);
	bool merged_new = f->new.kind == NAME_DIR_MERGED;

	if ((s->set_old_opaque || s->set_new_opaque) && !f->has_xattr)
		return false;
	if ((s->hide_old || s->hide_new) && !f->hides_beside)
		return false;
	m->old.hidden = s->hide_old;
	m->new.hidden = s->hide_new;
	if (s->set_old_opaque)
		m->old.opaque = true;
	if (s->set_new_opaque)
		m->new.opaque = true;
	if ((s->redirect_old || s->redirect_new) && !f->redirects)
		return false;
	/* A redirect that is there stays true. */
	if (s->redirect_old && !m->old.redirect)
		m->old.redirect = m->old.name;
	if (s->redirect_new && !m->new.redirect)
		m->new.redirect = m->new.name;
	/* A lower directory that is replaced may go a moment before. */
	if (s->hide_new && f->new.kind == NAME_DIR_LOWER && !f->new_shows_entry)
		new = look(&m->new);
	/* An empty one that is merged may lose the lower part, which showed nothing. */
	if (s->hide_new && merged_new && !(f->flags & RENAME_EXCHANGE))
		new = look(&m->new);
	if (!same_sight(look(&m->old), old) || !same_sight(look(&m->new), new))
		return false;
	if (s->clear_new) {
		if (new.object != OBJECT_NEW || !m->new.dir || f->new_shows_entry ||
		    (merged_new && !f->has_xattr && !f->hides_beside))
			return false;
		m->new.filled = false;
		if (f->hides_beside) {
			m->new.hidden = true;
			return true;
		}
		m->new.opaque = true;
		m->new.redirect = BELOW_NONE;
		m->new.object = OBJECT_STAND_IN;
		new = look(&m->new);
	}
	if (s->renew_whiteout_new) {
		if (m->new.upper != UPPER_WHITEOUT)
			return false;
		m->new.whiteout_fixed = false;
	}
	if (s->make_whiteout_new) {
		if (m->new.upper != UPPER_NOTHING || m->new.no_whiteouts)
			return false;
		m->new.upper = UPPER_WHITEOUT;
	}
	return same_sight(look(&m->new), new);
}

/* P3, P4: the moved object is to be what it was and nothing more. Only merged directories have a lower part. */
static struct seen moved_sight(const struct rename_facts *f, const struct spot *s)
{
	enum name_kind kind = s->name == BELOW_OLD_NAME ? f->old.kind : f->new.kind;

	return (struct seen){s->object, kind == NAME_DIR_MERGED ? look(s).merges : BELOW_NONE};
}

static bool model_check_move(const struct rename_facts *f, const struct rename_steps *s, bool redirected)
{
	struct model m = model_of(f, redirected);
	struct seen moved = moved_sight(f, &m.old);

	if (!model_prepare(&m, f, s))
		return false;
	/* It is for a whiteout that can't change places alone. */
	if (s->unlink_whiteout_new) {
		if (m.new.upper != UPPER_WHITEOUT || !m.old.no_whiteouts || !m.old.dir)
			return false;
		m.new.upper = UPPER_NOTHING;
	}
	if (!model_rename(&m, s->flags))
		return false;
	/* P3, P4 */
	if (!same_sight(look(&m.new), moved))
		return false;
	/* The late whiteout is for what can't be had in one step. */
	if (s->make_whiteout_old && (f->has_rename_whiteout || (f->new.kind == NAME_ABSENT && !f->new.no_whiteouts)))
		return false;
	if (!s->make_whiteout_old && look(&m.old).object != OBJECT_NONE)
		return false;
	if (s->make_whiteout_old) {
		if (m.old.upper != UPPER_NOTHING)
			return false;
		m.old.upper = UPPER_WHITEOUT;
	}
	if (s->remove_whiteout_old) {
		if (m.old.upper != UPPER_WHITEOUT)
			return false;
		m.old.upper = UPPER_NOTHING;
	}
	/* P2 */
	return look(&m.old).object == OBJECT_NONE &&
	       (m.old.upper == UPPER_WHITEOUT || m.old.hidden) == f->old.lower_positive;
}

static bool model_check_exchange(const struct rename_facts *f, const struct rename_steps *s, bool redirected)
{
	struct model m = model_of(f, redirected);
	struct seen old = moved_sight(f, &m.old), new = moved_sight(f, &m.new);

	if (s->flags != RENAME_EXCHANGE || s->clear_new || s->renew_whiteout_new || s->make_whiteout_new ||
	    s->remove_whiteout_old || s->make_whiteout_old || s->unlink_whiteout_new)
		return false;
	if (!model_prepare(&m, f, s) || !model_rename(&m, s->flags))
		return false;
	return same_sight(look(&m.new), old) && same_sight(look(&m.old), new);
}

/* --- every combination -------------------------------------------------------------------------------------------- */

static bool side_can_be(const struct rename_side *s)
{
	bool in_upper = s->kind == NAME_WHITEOUT || s->kind == NAME_FILE_UPPER || s->kind == NAME_DIR_PURE ||
			s->kind == NAME_DIR_MERGED;
	bool from_lower = s->kind == NAME_FILE_LOWER || has_lower_part(s->kind);

	if (in_upper && !s->parent_in_upper)
		return false;
	if (!s->parent_in_upper && !s->parent_merged)
		return false;
	if (s->lower_positive && !s->parent_merged)
		return false;
	if (s->no_whiteouts && (s->parent_merged || !s->parent_in_upper || s->kind == NAME_WHITEOUT))
		return false;
	/* A merged directory may be one by its redirect. */
	if (from_lower && !s->lower_positive && s->kind != NAME_DIR_MERGED)
		return false;
	if (s->kind == NAME_ABSENT && s->lower_positive)
		return false;
	/* A directory over a lower file is pure without an xattr; over a lower directory it has one, which look()
	 * asks. */
	if (s->opaque && s->kind != NAME_DIR_PURE)
		return false;
	return !s->overmounted || exists(s->kind);
}

static bool facts_can_be(const struct rename_facts *f)
{
	if (f->new_shows_entry && (!is_dir(f->new.kind) || f->new_holds_whiteouts))
		return false;
	if (f->redirects && !f->has_xattr)
		return false;
	if ((f->old.no_whiteouts || f->new.no_whiteouts) && (!f->has_xattr || f->has_rename_whiteout))
		return false;
	if (f->hides_beside && (f->has_xattr || f->new_whiteout_fixed))
		return false;
	if (f->new_holds_whiteouts && f->new.kind != NAME_DIR_PURE && f->new.kind != NAME_DIR_MERGED)
		return false;
	if (f->new_whiteout_fixed && f->new.kind != NAME_WHITEOUT)
		return false;
	if (f->old_above_new && (!is_dir(f->old.kind) || f->new_above_old))
		return false;
	if (f->new_above_old && !is_dir(f->new.kind))
		return false;
	return !f->same_object || (exists(f->old.kind) && f->old.kind == f->new.kind);
}

static bool bit(unsigned *bits)
{
	bool b = *bits & 1;

	*bits >>= 1;
	return b;
}

#define SIDE_BITS 6
#define FACT_BITS 10

static bool side_from(struct rename_side *s, enum name_kind kind, unsigned bits)
{
	s->kind = kind;
	s->lower_positive = bit(&bits);
	s->opaque = bit(&bits);
	s->overmounted = bit(&bits);
	s->parent_in_upper = bit(&bits);
	s->parent_merged = bit(&bits);
	s->no_whiteouts = bit(&bits);
	return side_can_be(s);
}

static bool facts_from(struct rename_facts *f, unsigned bits)
{
	f->same_object = bit(&bits);
	f->old_above_new = bit(&bits);
	f->new_above_old = bit(&bits);
	f->new_shows_entry = bit(&bits);
	f->new_holds_whiteouts = bit(&bits);
	f->new_whiteout_fixed = bit(&bits);
	f->has_rename_whiteout = bit(&bits);
	f->has_xattr = bit(&bits);
	f->redirects = bit(&bits);
	f->hides_beside = bit(&bits);
	return facts_can_be(f);
}

static unsigned long checked, modelled;

static void print_facts(const struct rename_facts *f)
{
	const struct rename_side *sides[] = {&f->old, &f->new};

	for (int i = 0; i < 2; i++)
		printf("# %s: kind %d lower %d opaque %d overmounted %d parent in upper %d merged %d no whiteouts %d\n",
		       i ? "new" : "old", sides[i]->kind, sides[i]->lower_positive, sides[i]->opaque,
		       sides[i]->overmounted, sides[i]->parent_in_upper, sides[i]->parent_merged,
		       sides[i]->no_whiteouts);
	printf("# flags %u same %d above %d/%d shows %d holds %d fixed %d rename_whiteout %d xattr %d redirects %d "
	       "beside %d\n",
	       f->flags, f->same_object, f->old_above_new, f->new_above_old, f->new_shows_entry, f->new_holds_whiteouts,
	       f->new_whiteout_fixed, f->has_rename_whiteout, f->has_xattr, f->redirects, f->hides_beside);
}

static void check_errors(const struct rename_facts *f)
{
	struct rename_steps steps = {0};
	int want = expected(f), got = rename_plan(f, &steps);

	checked++;
	if (want == 1 ? got == 0 && steps.nothing : got == want && !steps.nothing)
		return;
	if (unit_state.failures < 5)
		print_facts(f);
	EXPECT_INT(got, want);
}

static void check_model(const struct rename_facts *f)
{
	struct rename_steps steps = {0};
	bool exchange = f->flags == RENAME_EXCHANGE, good = true;

	if (rename_plan(f, &steps) < 0 || steps.nothing)
		return;
	modelled++;
	for (int redirected = 0; redirected < 2; redirected++)
		good &= exchange ? model_check_exchange(f, &steps, redirected)
				 : model_check_move(f, &steps, redirected);
	if (good)
		return;
	if (unit_state.failures < 5)
		print_facts(f);
	EXPECT(!"the plan does what the model demands");
}

static void each_fact(struct rename_facts *f, void (*check)(const struct rename_facts *f))
{
	static const unsigned flags[] = {0, RENAME_NOREPLACE, RENAME_EXCHANGE};

	for (unsigned bits = 0; bits < 1u << FACT_BITS; bits++)
		for (unsigned i = 0; i < 3; i++) {
			f->flags = flags[i];
			if (facts_from(f, bits))
				check(f);
		}
}

static void each_combination(void (*check)(const struct rename_facts *f))
{
	struct rename_facts f = {0};

	for (unsigned old = 0; old < NAME_KIND_COUNT << SIDE_BITS; old++) {
		if (!side_from(&f.old, (enum name_kind)(old >> SIDE_BITS), old & ((1u << SIDE_BITS) - 1)))
			continue;
		for (unsigned new = 0; new < NAME_KIND_COUNT << SIDE_BITS; new ++)
			if (side_from(&f.new, (enum name_kind)(new >> SIDE_BITS), new &((1u << SIDE_BITS) - 1)))
				each_fact(&f, check);
	}
}

TEST("every combination of names answers with the kernel's error")
{
	each_combination(check_errors);
	EXPECT(checked > 20000);
	printf("# %lu combinations\n", checked);
}

TEST("every plan moves the object whole, hides the old name if and only if a lower layer shows it, and changes nothing "
     "before")
{
	each_combination(check_model);
	EXPECT(modelled > 1500);
	printf("# %lu plans\n", modelled);
}

/* --- single rows, for who reads them ------------------------------------------------------------------------------ */

static const struct rename_side absent_in_merged = {
	.kind = NAME_ABSENT, .parent_in_upper = true, .parent_merged = true};

static struct rename_facts facts_of(struct rename_side old, struct rename_side new)
{
	old.parent_in_upper = old.parent_merged = true;
	new.parent_in_upper = new.parent_merged = true;
	return (struct rename_facts){.old = old, .new = new, .has_rename_whiteout = true, .has_xattr = true};
}

TEST("a copied-up file leaves a whiteout in the same step")
{
	struct rename_facts f =
		facts_of((struct rename_side){.kind = NAME_FILE_UPPER, .lower_positive = true}, absent_in_merged);
	struct rename_steps s;

	ASSERT_INT(rename_plan(&f, &s), 0);
	EXPECT_INT(s.flags, RENAME_WHITEOUT);
	EXPECT(!s.make_whiteout_old && !s.set_old_opaque);
}

TEST("a copied-up file that goes where a whiteout is changes places with it")
{
	struct rename_facts f = facts_of((struct rename_side){.kind = NAME_FILE_UPPER, .lower_positive = true},
					 (struct rename_side){.kind = NAME_WHITEOUT, .lower_positive = true});
	struct rename_steps s;

	ASSERT_INT(rename_plan(&f, &s), 0);
	EXPECT_INT(s.flags, RENAME_EXCHANGE);
	EXPECT(!s.remove_whiteout_old);
}

TEST("a new directory is marked opaque before it comes into a merged parent, once")
{
	struct rename_facts f = facts_of((struct rename_side){.kind = NAME_DIR_PURE}, absent_in_merged);
	struct rename_steps s;

	ASSERT_INT(rename_plan(&f, &s), 0);
	EXPECT(s.set_old_opaque);
	f.old.opaque = true;
	ASSERT_INT(rename_plan(&f, &s), 0);
	EXPECT(!s.set_old_opaque);
}

TEST("a directory with a part in a lower layer answers EXDEV before its parents are copied up")
{
	struct rename_facts f =
		facts_of((struct rename_side){.kind = NAME_DIR_LOWER, .lower_positive = true}, absent_in_merged);
	struct rename_steps s;

	f.old.parent_in_upper = false;
	EXPECT_INT(rename_plan(&f, &s), -EXDEV);
}

TEST("a merged directory gets a redirect where they are made, and is never marked opaque")
{
	struct rename_facts f =
		facts_of((struct rename_side){.kind = NAME_DIR_MERGED, .lower_positive = true}, absent_in_merged);
	struct rename_steps s;

	f.redirects = true;
	ASSERT_INT(rename_plan(&f, &s), 0);
	EXPECT(s.redirect_old && !s.set_old_opaque && !s.redirect_new);
	EXPECT_INT(s.flags, RENAME_WHITEOUT);
	f.old.kind = NAME_DIR_LOWER;
	EXPECT_INT(rename_plan(&f, &s), -LOOK_AGAIN);
}

TEST("without RENAME_WHITEOUT a move to a free name is still one step")
{
	struct rename_facts f =
		facts_of((struct rename_side){.kind = NAME_FILE_UPPER, .lower_positive = true}, absent_in_merged);
	struct rename_steps s;

	f.has_rename_whiteout = false;
	ASSERT_INT(rename_plan(&f, &s), 0);
	EXPECT_INT(s.flags, RENAME_EXCHANGE);
	EXPECT(s.make_whiteout_new && !s.make_whiteout_old);
}

TEST("steps are untouched on failure")
{
	struct rename_facts f = facts_of(absent_in_merged, absent_in_merged);
	struct rename_steps s = {.flags = 77};

	EXPECT_INT(rename_plan(&f, &s), -ENOENT);
	EXPECT_INT(s.flags, 77);
}
