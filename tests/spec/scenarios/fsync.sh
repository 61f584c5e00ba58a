# SPDX-License-Identifier: Apache-2.0
# title: fsync, fdatasync and directory fsync succeed on files of every layer
# labels: quick

layers() {
	put l1/low "low"
	mkdir l1/dir
	mkfifo l1/fifo
}

scenario() {
	try sc fd open:low:r fsync fdatasync
	try sc fd open:low:rw write:x fsync fdatasync
	try sc fd open:new:rw,creat write:x fsync sh:'rm new' fsync
	try sc fd open:dir:r fsync fdatasync
	try sc fd open:.:r fsync
	try sc fd open:synced:w,creat,sync write:x
	try sync -f .
	try dd if=/dev/zero of=dsync bs=4k count=2 oflag=dsync status=none
}
