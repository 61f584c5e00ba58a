# SPDX-License-Identifier: Apache-2.0
# title: directories are made with mode, owner and umask, and refuse what exists
# labels: quick

layers() {
	mkdir -m 777 l1/dir
	put l1/dir/was-file 1
	put l1/dir/was-dir/inside 1
}

scenario() {
	try mkdir dir/a
	umask 027
	try mkdir dir/b
	umask 0
	try mkdir -m 1777 dir/c
	try mkdir dir/a dir/was-file dir/was-dir
	try mkdir dir/was-file/x missing/x
	as 31:32 mkdir dir/theirs
	as 31:32 mkdir denied
	stat_of '%n %F %a %u:%g' dir/*
	try mkdir -p dir/a/b/c/d
	try ls -AR dir/a
}
