/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Streams over a directory that changes, as a caller sees them: the listing's answers and, between him and them, the
 * copy that the kernel keeps (fs/fuse/readdir.c, which is followed here word by word, with its faults).
 *
 * What POSIX promises of each stream is checked at its end: a name that was there from before the stream began, to its
 * end, is listed exactly once, and one that was gone before it began isn't listed.
 */
#include "fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "unit.h"

#define NAMES 300
#define DOTS 2
#define STREAMS 6
#define PAGE 4096u
#define MAX_CACHED (NAMES + DOTS) /* positions rise */
#define MAX_REPLY 128

/* --- the kernel --------------------------------------------------------------------------------------------------- */

struct entry {
	int name; /* below 0: a dot */
	uint64_t off;
	unsigned bytes;
};

struct reply {
	bool pending;
	uint64_t pos; /* that was asked for */
	unsigned n;
	bool ends; /* no bytes */
	struct entry entries[MAX_REPLY];
};

struct stream {
	bool open;
	uint64_t pos;
	uint64_t copy_pos; /* ff->readdir */
	unsigned copy_off, version;
	struct reply reply; /* that the kernel has not got yet */
	unsigned began;
	uint64_t marked;
	unsigned char seen[NAMES], seen_then[NAMES];
};

/* fi->rdc */
struct copy {
	bool complete;
	unsigned version, size, changes;
	uint64_t pos;
	unsigned n;
	struct {
		struct entry entry;
		unsigned at;
	} entries[MAX_CACHED];
};

struct world {
	struct fixture *f;
	struct inode *dir;
	int fd; /* the directory in the upper */
	unsigned step, changes, wrong, ended, from_copy;
	uint64_t random;
	struct {
		bool present;
		unsigned since;
		char name[64];
	} names[NAMES];
	struct copy copy;
	struct stream streams[STREAMS];
};

static struct listing_batch batch;

static unsigned below(struct world *w, unsigned n)
{
	w->random = w->random * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(w->random >> 33) % n;
}

static unsigned dirent_bytes(const char *name)
{
	return (ENTRY_OVERHEAD + (unsigned)strlen(name) + 7) & ~7u;
}

static int name_number(const struct world *w, const char *name)
{
	int n = -1;

	return sscanf(name, "%d", &n) == 1 && n < NAMES && !strcmp(w->names[n].name, name) ? n : -1;
}

/* What READDIR answers. */
static void ask(struct world *w, uint64_t pos, struct reply *r)
{
	uint64_t cookie = pos ? pos : listing_begin(w->f->tree, w->dir);
	unsigned dots = listing_dots(cookie);

	*r = (struct reply){.pending = true, .pos = pos};
	for (unsigned nth = dots + 1; nth <= DOTS; nth++)
		r->entries[r->n++] = (struct entry){-1, listing_dot(cookie, nth), dirent_bytes(".")};
	ASSERT_INT(listing_read(w->f->tree, w->dir, cookie, PAGE, &batch), 0);
	for (unsigned i = 0; i < batch.n && r->n < MAX_REPLY; i++) {
		const char *name = batch.entries[i].name;
		int number = name_number(w, name);

		ASSERT(number >= 0);
		r->entries[r->n++] = (struct entry){number, batch.entries[i].cookie, dirent_bytes(name)};
	}
	r->ends = r->n == 0 && batch.may_be_kept;
}

static void copy_add(struct copy *c, const struct entry *e, uint64_t pos)
{
	unsigned offset = c->size % PAGE, page = c->size / PAGE;

	if (c->complete || pos != c->pos || c->n == MAX_CACHED)
		return;
	if (offset + e->bytes > PAGE) {
		page++;
		offset = 0;
	}
	c->entries[c->n].entry = *e;
	c->entries[c->n++].at = page * PAGE + offset;
	c->size = page * PAGE + offset + e->bytes;
	c->pos = e->off;
}

static void emit(struct stream *s, const struct entry *e)
{
	if (e->name >= 0)
		s->seen[e->name] += s->seen[e->name] < 255;
	s->pos = e->off;
}

/* fuse_readdir_uncached(), from when the answer is there. How many entries the caller got. */
static unsigned take_reply(struct world *w, struct stream *s, unsigned room)
{
	struct reply *r = &s->reply;
	unsigned n = 0;

	r->pending = false;
	if (r->ends && w->copy.pos == s->pos)
		w->copy.complete = true;
	/* One entry more than the caller takes is copied, too. */
	for (; n < r->n; n++) {
		copy_add(&w->copy, &r->entries[n], s->pos);
		if (n == room)
			break;
		emit(s, &r->entries[n]);
	}
	return n;
}

/* fuse_parse_cache(), one page. */
static unsigned parse_page(struct world *w, struct stream *s, unsigned index, unsigned room, bool *ret_full)
{
	unsigned n = 0;

	for (unsigned i = 0; i < w->copy.n; i++) {
		const struct entry *e = &w->copy.entries[i].entry;

		if (w->copy.entries[i].at / PAGE != index || w->copy.entries[i].at < s->copy_off)
			continue;
		if (s->copy_pos == s->pos) {
			if (n == room) {
				*ret_full = true;
				return n;
			}
			n++;
			emit(s, e);
		}
		s->copy_pos = e->off;
		s->copy_off = w->copy.entries[i].at + e->bytes;
	}
	return n;
}

/* fuse_readdir_cached(): -1: uncached. */
static int read_copy(struct world *w, struct stream *s, unsigned room)
{
	struct copy *c = &w->copy;
	unsigned n = 0;

	if (s->copy_pos != s->pos)
		s->copy_pos = s->copy_off = 0;
	if (c->complete && !s->pos && c->changes != w->changes)
		*c = (struct copy){.version = c->version + 1};
	if (!c->complete) {
		if (!s->pos && !c->size)
			c->changes = w->changes;
		return -1;
	}
	if (s->version != c->version)
		s->copy_pos = s->copy_off = 0;
	if (s->copy_pos == 0)
		s->version = c->version;
	for (;;) {
		unsigned index = s->copy_off / PAGE, size = index == c->size / PAGE ? c->size % PAGE : PAGE;
		bool full = false;

		/* EOF? */
		if (s->copy_off % PAGE == size)
			return (int)n;
		n += parse_page(w, s, index, room - n, &full);
		if (full)
			return (int)n;
		if (size < PAGE)
			return n ? (int)n : -1;
		s->copy_off = (s->copy_off + PAGE - 1) / PAGE * PAGE;
	}
}

/* --- the caller --------------------------------------------------------------------------------------------------- */

static void begin(struct world *w, struct stream *s)
{
	s->pos = 0;
	s->began = w->step;
	s->marked = UINT64_MAX;
	memset(s->seen, 0, sizeof(s->seen));
}

static void check_stream(struct world *w, const struct stream *s)
{
	w->ended++;
	for (unsigned i = 0; i < NAMES; i++)
		if (w->names[i].since <= s->began && s->seen[i] != w->names[i].present)
			w->wrong++;
}

static void end_stream(struct world *w, struct stream *s)
{
	check_stream(w, s);
	if (below(w, 3) == 0)
		begin(w, s);
	else
		s->open = false;
}

/* One getdents(), or the first half of one. */
static void read_stream(struct world *w, struct stream *s, bool waits)
{
	unsigned room = 1 + below(w, 60);
	int n = s->reply.pending ? -1 : read_copy(w, s, room);

	if (n >= 0) {
		w->from_copy++;
	} else {
		if (!s->reply.pending)
			ask(w, s->pos, &s->reply);
		if (waits)
			return;
		n = (int)take_reply(w, s, room);
	}
	if (n == 0)
		end_stream(w, s);
}

static void seek_stream(struct world *w, struct stream *s)
{
	unsigned what = below(w, 8);

	if (s->reply.pending)
		return;
	if (what == 0) {
		begin(w, s);
	} else if (s->marked == UINT64_MAX) {
		s->marked = s->pos;
		memcpy(s->seen_then, s->seen, sizeof(s->seen));
	} else if (what < 5) {
		s->pos = s->marked;
		memcpy(s->seen, s->seen_then, sizeof(s->seen));
		s->marked = UINT64_MAX;
	}
}

static void use_stream(struct world *w)
{
	struct stream *s = &w->streams[below(w, STREAMS)];

	if (!s->open) {
		*s = (struct stream){.open = true};
		begin(w, s);
	}
	for (unsigned n = 1 + below(w, 12); n > 0 && s->open; n--)
		read_stream(w, s, n == 1 && below(w, 4) == 0);
	if (s->open && below(w, 6) == 0)
		seek_stream(w, s);
	/* Not read to its end, as `ls | head` does. */
	if (s->open && !s->reply.pending && below(w, 300) == 0)
		s->open = false;
}

static void set_present(struct world *w, unsigned i, bool present)
{
	const char *name = w->names[i].name;

	w->names[i].present = present;
	w->names[i].since = w->step;
	w->changes++;
	if (present) {
		ASSERT_INT(mknodat(w->fd, name, S_IFREG | 0644, 0), 0);
		listing_add(w->f->tree, w->dir, name, DT_REG, 1, 0);
	} else {
		ASSERT_INT(unlinkat(w->fd, name, 0), 0);
		listing_remove(w->f->tree, w->dir, name);
	}
}

/* Mostly another name for each that goes, so that the number of them stays near to what fills a page. */
static void writer(struct world *w)
{
	unsigned i = below(w, NAMES), n = 0;

	for (unsigned k = 0; k < NAMES; k++)
		n += w->names[k].present;
	while (w->names[i].present != (n > PAGE / 32 - DOTS))
		i = (i + 1) % NAMES;
	set_present(w, i, !w->names[i].present);
}

/* What is remembered of the directory goes for others. */
static void use_others(struct world *w)
{
	for (unsigned i = 0; i < 6; i++) {
		char name[16];
		struct inode *other;

		snprintf(name, sizeof(name), "other%u", i);
		other = fixture_get(w->f, name);
		ASSERT(other);
		ASSERT_INT(listing_build(w->f->tree, other), 0);
		inode_forget_id(w->f->tree, other->id, 1);
	}
}

static void one_step(struct world *w)
{
	unsigned what = below(w, 100);

	if (what < 70)
		use_stream(w);
	else if (what < 97)
		writer(w);
	else if (what < 98)
		use_others(w);
	/* A copy-up, which changes nothing that is listed. */
	else if (w->names[0].present)
		listing_update(w->f->tree, w->dir, w->names[0].name, DT_REG, 1, 0);
}

/* Before anything is looked up, or it would be missed. */
static bool make_directories(struct fixture *f, unsigned seeds)
{
	bool good = fixture_make(f, "0d/other0 0d/other1 0d/other2 0d/other3 0d/other4 0d/other5");

	for (unsigned seed = 1; seed <= seeds; seed++) {
		char path[32];

		snprintf(path, sizeof(path), "dir%u", seed);
		good = good && fixture_make_one(f, 0, 'd', path);
	}
	return good;
}

static bool start(struct world *w, struct fixture *f, unsigned seed)
{
	char path[32];

	*w = (struct world){.f = f, .random = seed};
	snprintf(path, sizeof(path), "0/dir%u", seed);
	w->fd = openat(f->top_fd, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	w->dir = fixture_get(f, path + strlen("0/"));
	if (!w->dir || w->fd < 0)
		return false;
	for (unsigned i = 0; i < NAMES; i++) {
		/* Of one length, or of several. */
		snprintf(w->names[i].name, sizeof(w->names[i].name), seed % 2 ? "%u-%u" : "%u-%u%.*s", i, seed,
			 (int)(i % 32), "..........................................");
		if (i < 120)
			set_present(w, i, true);
	}
	return true;
}

static void finish(struct world *w)
{
	for (unsigned i = 0; i < STREAMS; i++)
		while (w->streams[i].open)
			read_stream(w, &w->streams[i], false);
	close(w->fd);
	inode_forget_id(w->f->tree, w->dir->id, 1);
}

TEST("whatever the kernel keeps and others read, a stream lists what stays once and what is gone not at all, for ever")
{
	FIXTURE(f, .layers = 2, .in_memory = true, .max_listing_bytes = 1);
	static struct world w;

	ASSERT(make_directories(&f, 20));
	for (unsigned seed = 1; seed <= 20; seed++) {
		ASSERT(start(&w, &f, seed));
		for (w.step = 1; w.step <= 1200; w.step++)
			one_step(&w);
		finish(&w);
		EXPECT_INT(w.wrong, 0);
		EXPECT(w.ended > 50);
	}
}

/* Reads a stream from its start to its end; how many names it had. */
static unsigned read_all(struct world *w)
{
	struct stream s = {.open = true};
	unsigned n = 0;
	int got;

	do {
		got = read_copy(w, &s, 1000);
		if (got < 0) {
			ask(w, s.pos, &s.reply);
			got = (int)take_reply(w, &s, 1000);
		}
	} while (got > 0);
	for (unsigned i = 0; i < NAMES; i++)
		n += s.seen[i];
	return n;
}

TEST("the kernel keeps the listing of a directory that stays, unless it ends where a page does")
{
	FIXTURE(f, .layers = 2, .in_memory = true);
	static struct world w;

	ASSERT(make_directories(&f, 1) && start(&w, &f, 1));
	for (unsigned n = 120; n < 130; n++) {
		bool full = n + DOTS == PAGE / 32;

		/* The kernel has forgotten the directory. */
		w.copy = (struct copy){.n = 0};
		EXPECT_INT(read_all(&w), n);
		EXPECT_INT(w.copy.complete, !full);
		EXPECT_INT(read_all(&w), n);
		set_present(&w, n, true);
	}
	finish(&w);
}

TEST("what a stream has read while names came or went isn't kept")
{
	FIXTURE(f, .layers = 2, .in_memory = true);
	static struct world w;
	struct stream s = {.open = true};

	ASSERT(make_directories(&f, 1) && start(&w, &f, 1));
	read_copy(&w, &s, 10);
	ask(&w, 0, &s.reply);
	take_reply(&w, &s, 10);
	set_present(&w, 0, false);
	while (ask(&w, s.pos, &s.reply), take_reply(&w, &s, 1000))
		;
	EXPECT(!w.copy.complete);
	finish(&w);
}
