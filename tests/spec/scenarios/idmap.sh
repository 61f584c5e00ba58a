# SPDX-License-Identifier: Apache-2.0
# title: uidmapping and gidmapping show and store owners as the kernel does over layers on idmapped mounts
# labels: quick
# needs: setfacl getfacl
# not-mounted: yes

layers() {
	local i

	mkdir l1/dir l1/theirs l1/shared rw rw/upper rw/work
	chmod 777 l1 l1/dir rw/upper
	for i in 0 1 5 20 21 99 100 109 110 4294967294; do
		put l1/by-$i $i
		chown $i:$i l1/by-$i
	done
	ln -s target l1/link
	chown -h 5:100 l1/link
	sc mknod l1/fifo fifo 640
	chown 100:5 l1/fifo
	chown 5:5 l1/theirs
	chmod 700 l1/theirs
	put l1/theirs/x x
	chown 5:5 l1/theirs/x
	chown 1:100 l1/shared
	chmod 2775 l1/shared
	put l1/acl a
	setfacl -m u:1:r,u:105:rw,g:20:r,g:0:rwx l1/acl
	mkdir -m 777 l1/inherit
	setfacl -d -m u:20:rwx,g:109:r l1/inherit
	put l1/capable x
	setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 l1/capable
	put l1/gone 1
	put l1/gonedir/x 1
}

mounted() { union_idmapped 0:0:1 1:1001:20 100:5000:10; }

# idmap-both.sh has its own of these, and of mounted().
unmounted() {
	[ "$FS" != kernel ] || umount il1 irw
}

also() { :; }

scenario() {
	mounted
	cd merged
	stat_of '%n %a %u:%g' . * theirs/x
	try getfacl -cn acl
	try getfacl -cnd inherit
	also
	# as who the kernel checks
	as 1005:1005 cat theirs/x
	as 1006:1006 cat theirs/x
	as 1001:1001 cat acl
	as 5005:1 sh -c 'echo more >>acl'
	# what is made
	for i in 1001:1020 5000:5009 0:0; do
		as $i touch dir/f-$i
		as $i mkdir dir/d-$i
		as $i ln -s x dir/l-$i
		as $i "$SC" mknod dir/p-$i fifo 644
		as $i "$SC" fd open:dir/c-${i%:*}:w,creat:640 fstat
		as $i touch inherit/$i
		as $i ln dir/f-$i dir/h-$i
	done
	as 1001:1020:5000 touch shared/f
	as 1001:1020:5000 mkdir shared/d
	try rm -r gone gonedir
	as 1005:5002 mkdir gonedir
	as 1005:5002 touch gone
	stat_of '%n %a %u:%g %F' gone gonedir dir/* inherit/* shared/*
	try getfacl -cn inherit/1001:1020
	# what changes
	try sc chown by-1 1020 5009
	try sc chown by-5 -1 5000
	try sc chown by-20 1010 -1
	try sc chown link 5001 5001 nofollow
	try sc chown fifo 0 0
	try sc chown dir 1001 1001
	as 1002:1002 "$SC" chown by-100 1002 1002
	as 5000:5000:5003 chgrp 5003 by-100
	as 1001:1001 chmod 700 dir
	as 1005:1005 chmod 711 theirs
	try setfacl -m u:1015:rw,g:5001:r,u:1001:- acl
	try getfacl -cn acl
	try mv by-109 moved
	stat_of '%n %a %u:%g' . * theirs/x
	cd "$BASE"
	union_umount "$BASE/merged" || echo "FAIL: unmount"
	echo "--- the upper"
	(cd rw/upper && find . -mindepth 1 -printf '%p %m %U:%G\n' | sort)
	(cd rw/upper && getfacl -cn acl inherit/1001:1020 2>/dev/null)
	mounted
	(cd merged && stat_of '%n %a %u:%g' * dir/*)
	union_umount "$BASE/merged"
	unmounted
}
