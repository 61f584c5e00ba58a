# SPDX-License-Identifier: Apache-2.0
# title: with whiteouts=both the forms of image layers and the kernel's hide names in any layer, mixed, over remounts
# labels: quick
# plyfs-only: an option of plyfs's own
# options: whiteouts=both

layers() {
	put l1/.wh.gone ""
	put l1/.wh.both ""
	put l1/both "of the same layer"
	put l1/.wh.tree ""
	put l1/tree/own "shown"
	whiteout l1/device
	put l1/forms/hidden ""
	truncate -s 0 l1/forms/hidden
	setfattr -n trusted.overlay.whiteout -v y l1/forms/hidden
	setfattr -n trusted.overlay.opaque -v x l1/forms
	put l1/fovl/own "shown"
	setfattr -n user.fuseoverlayfs.opaque -v y l1/fovl
	put l1/opq/.wh..wh..opq ""
	put l1/opq/own "shown"
	put l2/gone "hidden"
	put l2/both "hidden"
	put l2/tree/below "hidden"
	put l2/device "hidden"
	put l2/forms/hidden "hidden"
	put l2/forms/below "shown"
	put l2/fovl/below "hidden"
	put l2/opq/below "hidden"
	put l2/upper-hides "hidden"
	put l2/.wh.lowest ""
	put l2/lowest "shown"
	put l2/.wh..wh.plnk/x ""
	put upper/.wh.upper-hides ""
	put upper/.wh.again ""
	put l2/again/below "hidden"
}

names() {
	find . -mindepth 1 -printf '%P\n' | sort | tr '\n' ' '
}

scenario() {
	local all="both forms forms/below fovl fovl/own lowest opq opq/own tree tree/own "

	# By names first, so that no listing is known, then by listings.
	for name in gone device forms/hidden fovl/below opq/below tree/below upper-hides again .wh.gone opq/.wh..wh..opq; do
		check "$name is absent" test ! -e "$name"
	done
	check_equal "what shows" "$all" "$(names)"
	check_equal "a file beside its whiteout" "of the same layer" "$(cat both)"
	check_equal "the attribute is hidden" "" "$(getfattr -d -m - fovl 2>&1)"

	check "a hidden name can be made again" mkdir again upper-hides gone
	check "and what is in it" touch again/new
	check "a name can be removed and made again" rm both
	check "and its place is free" test ! -e both
	check "a merged directory moves into the upper" mkdir opq/new
	remount
	all="again again/new forms forms/below fovl fovl/own gone lowest opq opq/new opq/own tree tree/own upper-hides "
	check_equal "what shows after a remount" "$all" "$(names)"
	check "removed again" rm -r again upper-hides gone
	remount
	check_equal "still gone" "forms forms/below fovl fovl/own lowest opq opq/new opq/own tree tree/own " "$(names)"
	check "all can be removed" find . -mindepth 1 -delete
	remount
	check_equal "and stays so" "" "$(names)"
}
