# SPDX-License-Identifier: Apache-2.0
# title: collapsing and inserting a range work where the kernel lets FUSE pass them
# expect-diff: -> the FUSE kernel side refuses FALLOC_FL_COLLAPSE_RANGE and FALLOC_FL_INSERT_RANGE
# may-diff: file\| what comes of it

layers() {
	fill l1/file 64k
}

scenario() {
	try sc fd open:file:rw fallocate:collapse:4096:4096
	try sc fd open:file:rw fallocate:insert:4096:8192
}
