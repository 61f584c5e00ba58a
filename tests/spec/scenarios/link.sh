# SPDX-License-Identifier: Apache-2.0
# title: link makes a second name for files of any type and layer, also over a whiteout
# labels: quick

layers() {
	put l1/low "low"
	put upper/up "up"
	ln -s target l1/symlink
	mkfifo l1/fifo
	put l1/gone "gone"
	mkdir l1/dir
	chown 5:6 l1/low
}

scenario() {
	try ln low low2
	try ln up up2
	try ln -P symlink symlink2
	try ln fifo fifo2
	try rm gone
	try ln low gone
	try ln low dir/low3
	stat_of '%n %h %u:%g' low low2 gone dir/low3 up up2 symlink2 fifo2
	try sh -c 'echo more >>low2; cat low gone dir/low3'
	try ln low up
	try ln dir dir2
	try ln missing x
	try ln low missing/x
	as 9:9 ln low mine
	try rm low
	stat_of '%n %h' low2
	try cat low2
	remount
	try cat low2 gone dir/low3
	stat_of '%n %h' low2 up
}
