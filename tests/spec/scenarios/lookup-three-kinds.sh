# SPDX-License-Identifier: Apache-2.0
# title: a directory above a file above a directory doesn't merge with the lowest
# labels: quick

layers() {
	put l1/x/top 1
	put l2/x "a file between"
	put l3/x/bottom 3
}

scenario() {
	try ls -A x
	try cat x/bottom
	try touch x/new
	try rm -r x
	try ls -A
	try mkdir x
	try ls -A x
}
