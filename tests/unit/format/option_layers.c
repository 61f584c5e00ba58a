/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>

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

TEST("data-only layers are recognised and refused by name")
{
	EXPECT_REFUSED("plyfs -o lowerdir=/a:/b::/d /m", 1, "lowerdir: /d: data-only layers are not supported yet");
	EXPECT_REFUSED("plyfs -o lowerdir=/a,datadir+=/d /m", 1, "datadir+: /d: not supported yet");
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
