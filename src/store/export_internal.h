/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An export in parts: export.c says what is written, export_layer.c writes layers as blobs, export_dest.c makes the
 * folder or the archive.
 */
#ifndef STORE_EXPORT_INTERNAL_H
#define STORE_EXPORT_INTERNAL_H

#include "base/cleanup.h"
#include "os/fs.h"
#include "store/export.h"

#define DEST_NAME_SIZE 96

/* A folder in which files get their names. For an archive it is a temporary one beside it. */
struct export_dest {
	const struct store_export *e;
	int dir_fd;		   /* of the folder */
	int files_fd;		   /* where blobs are: blobs/sha256, or the folder itself for docker-archive */
	int parent_fd;		   /* of an archive: where the file is made */
	char temp[DEST_NAME_SIZE]; /* of an archive: name of the folder */
	const char *file;	   /* of an archive: its name in the parent */
	char **names;		   /* of what the archive has, in order; owned */
	size_t n_names;
};

int dest_open(struct export_dest *p, const struct store_export *e, struct image_error *error);
/* A file without a name yet. */
int dest_new_file(struct export_dest *p, char ret_temp[static DEST_NAME_SIZE]);
/* Gives it its name among the files. */
int dest_name_file(struct export_dest *p, const char *temp, const char *name);
void dest_drop_file(struct export_dest *p, const char *temp);
/* A whole file by its digest, or with a name of its own. */
int dest_write(struct export_dest *p, const char *name, const void *data, size_t len);
int dest_write_top(struct export_dest *p, const char *name, const void *data, size_t len);
/* The archive is written and gets its name. */
int dest_finish(struct export_dest *p, struct image_error *error);
/* The same after a failure: nothing of an archive stays. */
void dest_close(struct export_dest *p);

struct export_blob {
	char diff_id[DIGEST_SIZE], digest[DIGEST_SIZE];
	int64_t size;
	bool kept; /* as it came */
	const char *media_type;
};

/* Writes all layers as files. */
int export_layers(struct export_dest *p, struct export_blob *ret, struct image_error *error);

#endif
