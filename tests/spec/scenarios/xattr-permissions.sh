# SPDX-License-Identifier: Apache-2.0
# title: owners, modes and types kept in attributes are those that the kernel shows of the real ones
# labels: quick
# needs: setfattr getfattr
# not-mounted: yes

layers() {
	mkdir -m 777 l1/dir
	put l1/a a
	chown 5:6 l1/a
	chmod 4711 l1/a
	put l1/secret s
	chmod 0 l1/secret
	chown 31:32 l1/secret
	sc mknod l1/null chr 666 1 3
	sc mknod l1/loop blk 640 7 200
	sc mknod l1/fifo fifo 620
	chown 31:32 l1/fifo
	sc mknod l1/sock sock 711
	ln -s a l1/link
	chown -h 31:32 l1/link
	mkdir -m 2770 l1/group
	chown 5:40 l1/group
	put l1/group/x x
	put l1/gone g
	put l1/gonedir/x x
	put l1/cap c
	setfattr -n security.capability -v 0x0100000200040000000000000000000000000000 l1/cap
	setfattr -n user.mine -v 1 l1/cap
	setfattr -n trusted.mine -v 2 l1/cap
	put l1/two 2
	ln l1/two l1/names
	chmod 555 upper
}

over() {
	local b=$BASE options=

	[ "$FS" = kernel ] || options=,xattr_permissions=$1
	union "$b/merged" "lowerdir=$b/l1,upperdir=$b/upper,workdir=$b/work$options"
	cd merged
}

leave() {
	cd "$BASE"
	union_umount "$BASE/merged" || echo "FAIL: unmount"
}

look() {
	stat -c '%n %F %a %u:%g %t:%T %s %h' . $(find . -mindepth 1 ! -type d | sort)
	stat -c '%n %F %a %u:%g' $(find . -mindepth 1 -type d | sort)
	find . -mindepth 1 -printf '%y %p\n' | sort
}

change() {
	# copy-up by each way
	try chmod 4755 a
	try sh -c 'echo more >>secret'
	try chown 7:8 null
	try sc chmod loop 600
	try sc chown fifo -1 77
	try sc utimens sock 1000000000 1100000000
	try sc chown link 41 42 nofollow
	try mv group group2
	try sh -c 'echo y >group2/x'
	try sc xattr set cap user.more 3
	try chmod 600 two
	# what is made
	umask 027
	as 31:32 touch dir/f
	as 31:32 mkdir dir/d
	as 31:32 ln -s x dir/l
	as 31:32 "$SC" mknod dir/fifo fifo 666
	as 31:32 "$SC" mknod dir/sock sock 777
	try sc mknod dir/chr chr 660 5 1
	try sc mknod dir/blk blk 660 8 17
	as 31:32:40 touch group2/f
	as 31:32:40 mkdir group2/d
	as 31:32:40 "$SC" mknod group2/p fifo 644
	as 31:32 "$SC" fd open:dir/made:rw,creat,excl:4640 fstat
	try rm -r gone gonedir
	try mkdir gonedir
	as 31:32 touch dir/gone
	try sc mknod gone fifo 600
	try ln dir/fifo dir/fifo2
	try ln dir/f dir/f2
	try mv dir/chr dir/chr2
	try sh -c 'echo swallowed >dir/chr2 2>/dev/null; true'
	# what changes
	as 31:32 chmod 6711 dir/f
	try sc chown dir/f 9 10
	as 31:32 chmod 0 dir/d
	as 31:32 touch dir/d/x
	as 31:32 chown 33 dir/fifo
	try sc chown dir/sock 33 34
	try sc chmod dir/blk 0
	as 31:32:40 chgrp 40 dir/made
	as 33:34 cat dir/made
	try sc xattr set dir/gone trusted.x 1
	try sc xattr set dir/gone security.foo 2
	try sc xattr list dir/gone
	try sc xattr list cap
	try sc xattr get cap trusted.mine
	try sc xattr get cap security.capability
	try sh -c 'echo x >>cap'
	try sc xattr list cap
	try sh -c 'timeout 5 cat fifo & echo through >fifo; wait'
	umask 022
}

scenario() {
	local n

	for n in 2 1; do
		over $n
		look
		change
		look
		leave
		over $n
		echo "--- after a remount"
		look
		leave
		if [ "$FS" = plyfs ]; then
			# nothing of it shows on disk
			find upper -mindepth 1 ! -type l ! \( -type c -links +0 -perm 0 \) \( ! -perm 0755 -o ! -uid 0 -o ! -gid 0 \) -printf 'FAIL: %p really is %m %U:%G\n'
			find upper -mindepth 1 ! -type d ! -type f ! -type l ! \( -type c -perm 0 \) -printf 'FAIL: %p really is a %y\n'
		fi
		rm -rf upper work/*
		mkdir upper
		chmod 555 upper
	done
}
