// SPDX-License-Identifier: Apache-2.0
/*
 * The table of faults.
 */
#include "base/check.h"
#include "store/check.h"

struct fault {
	const char *name, *text, *remedy;
	bool destroys;
};

static const struct fault faults[STORE_FAULTS] = {
	[STORE_FAULT_MISSING_PART] = {"missing-part", "a part of the store isn't there", "make it", false},
	[STORE_FAULT_OPEN_PART] = {"open-part", "other users may get in, to setuid programs and devices of images",
				   "leave it to its owner alone", false},
	[STORE_FAULT_OWNER] = {"wrong-owner", "it belongs to somebody else than the store",
			       "give it to the owner of "
			       "the store",
			       false},
	[STORE_FAULT_MODE] = {"wrong-mode", "others may write it, or its owner may not", "set its mode", false},
	[STORE_FAULT_STRAY] = {"stray", "nothing of a store has this name or type", "remove it", true},
	[STORE_FAULT_TEMP] = {"stray-temp", "a command that was killed has left it", "remove it", true},
	[STORE_FAULT_BAD_NAME] = {"bad-name", "the name of an image is malformed, or is no link to an image",
				  "remove it", true},
	[STORE_FAULT_DANGLING_NAME] = {"dangling-name", "the name leads to an image that isn't there", "remove it",
				       true},
	[STORE_FAULT_BAD_CONFIG] = {"bad-config", "the config of the image is missing, malformed, or of another digest",
				    "remove the image and its names", true},
	[STORE_FAULT_BAD_MANIFEST] = {"bad-manifest", "the manifest of the image is malformed, or fits another one",
				      "remove the manifest", true},
	[STORE_FAULT_MISSING_LAYER] = {"missing-layer", "a layer of the image isn't there", NULL, false},
	[STORE_FAULT_BAD_FACTS] = {"bad-facts", "layer.json is missing, malformed, or of another layer",
				   "write it anew, if the layer has its digest", false},
	[STORE_FAULT_NO_DIFF] = {"no-diff", "the layer has no files", "remove the layer", true},
	[STORE_FAULT_BAD_RECIPE] = {"bad-recipe", "the recipe is missing or damaged, so the layer can't be exported",
				    "remove the layer, if nothing has it", true},
	[STORE_FAULT_BAD_BELOW] = {"bad-below", "the file that says which layers are below is malformed", NULL, false},
	[STORE_FAULT_BLOB_NAME] = {"blob-name", "the name of a kept blob is no digest", "remove it", true},
	[STORE_FAULT_LAYER_DIGEST] = {"layer-digest", "the layer has another digest than its name",
				      "remove the layer, if nothing has it", true},
	[STORE_FAULT_BLOB_DIGEST] = {"blob-digest", "the kept blob has another digest than its name", "remove it",
				     true},
	[STORE_FAULT_UPPER_STACK] = {"upper-stack", "the list of the layers below the upper is missing or malformed",
				     NULL, false},
	[STORE_FAULT_UPPER_LAYER] = {"upper-layer", "a layer below the upper isn't there", NULL, false},
	[STORE_FAULT_UPPER_PART] = {"upper-part", "the directory of the upper lacks a part", "make it", false},
	[STORE_FAULT_REMOVED_UPPER] = {"removed-upper", "the making or the removal of an upper was cut off",
				       "remove the rest", true},
	[STORE_FAULT_BAD_STEP] = {"bad-step", "the cache's entry of a build step is damaged", "remove it", false},
	[STORE_FAULT_DANGLING_STEP] = {"dangling-step", "the layer of a cached build step isn't there", "remove it",
				       false},
};

static const struct fault *store_fault_at(enum store_fault fault)
{
	static const struct fault none = {"unknown", "unknown", NULL, false};

	return CHECK(fault < STORE_FAULTS && faults[fault].name) ? &faults[fault] : &none;
}

const char *store_fault_name(enum store_fault fault)
{
	return store_fault_at(fault)->name;
}

const char *store_fault_text(enum store_fault fault)
{
	return store_fault_at(fault)->text;
}

const char *store_fault_remedy(enum store_fault fault)
{
	return store_fault_at(fault)->remedy;
}

bool store_fault_destroys(enum store_fault fault)
{
	return store_fault_at(fault)->destroys;
}
