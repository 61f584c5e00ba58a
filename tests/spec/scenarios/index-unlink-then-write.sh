# SPDX-License-Identifier: Apache-2.0
# title: one of three linked lower names is removed, another written: the count and the data are right over a remount
# labels: quick
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off

layers() {
	put l1/a "old"
	ln l1/a l1/b
	mkdir l1/dir
	ln l1/a l1/dir/c
}

scenario() {
	try rm a
	stat_of '%n %h' b dir/c
	remount
	stat_of '%n %h' b dir/c
	try sh -c 'echo new >>dir/c'
	stat_of '%n %h' b dir/c
	remount
	try cat b dir/c
	stat_of '%n %h' b dir/c
	try rm b
	stat_of '%n %h' dir/c
	remount
	stat_of '%n %h' dir/c
	try cat dir/c
	try rm dir/c
	check_equal "its copy went with the last name" "" "$(ls -A "$BASE/work/index" | grep -v '^#')"
	remount
	try ls -AR
}
