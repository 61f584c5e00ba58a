# SPDX-License-Identifier: Apache-2.0
# title: truncate of a lower file to less, to more and to nothing keeps what it must
# labels: quick

layers() {
	fill l1/shrink 100000
	fill l1/grow 1000 2
	fill l1/empty 100000 3
	fill l1/same 5000 4
	put l1/readonly "abc"
	chmod 444 l1/readonly
}

scenario() {
	try truncate -s 5000 shrink
	try truncate -s 100000 grow
	try truncate -s 0 empty
	try truncate -s 5000 same
	stat_of '%n %s %a' ./*
	try md5sum shrink grow empty same
	mtime_of shrink
	as 1:1 truncate -s 0 readonly
	try truncate -s -5 readonly
	try sc fd open:grow:r ftruncate:5
	try truncate -s 1 missing/x
}
