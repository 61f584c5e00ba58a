# SPDX-License-Identifier: Apache-2.0
# title: on an upper without attributes a directory over a removed one answers EIO, and all else works
# plyfs-only: the kernel mounts such an upper read-only
# not-mounted: yes

layers() {
	mkdir -p m poor
	put l1/dir/f 1
	put l1/file 1
	put l1/other 1
}

scenario() {
	mount -t ramfs ramfs poor
	mkdir poor/u poor/w
	union "$BASE/m" "lowerdir=l1,upperdir=poor/u,workdir=poor/w" || echo "FAIL: mount"
	sed 's/^/said: /' m.log
	cd m
	try sh -c 'echo 2 >file; cat file; echo n >new; mkdir made; ls'
	try rm other
	try sh -c 'ls; cat other'
	try rm -r dir
	try mkdir dir
	try ls -A dir
	cd ..
	union_umount "$BASE/m"
	umount poor
}
