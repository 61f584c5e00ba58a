/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <sys/mount.h>

#include "option_helpers.h"

/* The layers joined by `|`. */
static const char *layers(void)
{
	static char all[4096];

	all[0] = '\0';
	for (size_t i = 0; i < opts.layer_count; i++) {
		strcat(all, "|");
		strcat(all, opts.layers[i].path);
	}
	return all;
}

#define EXPECT_LAYERS(given_, want)                                                                                    \
	do {                                                                                                           \
		char line_[1024];                                                                                      \
		snprintf(line_, sizeof(line_), "plyfs -o %s /m", given_);                                              \
		if (parse(line_) < 0) {                                                                                \
			UNIT_FAIL("%s is refused: %s", given_, error.text);                                            \
		} else {                                                                                               \
			EXPECT_STR(layers(), want);                                                                    \
			options_free(&opts);                                                                           \
		}                                                                                                      \
	} while (0)

TEST("colons separate layers, escaped ones don't")
{
	EXPECT_LAYERS("lowerdir=/a:/b:/c", "|/a|/b|/c");
	EXPECT_LAYERS("lowerdir=l", "|l");
	EXPECT_LAYERS("lowerdir=/a\\:b:/c", "|/a:b|/c");
	EXPECT_LAYERS("lowerdir=/a\\\\:/c", "|/a\\|/c");
	EXPECT_LAYERS("lowerdir=/a\\\\\\:x:/c", "|/a\\:x|/c");
	EXPECT_LAYERS("lowerdir=/a\\,b:/c\\d", "|/a,b|/cd");
	EXPECT_LAYERS("lowerdir=/a:b\\", "|/a|b\\");
	EXPECT_LAYERS("lowerdir=../x:./y", "|../x|./y");
}

TEST("lowerdir+ adds below, one path each; lowerdir starts again")
{
	EXPECT_LAYERS("lowerdir+=/a,lowerdir+=/b:c", "|/a|/b:c");
	EXPECT_LAYERS("lowerdir+=/a\\,x,lowerdir+=/b\\:c", "|/a,x|/b:c");
	EXPECT_LAYERS("lowerdir=/a:/b,lowerdir+=/c", "|/a|/b|/c");
	EXPECT_LAYERS("lowerdir+=/a,lowerdir=/b", "|/b");
	EXPECT_LAYERS("lowerdir=/a:/b,lowerdir=/c:/d", "|/c|/d");
}

TEST("empty layers are refused, wherever they stand")
{
	EXPECT_REFUSED("plyfs -o lowerdir= /m", 1, "lowerdir: empty layer");
	EXPECT_REFUSED("plyfs -o lowerdir=: /m", 1, "lowerdir: :: empty layer");
	EXPECT_REFUSED("plyfs -o lowerdir=:/a /m", 1, "lowerdir: :/a: empty layer");
	EXPECT_REFUSED("plyfs -o lowerdir=/a: /m", 1, "lowerdir: /a:: empty layer");
	EXPECT_REFUSED("plyfs -o lowerdir=/a:: /m", 1, "lowerdir: /a::: empty layer");
	EXPECT_REFUSED("plyfs -o lowerdir=/a:::/b /m", 1, "lowerdir: /a:::/b: empty layer");
	EXPECT_REFUSED("plyfs -o lowerdir=::/b /m", 1, "lowerdir: ::/b: empty layer");
	EXPECT_REFUSED("plyfs -o lowerdir+= /m", 1, "lowerdir+: empty path");
}

TEST("data-only layers come last and need another one above")
{
	ASSERT_INT(parse("plyfs -o lowerdir=/a:/b::/d::/e,datadir+=/f:g /m"), 0);
	ASSERT_INT(opts.layer_count, 5);
	EXPECT(!opts.layers[1].data_only && opts.layers[2].data_only && opts.layers[4].data_only);
	EXPECT_STR(opts.layers[2].path, "/d");
	EXPECT_STR(opts.layers[4].path, "/f:g");
	options_free(&opts);
	EXPECT_REFUSED("plyfs -o lowerdir=/a::/d:/b /m", 1, "lowerdir: /b: a layer can't follow a data-only one");
	EXPECT_REFUSED("plyfs -o lowerdir=/a,datadir+=/d,lowerdir+=/b /m", 1,
		       "lowerdir+: /b: a layer can't follow a data-only one");
	EXPECT_REFUSED("plyfs -o datadir+=/d /m", 1, "lowerdir: not given");
}

TEST("metacopy=on brings redirect_dir=on and excludes what it can't be without or with")
{
	ASSERT_INT(parse("plyfs -o lowerdir=/a,upperdir=/u,workdir=/w,metacopy=on /m"), 0);
	EXPECT_INT(opts.redirect_dir, REDIRECT_DIR_ON);
	options_free(&opts);
	ASSERT_INT(parse("plyfs -o lowerdir=/a,metacopy=on,redirect_dir=follow /m"), 0);
	options_free(&opts);
	EXPECT_REFUSED("plyfs -o lowerdir=/a,upperdir=/u,workdir=/w,metacopy=on,redirect_dir=follow /m", 1,
		       "metacopy: on: needs redirect_dir=on");
	EXPECT_REFUSED("plyfs -o lowerdir=/a,redirect_dir=off,metacopy=on /m", 1,
		       "metacopy: on: needs redirect_dir=on");
	EXPECT_REFUSED("plyfs -o lowerdir=/a,userxattr,metacopy=on /m", 1, "metacopy: on: excludes userxattr");
}

TEST("a stack has as policies what the program's name, the paths of images and the mount's flags mean")
{
	static const struct {
		const char *line;
		int metacopy;
		bool lenient, seek_xattrs, read_only;
		unsigned long atime;
	} rows[] = {
		{"plyfs -o lowerdir=/a /m", METACOPY_OFF, false, false, true, 0},
		{"plyfs -o lowerdir=/a,upperdir=/u,workdir=/w,relatime,strictatime /m", METACOPY_OFF, false, false,
		 false, MS_STRICTATIME},
		{"plyfs -o lowerdir=/a,upperdir=/u,workdir=/w,ro,noatime,metacopy=on /m", METACOPY_ON, false, false,
		 true, MS_NOATIME},
		{"fuse-overlayfs -o lowerdir=/a,upperdir=/u,workdir=/w /m", METACOPY_FOLLOW, true, true, false, 0},
		{"fuse-overlayfs -o lowerdir=/a,metacopy=off /m", METACOPY_OFF, true, true, true, 0},
		{"plyfs -o lowerdir=/s/overlay/l/CHECO6EITI6ZRDV5U7UHEUBNSA /m", METACOPY_FOLLOW, false, true, true, 0},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
		ASSERT_INT(parse(rows[i].line), 0);
		struct stack_spec spec = options_stack(&opts);

		EXPECT_INT(spec.metacopy, rows[i].metacopy);
		EXPECT(spec.lenient == rows[i].lenient && spec.seek_xattrs == rows[i].seek_xattrs);
		EXPECT(spec.read_only == rows[i].read_only);
		EXPECT_INT(spec.atime, rows[i].atime);
		options_free(&opts);
	}
}

TEST("2,000 layers are taken in order")
{
	const size_t count = 2000;
	char *line = malloc(count * 12 + 64), *end = line + sprintf(line, "plyfs -o lowerdir=/l0");

	for (size_t i = 1; i < count; i++)
		end += sprintf(end, ":/l%zu", i);
	strcpy(end, " /m");
	ASSERT_INT(parse(line), 0);
	ASSERT_INT(opts.layer_count, count);
	for (size_t i = 0; i < count; i++) {
		char want[16];

		snprintf(want, sizeof(want), "/l%zu", i);
		ASSERT(!strcmp(opts.layers[i].path, want));
	}
	options_free(&opts);
	free(line);
}
