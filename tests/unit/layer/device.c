/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The identity of objects and the numbers that they show, with devices that statx is made to tell of.
 */
#include "fixture.h"

#define DEVICES 32767
#define MASK ((UINT64_C(1) << 48) - 1)

static struct statx told(unsigned major, unsigned minor, uint64_t ino)
{
	return (struct statx){.stx_mode = S_IFREG, .stx_dev_major = major, .stx_dev_minor = minor, .stx_ino = ino};
}

/* A layer on the device 8:1, whose file system has the uuid that `id` is made of. */
struct made {
	struct layer_set set;
	struct layer layers[2];
	struct layer_fs fs[2];
};

static bool made_new(struct made *m, unsigned n, bool has_upper, const uint64_t ids[])
{
	*m = (struct made){.set = {.n = n, .layers = m->layers, .fs = m->fs, .n_fs = n, .has_upper = has_upper}};
	if (layer_devices_new(&m->set) < 0)
		return false;
	for (unsigned i = 0; i < n; i++) {
		struct statx root = told(8, i + 1, 2);

		m->fs[i].id = ids[i];
		m->fs[i].has_uuid = true;
		m->layers[i] = (struct layer){.index = i, .fs = i, .cloned = true, .path = (char *)"layer"};
		if (layer_devices_add(&m->set, &m->layers[i], &root) < 0)
			return false;
	}
	layer_devices_settle(&m->set);
	return true;
}

static void made_free(struct made *m)
{
	layer_devices_free(&m->set);
}

#define MADE(m, n, has_upper, ...)                                                                                     \
	struct made m __attribute__((cleanup(made_free)));                                                             \
	ASSERT(made_new(&m, n, has_upper, (const uint64_t[]){__VA_ARGS__}))

static uint64_t shown(struct made *m, unsigned layer, const struct statx *stx)
{
	struct object_id id;

	EXPECT_INT(layer_object(&m->set, &m->layers[layer], -1, "x", stx, &id), 0);
	EXPECT(layer_is_object(&m->set, id, stx));
	return layer_union_ino(&m->set, id);
}

TEST("an object is its device and its number, whatever layer it is met in")
{
	MADE(m, 2, true, 1, 2);
	struct statx a = told(8, 1, 5), b = told(8, 2, 5), c = told(0, 7, 5);
	struct object_id one, two, three, again;

	ASSERT_INT(layer_object(&m.set, &m.layers[0], -1, "x", &a, &one), 0);
	ASSERT_INT(layer_object(&m.set, &m.layers[1], -1, "x", &b, &two), 0);
	ASSERT_INT(layer_object(&m.set, &m.layers[0], -1, "x", &c, &three), 0);
	EXPECT(!object_id_equal(one, two) && !object_id_equal(one, three) && !object_id_equal(two, three));
	ASSERT_INT(layer_object(&m.set, &m.layers[1], -1, "x", &a, &again), 0);
	EXPECT(object_id_equal(one, again));
	ASSERT_INT(layer_object(&m.set, &m.layers[1], -1, "x", &c, &again), 0);
	EXPECT(object_id_equal(three, again));
	EXPECT(layer_is_object(&m.set, three, &c) && !layer_is_object(&m.set, three, &a) &&
	       !layer_is_object(&m.set, one, &c));
	EXPECT(!layer_same_object(&a, &c) && layer_same_object(&a, &a));
}

TEST("the upper's device shows the numbers that its objects have, and every other device has bits of its own")
{
	MADE(m, 2, true, 10, 20);
	struct statx upper = told(8, 1, 5), lower = told(8, 2, 5), nested = told(0, 7, 5);
	uint64_t below = shown(&m, 1, &lower), within = shown(&m, 0, &nested);

	EXPECT_INT(shown(&m, 0, &upper), 5);
	EXPECT_INT(below & MASK, 5);
	EXPECT_INT(within & MASK, 5);
	EXPECT(below >> 48 && within >> 48 && below != within && !(below >> 63) && !(within >> 63));
}

TEST("without an upper no device is plain where there are several, so that one more layer changes no number")
{
	MADE(m, 2, false, 10, 20);
	MADE(turned, 2, false, 20, 10);
	MADE(alone, 1, false, 10);
	struct statx first = told(8, 1, 5), second = told(8, 2, 5);

	EXPECT(shown(&m, 0, &first) >> 48 && shown(&m, 1, &second) >> 48);
	EXPECT_INT(shown(&m, 0, &first), shown(&turned, 1, &second));
	EXPECT_INT(shown(&m, 1, &second), shown(&turned, 0, &first));
	EXPECT_INT(shown(&alone, 0, &first), 5);
}

TEST("a number in an xattr is read by who has another plain device")
{
	MADE(m, 2, true, 10, 20);
	MADE(turned, 2, true, 20, 10);
	struct statx first = told(8, 1, 5), second = told(8, 2, 5);
	uint64_t xattr = layer_lasting_ino(&m.set, shown(&m, 0, &first));

	EXPECT_INT(layer_shown_ino(&m.set, xattr), 5);
	EXPECT_INT(layer_shown_ino(&turned.set, xattr), shown(&turned, 1, &second));
	xattr = layer_lasting_ino(&m.set, shown(&m, 1, &second));
	EXPECT_INT(layer_shown_ino(&m.set, xattr), shown(&m, 1, &second));
	EXPECT_INT(layer_shown_ino(&turned.set, xattr), 5);
	EXPECT_INT(layer_shown_ino(&turned.set, 7), 7);
}

TEST("numbers of more than 48 bits stay where one device is all, and are shortened where others may come")
{
	MADE(one, 1, false, 10);
	MADE(two, 2, true, 10, 20);
	struct statx large = told(8, 1, UINT64_C(0xfedcba9876543210));

	EXPECT_INT(shown(&one, 0, &large), large.stx_ino);
	EXPECT(!(shown(&two, 0, &large) & ~MASK));
}

TEST("as many devices as there are values get numbers of their own, and one more is refused")
{
	static bool seen[DEVICES + 1];
	MADE(m, 1, true, 5);
	struct object_id id;
	struct statx stx;

	memset(seen, 0, sizeof(seen));
	for (unsigned i = 1; i < DEVICES; i++) {
		uint64_t bits;

		stx = told(0, i, 5);
		bits = shown(&m, 0, &stx) >> 48;
		ASSERT(bits > 0 && bits <= DEVICES && !seen[bits]);
		seen[bits] = true;
	}
	stx = told(0, DEVICES, 5);
	EXPECT_INT(layer_object(&m.set, &m.layers[0], -1, "x", &stx, &id), -EOVERFLOW);
	stx = told(0, 1, 5);
	EXPECT_INT(layer_object(&m.set, &m.layers[0], -1, "x", &stx, &id), 0);
}

TEST("a file system in which a second device is met is looked at for more")
{
	MADE(m, 1, true, 5);
	struct statx cover = told(0, 8, 1), other = told(0, 9, 5);

	cover.stx_attributes = STATX_ATTR_MOUNT_ROOT;
	EXPECT_INT(layer_spans(&m.set, &m.layers[0]), SPANS_NOTHING);
	shown(&m, 0, &cover);
	EXPECT_INT(layer_spans(&m.set, &m.layers[0]), SPANS_NOTHING);
	shown(&m, 0, &other);
	EXPECT_INT(layer_spans(&m.set, &m.layers[0]), SPANS_ALL);
}
