# SPDX-License-Identifier: Apache-2.0
# title: of two linked lower names the written one gets the data and the other keeps its own
# labels: quick

layers() {
	put l1/a "old"
	ln l1/a l1/b
	mkdir l1/dir
	ln l1/a l1/dir/c
}

scenario() {
	stat_of '%n %h' a b dir/c
	try sh -c 'echo new >>a'
	try cat a
	remount
	try cat a
	try sh -c 'echo other >>dir/c; cat dir/c'
	try rm a
	try ls -A
}
