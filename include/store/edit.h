/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Edits of an image's config (OCI image specification, config.md) and of its manifest's annotations. Members that
 * nobody knows here stay as they are. Pure.
 */
#ifndef STORE_EDIT_H
#define STORE_EDIT_H

#include <jansson.h>
#include <stddef.h>

#include "image/image.h"

enum edit_field {
	EDIT_ENV,	  /* NAME=VALUE; NAME- takes it away */
	EDIT_ENTRYPOINT,  /* a JSON list of strings, or words as a shell splits them; "" takes it away */
	EDIT_CMD,	  /* the same */
	EDIT_SHELL,	  /* the same */
	EDIT_WORKDIR,	  /* an absolute path; "" takes it away */
	EDIT_USER,	  /* "" takes it away */
	EDIT_LABEL,	  /* as EDIT_ENV */
	EDIT_EXPOSE,	  /* PORT[-PORT][/PROTOCOL]; with a dash at the end it is taken away */
	EDIT_VOLUME,	  /* an absolute path; with a dash at the end it is taken away */
	EDIT_STOP_SIGNAL, /* SIGNAME or a number; "" takes it away */
	EDIT_AUTHOR,	  /* "" takes it away */
	EDIT_PLATFORM,	  /* OS/ARCHITECTURE[/VARIANT] */
	EDIT_ANNOTATION,  /* of the manifest, as EDIT_ENV */
};

struct edit {
	enum edit_field field;
	const char *value; /* UTF-8 */
};

/* Applies the edits in their order; those of annotations to `manifest`. -EINVAL: a value that can't be; then the
 * documents are half-changed. -EBADMSG: a member of the config has the wrong type. */
int store_edit(json_t *config, json_t *manifest, const struct edit *edits, size_t n, struct image_error *error);
/* The edits as a history tells them: "ENV A=b; USER me". The caller frees it; NULL without memory. */
char *store_edit_text(const struct edit *edits, size_t n);

#endif
