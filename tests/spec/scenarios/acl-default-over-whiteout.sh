# SPDX-License-Identifier: Apache-2.0
# title: what is made over a whiteout inherits the default ACL and ignores the umask like anything else
# labels: quick
# needs: setfacl getfacl

layers() {
	put l1/dir/f 1
	put l1/dir/d/x 1
	put l1/dir/p 1
	put l1/dir/l 1
	setfacl -d -m u:9:rwx,g::rx,o::r l1/dir
}

scenario() {
	umask 077
	try rm -r dir/f dir/d dir/p dir/l
	try sc fd open:dir/f:w,creat:666 fstat
	try mkdir dir/d
	try sc mknod dir/p fifo 640
	try ln -s x dir/l
	stat_of '%n %F %a' dir/*
	try getfacl -cn dir/f dir/d dir/p
	try touch dir/d/inside
	try getfacl -cn dir/d/inside
}
