# SPDX-License-Identifier: Apache-2.0
# title: a name that was missing is there as soon as it is made
# labels: quick

layers() {
	put l1/dir/file 1
}

scenario() {
	try cat new dir/new
	try sh -c 'echo a >new; mkdir d2; ln -s x d2/link; mv new dir/new'
	try cat new
	try cat dir/new
	try sc mknod new fifo 644
	try ls -A . dir d2
	try cat dir/file/below
	try ls dir/file/
}
