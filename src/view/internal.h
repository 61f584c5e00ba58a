/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The parts that the files of the view share. server.c finds the process that serves a mount, live.c goes through
 * mountinfo, stack.c reads names.
 */
#ifndef VIEW_INTERNAL_H
#define VIEW_INTERNAL_H

#include "base/macros.h"
#include "os/mount.h"
#include "view/contents.h"
#include "view/stack.h"

/* Sets *ret_error to one line and returns err. */
int view_refuse(char **ret_error, int err, const char *fmt, ...) PRINTF_FORMAT(3, 4);
/* Appends to *text, which may be NULL. -ENOMEM. */
int view_append(char **text, const char *piece);
/* Appends `path` with a backslash before what the option parser would read otherwise. */
int view_append_path(char **text, const char *path);
/* Parses `-o TEXT` as the command line of a read-only plyfs would be. */
int view_parse_options(const char *text, struct options *ret, char **ret_error);
/* The layers of container images are read with all their forms, and a stack that nobody mounts has no options. */
void view_use_all_forms(struct options *options);

/* --- facts.c ------------------------------------------------------------------------------------------------------ */

/* The tier's memory of an open stack. */
struct view_memory {
	size_t n;			/* layers */
	struct view_layer_facts *facts; /* owned */
	char **texts;			/* owned; what facts point to and nobody else owns: three a layer */
	struct image_toc **tocs;	/* owned; tables of contents that were read */
	struct toc_ahead **ahead;	/* owned; those that are being read */
	struct layer_set **sets;	/* owned; of a stack without a set, layers that were opened alone */
};

/* Gathers the facts of all layers of a stack that is being opened. -ENOMEM. */
int view_facts_gather(struct view_stack *stack);
void view_memory_free(struct view_memory *memory);

/* --- objects.c ---------------------------------------------------------------------------------------------------- */

/* view_contents_each() of a layer that is a directory. */
int view_objects_each(const struct layer_set *set, const struct layer *l, view_object_each each, void *arg,
		      char **ret_error);

/* --- image.c ------------------------------------------------------------------------------------------------------ */

/* Fills a stack from an image or a container. `name` is a full name with its transport. */
int view_image_find(const char *name, struct view_stack *stack, char **ret_error);
/* The same for a name in containers-storage. -ENOENT without an error text: there is none. */
int view_image_find_stored(const char *name, struct view_stack *stack, char **ret_error);

/* --- server.c ----------------------------------------------------------------------------------------------------- */

/* Fills pid, since and options of a FUSE union. -ENOENT: no process serves it that can be looked at. */
int view_server_find(struct view_stack *stack, char **ret_error);

/* --- answers.c ---------------------------------------------------------------------------------------------------- */

/* -ETIMEDOUT: one of the paths lies on a file system that hangs. `name` begins the error's line. Without `roots` a path
 * that is a mountpoint isn't asked. */
int view_paths_answer(const char *name, const char *const *paths, size_t n, bool roots, char **ret_error);
/* The same of the layers, upper and work directory that options name. */
int view_layers_answer(const char *name, const struct options *options, char **ret_error);

/* --- live.c ------------------------------------------------------------------------------------------------------- */

/* The live union at a mountpoint, topmost if several are stacked. -ENOENT: there is none. */
int view_live_at(dev_t dev, const char *mountpoint, struct view_stack **ret, char **ret_error);

/* The options of plyfs that mean the same as the super options of a kernel overlayfs; the caller frees them. NULL:
 * -ENOMEM. */
char *view_overlay_options(const char *super_options);

#endif
