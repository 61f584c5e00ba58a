/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether a union holds no attribute that users see.
 */
#include "layer/no_xattrs.h"

#include "fixture.h"
#include "os/task.h"

/* As a container engine's layer lies. */
#define LAYER "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
#define OPTIONS "lowerdir=" LAYER "/diff:l1:l2"

static bool make_layers(void)
{
	return mkdir(LAYER, 0755) == 0 && mkdir(LAYER "/diff", 0755) == 0 && mkdir(LAYER "/diff/d", 0755) == 0 &&
	       mkdir("l2/d", 0755) == 0 && mkdir("l2/d/e", 0755) == 0 && make_file("l2/d/e/f", "f", 0644) &&
	       make_file("l1/a", "a", 0644) && symlink("a", "l2/d/link") == 0;
}

/* Asks as often as it takes for a look, and then for a while. */
static bool gets_no_xattrs(struct fixture *f)
{
	for (int i = 0; i < LAYER_NO_XATTRS_ASKS; i++)
		if (layer_has_no_xattrs(f->set))
			return false;
	for (int i = 0; i < 100; i++) {
		if (layer_has_no_xattrs(f->set))
			return true;
		os_sleep_us(5000);
	}
	return false;
}

static bool set_attribute(const char *path, const char *name)
{
	return lsetxattr(path, name, "y", 1, 0) == 0;
}

TEST("a read-only union of an engine's layers is looked at once it is asked often, and private xattrs are no "
     "attributes")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	ASSERT(set_attribute("l2/d/e", "trusted.overlay.opaque") && set_attribute("l2", "user.fuseoverlayfs.opaque"));
	EXPECT_OPENS(&f, OPTIONS);
	if (!f.set->layers[0].cloned)
		SKIP("mounts can't be cloned");
	EXPECT(gets_no_xattrs(&f));
	layer_no_xattrs_stop(f.set);
	EXPECT(layer_has_no_xattrs(f.set));
}

TEST("one attribute anywhere is enough: of a root, a file far down, a link, one that is hidden by a layer above")
{
	static const char *const paths[] = {"l1", LAYER "/diff", "l2/d/e/f", "l2/d/e", "l1/a", "l2/d/link"};

	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	for (size_t i = 0; i < sizeof(paths) / sizeof(*paths); i++) {
		ASSERT(set_attribute(paths[i], "trusted.note"));
		EXPECT_OPENS(&f, OPTIONS);
		EXPECT(!gets_no_xattrs(&f));
		ASSERT_INT(lremovexattr(paths[i], "trusted.note"), 0);
	}
	EXPECT_OPENS(&f, OPTIONS);
	EXPECT(gets_no_xattrs(&f) || !f.set->layers[0].cloned);
}

TEST("it is asked neither with an upper, nor of other layers, nor with timeout=0")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	EXPECT_OPENS(&f, OPTIONS ",upperdir=u,workdir=w");
	EXPECT(!gets_no_xattrs(&f));
	EXPECT_OPENS(&f, OPTIONS ",timeout=0");
	EXPECT(!gets_no_xattrs(&f));
	EXPECT_OPENS(&f, "lowerdir=l1:l2");
	EXPECT(!gets_no_xattrs(&f));
}

TEST("a look ends when the session does")
{
	FIXTURE(f);
	NEEDS_ROOT();
	ASSERT(make_layers());
	for (int i = 0; i < 20; i++) {
		EXPECT_OPENS(&f, OPTIONS);
		for (int n = 0; n < LAYER_NO_XATTRS_ASKS; n++)
			layer_has_no_xattrs(f.set);
		layer_no_xattrs_stop(f.set);
	}
}
