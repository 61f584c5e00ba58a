# SPDX-License-Identifier: Apache-2.0
# title: copy_file_range copies between files of any layer
# labels: quick

layers() {
	fill l1/from 200000
	fill l1/to 1000 2
}

scenario() {
	try sc fd open:from:r open:new:rw,creat use:0 copyto:1:0:0:200000 use:1 fstat
	try cmp from new
	try sc fd open:from:r open:to:rw use:0 copyto:1:50000:500:1000 use:1 fstat
	try sc fd open:new:rw copyto:0:0:300000:1000 fstat
	try sc fd open:from:r open:to:r use:0 copyto:1:0:0:10
	try sc fd open:from:r open:to:rw use:0 copyto:1:999999:0:10
	try md5sum from to new
	upper_has from
}
