# SPDX-License-Identifier: Apache-2.0
# title: a call that is refused copies nothing up, where the kernel's doesn't
# labels: quick

layers() {
	local n
	for n in chmod chown setx create replace rm trunc link rename write utime acl falloc mk; do
		put l1/$n 1
		setfattr -n user.a -v 1 l1/$n
	done
	put l1/dir/f 1
	mkdir -p l1/sticky
	chmod 1777 l1/sticky
	put l1/sticky/f 1
	put l1/own/f 1
	chown 1000:1000 l1/own
}

scenario() {
	as 1000:1000 sh -c '
		chmod 600 chmod; chown 1000 chown; sc=$1; $sc xattr set setx user.b 1; $sc xattr remove rm user.a
		: >trunc; ln link link2; mv rename rename2; echo 1 >write; touch -d @1 utime; mkdir mk/x; rm rm; touch dir/new; mkdir dir/new
		mv sticky/f sticky/g; rm -f sticky/f; mv sticky/f own/g; ln -s x dir/s; mknod dir/p p; rmdir dir' sh "$SC"
	sc xattr set create user.a 2 create
	sc xattr set replace user.nothing 2 replace
	sc xattr remove rm user.nothing
	sc fd open:falloc:r fallocate:0:0:10
	try mkdir dir
	try rmdir dir
	sc rename dir write
	sc rename write dir
	sc rename write write/x
	sc rename dir dir/x
	try truncate -s -5 write
	sc mknod write reg 0644
	try ln link write
	try ln -s link write
}
