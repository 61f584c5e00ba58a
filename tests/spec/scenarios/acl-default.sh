# SPDX-License-Identifier: Apache-2.0
# title: a default ACL is inherited by files, directories, nodes and links, and the umask doesn't count
# labels: quick
# needs: setfacl getfacl

layers() {
	mkdir l1/dir
	setfacl -d -m u:9:rwx,g:40:rx,o::- l1/dir
	mkdir -m 777 l1/theirs
	setfacl -d -m u::rwx,g::rwx,o::rwx l1/theirs
	mkdir l1/tight
	setfacl -d -m u::rw,g::-,o::- l1/tight
}

scenario() {
	umask 077
	try sc fd open:dir/file:w,creat:666 fstat
	try mkdir -m 0777 dir/exact
	try mkdir dir/sub
	try sc mknod dir/fifo fifo 666
	try sc mknod dir/sock sock 777
	try sc mknod dir/null chr 666 1 3
	try sc mknod dir/reg reg 666
	try ln -s x dir/link
	try mkdir dir/sub/subsub
	try touch dir/sub/file
	stat_of '%n %a' dir/* dir/sub/*
	try getfacl -cn dir/file dir/sub dir/fifo dir/sub/subsub dir/sub/file
	as 31:32 "$SC" fd open:theirs/f:w,creat:666 fstat
	as 31:32 mkdir theirs/d
	stat_of '%n %a %u:%g' theirs/*
	try sc fd open:tight/f:w,creat:666 fstat
	try getfacl -cn tight/f
}
