/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The rules of `plyctl waste --ci`: those of dive, by their names and with their defaults. A value is a number or
 * "disabled". They come from options and from a file, in which the lines of YAML are looked for that dive has there.
 */
#ifndef PLYCTL_CI_RULES_H
#define PLYCTL_CI_RULES_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "view/waste.h"

enum ci_rule { CI_LOWEST_EFFICIENCY, CI_HIGHEST_WASTED_BYTES, CI_HIGHEST_USER_WASTED_PERCENT, CI_RULES };

/* Reads the file, if there is one. `path` NULL: ".dive-ci", which may be missing. 0 or an exit status after one
 * line. */
int ci_read_file(const char *path);
/* The values of options, which count more; NULL: not given. */
int ci_read_options(const char *const values[CI_RULES]);

/* Whether all rules hold; prints those that don't, one a line. */
bool ci_check(const struct view_waste_score *score, uint64_t user_bytes, bool print);
/* The same as a list: name, threshold, value, passed. */
json_t *ci_json(const struct view_waste_score *score, uint64_t user_bytes);

#endif
