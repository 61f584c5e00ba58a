# SPDX-License-Identifier: Apache-2.0
# title: entries of a setgid directory get its group, and directories the bit, also over whiteouts
# labels: quick

layers() {
	mkdir l1/dir
	put l1/dir/gone 1
	put l1/dir/gonedir/x 1
	chown 0:40 l1/dir
	chmod 2777 l1/dir
}

scenario() {
	try touch dir/f
	try mkdir dir/d dir/d/dd
	try ln -s x dir/l
	try sc mknod dir/p fifo 644
	try rm -r dir/gone dir/gonedir
	try touch dir/gone
	try mkdir dir/gonedir
	as 31:32 touch dir/f31
	as 31:32 mkdir dir/d31
	as 31:32 ln -s x dir/l31
	as 31:32 "$SC" mknod dir/p31 fifo 600
	as 31:32 "$SC" fd open:dir/sgid31:w,creat:2775 fstat
	as 31:32:40 "$SC" fd open:dir/sgid40:w,creat:2775 fstat
	as 31:32 rm dir/gone
	as 31:32 touch dir/gone
	stat_of '%n %F %a %u:%g' dir/* dir/d/*
}
