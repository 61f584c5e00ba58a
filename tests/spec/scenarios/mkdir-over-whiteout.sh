# SPDX-License-Identifier: Apache-2.0
# title: a directory made where one was removed is empty, is marked opaque and stays empty after a remount
# labels: quick

layers() {
	put l1/dir/old1 1
	put l2/dir/old2 2
	put l2/dir/sub/deep 3
	put l1/file "was a file"
}

scenario() {
	try rm -r dir file
	try mkdir dir file
	try ls -A dir file
	try touch dir/new
	remount
	try ls -A dir file
	try cat dir/old1 dir/old2 dir/sub/deep
	try getfattr --only-values -n trusted.overlay.opaque "$BASE/upper/dir"
	try mkdir dir/sub
	try ls -A dir/sub
	try rm -r dir
	try mkdir dir
	try ls -A dir
}
