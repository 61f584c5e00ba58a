# SPDX-License-Identifier: Apache-2.0
# title: FS_IOC_FSGETXATTR answers for files of every layer
# labels: quick

layers() {
	put l1/low 1
	put upper/up 1
}

scenario() {
	try sc fsxattr low
	try sc fsxattr up
	try sc flags up +d
	try sc fsxattr up
	try sc fsxattr .
}
