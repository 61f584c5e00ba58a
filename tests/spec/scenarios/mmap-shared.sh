# SPDX-License-Identifier: Apache-2.0
# title: a shared mapping writes to the file and sees what others write
# labels: quick

layers() {
	fill upper/up 8192
	fill l1/low 8192
}

scenario() {
	try sc fd open:up:rw mmap:rw:8192 store:100:stored show:98:10 sh:'printf PUT | dd of=up bs=1 seek=200 conv=notrunc status=none' show:198:6 msync
	try md5sum up
	try sc fd open:low:rw mmap:rw:8192 store:5000:mapped msync pread:4998:10
	try md5sum low
	try sc fd open:up:r mmap:rw:4096
	try sc fd open:up:r mmap:r:4096 show:100:6
}
