# SPDX-License-Identifier: Apache-2.0
# title: fifos, sockets, devices and files are made by mknod with owner, mode and number
# labels: quick

layers() {
	mkdir -m 777 l1/dir
	put l1/dir/was 1
}

scenario() {
	umask 0
	try sc mknod dir/fifo fifo 640
	try sc mknod dir/sock sock 751
	try sc mknod dir/file reg 4711
	try sc mknod dir/null chr 666 1 3
	try sc mknod dir/big blk 600 259 65537
	try sc mknod dir/null chr 666 1 3
	try rm dir/was
	try sc mknod dir/was fifo 600
	as 31:32 "$SC" mknod dir/theirs fifo 622
	as 31:32 "$SC" mknod dir/denied chr 666 1 3
	stat_of '%n %F %a %u:%g %t:%T %s' dir/*
	try sh -c 'echo discarded >dir/null'
	try sh -c 'cat dir/fifo & echo through the fifo >dir/fifo; wait'
}
