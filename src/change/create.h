/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Between create.c and create_in_work.c: an object on its way to a name.
 */
#ifndef CHANGE_CREATE_H
#define CHANGE_CREATE_H

#include "internal.h"

/* The object that is to be made, and where. */
struct creation {
	struct writer *writer;
	const struct caller *caller;
	const struct create_spec *spec;
	struct inode *parent;
	const char *name;
	int dirfd;	    /* the parent in the upper, O_PATH */
	bool over_whiteout; /* the upper has a whiteout of this name */
	int fd;		    /* out: regular files, O_RDWR; else -1; owned by who declared it */
	/* out: the new directory is the daemon's, who can write it, until it gets its own owner and mode; */
	bool is_ours;
	uid_t owner; /* out: these */
	mode_t mode;
};

/* Makes the object in the work directory, with what it would have inherited from the parent, and moves it to its name
 * in one step: a whiteout that was there is replaced. On failure nothing is left. Where `is_ours` is set the caller
 * gives owner and mode. */
int create_in_work(struct creation *c);
/* The same for another name of the object open (O_PATH) at `fd`. */
int link_in_work(struct writer *writer, int fd, int dirfd, const char *name);

/* Makes an empty opaque directory in the work directory that looks like the one open (O_PATH) at `fd`: owner, mode,
 * attributes, times. Its name is in ret_temp. */
int create_stand_in(struct writer *writer, int fd, char ret_temp[WORK_NAME_MAX]);

#endif
