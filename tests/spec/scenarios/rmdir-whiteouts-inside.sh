# SPDX-License-Identifier: Apache-2.0
# title: a merged directory that holds only whiteouts is removed and leaves one whiteout
# labels: quick

layers() {
	put l1/dir/a 1
	put l2/dir/b 2
	put l2/dir/sub/c 3
	put upper/dir/d 4
	whiteout l1/hidden/x
	put l2/hidden/x 1
}

scenario() {
	try rmdir dir
	try rm dir/a dir/b dir/d dir/sub/c
	upper_has dir/sub/c
	try rmdir dir/sub
	upper_has dir/sub
	try ls -A dir
	try rmdir dir
	upper_has dir
	try rmdir hidden
	upper_has hidden
	try ls -A
	try mkdir dir
	try ls -A dir
}
