# SPDX-License-Identifier: Apache-2.0
# title: rename of one name onto another of the same inode does nothing
# labels: quick

layers() {
	put upper/a 1
	ln upper/a upper/b
}

scenario() {
	try sc rename a b
	try ls -A
	stat_of '%n %h' a b
	try sc rename a c
	stat_of '%n %h' b c
}
