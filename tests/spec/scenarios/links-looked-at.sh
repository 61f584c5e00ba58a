# SPDX-License-Identifier: Apache-2.0
# title: a file that loses one of two names while others look at it has the right count
# labels: quick
# may-diff: observations:.links.(made|refused) the kernel takes the name off a count that was told without it

layers() {
	mkdir -p l1/dir upper/dir
}

scenario() {
	try sc links dir 3000
}
