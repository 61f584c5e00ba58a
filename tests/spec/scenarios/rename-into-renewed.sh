# SPDX-License-Identifier: Apache-2.0
# title: lower files and new directories go into and out of directories made over removed ones, also where the upper has no device whiteouts
# labels: quick
# not-mounted: yes

layers() {
	put l1/file low
	put l1/other low
	put l1/o/f low
	put l1/gone/f low
	put l1/again/f low
	mkdir -p m base above under
}

# On plyfs the upper lies on another plyfs, where nobody can make a device 0:0.
scenario() {
	local on=$BASE/base

	if [ "$FS" = plyfs ]; then
		mkdir above/u above/w
		mount_plyfs "$BASE/base" "lowerdir=$BASE/under,upperdir=$BASE/above/u,workdir=$BASE/above/w" && mount_minor base >>"$MINORS" || echo "FAIL: base"
	fi
	mkdir "$on/u" "$on/w"
	union "$BASE/m" "lowerdir=$BASE/l1,upperdir=$on/u,workdir=$on/w" || echo "FAIL: mount"
	cd m
	try rm -r o gone
	try mkdir o
	try sc rename file o/file
	try sc rename other o/other noreplace
	try sc mknod o/own reg 644
	try sc rename o/own again/own
	try mkdir o/dir
	try touch o/dir/new
	try sc rename o/dir gone
	try mkdir o/second
	try rm -r again
	try sc rename o/second again noreplace
	try sh -c 'grep -r . . | sort'
	try sh -c 'find . | sort'
	cd ..
	union_umount m || echo "FAIL: unmount"
	union "$BASE/m" "lowerdir=$BASE/l1,upperdir=$on/u,workdir=$on/w" || echo "FAIL: mount"
	try sh -c 'cd m && find . | sort'
	union_umount m || echo "FAIL: unmount"
	[ "$FS" = kernel ] || union_umount base || echo "FAIL: unmount"
}
