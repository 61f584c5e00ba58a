# SPDX-License-Identifier: Apache-2.0
# title: O_DIRECT reads and writes agree with buffered ones
# labels: quick

layers() {
	fill l1/file 64k
	fill l1/odd 5000
}

scenario() {
	try sc fd open:file:r,direct dread:4096:4096
	try sc fd open:file:rw,direct dwrite:8192:4096 dread:8192:4096 open:file:r pread:8190:8 use:0 dread:0:65536
	try md5sum file
	try sc fd open:new:rw,creat,direct dwrite:0:8192 fstat
	try sc fd open:new:rw open:new:rw,direct use:0 pwrite:10:buffered use:1 dread:0:4096
	try sc fd open:odd:r,direct dread:4096:4096
	try md5sum new
}
