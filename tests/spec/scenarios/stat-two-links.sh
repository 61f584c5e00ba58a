# SPDX-License-Identifier: Apache-2.0
# title: names that are links to one inode show one number
# labels: quick

scenario() {
	try sh -c 'echo 1 >a; ln a b; ln a c'
	stat_of '%n %h' a b c
	check "one inode" test a -ef b -a b -ef c
	try sh -c 'echo more >>b; cat c'
	try rm a
	stat_of '%n %h' b c
	try mv b d
	stat_of '%n %h' c d
	check "still one inode" test c -ef d
}
