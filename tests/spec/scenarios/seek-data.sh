# SPDX-License-Identifier: Apache-2.0
# title: SEEK_DATA and SEEK_HOLE find the same ranges in the lower, after copy-up and in new files
# labels: quick

layers() {
	truncate -s 1M l1/sparse
	printf 'data' | dd of=l1/sparse bs=4096 seek=64 conv=notrunc status=none
	fill l1/full 20000
	truncate -s 64k l1/hole
	: >l1/empty
}

scenario() {
	try sc fd open:sparse:r extents seek:data:0 seek:hole:0 seek:data:300000 seek:hole:2000000
	try sc fd open:full:r extents seek:hole:0 seek:data:19999 seek:data:20000
	try sc fd open:hole:r extents seek:data:0
	try sc fd open:empty:r extents seek:data:0
	try sc fd open:sparse:rw pwrite:0:x fsync seek:data:0 pread:262144:4 seek:hole:2000000
	try sc fd open:new:rw,creat pwrite:1048576:x pwrite:0:y fsync extents
}
