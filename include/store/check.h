/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Faults in the store itself: what is missing, leads nowhere, was left behind, or may be changed by others. Commands
 * leave no faults, and what one leaves that is killed is removed by the next one. Layers and images that nothing needs
 * are no faults: store_collect() removes them.
 *
 * A store is opened and locked as it is: store_open() and store_lock() would mend a part of what is looked for.
 *
 * The content of a layer is looked at with `digests` alone: then its tar is written from recipe and files, and has to
 * have the digest. Faults within the upper and work directories of uppers are those of view/check.h.
 */
#ifndef STORE_CHECK_H
#define STORE_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "store/store.h"

enum store_fault {
	STORE_FAULT_MISSING_PART,
	STORE_FAULT_OPEN_PART,
	STORE_FAULT_OWNER,
	STORE_FAULT_MODE,
	STORE_FAULT_STRAY,
	STORE_FAULT_TEMP,
	STORE_FAULT_BAD_NAME,
	STORE_FAULT_DANGLING_NAME,
	STORE_FAULT_BAD_CONFIG,
	STORE_FAULT_BAD_MANIFEST,
	STORE_FAULT_MISSING_LAYER,
	STORE_FAULT_BAD_FACTS,
	STORE_FAULT_NO_DIFF,
	STORE_FAULT_BAD_RECIPE,
	STORE_FAULT_BAD_BELOW,
	STORE_FAULT_BLOB_NAME,
	STORE_FAULT_LAYER_DIGEST,
	STORE_FAULT_BLOB_DIGEST,
	STORE_FAULT_UPPER_STACK,
	STORE_FAULT_UPPER_LAYER,
	STORE_FAULT_UPPER_PART,
	STORE_FAULT_REMOVED_UPPER,
	STORE_FAULT_BAD_STEP,
	STORE_FAULT_DANGLING_STEP,
	STORE_FAULTS,
};

/* As those of view/check.h. */
const char *store_fault_name(enum store_fault fault);
const char *store_fault_text(enum store_fault fault);
const char *store_fault_remedy(enum store_fault fault);
bool store_fault_destroys(enum store_fault fault);

struct store_finding {
	enum store_fault fault;
	char *path;   /* from the store's directory; owned */
	char *detail; /* owned; NULL: nothing to say */
	bool mended;
	int err; /* -errno of a remedy that failed */
};

struct store_check {
	struct store_finding *list; /* owned */
	size_t n;
	/* Somebody else works in the store, so what lies in `tmp` may be theirs. */
	bool busy;
	bool exclusive; /* the lock is kept, to mend */
};

/* `path` NULL: as for store_open(). -ENOENT: there is no store. */
int store_open_to_check(const char *path, struct store **ret, struct image_error *error);
/* `exclusive` waits for other processes; it is wanted for mending. */
int store_lock_to_check(struct store *s, bool exclusive, struct store_check *check, struct image_error *error);
/* *check was zeroed before the lock. It is to be freed also after a failure. */
int store_check_find(struct store *s, bool digests, struct store_check *check, struct image_error *error);
/* Mends what has a remedy, and what destroys only with `destroy`. `is_used` as for store_collect(): a damaged layer
 * stays while an image, an upper or a live union has it, and its finding gets -EBUSY. */
int store_check_fix(struct store *s, struct store_check *check, bool destroy,
		    bool (*is_used)(void *arg, const char *dir), void *arg, struct image_error *error);
void store_check_free(struct store_check *check);

#endif
