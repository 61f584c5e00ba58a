# SPDX-License-Identifier: Apache-2.0
# title: where a file lies on the disk isn't told, and what asks for that goes on by holes
# labels: quick
# expect-diff: observations:.fiemap the FUSE side of the kernel has no FIEMAP

layers() {
	fill l1/low 20000
	truncate -s 1M l1/low
	fill upper/up 20000
}

scenario() {
	try sc fd open:low:r fiemap
	try sc fd open:up:r fiemap
	try cp --sparse=auto low copy
	try cmp low copy
	try sc fd open:copy:r extents
}
