# SPDX-License-Identifier: Apache-2.0
# title: reading, stat, listing and a symlink to a file copy nothing up
# labels: quick
# expect-diff: upper:.dir(/file)?\| the copy-up comes with the first change, not with the open

layers() {
	fill l1/dir/file 100000
	fill l2/dir/other 100000 2
	ln -s file l2/dir/link
	setfattr -n user.a -v 1 l2/dir/other
}

scenario() {
	try md5sum dir/file dir/other dir/link
	try sc fd open:dir/file:r fstat mmap:r:4096 seek:data:0 extents fsync
	try sc xattr list dir/other
	try sc flags dir/file >/dev/null
	try ls -A dir
	check_equal "the upper is empty" "" "$(ls -A "$BASE/upper")"
	try ln -s dir/file symlink
	check_equal "the upper holds the new name alone" "symlink" "$(ls -A "$BASE/upper")"
	try sc fd open:dir/file:rw close
	try cmp "$BASE/l1/dir/file" dir/file
}
