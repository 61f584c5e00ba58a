# SPDX-License-Identifier: Apache-2.0
# title: FICLONE answers with an error where files can't share blocks, and the file stays whole
# may-diff: clone:1 FUSE has no operation for FICLONE: the errno differs

layers() {
	fill l1/from 20000
}

scenario() {
	try sc fd open:from:r open:new:rw,creat use:0 clone:1
	try cp --reflink=auto from copy
	try cmp from copy
	stat_of '%n %s' new
}
