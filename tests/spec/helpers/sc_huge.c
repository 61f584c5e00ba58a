/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Positions in a directory of many names. Every name and its position is noted in one pass; then names are removed and
 * made, through another descriptor, and each position must still lead to the first noted name at or after it that is
 * left, or to a new one. The order of a directory is its file system's, so nothing but the noted order is taken for
 * granted.
 */
#include "sc.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define REMOVED_EVERY 3
#define MADE 2000
#define NEW "made-"

struct noted {
	long at; /* telldir before the name */
	char *name;
	bool removed;
};

static struct noted *notes;
static size_t n_notes;

static void note_all(DIR *dir, size_t max)
{
	struct dirent *entry;
	long at = telldir(dir);

	notes = calloc(max, sizeof(*notes));
	while (n_notes < max && (entry = readdir(dir))) {
		notes[n_notes++] = (struct noted){.at = at, .name = strdup(entry->d_name)};
		at = telldir(dir);
	}
}

static void change(const char *path)
{
	int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char name[64];

	for (size_t i = 0; i < n_notes; i += REMOVED_EVERY) {
		struct noted *n = &notes[i];

		n->removed = strcmp(n->name, ".") && strcmp(n->name, "..") && !unlinkat(fd, n->name, 0);
	}
	for (int i = 0; i < MADE; i++) {
		snprintf(name, sizeof(name), NEW "%d", i);
		close(openat(fd, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
	}
	close(fd);
}

/* The next entry that isn't new. */
static struct dirent *next_old(DIR *dir)
{
	struct dirent *entry;

	do
		entry = readdir(dir);
	while (entry && !strncmp(entry->d_name, NEW, strlen(NEW)));
	return entry;
}

static bool leads_right(DIR *dir, size_t i)
{
	const struct dirent *entry;

	while (i < n_notes && notes[i].removed)
		i++;
	entry = next_old(dir);
	return i < n_notes ? entry && !strcmp(entry->d_name, notes[i].name) : !entry;
}

/* The rest of the stream from a position in the middle: every name that is left once, in the noted order. */
static bool rest_is_right(DIR *dir, size_t i)
{
	for (; i < n_notes; i++) {
		const struct dirent *entry;

		if (notes[i].removed)
			continue;
		entry = next_old(dir);
		if (!entry || strcmp(entry->d_name, notes[i].name))
			return false;
	}
	return !next_old(dir);
}

int sc_hugedir(int argc, char **argv)
{
	DIR *dir = argc == 3 ? opendir(argv[1]) : NULL;
	size_t wrong = 0, asked = 0, made = 0;
	struct dirent *entry;

	if (!dir)
		sc_misuse("hugedir DIR COUNT: %s", strerror(errno));
	note_all(dir, (size_t)sc_number(argv[2]) + 2);
	printf("%zu names\n", n_notes);
	change(argv[1]);
	for (size_t i = n_notes; i-- > 0; asked++, i -= i > 37 ? 37 : 0) {
		seekdir(dir, notes[i].at);
		wrong += !leads_right(dir, i);
	}
	seekdir(dir, notes[n_notes / 2].at);
	printf("%s after seekdir, the rest from the middle is %s\n", wrong ? "wrong names" : "right names",
	       rest_is_right(dir, n_notes / 2) ? "right" : "wrong");
	rewinddir(dir);
	while ((entry = readdir(dir)))
		made += !strncmp(entry->d_name, NEW, strlen(NEW));
	printf("%zu new names after rewinddir\n", made);
	return asked ? 0 : 1;
}
