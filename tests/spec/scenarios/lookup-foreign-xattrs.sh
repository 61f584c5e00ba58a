# SPDX-License-Identifier: Apache-2.0
# title: overlay xattrs in the other namespace of attributes are ordinary attributes
# labels: quick

layers() {
	put l2/dir/below "shows"
	mkdir -p l1/dir
	setfattr -n user.overlay.opaque -v y l1/dir
	put l1/file "f"
	setfattr -n user.overlay.whiteout -v y l1/file
	setfattr -n user.overlay.metacopy -v y l1/file
	setfattr -n user.overlay.redirect -v /elsewhere l1/dir
}

scenario() {
	try ls -A . dir
	try sc xattr list dir
	try sc xattr get dir user.overlay.opaque
	try sc xattr list file
	try sc xattr set file user.overlay.own value
	try sc xattr get file user.overlay.own
	try sc xattr remove file user.overlay.whiteout
	try sc xattr list file
}
