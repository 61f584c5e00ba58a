# SPDX-License-Identifier: Apache-2.0
# title: fallocate in each mode does what the upper's file system does
# labels: quick
# expect-diff: upper:.other\| the copy-up comes with the first change, not with the open

layers() {
	fill l1/file 64k
	fill l1/other 64k 2
}

scenario() {
	try sc fd open:file:rw fallocate:none:60000:100000 fstat
	try sc fd open:file:rw fallocate:keep:160000:100000 fstat
	try sc fd open:file:rw fallocate:punch,keep:8192:8192 pread:8190:6 fstat seek:hole:0
	try sc fd open:file:rw fallocate:zero:16384:4096 pread:16382:6 fstat
	try sc fd open:file:rw fallocate:zero,keep:160000:9000 fstat
	try sc fd open:other:r fallocate:none:0:4096
	try sc fd open:other:rw fallocate:none:0:0
	try sc fd open:other:rw fallocate:punch:0:4096
	try md5sum file other
}
