# SPDX-License-Identifier: Apache-2.0
# title: a user can't make a 0:0 character device, which would be a whiteout
# labels: quick

layers() {
	put l1/victim 1
	mkdir l1/dir
}

scenario() {
	try sc mknod made chr 644 0 0
	try sc mknod dir/made chr 644 0 0
	try sc mknod blk blk 644 0 0
	try sc mknod nearly chr 644 0 1
	try ls -A
	try rm victim
	try sc mknod victim chr 0 0 0
	try ls -A
	try sc rename nearly moved whiteout
	try sh -c 'ls -A; echo 1 >f'
	try sc rename f g whiteout
	try ls -A
}
