# SPDX-License-Identifier: Apache-2.0
# title: reads and writes at any place and size give what was written
# labels: quick

layers() {
	fill l1/file 300000
}

scenario() {
	try sc fd open:file:rw pread:299990:100 pread:300000:10 pread:999999:10 pwrite:299998:abcdef pread:299990:100 fstat
	try sc fd open:file:rw pwrite:400000:far fstat pread:350000:10
	try md5sum file
	try dd if=/dev/zero of=file bs=1000 seek=100 count=50 conv=notrunc status=none
	try md5sum file
	try sh -c 'cp file copy; cmp file copy && echo equal'
	try sh -c 'dd if=file of=copy bs=77 skip=3 seek=9 count=999 conv=notrunc status=none; md5sum copy'
	try sc fd open:copy:w pwrite:0:x read:5
	try sc fd open:file:r pread:0:1048576 | tail -c 1000 | md5sum
}
