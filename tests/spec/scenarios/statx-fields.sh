# SPDX-License-Identifier: Apache-2.0
# title: blocks, block size and attributes of files of every layer and after changes
# labels: quick

layers() {
	fill l1/low 100k
	fill upper/up 100k
	truncate -s 1M l1/sparse
	put l1/d/x 1
	ln -s x l1/link
	mkfifo l1/fifo
	put l1/small 1
	mknod l1/dev b 7 3
}

scenario() {
	stat_of '%n %b %B %o %s %h %t:%T' low up sparse d link fifo small dev
	echo x >>low; sync low
	printf x | dd of=sparse bs=1 seek=500000 conv=notrunc status=none; sync sparse
	mv small s2
	mv link l2
	stat_of '%n %b %B %o %s %h' low sparse s2 l2
	fill new 8k; sync new
	stat_of '%n %b %B %o %s %h' new
	truncate -s 100 new
	stat_of '%n %b %B %o %s %h' new
	fallocate -l 1M new
	stat_of '%n %b %B %o %s %h' new
}
