# SPDX-License-Identifier: Apache-2.0
# title: layers on file systems of their own are merged, copied up and removed like any other

layers() {
	mkdir -p l2 l3
	mount -t tmpfs l2 l2
	mount -t tmpfs l3 l3
	fill l2/dir/two 100000
	put l3/dir/three 3
	put l1/dir/one 1
	setfattr -n user.a -v 1 l2/dir/two
	chown 5:6 l2/dir/two
	ln -s x l3/dir/link
	mkfifo l3/dir/fifo
}

scenario() {
	try ls -A dir
	try sh -c 'echo more >>dir/two; echo more >>dir/three; chmod 600 dir/fifo; chown -h 1:1 dir/link'
	try md5sum dir/two dir/three
	try sc xattr list dir/two
	stat_of '%n %u:%g %a' dir/*
	try mv dir/two dir/moved
	try rm -r dir
	try ls -A
}
