# SPDX-License-Identifier: Apache-2.0
# title: a copy that breaks a lower link has its own number and count, in listings and after an error too
# labels: quick

layers() {
	put l1/dir/a "data"
	ln l1/dir/a l1/dir/b
	ln l1/dir/a l1/dir/c
}

scenario() {
	try sc inodes dir
	stat_of '%n %h' dir/a dir/b dir/c
	try sh -c 'echo more >>dir/a'
	try sc inodes dir
	stat_of '%n %h' dir/a dir/b dir/c
	try sc xattr set dir/b nonsense.x 1
	stat_of '%n %h' dir/a dir/b dir/c
	try sc inodes dir
	check "two files" test ! dir/a -ef dir/b
}
