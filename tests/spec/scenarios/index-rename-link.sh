# SPDX-License-Identifier: Apache-2.0
# title: a linked lower name is renamed, before and after the file was written, and over others
# labels: quick
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off

layers() {
	put l1/a "old"
	ln l1/a l1/b
	ln l1/a l1/c
	ln l1/a l1/d
	put l1/other "other"
	ln l1/other l1/twin
}

scenario() {
	try mv a x
	stat_of '%n %h' x b c d
	check "one inode" test x -ef b
	try sh -c 'echo new >>c'
	try cat x b c d
	try mv b y
	stat_of '%n %h' x y c d
	remount
	try cat x y c d
	stat_of '%n %h' x y c d
	try mv other d
	stat_of '%n %h' x y c d twin
	try mv c twin
	stat_of '%n %h' x y d twin
	remount
	stat_of '%n %h' x y d twin
	try cat x y d twin
	try ls -A
}
