# SPDX-License-Identifier: Apache-2.0
# title: a directory that holds attribute whiteouts is removed with all it shows
# labels: quick
# plyfs-only: the kernel counts the hidden names and answers ENOTEMPTY

layers() {
	mkdir -p l1/marked
	: >l1/marked/hidden
	setfattr -n trusted.overlay.whiteout -v y l1/marked/hidden
	setfattr -n trusted.overlay.opaque -v x l1/marked
	put l2/marked/hidden "must not show"
	put l2/marked/below "shows"
}

scenario() {
	check_equal "what shows" below "$(ls -A marked)"
	check "it is removed" rm -r marked
	check_equal "nothing is left" "" "$(ls -A)"
	mkdir marked
	remount
	check_equal "a new one is empty" "" "$(ls -A marked)"
}
