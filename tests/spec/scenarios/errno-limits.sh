# SPDX-License-Identifier: Apache-2.0
# title: a file grows to the process's limit and to the file system's and no further, with EFBIG
# labels: quick
# expect-diff: upper:.cut\| a copy-up comes with the first change, not with the open

layers() {
	fill l1/file 4000
	fill l1/cut 4000
}

scenario() {
	# 16 blocks of 512 bytes; a write across the limit is cut short
	try sh -c 'ulimit -f 16; trap "" XFSZ; exec "$SC" fd open:file:rw pwrite:8190:0123456789 pwrite:8192:x pwrite:20000:x ftruncate:8193 ftruncate:8192 fallocate::0:20000 fallocate:keep:0:20000 fstat'
	try sh -c 'ulimit -f 16; trap "" XFSZ; exec "$SC" fd open:new:rw,creat pwrite:8192:x pwrite:8191:xy fstat'
	try sh -c 'ulimit -f 8; trap "" XFSZ; exec truncate -s 20000 cut'
	echo "by a signal:"
	sh -c 'ulimit -f 16; "$SC" fd open:file:rw pwrite:8192:x' >/dev/null 2>&1
	echo "status $?"
	try sc fd open:far:rw,creat ftruncate:0x7fffffffffffffff
	try sc fd open:far:rw,creat ftruncate:17592186040320 ftruncate:17592186044416 pwrite:17592186040319:xy pwrite:17592186044416:x fstat
	try sc fd open:far:rw,creat ftruncate:-1 fallocate::0:0 fallocate::-1:10
	rm -f far
}
