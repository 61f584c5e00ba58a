# SPDX-License-Identifier: Apache-2.0
# title: a removed directory that is still a working directory is empty and takes no names
# labels: quick

layers() {
	put l1/dir/file 1
	mkdir upper/up
}

scenario() {
	try sh -c 'cd dir && rm file && rmdir ../dir && ls -A && ! touch x 2>/dev/null && ! mkdir y 2>/dev/null && echo refused'
	try sh -c 'cd up && rmdir ../up && ls -A && ! touch x 2>/dev/null && echo refused'
	try ls -A
	try mkdir dir
	try ls -A dir
}
