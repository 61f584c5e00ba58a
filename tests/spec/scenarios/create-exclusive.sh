# SPDX-License-Identifier: Apache-2.0
# title: O_CREAT and O_EXCL see names of every layer, and a whiteout as no name
# labels: quick
# expect-diff: upper:.low\| the copy-up comes with the first change, not with the open

layers() {
	put l1/low "low"
	put upper/up "up"
	put l1/gone "gone"
	ln -s nowhere l1/dangling
	mkdir l1/dir
}

scenario() {
	try rm gone
	try sc fd open:low:w,creat,excl
	try sc fd open:up:w,creat,excl
	try sc fd open:dangling:w,creat,excl
	try sc fd open:dir:w,creat,excl
	try sc fd open:gone:rw,creat,excl:600 write:new pread:0:10 fstat
	try sc fd open:fresh:rw,creat,excl:4755 write:x fstat
	try sc fd open:low:rw,creat:600 read:10 fstat
	try sc fd open:dangling:rw,creat:640 write:through
	try cat nowhere
	try sc fd open:dir/x/y:w,creat
	try sc fd open:readonly:rw,creat:0444 write:still fstat
	as 9:9 "$SC" fd open:denied:w,creat
	try ls -A
}
