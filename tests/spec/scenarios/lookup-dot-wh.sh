# SPDX-License-Identifier: Apache-2.0
# title: names that begin with .wh. are ordinary names
# labels: quick

layers() {
	put l1/.wh.lower "a file"
	put l2/lower "shows"
	mkdir -p l1/dir
	put l1/dir/.wh..wh..opq "a file"
	put l2/dir/below "shows"
}

scenario() {
	try ls -A . dir
	try cat lower .wh.lower dir/below
	try sh -c 'echo made >.wh.made; echo victim >made; cat .wh.made made'
	remount
	try ls -A . dir
	try cat lower made .wh.made
	try rm .wh.made .wh.lower
	try cat made lower
}
