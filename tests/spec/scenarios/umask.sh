# SPDX-License-Identifier: Apache-2.0
# title: the umask takes bits from files, directories and nodes, also over whiteouts
# labels: quick

layers() {
	mkdir -m 777 l1/dir
	put l1/f 1
	put l1/d/x 1
	put l1/p 1
}

scenario() {
	try rm -r f d p
	umask 077
	try sc fd open:dir/f:w,creat:666 fstat
	try sc fd open:f:w,creat:6777 fstat
	try mkdir dir/d d
	try sc mknod dir/p fifo 640
	try sc mknod p fifo 777
	umask 002
	try sc fd open:dir/g:w,creat:666
	try mkdir dir/e
	try sc mknod dir/q fifo 666
	umask 777
	try sc fd open:dir/h:rw,creat:666 write:still
	as 31:32 "$SC" fd open:dir/i:rw,creat:666 write:still
	umask 000
	as 31:32 "$SC" fd open:dir/j:rw,creat:666 fstat
	stat_of '%n %a %u:%g' f d p dir/*
}
