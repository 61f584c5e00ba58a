# SPDX-License-Identifier: Apache-2.0
# title: linked names that lie in two layers of one file system are one file
# labels: quick
# options: index=on
# kernel-options: index=on,redirect_dir=off,metacopy=off,xino=off
# may-diff: ^upper:.below/[bd] which of the names has its link in the upper first: FUSE tells the inode alone

layers() {
	put l1/top/a "shared"
	mkdir l2
	put l2/below/b "below"
	ln l1/top/a l2/below/c
	ln l2/below/b l2/below/d
}

scenario() {
	stat_of '%n %h' top/a below/b below/c below/d
	check "one inode" test top/a -ef below/c
	try rm top/a
	try cat below/c
	stat_of '%n %h' below/c
	try sh -c 'echo more >>below/c; echo more >>below/d'
	remount
	try cat below/b below/c below/d
	stat_of '%n %h' below/b below/c below/d
}
