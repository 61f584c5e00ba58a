# SPDX-License-Identifier: Apache-2.0
# title: chown clears setuid and setgid, chmod by a stranger to the group clears setgid
# labels: quick

layers() {
	local f

	put l1/a 1
	put l1/b 1
	put l1/c 1
	chown 31:32 l1/?
	chmod 6755 l1/?
	mkdir -m 6755 l1/dir
	chown 31:32 l1/dir
	put l1/alien 1
	chown 31:99 l1/alien
	for f in roots mine stranger; do
		put "l1/$f" 1
		chown 31:32 "l1/$f"
		chmod 6755 "l1/$f"
	done
	chmod 644 l1/stranger
}

scenario() {
	try chown 5 a
	try chgrp 6 b
	as 31:32:40 chgrp 40 c
	try chown 5:6 dir
	stat_of '%n %a %u:%g' a b c dir
	as 31:32 chmod 2755 alien
	stat_of '%n %a' alien
	try chmod 2755 alien
	stat_of '%n %a' alien
	# A chown that changes neither id takes the bits too.
	as 9:9 "$SC" fd open:stranger:r fchown:-1:-1 fstat
	as 31:40 "$SC" fd open:mine:r fchown:-1:-1 fstat
	try sc fd open:roots:r fchown:-1:-1 fstat
	stat_of '%n %a' ./*
}
