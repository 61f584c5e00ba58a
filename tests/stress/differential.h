/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the parts of the differential test share: a generator that depends on the seed alone, snapshots of objects as
 * text that can be compared, and walks over two trees at once.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATH_SIZE 512
#define SNAP_SIZE 16384
/* Times after this one are those of the run: they differ between two runs. All that is set on purpose lies before
 * it. */
#define TIME_OF_RUN 1500000000

struct rng {
	uint64_t state;
};

/* A number below n. */
uint32_t rng_below(struct rng *rng, uint32_t n);
bool rng_one_in(struct rng *rng, uint32_t n);
/* One of the few names that everything is made of. */
const char *rng_name(struct rng *rng);
/* A path of one to four names. */
void rng_path(struct rng *rng, char path[PATH_SIZE]);
/* Bytes that depend on the seed. */
void rng_fill(uint32_t seed, void *buf, size_t size);
/* A POSIX ACL as its attribute holds it. Returns its size. */
size_t rng_acl(struct rng *rng, void *buf);

/* Leaves the program with status 2: the test itself is broken. */
void die(const char *what, const char *path) __attribute__((noreturn));

/* Builds the layers l1, l2, l3 below dir. */
int layers_build(const char *dir, uint64_t seed);

enum snap_kind {
	SNAP_MERGED, /* what users see */
	SNAP_UPPER,  /* with private attributes but for those that hold file handles or counts */
	SNAP_LAYER,  /* all, with modification and change time */
};

/* One object as text, or the error of looking at it. */
void snap(const char *path, enum snap_kind kind, char out[static SNAP_SIZE]);
/* Prints what differs between two trees. Returns the number of differences. */
unsigned trees_compare(const char *a, const char *b);
enum uppers {
	UPPERS_STRICT, /* copies may be missing in plyfs's only */
	UPPERS_EITHER, /* in either: both have worked on both */
	UPPERS_LOOSE,  /* and so may opaque xattrs, which the kernel sets on any new directory where it makes
			* redirects */
};
/* Upper a was changed by the kernel last. What copies and xattrs hide or show the merged trees tell. */
unsigned uppers_compare(const char *a, const char *b, enum uppers how);
/* Prints all of a layer. */
void layer_print(const char *dir);
/* The names of a directory, sorted; the caller frees the list and each. -1 with errno set where it can't be read. */
int names_of(const char *dir, char ***ret_names);
void names_free(char **names, int n);

/* Applies n operations to both unions. Returns 0 where no difference was seen, else 1. */
int ops_run(const char *kernel, const char *plyfs, uint64_t seed, unsigned n);
