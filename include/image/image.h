/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Images and containers of all stores as one struct image: layers, history and config. Nothing is written and nothing
 * is unpacked. Two images with the same config digest look the same from every source, but for directories, names and
 * the digests of compressed layers.
 *
 * Sources:
 *
 *	oci:DIR[:TAG]			an OCI image layout as a folder; also containerd's content store, which has
 *					blobs and no index
 *	oci-archive:FILE[:TAG]		the same as a tar, which may itself be compressed by gzip or zstd; then it is
 *					inflated anew for each layer that is read
 *	docker-archive:FILE[:NAME]	what `docker save` and `podman save` write
 *	containers-storage:[ROOT]NAME	the store of podman, buildah and skopeo; images and containers, by name or id
 *	docker-overlay2:[ROOT]NAME	docker's folder with its overlay2 driver; images and containers
 *	store:[ROOT]NAME		plyctl's own store (image/store.h)
 *
 * ROOT is a directory in brackets: `containers-storage:[/srv/store]app`. Without it the source is looked for where its
 * engine has it. If that store is the one of storage.conf, its additional image stores are read too.
 *
 * Of a content store TAG is the beginning of a digest, or a name that an index among the blobs tells. containerd's data
 * base isn't read.
 *
 * All of it is hostile input. Documents are read up to IMAGE_JSON_MAX bytes and IMAGE_JSON_DEPTH levels. A manifest and
 * a config that don't have the digest by which they are named are refused; so are layers, when they are read
 * (image/toc.h). An error is -errno and one line of text:
 *
 *	-ENOENT		there is no such image, or a file of it is missing
 *	-EBADMSG	malformed, truncated, or of a wrong digest
 *	-EINVAL		a name that means several images, or none in its form
 *	-E2BIG		larger than a limit
 *	-EOPNOTSUPP	a form that isn't read here
 *
 * Something that a source doesn't say is NULL or IMAGE_UNKNOWN, and `lacks` has a sentence about it. All strings belong
 * to the image. They are UTF-8, but for paths, which are bytes. Times are RFC 3339 as their source has them. os_init()
 * (os/fs.h) comes first. No locks: one thread uses an image at a time, and several threads may use several.
 */
#ifndef IMAGE_IMAGE_H
#define IMAGE_IMAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define IMAGE_UNKNOWN (-1)
#define IMAGE_JSON_MAX (4 << 20)
#define IMAGE_JSON_DEPTH 64
#define IMAGE_LAYERS_MAX 1024

enum image_source {
	IMAGE_OCI,
	IMAGE_OCI_ARCHIVE,
	IMAGE_DOCKER_ARCHIVE,
	IMAGE_CONTAINERS_STORAGE,
	IMAGE_DOCKER_OVERLAY2,
	IMAGE_STORE,
	IMAGE_SOURCE_COUNT,
};

/* The reason of a failure: one line without a newline at its end. Bytes that a terminal could obey are escaped. */
struct image_error {
	char text[512];
};

struct image_layer {
	char *diff_id;	  /* "sha256:" and 64 hex digits, of the uncompressed tar; NULL for the layer of a container */
	char *chain_id;	  /* of this layer and all below it; NULL with diff_id */
	char *digest;	  /* of the blob, which is compressed mostly; NULL if the source doesn't know it */
	char *media_type; /* of the blob; NULL as above */
	/* Bytes. `tar` is the uncompressed tar, the size that podman prints; `compressed` is the blob. `apparent` is
	 * the content of all files, hard links counted once; `allocated` is the disk space of the directory. These two
	 * are mostly IMAGE_UNKNOWN until image_layer_measure(). */
	int64_t tar, compressed, apparent, allocated;
	int64_t stated;		/* bytes of the blob by the manifest's word; IMAGE_UNKNOWN: not said */
	const char *created;	/* of its entry in the history, else of the store */
	const char *created_by; /* of its entry in the history */
	char *directory;	/* absolute path of the unpacked layer; NULL in an archive or layout */
	char *id;		/* the store's own id of the layer; NULL in an archive or layout */
	bool writable;		/* the layer of a container: always the topmost */
	char *blob;		/* image.c's own: name of the blob in its source */
	char *store_created;	/* image.c's own */
};

/* One entry of the history. */
struct image_history {
	char *created, *created_by, *author, *comment; /* NULL: not said */
	bool empty;				       /* ENV, CMD and so on: made no layer */
	int layer;				       /* index into `layers`; -1 with `empty` */
};

struct image {
	enum image_source source;
	char *path;    /* the folder, archive or store */
	char *options; /* of the driver, as the store was named with them; NULL: none */
	/* Digest of the config: "sha256:" and 64 hex digits. NULL: a container without an image. Then it has no config,
	 * and its layers have a diff_id where the store knows it. */
	char *id;
	char *manifest_digest; /* NULL: there is no manifest, as in a docker-archive */
	char *manifest;	       /* its bytes, terminated; NULL: there is none, or it isn't kept here */
	size_t manifest_len;
	/* Bytes of the manifest as the index says, of the config as the manifest says; IMAGE_UNKNOWN: not said */
	int64_t manifest_stated, config_stated;
	char **names; /* NAME:TAG; may be none */
	size_t n_names;
	char *created, *author, *os, *architecture, *variant;
	char *config; /* NULL with id; the bytes of the config, one JSON document, terminated */
	size_t config_len;
	struct image_layer *layers; /* lowest first; the layer of a container is the last */
	size_t n_layers;
	/* Oldest first. Every layer of the image has an entry, without text if the config says nothing of it. */
	struct image_history *history;
	size_t n_history;
	char *container; /* id of the container; NULL for an image */
	char **container_names;
	size_t n_container_names;
	char *container_created;
	char **lacks; /* what the source doesn't say or isn't there, one sentence each */
	size_t n_lacks;
	struct blobs *blobs; /* image.c's own */
};

/* The architecture of this machine as configs have it: "amd64". */
const char *image_machine(void);
/* Splits `TRANSPORT:REST` by the list above. False if `ref` begins with none of them. */
bool image_ref_split(const char *ref, enum image_source *ret_source, const char **ret_rest);
/* The word before the colon. */
const char *image_source_name(enum image_source source);

/* Opens an image by its full name, such as "oci:/srv/layout:app". A name or tag may be left out if the source has one
 * image only. An id may be a prefix of 4 hex digits or more, if that is unique. Of several platforms this machine's is
 * taken, else the first; attestations are no images. */
int image_open(const char *ref, struct image **ret, struct image_error *error);
/* Turns what the brackets of a name have into the `path` of the functions below, which the caller frees.
 * containers/image writes DRIVER@ROOT+RUNROOT:OPTIONS there. -ENOMEM. */
int image_store_spec(enum image_source source, const char *brackets, char **ret);
/* The same with the source and its place given. `path` NULL: where the engine has it. `name` NULL: the only one. */
int image_open_in(enum image_source source, const char *path, const char *name, struct image **ret,
		  struct image_error *error);
void image_free(struct image *image);
static inline void image_cleanup(struct image **image)
{
	image_free(*image);
}

/* One image or container of a source, valid during the call. */
struct image_listed {
	/* Of the config; of a damaged image what the source has. NULL: a container that was made without an image. */
	const char *id;
	const char *name; /* the first name, NULL: none */
	/* id of the container, NULL for an image; then `id` and `name` are those of its image and of the container */
	const char *container;
	const char *created; /* NULL: not said */
	/* An image between the steps of a build: it has no name, and one with a name is made of it. docker-overlay2
	 * doesn't tell these from others, so all of its images without a name are. */
	bool between;
	/* For image_open_listed(): the source, its place, and what the source has of it. */
	enum image_source source;
	const char *path;
	int (*open)(const struct image_listed *listed, struct image **ret, struct image_error *error);
	const void *from;
};

/* All images and containers, images first. Stops at the first non-zero result of `each`, which is its result. */
int image_list(enum image_source source, const char *path, int (*each)(void *arg, const struct image_listed *item),
	       void *arg, struct image_error *error);
/* Opens what is listed, during the call. The lists of a store aren't read again for each of its images. */
int image_open_listed(const struct image_listed *item, struct image **ret, struct image_error *error);
/* The store that the engine of this user uses: storage.conf and the environment are looked at. The caller frees it.
 * -EOPNOTSUPP: the source has no default. */
int image_default_path(enum image_source source, char **ret);

/* Counts the other images and containers of the same source that have each layer. Images between the steps of a build
 * don't count: they have no name, and one with a name is made of them. `ret_counts` has n_layers elements. */
int image_layers_shared(const struct image *image, unsigned *ret_counts, struct image_error *error);

/* Fills `apparent`, and `allocated` of a directory. An archive's layer is read once, and its digests are checked. */
int image_layer_measure(struct image *image, size_t layer, struct image_error *error);

#endif
