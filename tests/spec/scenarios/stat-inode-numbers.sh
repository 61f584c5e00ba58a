# SPDX-License-Identifier: Apache-2.0
# title: readdir and stat agree about each entry's type and number, and one device holds all
# labels: quick

layers() {
	put l1/dir/a 1
	put l2/dir/b 2
	mkdir -p l2/dir/sub l1/dir/sub l2/dir/low upper/dir
	ln -s x l2/dir/link
	mkfifo l2/dir/fifo
	mknod l2/dir/null c 1 3
	put upper/dir/up 3
}

scenario() {
	try sc inodes dir
	try sh -c 'echo more >>dir/b; touch dir/new; mkdir dir/made; chown -h 1:1 dir/link; rm dir/a'
	try sc inodes dir
	try sc inodes dir/sub
	try sc inodes dir/made
}
