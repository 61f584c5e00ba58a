/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The table of faults.
 */
#include "base/check.h"
#include "view/check.h"

struct fault {
	const char *name, *text, *remedy;
	bool destroys;
};

static const struct fault faults[VIEW_FAULTS] = {
	[VIEW_FAULT_ORPHAN_WHITEOUT] = {"orphan-whiteout", "the whiteout hides nothing", "remove it", false},
	[VIEW_FAULT_LOWEST_WHITEOUT] = {"lowest-whiteout", "the whiteout lies in the lowest layer and hides nothing",
					"remove it", false},
	[VIEW_FAULT_BAD_WHITEOUT] =
		{"bad-whiteout",
		 "the xattr of a whiteout makes none: the file isn't empty, or the directory doesn't "
		 "say x in overlay.opaque",
		 NULL, false},
	[VIEW_FAULT_DANGLING_REDIRECT] = {"dangling-redirect", "no layer below has what the redirect names",
					  "remove the xattr, and make a directory opaque", false},
	[VIEW_FAULT_BAD_REDIRECT] = {"bad-redirect", "the value of the redirect is refused",
				     "remove the xattr, and make a directory opaque", false},
	[VIEW_FAULT_REDIRECT_LOOP] = {"redirect-loop", "redirects show a directory over and over", NULL, false},
	[VIEW_FAULT_BAD_OPAQUE] = {"bad-opaque", "overlay.opaque is neither y nor x, or not on a directory",
				   "remove the xattr", false},
	[VIEW_FAULT_BAD_IMPURE] = {"bad-impure", "overlay.impure isn't y, or not on a directory", "write y", false},
	[VIEW_FAULT_BAD_METACOPY] = {"bad-metacopy", "the value of overlay.metacopy is refused", NULL, false},
	[VIEW_FAULT_NO_DATA] = {"no-data", "no layer below has the data of this metacopy file", NULL, false},
	[VIEW_FAULT_OTHER_SIZE] = {"other-size", "the data of this metacopy file has another size", NULL, false},
	[VIEW_FAULT_BAD_ORIGIN] = {"bad-origin", "overlay.origin is no file handle", "remove the xattr", false},
	[VIEW_FAULT_DANGLING_ORIGIN] = {"dangling-origin", "overlay.origin leads to no object", "remove the xattr",
					false},
	[VIEW_FAULT_OTHER_ORIGIN] = {"other-origin", "overlay.origin leads to an object of another type",
				     "remove the xattr", false},
	[VIEW_FAULT_BAD_NLINK] = {"bad-nlink", "overlay.nlink is no count of links", NULL, false},
	[VIEW_FAULT_NLINK_MISMATCH] = {"nlink-mismatch", "the count in overlay.nlink doesn't fit the links", NULL,
				       false},
	[VIEW_FAULT_BAD_PROTATTR] = {"bad-protattr", "overlay.protattr has other letters than i and a",
				     "remove the xattr", false},
	[VIEW_FAULT_BAD_UUID] = {"bad-uuid", "overlay.uuid isn't 16 bytes on the root of an upper", "remove the xattr",
				 false},
	[VIEW_FAULT_BAD_INO] = {"bad-ino", "overlay.plyfs_ino is damaged", "remove the xattr", false},
	[VIEW_FAULT_SAME_INO] = {"same-ino", "two files have the same number in overlay.plyfs_ino", "remove the xattr",
				 false},
	[VIEW_FAULT_BAD_SOURCE] = {"bad-source", "overlay.plyfs_source is damaged", "remove the xattr", false},
	[VIEW_FAULT_BAD_OVERRIDE] = {"bad-override", "the stat override is malformed", NULL, false},
	[VIEW_FAULT_MIXED_DIALECTS] = {"mixed-dialects", "the layer has whiteouts as devices and as names", NULL,
				       false},
	[VIEW_FAULT_RESERVED_NAME] = {"reserved-name",
				      "the name begins with .wh. and is no whiteout, so it can't be exported", NULL,
				      false},
	[VIEW_FAULT_LOWER_CHANGED] = {"lower-changed", "it was changed after the union was mounted", NULL, false},
	[VIEW_FAULT_OTHER_LOWER] = {"other-lower", "the upper was used with another layer below", NULL, false},
	[VIEW_FAULT_STRAY_TEMP] = {"stray-temp", "a temp file is left", "remove it", true},
	[VIEW_FAULT_INDEX_NAME] = {"index-name", "the name of the index entry is no file handle", "remove the entry",
				   true},
	[VIEW_FAULT_INDEX_ORIGIN] = {"index-origin", "the index entry is a copy of another object", "remove the entry",
				     true},
	[VIEW_FAULT_INDEX_DANGLING] = {"index-dangling", "the index entry leads to no object", "remove the entry",
				       true},
	[VIEW_FAULT_INDEX_UPPER] = {"index-upper", "the index belongs to another upper", NULL, false},
	[VIEW_FAULT_BAD_NLINK_NOTE] = {"bad-nlink-note", "the note about removed links is malformed", "remove it",
				       true},
	[VIEW_FAULT_STATE] = {"state", "plyfs.state is damaged, or of a later version", "remove it", true},
	[VIEW_FAULT_VOLATILE] = {"volatile", "nothing was synced, and a mount is refused", "remove the directory",
				 true},
	[VIEW_FAULT_SAME_PATH] = {"same-path", "the archive has the path twice", NULL, false},
	[VIEW_FAULT_EMPTY_WHITEOUT] = {"empty-whiteout", "the whiteout names nothing, or its own directory", NULL,
				       false},
	[VIEW_FAULT_OPAQUE_ROOT] = {"opaque-root", "the root is opaque, which no union obeys", NULL, false},
	[VIEW_FAULT_DANGLING_LINK] = {"dangling-link", "the link leads to no file", NULL, false},
	[VIEW_FAULT_NO_DIRECTORY] = {"no-directory", "it lies in what is no directory", NULL, false},
	[VIEW_FAULT_DEVICE_ZERO] = {"device-zero", "the device is 0:0, which unions take for a whiteout", NULL, false},
	[VIEW_FAULT_UNSTORABLE_NAME] = {"unstorable-name", "no file system can store the name, or it leads out", NULL,
					false},
	[VIEW_FAULT_BAD_ARCHIVE] = {"bad-archive", "the archive can't be read to its end", NULL, false},
	[VIEW_FAULT_WRONG_DIGEST] = {"wrong-digest", "the layer isn't the one that the image names", NULL, false},
	[VIEW_FAULT_WRONG_SIZE] = {"wrong-size", "it hasn't the size that the image states", NULL, false},
	[VIEW_FAULT_NO_BLOB] = {"no-blob", "the layer isn't there", NULL, false},
};

static const struct fault *fault_at(enum view_fault fault)
{
	static const struct fault none = {"unknown", "unknown", NULL, false};

	return CHECK(fault < VIEW_FAULTS && faults[fault].name) ? &faults[fault] : &none;
}

const char *view_fault_name(enum view_fault fault)
{
	return fault_at(fault)->name;
}

const char *view_fault_text(enum view_fault fault)
{
	return fault_at(fault)->text;
}

const char *view_fault_remedy(enum view_fault fault)
{
	return fault_at(fault)->remedy;
}

bool view_fault_destroys(enum view_fault fault)
{
	return fault_at(fault)->destroys;
}
