# SPDX-License-Identifier: Apache-2.0
# title: a write clears setuid and setgid unless a privileged process writes
# labels: quick

layers() {
	local f

	for f in other owner root trunc append empty; do
		put "l1/$f" "content"
		chown 31:32 "l1/$f"
		chmod 6777 "l1/$f"
	done
	cp -a l1/other l1/fallocate
	cp -a l1/other l1/range
}

scenario() {
	as 9:9 "$SC" fd open:other:w write:x fstat
	as 31:32 "$SC" fd open:owner:w write:x fstat
	try sc fd open:root:w write:x fstat
	as 31:32 "$SC" fd open:trunc:w ftruncate:3 fstat
	as 9:9 "$SC" fd open:append:w,append write:x fstat
	as 9:9 "$SC" fd open:empty:w,trunc fstat
	as 9:9 "$SC" fd open:fallocate:rw fallocate:none:0:10000 fstat
	as 9:9 "$SC" fd open:other:r open:range:rw use:0 copyto:1:0:0:5 use:1 fstat
	stat_of '%n %a' ./*
	try sc fd open:up:w,creat:4755 write:x fchown:31:32 fchmod:4777
	as 9:9 "$SC" fd open:up:rw pwrite:0:y fstat
	remount
	stat_of '%n %a' ./*
}
