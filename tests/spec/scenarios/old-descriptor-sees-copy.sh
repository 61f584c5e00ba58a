# SPDX-License-Identifier: Apache-2.0
# title: a descriptor that was open before the copy-up reads the new data
# labels: quick

layers() {
	put l1/file "old content"
	put l1/big "x"
	truncate -s 1M l1/big
}

scenario() {
	try sc fd open:file:r read:3 open:file:rw pwrite:0:NEW use:0 pread:0:20 fstat fino:file
	try sc fd open:file:r sh:'echo more >>file' pread:0:40 fstat
	try sc fd open:big:r pread:500000:2 sh:'printf zz | dd of=big bs=1 seek=500000 conv=notrunc status=none' pread:500000:2
	try sc fd open:big:r sh:'chmod 600 big' fstat sh:'truncate -s 10 big' fstat
	try cmp "$BASE/l1/file" - <<<"old content"
}
