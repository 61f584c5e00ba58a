# SPDX-License-Identifier: Apache-2.0
# title: the union's own attributes don't show, and a user's of the same name are kept escaped
# labels: quick

layers() {
	put l1/dir/file 1
	put l2/dir/other 1
	setfattr -n trusted.overlay.strange -v 1 l2/dir/other
	setfattr -n trusted.overlay.overlay.nested -v 2 l2/dir/other
	setfattr -n trusted.overlays -v 3 l2/dir/other
}

scenario() {
	try sc xattr list dir/other
	try sc xattr get dir/other trusted.overlay.strange
	try sc xattr get dir/other trusted.overlay.nested
	try sc xattr get dir/other trusted.overlays
	try sh -c 'echo more >>dir/file; echo more >>dir/other'
	try sc xattr list dir/file
	try sc xattr list dir/other
	try sc xattr list dir
	try sc xattr get dir trusted.overlay.impure
	try sc xattr get dir/file trusted.overlay.origin
	try sc xattr set dir trusted.overlay.opaque y
	try sc xattr get dir trusted.overlay.opaque
	try sc xattr list dir
	try ls -A dir
	try getfattr --only-values -n trusted.overlay.overlay.opaque "$BASE/upper/dir"
	remount
	try ls -A dir
	try sc xattr get dir trusted.overlay.opaque
	try sc xattr remove dir trusted.overlay.opaque
	try sc xattr list dir
	try sc xattr remove dir/other trusted.overlay.nested
	try sc xattr list dir/other
}
