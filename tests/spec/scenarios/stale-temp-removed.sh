# SPDX-License-Identifier: Apache-2.0
# title: what a crash left in the work directory is removed at the mount and never gets into a copy
# labels: quick

layers() {
	mkdir -p work/work/dir
	fill work/work/#1 100000 9
	fill work/work/#2 100000 9
	fill work/work/dir/x 1000
	mknod work/work/#3 c 0 0
	put l1/file "short"
	put l1/dir/x 1
}

scenario() {
	check_equal "nothing stale is left" "" "$(find "$BASE/work/work" -mindepth 1)"
	try sh -c 'echo more >>file; cat file'
	try rm -r dir
	try mkdir dir
	stat_of '%n %s' file
}
